"""Where the files of batches lie: what was sent, what is kept of a run, and the results; only their owner may look."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from api.batch.formats import Format, Opened
from api.batch.place import PARTS, SUMMARY, Place, Result, name_input, name_result
from api.batch.running import Order
from api.batch.store import StoredFile
from api.batch.whole import sync_folder, write_whole
from api.storage.migrating import make_private_folder
from api.storage.tables import StoredBatch
from rules.definitions import Model

GONE = ".gone"
"""Ending of a folder that is being erased."""
TRIES = 20
"""How often a folder is looked through that somebody still writes into."""


class Spool:
    """A folder with a folder for each batch."""

    def __init__(self, folder: Path, largest: int | None = None) -> None:
        """Of a folder that need not be there yet; what is read piece by piece may have `largest` bytes when unpacked."""
        self.folder, self._largest = folder, largest

    def of(self, id: UUID) -> Path:
        """The folder of a batch."""
        return self.folder / str(id)

    @contextmanager
    def receiving(self, id: UUID, kind: Format) -> Iterator[BinaryIO]:
        """A stream to the file of a new batch, which is there once all of it is; else nothing is left.

        Raises:
            FileRefused: where there is no place for it.
        """
        make_private_folder(self.folder)
        folder = self.of(id)
        folder.mkdir(mode=0o700)
        try:
            with write_whole(self.input(id, kind), None) as stream:
                os.fchmod(stream.fileno(), 0o600)
                yield stream
            sync_folder(self.folder)
        except BaseException:
            self.let_go(id)
            raise

    def input(self, id: UUID, kind: Format) -> Path:
        """The file that was sent."""
        return self.of(id) / name_input(kind)

    @contextmanager
    def opening(self, id: UUID, kind: Format, sheet: str | None) -> Iterator[Opened]:
        """The file that was sent, opened to be looked at."""
        path = self.input(id, kind)
        with path.open("rb") as stream:
            yield Opened(path, stream, sheet, None if kind.reads_whole else self._largest)

    @contextmanager
    def working(self, batch: StoredBatch) -> Iterator[Place]:
        """A place to work on a batch."""
        yield Place(self.of(batch.id), batch, self._largest)

    def keep_input(self, batch: StoredBatch) -> None:
        """Put the file that was sent where all find it; from then on it is kept for good."""

    def find_result(
        self, batch: StoredBatch, what: Result, kind: Format
    ) -> Path | StoredFile | None:
        """A result as a kind of file; none where it is not there, or not whole."""
        path = self.of(batch.id) / name_result(what, kind)
        return path if path.exists() else None

    def read_summary(self, batch: StoredBatch) -> bytes:
        """The summary, as JSON.

        Raises:
            FileNotFoundError: when the batch has been erased.
        """
        return (self.of(batch.id) / SUMMARY).read_bytes()

    def ping(self) -> None:
        """See that files can be kept and had, as far as can be told at once."""

    def close(self) -> None:
        """Let go of what only this process needs."""

    def clear(self, id: UUID) -> None:
        """Erase what is kept of all runs of a batch."""
        for folder in self.of(id).glob(f"{PARTS}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def list_kept(self) -> Sequence[UUID]:
        """The batches of which something of a run is kept."""
        found = []
        for folder in self.folder.glob(f"*/{PARTS}*"):
            with suppress(ValueError):
                found.append(UUID(folder.parent.name))
        return found

    def order(self, batch: StoredBatch, target: Format, model: Model) -> Order:
        """What is to be scored of a batch whose file has just been received, and where it would go."""
        return Place(self.of(batch.id), batch, self._largest).order(target, model)

    def let_go(self, id: UUID) -> None:
        """Erase what was received of a file that no batch came of."""
        self.erase(id)

    def erase(self, id: UUID) -> None:
        """Erase everything of a batch; whoever still writes something finds no place for it any more."""
        folder = self.of(id)
        gone = folder.with_name(folder.name + GONE)
        with suppress(FileNotFoundError):
            folder.rename(gone)
        erase_folder(gone)

    def list_left(self, seconds: float) -> Sequence[UUID]:
        """The batches whose folders nothing was written into for so long."""
        left = []
        for folder in self.folder.iterdir() if self.folder.exists() else ():
            if folder.name.endswith(GONE):
                erase_folder(folder)
            elif time.time() - last_written(folder) > seconds:
                with suppress(ValueError):
                    left.append(UUID(folder.name))
        return left


def erase_folder(folder: Path) -> None:
    """Erase a folder, even while files are still made in it."""
    for _ in range(TRIES):
        with suppress(OSError):
            return shutil.rmtree(folder)
        if not folder.exists():
            return None
    return None


def last_written(folder: Path) -> float:
    """When something in a folder was last written, in seconds since 1970."""
    last = 0.0
    with suppress(FileNotFoundError):  # it is being erased
        for path in (folder, *folder.rglob("*")):
            last = max(last, path.stat().st_mtime)
    return last
