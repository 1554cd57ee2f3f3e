"""A real Redis in which processes count together, on a socket of its own, and requests that are counted there."""

import asyncio
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from redis import Redis, RedisError

PROGRAM = Path(__file__).parent.parent / ".venv-servers" / "bin" / "redis-server"
PASSWORD = "canary-of-a-password"  # noqa: S105  # one that logs are searched for
PATIENTLY = """
from api import rates
rates.PATIENCE = 10.0
"""
"""Makes a process wait for Redis however busy the machine is."""


class Counting:
    """A Redis server of our own, which can be held up, killed and started again; it keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self.address = f"unix://{self._socket}?password={PASSWORD}"
        self.asked = Redis.from_url(self.address, decode_responses=True)
        """A connection to look into it."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command: list[str | Path] = [PROGRAM, "--port", "0", "--unixsocket", self._socket]
        command += ["--requirepass", PASSWORD, "--maxmemory-policy", "noeviction"]
        command += ["--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(500):
            try:
                self.asked.ping()
            except RedisError:
                time.sleep(0.01)
            else:
                return
        raise RuntimeError("Redis does not answer")

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        """End it at once."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def holding_up(self) -> Iterator[None]:
        """Take connections, but answer nothing, as a host does that is far too busy."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def filling_up(self) -> Iterator[None]:
        """Have no room for anything more."""
        self.asked.config_set("maxmemory", "1")
        try:
            yield
        finally:
            self.asked.config_set("maxmemory", "0")

    def read_all(self) -> dict[str, str]:
        """All that it holds."""
        names = [str(name) for name in self.asked.scan_iter()]
        return {name: str(self.asked.get(name)) for name in names}


@contextmanager
def counting() -> Iterator[Counting]:
    """A Redis server, for as long as it is needed."""
    if not PROGRAM.exists():
        pytest.skip("Redis is not installed; `make .venv-servers/stamp` does that")
    with tempfile.TemporaryDirectory(prefix="psoas-redis-") as name:
        server = Counting(Path(name))
        try:
            server.start()
            yield server
        finally:
            server.asked.close()
            server.kill()


async def ask(app: FastAPI, peer: str, key: str = "") -> httpx.Response:
    """Ask an app for something that costs next to nothing, from an address."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    transport = httpx.ASGITransport(app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/model/psoas", headers=headers)


async def ask_all(apps: list[FastAPI], times: int, peer: str, key: str = "") -> list[int]:
    """What each app in turn answers, so many times, all at once; sorted."""
    turns = [apps[number % len(apps)] for number in range(times)]
    answers = await asyncio.gather(*[ask(app, peer, key) for app in turns])
    return sorted(answer.status_code for answer in answers)
