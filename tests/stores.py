"""A real server that speaks S3, for tests: moto's, in a process of its own on 127.0.0.1, and a gate before it."""

import os
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from api.batch.store import Store

PROGRAM = Path(__file__).parent.parent / ".venv-servers" / "bin" / "moto_server"
SECRET = "canary-of-the-store"  # noqa: S105
"""What nobody may be told."""
LIMIT = 30.0
"""Seconds that the server may need to start."""


class StoreServer:
    """A server of our own, which forgets everything when it ends."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def make_bucket(self) -> str:
        """A new bucket; gives the address of a folder in it."""
        name = f"psoas-{uuid.uuid4().hex}"
        httpx.put(f"{self.address}/{name}").raise_for_status()
        return f"s3://{name}/some/folder"

    def halt(self) -> None:
        """Let it answer nobody for a while."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self.process.send_signal(signal.SIGCONT)


class Gate:
    """A port through which a server is reached, unless it is shut: then nobody listens there."""

    def __init__(self, port: int) -> None:
        self._behind, self._open = port, list[socket.socket]()
        self._listening: socket.socket | None = None
        self.port = find_port()

    def open(self) -> None:
        """Let everybody through."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._take, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        """Let nobody through any more, and cut off who is under way."""
        listening, self._listening = self._listening, None
        if listening is not None:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _take(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", self._behind))
                self._open += [caller, server]
                for pair in ((caller, server), (server, caller)):
                    threading.Thread(target=hand_on, args=pair, daemon=True).start()


def hand_on(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes, until one side is gone."""
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def find_port() -> int:
    """A port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something listens at a port."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving_store() -> Iterator[StoreServer]:
    """A server, for as long as it is needed; the test is skipped where it is not installed."""
    if not PROGRAM.exists():
        pytest.skip("moto is not installed: make .venv-servers/stamp")
    port = find_port()
    with subprocess.Popen(
        [PROGRAM, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS": "true"},
    ) as process:
        try:
            end = time.monotonic() + LIMIT
            while not answers(port):
                assert time.monotonic() < end
                time.sleep(0.05)
            yield StoreServer(process, port)
        finally:
            process.kill()


class Stored(NamedTuple):
    """A new folder in a store."""

    server: StoreServer
    url: str
    settings: dict[str, Any]
    """Settings that all processes share which use it."""

    @classmethod
    def make(cls, server: StoreServer) -> "Stored":
        """A new folder in a new bucket."""
        url = server.make_bucket()
        return cls(server, url, {"spool_url": url, "secret": "the same for all machines " * 2})

    def list_names(self) -> list[str]:
        """What lies in it, with the ids of batches left out."""
        return sorted(one.key.partition("/")[2] for one in Store(self.url).walk())

    def list_keys(self) -> list[str]:
        """What lies in it."""
        return sorted(one.key for one in Store(self.url).walk())

    def count_begun(self) -> int:
        """How many uploads were begun and neither finished nor given up."""
        bucket = self.url.split("/")[2]
        told = httpx.get(f"{self.server.address}/{bucket}?uploads").raise_for_status().text
        return told.count("<UploadId>")


def name_store(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Say in the environment how the store is reached."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "psoas")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def list_scratch(folder: Path) -> list[str]:
    """What processes have at hand in the scratch folders of a data folder, of which each has one."""
    around = folder / "scratch"
    return sorted(str(path.relative_to(around)) for path in around.glob("*/*"))
