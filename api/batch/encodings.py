"""Bytes as they come in files to UTF-8: byte order marks, UTF-16, Windows-1252, and lone carriage returns."""

import codecs
import io
from typing import BinaryIO

MARKS = (
    (codecs.BOM_UTF8, None),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""What a file may begin with, and how it is then decoded."""
LONGEST_LINE = 1 << 16
"""Bytes that are read on to the end of a line; a longer one is put together later."""
UNDEFINED = range(0x80, 0xA0)
"""Bytes of which some mean nothing in Windows-1252; those are kept as the control signs they are elsewhere."""
WINDOWS_1252 = "".join(
    chr(byte) if byte not in UNDEFINED else bytes([byte]).decode("cp1252", "ignore") or chr(byte)
    for byte in range(256)
)


class TextReader:
    """Reads a text file in blocks: without its byte order mark, UTF-16 turned into UTF-8."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        raw = getattr(stream, "raw", None)
        self._is_file = isinstance(raw, io.FileIO) and stream.seekable()
        self._decode: codecs.IncrementalDecoder | None = None
        self._old_line_ends = False
        self._started = False
        self.has_mark = False
        """Whether it began with a byte order mark."""

    def read(self, size: int) -> bytes:
        """The next bytes; none when the file is at its end."""
        block = self._read_lines(size) if self._decode is None else self._stream.read(size)
        if not self._started:
            self._started = True
            block = self._start(block)
        if self._decode:
            text = self._decode.decode(block)
            while not text and block:
                block = self._stream.read(size)
                text = self._decode.decode(block)
            block = text.encode("utf-8", "replace")
        return block.replace(b"\r", b"\n") if self._old_line_ends else block

    def _read_lines(self, size: int) -> bytes:
        """So many bytes and on to the end of a line, so that hardly ever a line is cut in two."""
        if self._is_file:
            # The end is looked for first: to put blocks together holds up every other thread.
            start = self._stream.tell()
            self._stream.seek(start + size)
            size += len(self._stream.readline(LONGEST_LINE))
            self._stream.seek(start)
            return self._stream.read(size)
        block = self._stream.read(size)
        return block + self._stream.readline(LONGEST_LINE) if len(block) == size else block

    def _start(self, block: bytes) -> bytes:
        for mark, encoding in MARKS:
            if block.startswith(mark):
                block, self.has_mark = block.removeprefix(mark), True
                if encoding:
                    self._decode = codecs.getincrementaldecoder(encoding)("replace")
                break
        self._old_line_ends = b"\r" in block and b"\n" not in block
        return block


def to_utf8(lines: bytes) -> tuple[bytes, int]:
    """Whole lines in UTF-8, and how many were not: those are read as Windows-1252."""
    try:
        lines.decode()
    except UnicodeDecodeError:
        pass
    else:
        return lines, 0
    recoded, count = [], 0
    for line in lines.split(b"\n"):
        try:
            line.decode()
        except UnicodeDecodeError:
            recoded.append(codecs.charmap_decode(line, "strict", WINDOWS_1252)[0].encode())
            count += 1
        else:
            recoded.append(line)
    return b"\n".join(recoded), count
