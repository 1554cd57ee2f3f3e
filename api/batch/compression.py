"""Compressed text: read and written as if it were not, and never more of it than was allowed."""

import gzip
import io
import zlib
from collections.abc import Callable, Mapping
from typing import BinaryIO, NamedTuple, cast

from backports import zstd

from api.batch.chunks import FileRefused

LARGEST = 1 << 40
"""Bytes that a compressed file may hold unless told otherwise: a terabyte."""
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)
"""What reading says of compressed bytes that are damaged or cut off."""
PIECE = 1 << 16
"""Bytes of the beginning of a text that are unpacked at a time."""


class Compression(NamedTuple):
    """A way to compress text: how its files are called and begin, and how it is read and written."""

    name: str
    """How HTTP calls it."""
    suffix: str
    magic: bytes
    read: Callable[[BinaryIO], BinaryIO]
    write: Callable[[BinaryIO], BinaryIO]


def _read_gzip(stream: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", gzip.GzipFile(fileobj=stream, mode="rb"))


def _write_gzip(stream: BinaryIO) -> BinaryIO:
    """Without a name or a time in it, so that the same rows are the same bytes."""
    return cast("BinaryIO", gzip.GzipFile("", "wb", compresslevel=6, fileobj=stream, mtime=0))


def _read_zstd(stream: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", zstd.ZstdFile(stream, "rb"))


def _write_zstd(stream: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", zstd.ZstdFile(stream, "wb", level=3))


COMPRESSIONS: Mapping[str, Compression] = {
    one.suffix: one
    for one in (
        Compression("gzip", ".gz", b"\x1f\x8b", _read_gzip, _write_gzip),
        Compression("zstd", ".zst", b"\x28\xb5\x2f\xfd", _read_zstd, _write_zstd),
    )
}
"""The ways to compress text, by the end of a file's name."""
LONGEST_MAGIC = max(len(one.magic) for one in COMPRESSIONS.values())


class Bounded:
    """A stream that gives no more than it may: what is small on disk can be endless when unpacked."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream, self._most, self._left = stream, most, most

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            FileRefused: where there are more than allowed, or they are damaged.
        """
        return self._take(self._stream.read, size)

    def readline(self, size: int) -> bytes:
        """The next bytes up to the end of a line; raises as `read` does."""
        return self._take(self._stream.readline, size)

    def _take(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            block = read(size)
        except DAMAGED:
            raise FileRefused("The compressed file is damaged or cut off.") from None
        self._left -= len(block)
        if self._left < 0:
            raise FileRefused(
                f"The compressed file holds more than {self._most:,} bytes when unpacked, "
                "which is more than is allowed here."
            )
        return block


def unpack(stream: BinaryIO, begins: bytes, most: int = LARGEST) -> BinaryIO:
    """A stream of text, whether it comes compressed or not; told by how it begins."""
    for one in COMPRESSIONS.values():
        if begins.startswith(one.magic):
            return cast("BinaryIO", Bounded(one.read(stream), most))
    return stream


def unpack_beginning(packed: bytes, most: int) -> bytes:
    """As much of a text, up to `most` bytes, as there is in the beginning of its file, compressed or not.

    Raises:
        FileRefused: where it is damaged before anything could be read.
    """
    one = next((one for one in COMPRESSIONS.values() if packed.startswith(one.magic)), None)
    if one is None:
        return packed[:most]
    stream, text = cast("io.BufferedIOBase", one.read(io.BytesIO(packed))), bytearray()
    damaged = False
    try:
        while len(text) < most and (piece := stream.read1(min(PIECE, most - len(text)))):
            text += piece
    except DAMAGED as failure:  # what came before it counts
        damaged = not isinstance(failure, EOFError)
    if not text and damaged:
        raise FileRefused("The compressed file is damaged.")
    if not text:
        raise FileRefused("Too little of the compressed file came to read its column names.")
    return bytes(text)
