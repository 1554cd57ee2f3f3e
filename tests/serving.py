"""The command `psoas` on a database: here, or as a service in a process of its own on 127.0.0.1."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from stores import find_port
from typer.testing import CliRunner, Result

from api.cli import cli

PSOAS = Path(sys.executable).with_name("psoas")


def name_settings(storage: dict[str, Any], **changed: Any) -> dict[str, str]:
    """The environment that says the same as these settings."""
    wanted = {"rate_per_key": 0, "rate_per_address": 0, **storage, **changed}
    named = {f"PSOAS_{name.upper()}": str(value) for name, value in wanted.items()}
    return {**os.environ, "PYTHONWARNINGS": "error", **named}


def psoas(storage: dict[str, Any], *words: str, **environment: str) -> Result:
    """What a command says on a database; it runs in this process, and any failure that it does not tell is raised."""
    named = {**name_settings(storage), **environment}
    said = CliRunner().invoke(cli, words, env=named)
    if said.exception is not None and not isinstance(said.exception, SystemExit):
        raise said.exception
    return said


class Serving:
    """A service in a process of its own, with its workers in a group of processes of their own."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.process, self.address = process, address

    def wait(self) -> None:
        """Wait until it answers."""
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                httpx.get(f"{self.address}/healthz", timeout=10)
            except httpx.TransportError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("the service does not answer")

    def kill(self) -> None:
        """End it at once, workers and all, without a word."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(
    storage: dict[str, Any], log: Path, first: str = "", **changed: Any
) -> Iterator[Serving]:
    """`psoas serve` on a database, for as long as it is needed; what it says is added to a log.

    `first` is a program that its process runs before; `port` is any that is free unless it is named.
    """
    port = changed.pop("port", None) or find_port()
    with log.open("ab") as said:
        process = subprocess.Popen(
            name_command(first, "serve", "--host", "127.0.0.1", "--port", str(port)),
            stdout=said,
            stderr=said,
            env=name_settings(storage, **changed),
            start_new_session=True,
        )
    service = Serving(process, f"http://127.0.0.1:{port}")
    try:
        service.wait()
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                service.kill()


@contextmanager
def working(
    storage: dict[str, Any], log: Path, first: str = "", **changed: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """`psoas worker` on a database, for as long as it is needed."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            name_command(first, "worker"),
            stdout=said,
            stderr=said,
            env=name_settings(storage, **changed),
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def name_command(first: str, *words: str) -> Sequence[str | Path]:
    """The command `psoas` with these words, behind a program that the same process runs before."""
    if not first:
        return [PSOAS, *words]
    return [sys.executable, "-c", f"{first}\nfrom api.cli import main\nmain()", *words]
