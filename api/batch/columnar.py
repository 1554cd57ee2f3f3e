"""Parquet files: read batch by batch as they are stored, their columns with the types they have."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from api.batch.chunks import (
    Chunk,
    FileRefused,
    Source,
    check_header,
    number_rows,
    places,
    put_malformed,
)

ROWS = 50_000
"""Rows that are read at a time."""
LARGEST = 1 << 40
"""Bytes that a file may hold unless told otherwise: a terabyte."""
SLICE = 128 * 1024 * 1024
"""Bytes that are scored at a time: a value that is stored once may stand in many rows."""


class ParquetFile(Source):
    """A Parquet file that is being read."""

    def __init__(self, path: Path, most: int = LARGEST) -> None:
        self._left = self._most = most
        try:
            self._scan = pl.scan_parquet(path, glob=False)
            schema = self._scan.collect_schema()
            self._rows = int(self._scan.select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, OSError):
            raise FileRefused("The file cannot be read as Parquet; it may be damaged.") from None
        self.header: Sequence[str] = schema.names()
        check_header(self.header)
        self.row = 0

    @property
    def rows(self) -> int:
        return self._rows

    def read(self) -> Iterator[Chunk]:
        """The rows in their order, some thousands at a time."""
        names = places(len(self.header))
        frames = self._scan.rename(dict(zip(self.header, names, strict=True)))
        if not self.rows:
            yield self._put(frames.collect())
        try:
            for frame in frames.collect_batches(chunk_size=ROWS, maintain_order=True):
                for part in self._split(frame):
                    yield self._put(part)
        except (pl.exceptions.PolarsError, OSError):
            raise FileRefused(
                f"The file cannot be read behind row {self.row}; it may be damaged."
            ) from None
        if self.row != self.rows:
            raise FileRefused("The file says that it has more rows than it has; it may be damaged.")

    def _split(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """A frame in parts that are not too large, whatever little room it takes in the file."""
        size = int(frame.estimated_size())
        if size <= SLICE or frame.height == 1:
            if size > SLICE:
                raise FileRefused(
                    f"Row {self.row + 1} holds more than {SLICE // 2**20} MiB, "
                    "which no row of a questionnaire does."
                )
            self._left -= size
            if self._left < 0:
                raise FileRefused(f"The file has more than {self._most:,} bytes when unpacked.")
            yield frame
            return
        half = frame.height // 2
        yield from self._split(frame[:half])
        yield from self._split(frame[half:])

    def _put(self, frame: pl.DataFrame) -> Chunk:
        rows = np.arange(frame.height) + self.row + 1
        self.row += frame.height
        nothing = put_malformed(frame.width, [], [], [])
        return Chunk(number_rows(frame, rows), nothing)
