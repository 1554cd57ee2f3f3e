"""Looks at files before they are sent: what their columns are taken for, and nothing is kept."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

from fastapi.concurrency import contextmanager_in_threadpool
from starlette.concurrency import run_in_threadpool

from api.batch.chunks import FileRefused
from api.batch.looking import Look, look_at, open_beginning
from api.batch.mapping import NO_MAPPING, ColumnMapping, read_mapping
from api.batch.spool import Spool
from api.batch.whole import has_no_room
from api.batches import NO_ROOM, UNKNOWN_MAPPING
from api.callers import Caller
from api.mappings import Mappings
from api.problems import Refusal
from api.uploads import Sent, receive
from rules.definitions import Model
from rules.errors import Fault

MOST_AT_ONCE = 4
"""Whole files of a tenant that may be looked at in a process at a time, being sent included."""
LOOKING = "Your other files are still being looked at; please try again in a moment."
MOST_TEXT = 4_000_000
"""Bytes of the beginning of a text that may be sent to be looked at."""


class Looks:
    """Looks of all tenants at their files."""

    def __init__(self, mappings: Mappings, spool: Spool, model: Model) -> None:
        self._mappings, self._spool, self._model = mappings, spool, model
        self._busy: Counter[str] = Counter()
        self._turn = asyncio.Semaphore()
        """Whose turn it is: a spreadsheet is read whole, and several at a time would fill the memory."""

    async def look(self, caller: Caller, sent: Sent) -> Look:
        """What the columns of a file are taken for; a text may be cut off anywhere.

        A text stays in memory. Another file lies where batches do, for as long as it is looked at;
        of those one is read after the other.

        Raises:
            Refusal: 422 when it cannot be read, 429 while too many others are looked at, 507 when
                there is no room.
            StorageUnavailable: when the mapping cannot be looked up now.
        """
        mapping = await self._find_mapping(caller, sent.mapping)
        try:
            if sent.kind.is_text:
                begins = b"".join([piece async for piece in sent.body])
                return await run_in_threadpool(self._look_at_text, begins, sent, mapping)
            if self._busy[caller.tenant] >= MOST_AT_ONCE:
                raise Refusal(429, LOOKING, headers={"Retry-After": "2"})
            self._busy[caller.tenant] += 1
            try:
                return await self._look_at_whole(sent, mapping)
            finally:
                self._busy[caller.tenant] -= 1
        except FileRefused as refused:
            fault = Fault("", "malformed", "cannot be read")
            raise Refusal(422, str(refused), [fault]) from None
        except OSError as failure:
            if has_no_room(failure):
                raise Refusal(507, NO_ROOM) from None
            raise

    async def _find_mapping(self, caller: Caller, id: UUID | None) -> ColumnMapping:
        if id is None:
            return NO_MAPPING
        try:
            found = await self._mappings.find(caller, id)
        except Refusal:
            raise Refusal(422, faults=[UNKNOWN_MAPPING]) from None
        return read_mapping(found.content.decode(), self._model)

    def _look_at_text(self, begins: bytes, sent: Sent, mapping: ColumnMapping) -> Look:
        return look_at(sent.kind, open_beginning(begins), mapping, self._model)

    async def _look_at_whole(self, sent: Sent, mapping: ColumnMapping) -> Look:
        new = uuid4()  # belongs to no batch, so that what a killed process leaves is erased later

        def look() -> Look:
            with self._spool.opening(new, sent.kind, sent.sheet) as opened:
                return look_at(sent.kind, opened, mapping, self._model)

        try:
            receiving = self._spool.receiving(new, sent.kind)
            async with contextmanager_in_threadpool(receiving) as stream:
                await receive(sent.body, stream)
            async with self._turn:
                return await run_in_threadpool(look)
        finally:
            self._spool.let_go(new)
