"""Small disks for tests: in memory, mounted for as long as they are needed, and soon full."""

import os
import pwd
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from postgres import Server


class Disk:
    """A disk of a given size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no room."""
        with (self.folder / "filler").open("ab", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(4096))

    def empty(self) -> None:
        """Make room again."""
        (self.folder / "filler").unlink()

    def enlarge(self, size: str) -> None:
        """Give it another size."""
        self.change(f"size={size}")

    def change(self, option: str) -> None:
        """Mount it otherwise."""
        subprocess.run(["mount", "-o", f"remount,{option}", self.folder], check=True)

    @contextmanager
    def database(self, server: Server) -> Iterator[str]:
        """The address of a new database of a server of our own on this disk."""
        name = f"small_{uuid.uuid4().hex}"
        with psycopg.connect(f"{server.address}/postgres", autocommit=True) as admin:
            admin.execute(f"CREATE TABLESPACE {name} LOCATION '{self.folder}'")
            admin.execute(f"CREATE DATABASE {name} TABLESPACE {name}")
            try:
                yield f"{server.address}/{name}"
            finally:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
                admin.execute(f"DROP TABLESPACE {name}")


@contextmanager
def small_disk(folder: Path, size: str, user: str | None = None) -> Iterator[Disk]:
    """A disk of so many bytes at a folder, which belongs to a user; the test is skipped where that is not allowed."""
    folder.mkdir()
    words: list[str | Path] = [
        "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size={size},mode=700",
        "tmpfs",
        folder,
    ]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        if user:
            owner = pwd.getpwnam(user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
