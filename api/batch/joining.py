"""What was kept of a file's segments, put together: the files that a run writes which nobody disturbs."""

import json
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol

import polars as pl

from api.batch.running import (
    Order,
    RowsLostError,
    find_columns,
    find_destinations,
    find_resources,
)
from api.batch.scoring import Rules
from api.batch.segments import KEPT, Segment, name_counts, name_part
from api.batch.tally import Summary, Tally
from api.batch.whole import write_whole
from api.batch.written import Destination, Rows

SLICE = 50_000
"""Rows that are put together at a time."""
COPIED = 1 << 20
"""Bytes that are copied at a time."""


class Joined(Protocol):
    """A file that parts are written to, one behind the other."""

    def add(self, part: Path) -> None:
        """Write a part."""

    def close(self) -> None:
        """Finish the file."""


class Joining:
    """The files of an order, to which one segment is added after the other."""

    def __init__(self, rules: Rules, order: Order, folder: Path) -> None:
        """Begin the files; they get their names when all is in them.

        Raises:
            FileRefused: where they cannot be written.
        """
        self._rules, self._order, self._folder = rules, order, folder
        self._tally, self._last = Tally(rules.model), 0
        self.segments = 0
        """How many were added."""
        self._notes: list[str] = []
        self._places = {
            **dict(zip(KEPT, find_destinations(order), strict=True)),
            **find_resources(order),
        }
        with ExitStack() as stack:
            self._files: list[Joined] = [
                (JoinedText if place.kind.is_text else JoinedRows)(place, stack)
                for place in self._places.values()
            ]
            self._stack = stack.pop_all()

    def add(self, segment: Segment) -> None:
        """Add a segment that is kept."""
        for file, (what, place) in zip(self._files, self._places.items(), strict=True):
            file.add(name_part(self._folder, segment.number, what, place.kind))
        counts = json.loads(name_counts(self._folder, segment.number).read_bytes())
        self._tally.add(counts)
        self._notes, self._last = counts["notes"], segment.row
        self.segments += 1

    def finish(self, seconds: float) -> Summary:
        """Finish the files, and sum up what is in them.

        Raises:
            RowsLostError: where the totals are not the file's rows; nothing has been written then.
        """
        with self._stack:
            for file in self._files:
                file.close()
            if self._last != self._tally.rows:
                raise RowsLostError(self._last, self._tally.scored, self._tally.rejected)
        columns = find_columns(self._order, self._places[KEPT[0]].kind, self._rules)
        return self._tally.sum_up(columns, self._notes, seconds)

    def give_up(self) -> None:
        """Leave the files as they were before."""
        with suppress(_GivenUp), self._stack:
            raise _GivenUp


class _GivenUp(Exception):
    """Makes files go that are not whole."""


class JoinedText:
    """Text, whose parts stand one behind the other as they are."""

    def __init__(self, place: Destination, stack: ExitStack) -> None:
        self._stream = stack.enter_context(write_whole(place.path, place.packed))

    def add(self, part: Path) -> None:
        with part.open("rb") as stream:
            shutil.copyfileobj(stream, self._stream, COPIED)

    def close(self) -> None:
        """Nothing stands behind the last part."""


class JoinedRows(Rows):
    """A file that is more than its rows."""

    def __init__(self, place: Destination, stack: ExitStack) -> None:
        super().__init__(place.path, place.kind, None, place.style, stack)

    def add(self, part: Path) -> None:
        """Write the rows of a part."""
        frame = pl.read_ipc(part)
        for piece in frame.iter_slices(SLICE) if frame.height else (frame,):
            self.write(piece)
