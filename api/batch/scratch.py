"""A folder of this process alone, for what it has at hand of files that are kept elsewhere."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from api.batch.spool import erase_folder
from api.storage.migrating import make_private_folder


class Scratch:
    """A folder that goes with its process: what one leaves that was killed, the next one erases."""

    def __init__(self, around: Path) -> None:
        """In a folder where other processes may have theirs; nothing is made yet."""
        self._around, self._lock = around, Lock()
        self.folder = around / secrets.token_hex(8)
        self._held: int | None = None

    def open(self) -> Path:
        """The folder, made when it is first needed; then what others left goes."""
        with self._lock:
            if self._held is None:
                make_private_folder(self._around)
                self._held = self._make()
                self._erase_left()
        return self.folder

    def _make(self) -> int:
        """Make the folder and lock it; whoever tidies up may have taken it for a dead one in between."""
        while True:
            with suppress(FileExistsError):
                self.folder.mkdir(mode=0o700)
            with suppress(OSError):
                held = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
                if lock(held) and is_there(self.folder, held):
                    return held
                os.close(held)

    @contextmanager
    def lend(self) -> Iterator[Path]:
        """A new folder in it, for one piece of work."""
        lent = self.open() / f"work-{secrets.token_hex(8)}"
        lent.mkdir(mode=0o700)
        try:
            yield lent
        finally:
            erase_folder(lent)

    def tidy(self) -> None:
        """Erase the folders of processes that are no longer there."""
        self.open()
        self._erase_left()

    def _erase_left(self) -> None:
        for folder in self._around.iterdir():
            if folder != self.folder:
                with suppress(OSError):
                    erase_left(folder)

    def close(self) -> None:
        """Erase it."""
        with self._lock:
            held, self._held = self._held, None
            if held is not None:
                erase_folder(self.folder)
                os.close(held)


def erase_left(folder: Path) -> None:
    """Erase a folder that no process holds."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if lock(held):
            erase_folder(folder)
    finally:
        os.close(held)


def lock(held: int) -> bool:
    """Lock an open folder; false where somebody else has. The lock is gone with whoever holds it."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_there(folder: Path, held: int) -> bool:
    """Whether an open folder still has its name."""
    return folder.exists() and os.path.samestat(folder.stat(), os.fstat(held))
