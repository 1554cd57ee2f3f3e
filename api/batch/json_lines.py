"""JSON lines: an object a line, read in chunks; a line that is none is put aside, and every key is accounted for."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import orjson
import polars as pl

from api.batch.chunks import (
    BLOCK,
    LARGEST_RECORD,
    ROW,
    Chunk,
    FileRefused,
    Source,
    check_header,
    number_rows,
    places,
    put_malformed,
    refuse_line,
)
from api.batch.encodings import to_utf8
from rules.rows import PREFIX

LINE = "__line"
"""The column that holds each row as it came, so that it can go out just so."""
MALFORMED = "psoas_malformed"
"""The key under which a line that is no object stands among the rejects; so it is none when sent again."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Twice(ValueError):
    """A key that stands twice in one object."""


class Looked(NamedTuple):
    """A line looked at closely: its cells by key, or what is wrong with it."""

    cells: Mapping[str, str | None]
    problem: str = ""
    is_object: bool = True
    """Whether it is JSON that could be sent again."""


class JsonLines(Source):
    """A file of JSON lines that is being read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._rest = stream.read(BLOCK).removeprefix(BYTE_ORDER_MARK)
        self._line = self.row = 0
        if not self._rest.strip():
            raise FileRefused("The file is empty.")
        self.header = self._read_keys()
        self._keys = frozenset(self.header)
        check_header(self.header)

    def _read_keys(self) -> Sequence[str]:
        """Every key in the first block, in the order in which they turn up."""
        keys: dict[str, None] = {}
        for line in self._rest.split(b"\n"):  # the last one may be cut off, and is then no JSON
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(row, dict):
                keys |= dict.fromkeys(row)
        return list(keys) or [MALFORMED]

    def read(self) -> Iterator[Chunk]:
        """The rows in their order, some thousands at a time."""
        yield from map(self._parse, cut_lines(self._stream, self._rest, BLOCK))

    def _parse(self, text: bytes) -> Chunk:
        raw = to_utf8(text)[0].decode().split("\n")
        if not raw[-1]:
            raw.pop()
        filled = [(place, line) for place, whole in enumerate(raw) if (line := whole.strip())]
        numbers = np.array([self._line + 1 + place for place, _ in filled], dtype=np.int64)
        lines = pl.Series(LINE, [line for _, line in filled], dtype=pl.String)
        rows = self.row + 1 + np.arange(len(filled))
        self._line += len(raw)
        self.row += len(filled)
        frame = self._read_quickly(lines)
        doubtful = np.arange(len(filled)) if frame is None else self._find_doubtful(frame)
        looked = {place: self._look(lines[int(place)], int(numbers[place])) for place in doubtful}
        if frame is None:
            frame = pl.DataFrame(
                [[one.cells.get(key) for key in self.header] for one in looked.values()],
                schema=dict.fromkeys(places(len(self.header)), pl.String),
                orient="row",
            ).with_columns(lines)
        wrong = [int(place) for place, one in looked.items() if one.problem]
        good = number_rows(frame, rows)
        if wrong:
            good = good.filter(pl.Series(~np.isin(np.arange(len(filled)), wrong)))
        problems = [looked[place].problem for place in wrong]
        # Where rejects are not written as lines, the whole line stands in the first column.
        whole = [[lines[place]] for place in wrong]
        aside = put_malformed(
            len(self.header), whole, [int(rows[place]) for place in wrong], problems
        )
        texts = [_put_aside(lines[int(place)], looked[place]) for place in wrong]
        return Chunk(good, aside.with_columns(pl.Series(LINE, texts, dtype=pl.String)))

    def _read_quickly(self, lines: pl.Series) -> pl.DataFrame | None:
        """The lines as columns of text; nothing where one of them is not an object."""
        schema = dict.fromkeys(self.header, pl.String)
        if not len(lines):
            names = dict.fromkeys(places(len(self.header)), pl.String)
            return pl.DataFrame(schema={**names, LINE: pl.String})
        if not lines.str.starts_with("{").all():
            return None
        try:
            frame = pl.read_ndjson("\n".join(lines).encode(), schema=schema)
        except pl.exceptions.PolarsError:
            return None
        if frame.height != len(lines) or frame.columns != list(self.header):
            return None
        frame.columns = places(len(self.header))
        return frame.with_columns(lines)

    def _find_doubtful(self, frame: pl.DataFrame) -> Sequence[int]:
        """Lines that hold more or fewer keys than were read from them: one may be unknown, or stand twice."""
        read = pl.sum_horizontal(pl.all().exclude(LINE).is_not_null())
        keys = pl.col(LINE).str.count_matches('":', literal=True)
        nulls = pl.col(LINE).str.count_matches(r":\s*null")
        is_doubtful = (keys != read + nulls) | pl.col(LINE).str.contains(r'"\s+:')
        if MALFORMED in self._keys:
            is_doubtful |= pl.col(LINE).str.contains(MALFORMED, literal=True)
        doubtful = frame.select(is_doubtful.alias("doubtful"))["doubtful"]
        return doubtful.arg_true().to_list()

    def _look(self, line: str, number: int) -> Looked:
        """One line, key by key."""
        try:
            row = _DECODER.decode(line)
        except Twice as twice:
            return Looked({}, f"{twice}: malformed")
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or MALFORMED in row:
            return Looked({}, f"line {number}: malformed", isinstance(row, dict))
        unknown = [f"{_clean(key)}: unknown_field" for key in row if key not in self._keys]
        return Looked({key: _write(value) for key, value in row.items()}, "; ".join(unknown))


def cut_lines(stream: BinaryIO, begins: bytes, block: int) -> Iterator[bytes]:
    """What stands in a stream behind its beginning, a block of whole lines at a time; the last one may be empty.

    Raises:
        FileRefused: where a line has no end in sight.
    """
    rest, lines, final = begins, 0, False
    while not final:
        more = stream.read(block)
        final = not more
        rest += more
        end = len(rest) if final else rest.rfind(b"\n") + 1
        if not end and len(rest) > LARGEST_RECORD:
            raise refuse_line(lines + 1)
        text, rest = rest[:end], rest[end:]
        lines += text.count(b"\n")
        yield text


def _collect(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    collected = dict(pairs)
    if len(collected) < len(pairs):
        raise Twice(_clean(Counter(name for name, _ in pairs).most_common(1)[0][0]))
    return collected


_DECODER = json.JSONDecoder(object_pairs_hook=_collect)


def _write(value: Any) -> str | None:
    if value is None:
        return None
    return _clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _clean(text: str) -> str:
    """Text without halves of signs that no encoding has."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _put_aside(line: str, looked: Looked) -> str:
    """What stands among the rejects for a line: itself where it is an object."""
    return line if looked.is_object else orjson.dumps({MALFORMED: line}).decode()


def splice(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Each line as it came with these columns added; what a batch added earlier is left out."""
    if frame[LINE].str.contains(f'"{PREFIX}', literal=True).any():
        plain = frame[LINE].map_elements(_leave_out, return_dtype=pl.String)
        frame = frame.with_columns(plain.alias(LINE))
    added = pl.struct(columns).struct.json_encode().str.strip_prefix("{")
    own = pl.col(LINE).str.strip_suffix("}").str.strip_chars_end()
    joined = pl.when(own == "{").then(own + added).otherwise(own + pl.lit(",") + added)
    return frame.select(joined.alias(LINE))


def _leave_out(line: str) -> str:
    before, _, _ = line.partition(f',"{ROW}":')  # where a batch put its own, everything else stays
    try:
        if not any(map(_is_added, json.loads(before + "}"))):
            return before + "}"
    except ValueError:
        pass
    try:
        row = _DECODER.decode(line)
    except ValueError:
        return line  # a key that stands twice is told, and the line stays as it is
    if not any(map(_is_added, row)):
        return line  # it stands further inside
    kept = {key: value for key, value in row.items() if not _is_added(key)}
    return json.dumps(kept, ensure_ascii=False)


def _is_added(key: str) -> bool:
    """Whether a batch puts a key beside what came; a line that was put aside is what came."""
    return key.startswith(PREFIX) and key != MALFORMED
