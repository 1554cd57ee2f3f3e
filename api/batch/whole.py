"""Files that appear whole or not at all, and rows that are read while the ones before are being scored."""

import errno
import fcntl
import os
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import BinaryIO, cast

from api.batch.chunks import Chunk, FileRefused
from api.batch.compression import Compression

STREAM = Path("-")
"""Standard input or output."""
PATIENCE = 0.1
"""Seconds after which it is looked whether anyone still waits."""


class FileBusy(FileRefused):
    """A file that another run is writing."""


class NoPlace(FileRefused):
    """A file that cannot be made where it should be."""

    def __init__(self, folder: Path, cause: OSError) -> None:
        super().__init__(f"{folder}: cannot be written to: {cause.strerror}.")
        self.errno = cause.errno


def has_no_room(failure: BaseException) -> bool:
    """Whether something could not be written for want of room; the engine says so in words only."""
    number = getattr(failure, "errno", None)
    return number in {errno.ENOSPC, errno.EDQUOT} or os.strerror(errno.ENOSPC) in str(failure)


@contextmanager
def write_whole(path: Path, packed: Compression | None) -> Iterator[BinaryIO]:
    """A stream to a file that gets its name once everything is written.

    What is written by then lies beside it under a name of its own; if a run is ended in between,
    the next one for the same file begins it anew.

    Raises:
        NoPlace: where it cannot be made there.
        FileBusy: where another run is writing it.
    """
    if path == STREAM:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = path.resolve()  # what a link points to is replaced, not the link
    part = name_part(path)
    with _open_alone(part) as file:
        try:
            file.truncate(0)
            if packed:
                with closing(packed.write(file)) as stream:
                    yield stream
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
            sync_folder(path.parent)
        except BaseException:
            for give_up in (
                part.unlink,
                file.close,
            ):  # what could not be written is not wanted either
                with suppress(OSError):
                    give_up()
            raise


def name_part(path: Path) -> Path:
    """What a file is called until it is whole; there is one only while a run writes, or after it was killed."""
    path = path.resolve()
    return path.with_name(f".{path.name}.part")


def _open_alone(part: Path) -> BinaryIO:
    """A file that nobody else is writing; the lock is gone with whoever holds it."""
    while True:
        try:
            file = cast("BinaryIO", open(str(part), "r+b", opener=_make_or_open))  # noqa: SIM115  # it has the path as its name
        except OSError as error:
            raise NoPlace(part.parent, error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if part.exists() and os.path.samestat(os.fstat(file.fileno()), part.stat()):
                return file
        except BlockingIOError:
            file.close()
            raise FileBusy(f"{part.name}: another run is writing it.") from None
        file.close()


def _make_or_open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o666)


def sync_folder(folder: Path) -> None:
    """See that the names in a folder stay when the power goes."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_ahead(chunks: Iterable[Chunk]) -> Generator[Chunk]:
    """The chunks, each read while the one before is in use."""
    queue: Queue[Chunk | BaseException | None] = Queue(1)
    stopped = Event()

    def put(item: Chunk | BaseException | None) -> None:
        while not stopped.is_set():
            with suppress(Full):
                queue.put(item, timeout=PATIENCE)
                return

    def read() -> None:
        try:
            for chunk in chunks:
                put(chunk)
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  # raised where the chunks are wanted
            put(error)

    Thread(target=read, daemon=True).start()
    try:
        while (item := queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        with suppress(Empty):
            queue.get_nowait()
