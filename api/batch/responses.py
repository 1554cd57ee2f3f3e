"""Responses of FHIR, one a line: each becomes a row of answers, and what FHIR is told of it goes along with the row."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import islice
from typing import BinaryIO, Literal, NamedTuple, Protocol, get_args

import orjson
import polars as pl

from api.batch.chunks import (
    Chunk,
    FileRefused,
    Source,
    number_rows,
    places,
    put_malformed,
)
from api.batch.json_lines import BYTE_ORDER_MARK, MALFORMED, cut_lines

BLOCK = 2 * 1024 * 1024
"""Bytes that are read at a time: a response takes far longer than a row of a table."""
MOST_ROWS = 500
"""Responses in a chunk, however short they are: what comes of one takes far more room than itself may."""
RESPONSE = "__response"
"""The column that holds each response as it came, so that a reject can go out just so."""
ResourceName = Literal["Flag", "RiskAssessment", "Observation", "warnings", "errors"]
"""The files of FHIR that come of responses: results by their type, and OperationOutcomes by what they are about."""
RESOURCES: tuple[ResourceName, ...] = get_args(ResourceName)
"""All of them."""


class AssessedLine(NamedTuple):
    """What came of a line."""

    cells: Sequence[str | None]
    """A cell for each column; those that could be read, where something is wrong."""
    problems: str
    """What is wrong with it as `field: code`; nothing where it has scores."""
    resources: Mapping[str, str]
    """Resources of FHIR by the file that they go to, one a line."""
    is_object: bool = True
    """Whether it is JSON that could be sent again."""


class ResponseLines(Protocol):
    """Reads and assesses responses; what FHIR is like is not known here."""

    header: Sequence[str]
    """The columns of a row."""

    def assess_all(self, lines: Sequence[tuple[int, bytes]]) -> Sequence[AssessedLine]:
        """What comes of lines, each with its number, the first of which is 1."""


class ResponseFile(Source):
    """A file of responses that is being read."""

    def __init__(self, stream: BinaryIO, responses: ResponseLines | None) -> None:
        if responses is None:
            raise FileRefused("Responses of FHIR cannot be scored here; send them to the service.")
        self._stream, self._responses = stream, responses
        self.header = responses.header
        self._names = [f"__{what}" for what in RESOURCES]
        self._line = self.row = 0
        self._begins = stream.read(BLOCK).removeprefix(BYTE_ORDER_MARK)
        if not self._begins.strip():
            raise FileRefused("The file is empty.")

    def read(self) -> Iterator[Chunk]:
        """The responses in their order, some hundreds at a time."""
        is_first = True
        for text in cut_lines(self._stream, self._begins, BLOCK):
            numbered = self._number(text)
            while (rows := list(islice(numbered, MOST_ROWS))) or is_first:
                yield self._assess(rows)
                is_first = False

    def _number(self, text: bytes) -> Iterator[tuple[int, int, bytes]]:
        """The lines that hold something and are wanted, each with its number and that of its row."""
        for line in BytesIO(text):
            self._line += 1
            if line.strip():
                self.row += 1
                if self.row > self.behind:
                    yield self._line, self.row, line.strip()

    def _assess(self, rows: Sequence[tuple[int, int, bytes]]) -> Chunk:
        told = self._responses.assess_all([(place, line) for place, _, line in rows])
        found = [(row, line, one) for (_, row, line), one in zip(rows, told, strict=True)]
        good = [one for one in found if not one[2].problems]
        bad = [one for one in found if one[2].problems]
        schema = dict.fromkeys(places(len(self.header)), pl.String)
        frame = pl.DataFrame([one.cells for *_, one in good], schema=schema, orient="row")
        malformed = put_malformed(
            len(self.header),
            [one.cells for *_, one in bad],
            [row for row, *_ in bad],
            [one.problems for *_, one in bad],
        )
        frame = number_rows(frame, [row for row, *_ in good])
        return Chunk(self._put_along(frame, good), self._put_along(malformed, bad))

    def _put_along(
        self, frame: pl.DataFrame, found: Sequence[tuple[int, bytes, AssessedLine]]
    ) -> pl.DataFrame:
        """Rows with the lines that they came from, and the resources that came of them."""
        lines = [keep_line(line, is_object=one.is_object) for _, line, one in found]
        columns = [pl.Series(RESPONSE, lines, dtype=pl.String)]
        for what, name in zip(RESOURCES, self._names, strict=True):
            told = [one.resources.get(what) for *_, one in found]
            columns.append(pl.Series(name, told, dtype=pl.String))
        return frame.with_columns(columns)


def keep_line(line: bytes, *, is_object: bool) -> str:
    """What stands among the rejects for a line: itself where it is an object."""
    text = line.decode("utf-8", "replace")
    return text if is_object else orjson.dumps({MALFORMED: text}).decode()


def write_resources(chunk: Chunk, streams: Mapping[str, BinaryIO]) -> Counter[str]:
    """Write the resources that came of a chunk to their files; gives how many each got."""
    written: Counter[str] = Counter()
    for what, stream in streams.items():
        for frame in chunk:
            for told in frame[f"__{what}"].drop_nulls():
                stream.write(told.encode() + b"\n")
                written[what] += told.count("\n") + 1
    return written
