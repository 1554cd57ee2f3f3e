"""A store of files that speaks S3, for processes on machines that share no folder.

It is reached by obstore, the Rust crate object_store behind a few Python calls: uploads in parts with bounded
memory, retries and time limits come with it, every body is sent with its SHA-256 for the store to check, and it
brings nothing else along. With s3fs, a file system over aiobotocore, those would be ours to get right, on some
fifteen packages more.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from api.storage.failures import StorageUnavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig

PIECE = 8 << 20
"""Bytes that travel in one request."""
AT_ONCE = 4
"""Pieces of a file that travel at a time: what of it lies in memory."""
MOST_PIECES = 9_000
"""Pieces of an upload; the store takes 10,000."""
LISTED = 1_000
"""Files that are told of in one answer."""
TRIES_AGAIN = 3
"""How often what did not work is tried again before it is told."""
CONNECTING, ANSWERING, TRYING = 3.0, 30.0, 10.0
"""Seconds for a connection, for one request, and after which it is not tried again."""
SOON = 1.5
"""Seconds within which a store must answer that is asked whether it is there."""
DIGEST = "sha256"
"""What a file's SHA-256 is called beside it."""
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
"""Where the address of a store stands that is not Amazon's."""
NOT_ALLOWED = "the store of files does not let this service in; its credentials or rights do not do"
NOT_REACHED = "the store of files is not reached"
SIGNS = {
    "NoSuchBucket": "the store of files has no such bucket",
    "/latest/api/token": "there are no credentials for the store of files",
    "401 Unauthorized": NOT_ALLOWED,
    "403 Forbidden": NOT_ALLOWED,
    "HTTP error:": NOT_REACHED,
}
"""What an error means by what stands in its words; listing gives all of them the same type."""


class SpoolUnavailable(StorageUnavailable):
    """The store of files cannot be reached, is full, or does not do what it is asked."""


class Entry(NamedTuple):
    """A file that lies in the store."""

    key: str
    size: int
    changed: datetime


class Store:
    """The files below one address such as `s3://bucket/folder`; credentials and the like are AWS's variables."""

    def __init__(self, address: str) -> None:
        """Connects to nothing yet."""
        again = {"max_retries": TRIES_AGAIN, "retry_timeout": timedelta(seconds=TRYING)}
        reach = partial(S3Store.from_url, address)
        self._files = reach(client_options=limit(CONNECTING, ANSWERING), retry_config=again)  # type: ignore[arg-type]
        self._asked = reach(client_options=limit(SOON, SOON), retry_config={"max_retries": 0})

    def ping(self) -> None:
        """See that it answers, and soon.

        Raises:
            SpoolUnavailable: when it does not.
        """
        with telling():
            look_into(self._asked)

    def put(self, key: str, path: Path, digest: str | None = None) -> None:
        """Keep a file, whole or not at all; its SHA-256 is found out unless it is known.

        Raises:
            SpoolUnavailable: when it is not known to be kept.
        """
        size = path.stat().st_size
        digest = digest or find_digest(path)
        with telling():
            obstore.put(
                self._files,
                key,
                path,
                attributes={DIGEST: digest},
                chunk_size=max(PIECE, size // MOST_PIECES),
                max_concurrency=AT_ONCE,
            )
            kept = obstore.head(self._files, key)["size"]
        if kept != size:
            raise SpoolUnavailable("the store of files did not keep a file whole")

    def put_note(self, key: str, content: bytes) -> None:
        """Keep a few bytes.

        Raises:
            SpoolUnavailable: when they are not known to be kept.
        """
        with telling():
            obstore.put(self._files, key, content, use_multipart=False)

    def fetch(self, key: str, path: Path) -> None:
        """Bring a file here, and see that it is the one that was kept.

        Raises:
            FileNotFoundError: where there is none.
            SpoolUnavailable: when it cannot be had now.
        """
        with self._finding():
            found = obstore.get(self._files, key, options={"head": True})
            size, digest = found.meta["size"], found.attributes.get(DIGEST)
        is_whole = False
        try:
            self._copy(key, size, path)
            is_whole = find_digest(path) == digest
        finally:
            if not is_whole:
                path.unlink(missing_ok=True)
        if not is_whole:
            raise SpoolUnavailable("the store of files gave another file than was kept")

    def _copy(self, key: str, size: int, path: Path) -> None:
        """Write a file of so many bytes, several pieces at a time."""
        with path.open("wb") as file, ThreadPoolExecutor(AT_ONCE, "psoas-fetch") as pool:
            os.fchmod(file.fileno(), 0o600)

            def copy(start: int) -> None:
                with self._finding():
                    end = min(start + PIECE, size)
                    piece = obstore.get_range(self._files, key, start=start, end=end)
                write_at(file.fileno(), memoryview(piece), start)

            for _ in pool.map(copy, range(0, size, PIECE)):
                pass

    def read(self, key: str) -> bytes:
        """A small file.

        Raises:
            FileNotFoundError: where there is none.
            SpoolUnavailable: when it cannot be had now.
        """
        with self._finding():
            return bytes(obstore.get(self._files, key).bytes())

    def find(self, key: str) -> "StoredFile | None":
        """A file to be taken away; none where there is none.

        Raises:
            SpoolUnavailable: when that cannot be told now.
        """
        try:
            with self._finding():
                found = obstore.head(self._files, key)
        except FileNotFoundError:
            return None
        tag = found["e_tag"] or f'"{found["last_modified"].timestamp()}-{found["size"]}"'
        return StoredFile(self._files, key, found["size"], found["last_modified"], tag)

    def walk(self, folder: str | None = None) -> Iterator[Entry]:
        """All files in a folder and below it.

        Raises:
            SpoolUnavailable: when they cannot be listed now.
        """
        with telling():
            for some in obstore.list(self._files, folder, chunk_size=LISTED):
                for one in some:
                    yield Entry(one["path"], one["size"], one["last_modified"])

    def erase(self, keys: Sequence[str]) -> None:
        """Erase files; what is not there is no fault.

        Raises:
            SpoolUnavailable: when they are not known to be gone.
        """
        if keys:
            with telling():
                obstore.delete(self._files, keys)

    @contextmanager
    def _finding(self) -> Iterator[None]:
        """Tell a file that is not there, once it is known that its bucket is."""
        is_missing = False
        with telling():
            try:
                yield
            except FileNotFoundError:
                look_into(self._files)
                is_missing = True
        if is_missing:
            raise FileNotFoundError("no such file in the store")


class StoredFile(NamedTuple):
    """A file in the store, to be read piece by piece, beside the event loop."""

    files: S3Store
    key: str
    size: int
    changed: datetime
    tag: str

    async def read(self, start: int, end: int) -> bytes:
        """The bytes from one place up to another.

        Raises:
            SpoolUnavailable: when they cannot be had now, or the file is another one by now.
        """
        async with telling_later():
            found = await obstore.get_async(
                self.files, self.key, options={"range": (start, end), "if_match": self.tag}
            )
            return bytes(await found.bytes_async())


@contextmanager
def telling() -> Iterator[None]:
    """Tell what goes wrong with the store without its words: they hold addresses and answers of the store."""
    try:
        yield
    except (BaseError, ValueError, FileNotFoundError) as error:
        raise SpoolUnavailable(name_failure(error)) from None


@asynccontextmanager
async def telling_later() -> AsyncIterator[None]:
    """The same around what is waited for."""
    with telling():
        yield


def name_failure(error: Exception) -> str:
    """What an error of the store means, in our words."""
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return NOT_ALLOWED
    told = str(error)
    meant = next((meaning for sign, meaning in SIGNS.items() if sign in told), None)
    return meant or f"the store of files does not do as asked ({type(error).__name__})"


def look_into(files: S3Store) -> None:
    """See that the bucket answers."""
    next(iter(obstore.list(files, "nothing", chunk_size=1)), None)


def write_at(file: int, piece: memoryview, start: int) -> None:
    """Write all of a piece at a place; where the disk is full, that is told by the write that finds no room."""
    while piece:
        written = os.pwrite(file, piece, start)
        piece, start = piece[written:], start + written


def limit(connecting: float, answering: float) -> "ClientConfig":
    """How long the store is waited for; without encryption only where its address says so."""
    endpoint = next((found for name in ENDPOINTS if (found := os.environ.get(name))), "")
    return {
        "connect_timeout": timedelta(seconds=connecting),
        "timeout": timedelta(seconds=answering),
        "allow_http": endpoint.startswith("http://"),
    }


def find_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
