"""Where the files of batches lie: what was sent, what is kept of a run, and the results; only their owner may look."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal
from uuid import UUID

from api.batch.formats import FORMATS, Format, Opened
from api.batch.mapping import NO_MAPPING, read_mapping
from api.batch.running import Order
from api.batch.whole import sync_folder, write_whole
from api.storage.migrating import make_private_folder
from api.storage.tables import StoredBatch
from rules.definitions import Model

Result = Literal["scores", "rejects"]
"""What comes of a batch, beside its summary."""
PARTS = "parts-"
"""How the folders begin for what is kept of a run."""
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
            self.erase(id)
            raise

    def input(self, id: UUID, kind: Format) -> Path:
        """The file that was sent."""
        return self.of(id) / f"input{kind.suffixes[0]}"

    @contextmanager
    def opening(self, id: UUID, kind: Format, sheet: str | None) -> Iterator[Opened]:
        """The file that was sent, opened to be looked at."""
        path = self.input(id, kind)
        with path.open("rb") as stream:
            yield Opened(path, stream, sheet, None if kind.reads_whole else self._largest)

    def result(self, id: UUID, what: Result, kind: Format) -> Path:
        """A result as a kind of file; it is there once it is whole."""
        return self.of(id) / f"{what}{kind.suffixes[0]}"

    def summary(self, id: UUID) -> Path:
        """The summary, as JSON."""
        return self.of(id) / "summary.json"

    def parts(self, id: UUID, digest: str) -> Path:
        """The folder for what is kept of a run by some rules, apart from that of other rules."""
        return self.of(id) / f"{PARTS}{digest.removeprefix('sha256:')[:16]}"

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
        """What is to be scored and where it goes: the file that was sent, to results of a kind."""
        kind = FORMATS[batch.format]
        return Order(
            source=self.input(batch.id, kind),
            target=self.result(batch.id, "scores", target),
            rejects=self.result(batch.id, "rejects", target),
            mapping=read_mapping(batch.mapping.decode(), model) if batch.mapping else NO_MAPPING,
            source_format=kind.name,
            sheet=batch.sheet,
            may_replace=True,
            largest=None if kind.reads_whole else self._largest,
        )

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
