"""Files as answers: in parts if so wished (Range), named by an ETag, and never in a cache."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from api.fixed import is_known
from api.problems import put_problem

PIECE = 256 * 1024
"""Bytes that are sent at a time."""
BLOCK = 4 << 20
"""Bytes that are had at a time from far away, once somebody wants more than the beginning."""


class Far(Protocol):
    """A file that lies elsewhere."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    @property
    def changed(self) -> datetime:
        """When it was written."""

    @property
    def tag(self) -> str:
        """What names its content, in quotes."""

    async def read(self, start: int, end: int) -> bytes:
        """The bytes from one place up to another."""


class Download(FileResponse):
    """A file about people, which no cache may keep."""

    chunk_size = PIECE

    def __init__(self, file: Path | Far, media_type: str, name: str) -> None:
        """Of a file that is there.

        Raises:
            FileNotFoundError: when it is not, or no longer.
        """
        headers = {"Cache-Control": "no-store"}
        self._far = None if isinstance(file, Path) else file
        if self._far is not None:
            headers["ETag"] = self._far.tag
        super().__init__(
            file if isinstance(file, Path) else name,
            media_type=media_type,
            filename=name,
            stat_result=file.stat() if isinstance(file, Path) else tell_stat(file),
            headers=headers,
        )

    @asynccontextmanager
    async def _open_file(self) -> AsyncIterator[Any]:
        """Open the file; one from far away is read as if it were here."""
        if self._far is None:
            async with super()._open_file() as opened:
                yield opened
            return
        reading = Reading(self._far)
        try:
            yield reading
        finally:
            reading.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or what is asked for of it."""
        etag = self.headers["etag"]
        if is_known(Headers(scope=scope), etag):
            await Response(status_code=304, headers={"ETag": etag})(scope, receive, send)
            return
        refused = False

        async def send_problems(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in {400, 416}:
                refused = True  # what the framework says to a Range that cannot be had is no problem of ours
                headers = {"Content-Range": f"bytes */{self.headers['content-length']}"}
                problem = put_problem(scope["request_id"], 416, headers=headers)
                await problem(scope, receive, send)
            elif not refused:
                await send(message)

        if scope.get("is_head"):
            scope = {**scope, "method": "HEAD"}  # the file need not be read
        if not Headers(scope=scope).get("range", "").strip().lower().startswith("bytes="):
            # A unit that is not known is no reason to refuse (RFC 9110, 14.2).
            scope = {**scope, "headers": [one for one in scope["headers"] if one[0] != b"range"]}
        await super().__call__(scope, receive, send_problems)


class Reading:
    """A file from far away that is read in order: the next block travels while this one is sent."""

    def __init__(self, file: Far) -> None:
        self._file, self._at, self._length = file, 0, PIECE
        self._block, self._begins = b"", 0
        self._coming: asyncio.Task[bytes] | None = None

    async def seek(self, start: int) -> None:
        """Go on from another place."""
        self.close()
        self._at, self._block, self._length = start, b"", PIECE

    async def read(self, size: int) -> bytes:
        """So many bytes from where it stands, fewer only at the end."""
        pieces = []
        while size > 0 and self._at < self._file.size:
            if not self._begins <= self._at < self._begins + len(self._block):
                await self._advance()
            offset = self._at - self._begins
            piece = self._block[offset : offset + size]
            pieces.append(piece)
            size -= len(piece)
            self._at += len(piece)
        return b"".join(pieces)

    async def _advance(self) -> None:
        """Have the block from where it stands, and send for the one behind it."""
        coming = self._coming or self._send_for(self._at)
        self._coming = None
        self._block, self._begins = await coming, self._at
        behind = self._at + len(self._block)
        if behind < self._file.size:
            self._coming = self._send_for(behind)

    def _send_for(self, start: int) -> "asyncio.Task[bytes]":
        end = min(start + self._length, self._file.size)
        self._length = min(2 * self._length, BLOCK)
        return asyncio.create_task(self._file.read(start, end))

    def close(self) -> None:
        """Wait for nothing more."""
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.cancel()
            coming.add_done_callback(forget)


def forget(task: "asyncio.Task[bytes]") -> None:
    """Let nobody ask what became of a block that is not wanted any more."""
    with suppress(asyncio.CancelledError):
        task.exception()


def tell_stat(file: Far) -> os.stat_result:
    """What the system would say of a file if it were here."""
    seconds = file.changed.timestamp()
    mode = stat.S_IFREG | stat.S_IRUSR
    return os.stat_result((mode, 0, 0, 1, 0, 0, file.size, seconds, seconds, seconds))
