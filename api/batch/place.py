"""Where a run works on a batch, and what the files of a batch are called."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from api.batch.formats import FORMATS, READABLE, Format
from api.batch.mapping import NO_MAPPING, read_mapping
from api.batch.responses import ResourceName
from api.batch.running import Order
from api.batch.segments import Segment, name_files
from api.storage.tables import StoredBatch
from rules.definitions import Model

Result = Literal["scores", "rejects"] | ResourceName
"""What comes of a batch, beside its summary."""
PARTS = "parts-"
"""How the folders begin for what is kept of a run."""
SUMMARY = "summary.json"
Look = Callable[[], StoredBatch | None]
"""Looks at a batch as it is now; none where it was erased."""


class Place:
    """Where one run works on a batch: in the batch's own folder, so that there is nothing to bring or to keep."""

    def __init__(self, folder: Path, batch: StoredBatch, largest: int | None) -> None:
        self.folder, self.batch, self._largest = folder, batch, largest
        self.kind = READABLE[batch.format]
        self.source = folder / name_input(self.kind)
        self.parts = folder / name_parts(str(batch.model_digest))
        """The folder for what is kept of a run by some rules, apart from that of other rules."""
        self.summary = folder / SUMMARY
        self.resources = [name_result(what, FORMATS["ndjson"]) for what in self.kind.resources]
        """What files of FHIR are called that come of the batch beside its results."""

    def order(self, target: Format, model: Model) -> Order:
        """What is to be scored and where it goes: the file that was sent, to results of a kind."""
        return Order(
            source=self.source,
            target=self.folder / name_result("scores", target),
            rejects=self.folder / name_result("rejects", target),
            mapping=read_mapping(self.batch.mapping.decode(), model)
            if self.batch.mapping
            else NO_MAPPING,
            source_format=self.kind.name,
            sheet=self.batch.sheet,
            may_replace=True,
            largest=None if self.kind.reads_whole else self._largest,
        )

    def prepare(self) -> None:
        """See that what is to be scored is here."""

    def make_parts(self) -> None:
        """Make the folder for what is kept of a run, unless the batch has been erased."""
        with suppress(FileExistsError, FileNotFoundError):
            self.parts.mkdir(mode=0o700)

    def has_segment(self, segment: Segment) -> bool:
        """Whether all files of a segment are kept."""
        return all(path.exists() for path in name_files(self.parts, segment.number, self.kind))

    def keep_segment(self, segment: Segment) -> None:
        """Keep the files of a segment for whoever goes on."""

    def bring_segment(self, segment: Segment) -> bool:
        """See that the files of a segment are here; false where they cannot be had any more."""
        return self.has_segment(segment)

    def put_away(self, segment: Segment) -> None:
        """Take leave of the files of a segment that need not be here any more."""

    def keep_results(self, target: Format) -> None:
        """Keep the results of a kind, and the summary if there is one."""

    def is_wanted(self) -> bool:
        """Whether the batch has not been erased."""
        return self.folder.exists()

    def settle(self, look: Look) -> None:
        """See at the end of a run that nothing stays which nobody wants; `look` asks what became of the batch."""


def name_input(kind: Format) -> str:
    """What the file is called that was sent."""
    return f"input{kind.suffixes[0]}"


def name_result(what: Result, kind: Format) -> str:
    """What a result is called as a kind of file; it has its name once it is whole."""
    return f"{what}{kind.suffixes[0]}"


def name_parts(digest: str) -> str:
    """What the folder is called for what is kept of a run by some rules."""
    return f"{PARTS}{digest.removeprefix('sha256:')[:16]}"
