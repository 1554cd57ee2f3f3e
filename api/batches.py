"""Batches as callers get them: a file taken in whole or not at all, how far it is, its results, and their erasure."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import orjson
from fastapi.concurrency import contextmanager_in_threadpool
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from api.batch.chunks import FileRefused
from api.batch.formats import Format, find_usual
from api.batch.layout import Columns
from api.batch.place import Result
from api.batch.running import find_columns, tell_refusal
from api.batch.store import StoredFile
from api.batch.whole import has_no_room
from api.callers import Caller, service_of
from api.conversions import NO_SUCH, Conversions
from api.problems import Refusal
from api.retries import find_old_batch, note_batch
from api.storage import batches as stored
from api.storage.database import Database
from api.storage.failures import Conflict, StorageUnavailable
from api.storage.mappings import find_mapping
from api.storage.moments import make_id
from api.storage.tables import StoredBatch
from api.storage.writer import Writer, put_rows
from api.trail import Trail
from api.uploads import Sent, receive
from rules.errors import Fault

LEFT = 3600.0
"""Seconds after which a folder that nothing is written into and that belongs to no batch is erased."""
UNKNOWN_MAPPING = Fault(
    "/query/mapping", "not_an_option", "must be the id of a mapping that was sent to /mappings"
)
WRONG_DIGEST = Fault("/header/Content-Digest", "contradiction", "is not the SHA-256 of what came")
NO_ROOM = "There is no room for the file at the moment; nothing of it was kept."


class Taken(NamedTuple):
    """A batch that was taken in."""

    batch: StoredBatch
    is_old: bool
    """Whether it had been before, by the same request."""


class Batches:
    """The batches of all tenants; every call is for the tenant of its caller."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        conversions: Conversions,
        trail: Trail,
        clock: Callable[[], datetime],
        chance: Callable[[int], int],
        most: int,
    ) -> None:
        """A tenant may have `most` batches that are not finished, those under way counted; 0 for any number."""
        self.spool, self._rules = conversions.spool, conversions.rules
        self._database, self._writer, self._conversions = database, writer, conversions
        self._trail, self._clock, self._chance, self._most = trail, clock, chance, most
        self._coming = Counter[str]()
        """How many are being sent to this process, by tenant."""
        self.poke: Callable[[], None] = lambda: None
        """Called when there is a new one."""

    # Taking in

    async def submit(self, caller: Caller, sent: Sent) -> Taken:
        """Take in a file; returns once it is kept for good, and before it is scored.

        Raises:
            Refusal: 409 when it was sent before and has been erased since, 422 when it is not what
                it should be or cannot be scored, 429 when the tenant has too many batches, 507 when
                there is no room.
            StorageUnavailable: when it cannot be kept now.
        """
        mapping = await self._find_mapping(caller, sent.mapping)
        old = await find_old_batch(self._database, caller, sent.key)
        await self._check_room(caller, is_new=old is None)
        self._coming[caller.tenant] += 1
        try:
            return await self._take_in(caller, sent, mapping)
        finally:
            self._coming[caller.tenant] -= 1

    async def _take_in(self, caller: Caller, sent: Sent, mapping: bytes) -> Taken:
        at = self._clock()
        new = make_id(at, self._chance(74))
        try:
            size, digest = await self._receive(new, sent)
            batch = StoredBatch(
                id=new,
                tenant=caller.tenant,
                created_at=at,
                state="waiting",
                format=sent.kind.name,
                size=size,
                sha256=digest,
                columns=b"",
                mapping=mapping,
                sheet=sent.sheet,
            )
            if old := await find_old_batch(self._database, caller, sent.key, batch):
                self.spool.let_go(new)
                return Taken(old, is_old=True)
            columns = await run_in_threadpool(self._look_into, batch)
            batch.columns = orjson.dumps(columns._asdict())
            await run_in_threadpool(self._keep, caller, batch, sent.key)
        except StorageUnavailable:
            raise  # it may have been added all the same; if not, the file goes later
        except BaseException as failure:
            self.spool.let_go(new)
            if has_no_room(failure):
                raise Refusal(507, NO_ROOM) from None
            if isinstance(failure, Conflict):  # it came a second time, and that one was faster
                old = await find_old_batch(self._database, caller, sent.key, batch)
                if old:
                    return Taken(old, is_old=True)
            raise
        self.poke()
        return Taken(batch, is_old=False)

    async def _receive(self, id: UUID, sent: Sent) -> tuple[int, str]:
        """Keep what is sent; gives the number of its bytes and their SHA-256."""
        receiving = self.spool.receiving(id, sent.kind)
        async with contextmanager_in_threadpool(receiving) as stream:
            size, digest = await receive(sent.body, stream)
            if sent.sha256 not in {None, digest}:
                raise Refusal(422, faults=[WRONG_DIGEST])
        return size, digest

    async def _find_mapping(self, caller: Caller, id: UUID | None) -> bytes:
        if id is None:
            return b""
        found = await run_in_threadpool(
            self._database.look_up, lambda session: find_mapping(session, caller.tenant, id)
        )
        if found is None:
            raise Refusal(422, faults=[UNKNOWN_MAPPING])
        return found.content

    async def _check_room(self, caller: Caller, *, is_new: bool) -> None:
        """See early that it may be sent and can be kept; one that came before takes room, too, while it comes."""
        await run_in_threadpool(self.spool.ping)

        def count_kept(session: Session) -> int:
            return stored.count_unfinished(session, caller.tenant) if is_new else 0

        count = await run_in_threadpool(self._database.look_up, count_kept)
        if self._most and count + self._coming[caller.tenant] >= self._most:
            raise self._too_many()

    def _too_many(self) -> Refusal:
        return Refusal(
            429,
            f"At most {self._most} batches may wait or be scored at a time; please send this one later.",
            headers={"Retry-After": "60"},
        )

    def _look_into(self, batch: StoredBatch) -> Columns:
        """What the columns of a file are taken for."""
        kind = find_usual(batch.format)
        order = self.spool.order(batch, kind, self._rules.model)
        try:
            return find_columns(order, kind, self._rules)
        except FileRefused as refused:
            told = tell_refusal(refused, order)
            raise Refusal(422, told, [Fault("", "malformed", "cannot be scored")]) from None

    def _keep(self, caller: Caller, batch: StoredBatch, key: str | None) -> None:
        """Keep the file for good and then the row; a file whose row is refused goes."""
        self.spool.keep_input(batch)
        try:
            self._add(caller, batch, key)
        except (Conflict, Refusal):
            self.spool.erase(batch.id)
            raise

    def _add(self, caller: Caller, batch: StoredBatch, key: str | None) -> None:
        with self._database.writing() as connection:
            put_rows(connection, note_batch(batch, key))  # first: a second one must not be too many
            if not stored.add_batch(connection, batch, self._most):
                raise self._too_many()
            put_rows(connection, [self._trail.note(caller, "batch_send", None)])

    # Looking at

    async def find(self, caller: Caller, id: UUID) -> StoredBatch:
        """A batch, and how far it is.

        Raises:
            Refusal: 404 where the tenant has none of this id.
        """
        found = await run_in_threadpool(
            self._database.look_up, lambda session: stored.find_batch(session, caller.tenant, id)
        )
        if found is None:
            raise Refusal(404, NO_SUCH)
        return found

    async def list(
        self, caller: Caller, state: str | None, before: UUID | None, most: int
    ) -> Sequence[StoredBatch]:
        """The tenant's batches, the newest first, from just before an id on."""
        return await run_in_threadpool(
            self._database.look_up,
            lambda session: stored.list_batches(
                session, caller.tenant, state=state, before=before, most=most
            ),
        )

    async def read_summary(self, caller: Caller, id: UUID) -> bytes:
        """What became of the rows of a batch, in JSON.

        Raises:
            Refusal: 404 where there is no such batch, 409 where it is not done.
        """
        batch = await self._find_done(caller, id)
        try:
            return await run_in_threadpool(self.spool.read_summary, batch)
        except FileNotFoundError:  # it was erased meanwhile
            raise Refusal(404, NO_SUCH) from None

    async def find_result(
        self, caller: Caller, id: UUID, what: Result, kind: Format | None
    ) -> tuple[Path | StoredFile, Format]:
        """The file of a result, as a kind of file; as that which was sent unless told otherwise.

        Raises:
            Refusal: 404 where there is no such batch, 409 where it is not done, or the rules are no
                longer those it was scored by, 503 while the file is being made.
        """
        batch = await self._find_done(caller, id)
        found = await self._conversions.find(batch, what, kind)
        await self._writer.write([self._trail.note(caller, "batch_read", None)])
        return found

    async def _find_done(self, caller: Caller, id: UUID) -> StoredBatch:
        batch = await self.find(caller, id)
        if batch.state == "failed":
            raise Refusal(409, f"This batch failed: {batch.reason}")
        if batch.state != "done":
            headers = {"Retry-After": "5"}
            raise Refusal(
                409, "This batch is not done yet; its state says how far it is.", headers=headers
            )
        return batch

    # Erasing

    async def erase(self, caller: Caller, id: UUID) -> None:
        """Erase a batch with all that belongs to it; one that is being scored is stopped.

        Raises:
            Refusal: 404 where the tenant has none of this id.
        """

        def erase() -> bool:
            self.spool.ping()  # else the row would be gone, and the files would stay for a while
            with self._database.writing() as connection:
                erased = stored.erase_batch(connection, caller.tenant, id)
                if erased:
                    put_rows(connection, [self._trail.note(caller, "batch_erase", None)])
            if erased:
                self.spool.erase(id)
                self._database.scrub()
            return erased

        if not await run_in_threadpool(erase):
            raise Refusal(404, NO_SUCH)

    def expire(self, before: datetime) -> int:
        """Erase the batches that were sent before a moment, and what belongs to none; gives how many batches."""
        with self._database.writing() as connection:
            erased = stored.erase_older_batches(connection, before)
            counted = Counter(tenant for tenant, _ in erased)
            put_rows(
                connection,
                [
                    self._trail.note(service_of(tenant), "batch_expire", None, count)
                    for tenant, count in counted.items()
                ],
            )
        for _, one in erased:
            self.spool.erase(one)
        left = set(self.spool.list_left(LEFT))
        known = self._database.look_up(lambda session: stored.find_known(session, left))
        for one in left - known:
            self.spool.erase(one)
        return len(erased)
