"""Places that partitions lie in: a folder on disk, or a prefix in an object store; both hold whole files only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import from_url

from api.batch.chunks import FileRefused
from api.batch.segments import put_whole
from api.batch.store import limit

PIECE = 32 * 1024 * 1024
"""Bytes that are fetched at a time: few enough for the memory, enough for the store to be asked seldom."""
MOST_PIECES = 9_000
"""Pieces of a file that is put; a store takes 10,000."""
CONNECTING, ANSWERING, TRIES_AGAIN = 5.0, 60.0, 5
"""Seconds for a connection and for one request, and how often it is made again."""


class PlaceFailed(Exception):
    """A place that cannot be read from or written to just now; the message repeats nothing of a file."""


class Found(NamedTuple):
    """A file in a place."""

    name: str
    """Its path below the place, with `/` between folders."""
    size: int
    mark: str
    """What changes when the file does."""


class Place(Protocol):
    """Where files lie, each there whole or not at all."""

    address: str
    """How it is called on any machine."""

    def list_files(self, depth: int | None = None) -> Iterator[Found]:
        """The files in it, those in folders too; at most so many folders deep, where that is told."""

    def find(self, name: str) -> Found | None:
        """A file, if it is there."""

    def read(self, name: str, start: int, end: int) -> bytes:
        """A part of a file."""

    def take(self, found: Found, scratch: Path) -> Path:
        """The file as it was found, as one that can be read by its path."""

    def choose_path(self, name: str, scratch: Path) -> Path:
        """Where to write a file that is to be put there."""

    def put(self, name: str, path: Path) -> None:
        """Put a file that was written in its place."""

    def put_bytes(self, name: str, content: bytes) -> None:
        """Put a small file in its place."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""


def read_whole(place: Place, name: str) -> bytes | None:
    """A small file, if it is there."""
    found = place.find(name)
    return place.read(name, 0, found.size) if found else None


def open_place(address: str) -> Place:
    """The place at an address: a path, or a URL such as `s3://bucket/prefix`.

    Raises:
        FileRefused: where there can be none.
    """
    if "://" not in address:
        return Folder(Path(address))
    parts = urlsplit(address)
    if parts.username or parts.password or parts.query:
        raise FileRefused(
            "Credentials do not belong into an address, which is written down in many places; "
            "set the usual variables of the environment, such as AWS_ACCESS_KEY_ID."
        )
    if parts.scheme == "file":
        return Folder(Path(unquote(parts.path)))
    return Bucket(address)


class Folder:
    """A folder on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self.address = str(self._folder)

    def list_files(self, depth: int | None = None) -> Iterator[Found]:
        for place, folders, names in os.walk(self._folder, followlinks=True):
            below = Path(place).relative_to(self._folder)
            if depth is not None and len(below.parts) >= depth:
                folders.clear()
            for name in names:
                if found := self.find((below / name).as_posix()):
                    yield found

    def find(self, name: str) -> Found | None:
        path = self._folder / name
        try:
            told = path.stat()
        except FileNotFoundError:
            return None
        return Found(name, told.st_size, str(told.st_mtime_ns)) if path.is_file() else None

    def read(self, name: str, start: int, end: int) -> bytes:
        with (self._folder / name).open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def take(self, found: Found, scratch: Path) -> Path:  # noqa: ARG002
        if self.find(found.name) != found:
            raise _changed()
        return self._folder / found.name

    def choose_path(self, name: str, scratch: Path) -> Path:  # noqa: ARG002
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, name: str, path: Path) -> None:
        """Nothing is left to do: it was written there, and got its name once it was whole."""

    def put_bytes(self, name: str, content: bytes) -> None:
        put_whole(self.choose_path(name, self._folder), content)

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)


class Bucket:
    """A prefix in an object store; credentials and the like are the environment's, on each machine."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        again: Any = {"max_retries": TRIES_AGAIN, "retry_timeout": timedelta(seconds=ANSWERING)}
        try:
            self._store: Any = from_url(
                self.address, client_options=limit(CONNECTING, ANSWERING), retry_config=again
            )
        except (BaseError, ValueError):
            raise FileRefused(
                f"{address}: is no address of an object store that is known here, such as s3://bucket/folder."
            ) from None

    def list_files(self, depth: int | None = None) -> Iterator[Found]:  # noqa: ARG002
        with _telling():
            for some in obstore.list(self._store):
                for one in some:
                    yield _name(one)

    def find(self, name: str) -> Found | None:
        with _telling():
            try:
                return _name(obstore.head(self._store, name))._replace(name=name)
            except FileNotFoundError:
                return None

    def read(self, name: str, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        with _telling():
            return bytes(obstore.get_range(self._store, name, start=start, end=end))

    def take(self, found: Found, scratch: Path) -> Path:
        path = scratch / Path(found.name).name
        with _telling(), path.open("wb") as file:
            for start in range(0, found.size, PIECE):
                end = min(start + PIECE, found.size)
                options: Any = {"range": (start, end), "if_match": found.mark}
                file.write(obstore.get(self._store, found.name, options=options).bytes())
        return path

    def choose_path(self, name: str, scratch: Path) -> Path:
        path = scratch / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, name: str, path: Path) -> None:
        with _telling():
            size = max(8 << 20, path.stat().st_size // MOST_PIECES)
            obstore.put(self._store, name, path, chunk_size=size, max_concurrency=4)

    def put_bytes(self, name: str, content: bytes) -> None:
        with _telling():
            obstore.put(self._store, name, content)

    def remove(self, name: str) -> None:
        with _telling():
            obstore.delete(self._store, name)


def _name(one: Any) -> Found:
    return Found(one["path"], one["size"], one["e_tag"] or str(one["last_modified"]))


def _changed() -> FileRefused:
    return FileRefused("The file has changed since this run began.")


@contextmanager
def _telling() -> Iterator[None]:
    """A store's failures told in our words: its own may hold addresses and what else was sent."""
    try:
        yield
    except FileNotFoundError:
        raise FileRefused("It is not there, or no longer.") from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise PlaceFailed(
            "the object store refuses access; look at the credentials in the environment"
        ) from None
    except obstore.exceptions.PreconditionError:
        raise _changed() from None
    except BaseError:
        raise PlaceFailed(
            "the object store does not answer as it should; look at its address, region and "
            "credentials in the environment"
        ) from None
