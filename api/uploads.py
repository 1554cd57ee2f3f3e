"""Files as they are sent: of any size, taken as they come, and only as long as enough of them comes."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import BinaryIO, NamedTuple
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from api.batch.formats import Format
from api.bodies import RawHeaders, check_length
from api.problems import Refusal

BLOCK = 1 << 20
"""Bytes that are written at a time."""
LEAST_RATE = 1_000
"""Bytes a second that a body of any size must come with."""
CLOSE = {"Connection": "close"}
"""Sent with an answer to a body that was not read to its end."""


class Sent(NamedTuple):
    """A file that a caller sends."""

    kind: Format
    body: AsyncIterator[bytes]
    mapping: UUID | None = None
    sheet: str | None = None
    sha256: str | None = None
    """What its SHA-256 should be, in hexadecimal."""
    key: str | None = None
    """The Idempotency-Key that it came with."""


async def stream_body(
    headers: RawHeaders, receive: Receive, most: int, seconds: float
) -> AsyncIterator[bytes]:
    """A body of any size as it comes; in so many seconds there must always come enough of it.

    Raises:
        Refusal: 408 when it comes too slowly, 413 as soon as it is known to have more bytes than
            `most`.
        ClientDisconnect: when the caller went away before the end.
    """
    too_large = Refusal(413, f"The body may have at most {most:,} bytes.", headers=CLOSE)
    check_length(headers, most, too_large)
    size, more, turn = 0, True, (time.monotonic(), 0)
    while more:
        try:
            message = await asyncio.wait_for(receive(), seconds)
        except TimeoutError:
            raise Refusal(408, headers=CLOSE) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(piece)
        if size > most:
            raise too_large
        now, (began, had) = time.monotonic(), turn
        if now - began > seconds:
            if size - had < LEAST_RATE * seconds:
                raise Refusal(408, headers=CLOSE)
            turn = (now, size)
        yield piece


async def receive(body: AsyncIterator[bytes], stream: BinaryIO) -> tuple[int, str]:
    """Write what comes to a stream, beside the event loop; gives the number of bytes and their SHA-256."""
    digest, size, block = hashlib.sha256(), 0, bytearray()

    def put() -> None:
        digest.update(block)
        stream.write(block)
        block.clear()

    async for piece in body:
        block += piece
        size += len(piece)
        if len(block) >= BLOCK:
            await run_in_threadpool(put)
    await run_in_threadpool(put)
    return size, digest.hexdigest()
