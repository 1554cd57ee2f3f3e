"""Stored assessments as callers get them: kept, found, compared over time, exported and erased.

Whatever is done to a person's records is written into the audit trail, before it is answered.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import Connection
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from api.callers import Caller, service_of
from api.payloads import AssessPayload
from api.problems import Refusal
from api.pseudonyms import Pseudonyms
from api.record_forms import put_request, put_stored, read_head, tell_again
from api.retries import ERASED, came_otherwise
from api.storage import assessments as stored
from api.storage.audit import list_entries
from api.storage.database import Database
from api.storage.failures import Conflict
from api.storage.moments import make_id, moment_of
from api.storage.tables import AuditEntry, Retry, StoredAssessment
from api.storage.writer import Writer, put_rows
from api.trail import Action, Trail
from rules.assessment import Assessor, Sheet
from rules.trend import Trend, show_trend

IN_PROGRESS = (
    "A request with this Idempotency-Key is being worked on; please try again in a moment."
)
NO_SUCH = "There is no such stored assessment."
NO_PERSON = "Nothing is stored of this person."
T = TypeVar("T")


class Kept(NamedTuple):
    """A stored assessment."""

    id: UUID
    body: bytes
    """As it is answered, in JSON."""
    is_old: bool
    """Whether it had been stored before, for the same request."""


class Records:
    """The stored assessments of all tenants; every call is for the tenant of its caller."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        pseudonyms: Pseudonyms,
        assessor: Assessor,
        payload: type[AssessPayload],
        clock: Callable[[], datetime],
        chance: Callable[[int], int],
    ) -> None:
        self._database, self._writer = database, writer
        self._pseudonyms, self._assessor, self._payload = pseudonyms, assessor, payload
        self._trail = Trail(pseudonyms, clock, chance)
        self._clock, self._chance = clock, chance
        self._in_progress: set[tuple[str, str]] = set()

    # Storing

    async def store(self, caller: Caller, person: str, sheet: Sheet, key: str | None) -> Kept:
        """Assess what a person answered and store both; returns once that is committed.

        With a key the same request may be sent again and is answered as before.

        Raises:
            Refusal: 409 while the key's request is in progress or after its record was erased,
                422 when the key came with another body.
            StorageUnavailable: when it cannot be stored now.
        """
        request = put_request(sheet)
        if key is None:
            return await self._store(caller, person, sheet, request, None)
        body = person.encode() + b"\n" + request
        fingerprint = self._pseudonyms.name_body(caller.tenant, body)
        name = (caller.tenant, key)
        if name in self._in_progress:
            raise Refusal(409, IN_PROGRESS, headers={"Retry-After": "1"})
        self._in_progress.add(name)
        try:
            if old := await self._find_kept(caller, key, fingerprint):
                return old
            retry = Retry(
                tenant=caller.tenant,
                key=key,
                fingerprint=fingerprint,
                assessment_id=None,
                created_at=self._clock(),
            )
            try:
                return await self._store(caller, person, sheet, request, retry)
            except Conflict:  # another process was faster with the same key
                if old := await self._find_kept(caller, key, fingerprint):
                    return old
                raise
        finally:
            self._in_progress.discard(name)

    async def _store(
        self, caller: Caller, person: str, sheet: Sheet, request: bytes, retry: Retry | None
    ) -> Kept:
        result = self._assessor.assess_json(sheet)
        said = read_head(result)
        row = stored.NewAssessment(
            id=(new := make_id(self._clock(), self._chance(74))),
            tenant=caller.tenant,
            person=person,
            created_at=moment_of(new),
            request=request,
            result=result,
            model_version=said["model"]["version"],
            model_digest=said["model"]["digest"],
            index_level=said["index"]["level"],
            safety_action=said["safety"]["action"],
        )
        writes = [stored.add_assessment(row), self._trail.note(caller, "store", person)]
        if retry:
            retry.assessment_id = row.id
            writes.append(stored.add_retry(retry))
        await self._writer.write(writes)
        return Kept(row.id, put_stored(row, with_request=False), is_old=False)

    async def _find_kept(self, caller: Caller, key: str, fingerprint: bytes) -> Kept | None:
        def find(session: Session) -> tuple[Retry | None, StoredAssessment | None]:
            retry = stored.find_retry(session, caller.tenant, key)
            kept = retry.assessment_id if retry else None
            return retry, stored.find_assessment(session, caller.tenant, kept) if kept else None

        retry, row = await self._look_up(find)
        if retry is None:
            return None
        if row is None and retry.batch_id is None:
            raise Refusal(409, ERASED)
        if row is None or retry.fingerprint != fingerprint:
            raise came_otherwise()
        await self._writer.write([self._trail.note(caller, "read", row.person)])
        return Kept(row.id, put_stored(row, with_request=False), is_old=True)

    # Finding

    async def find(self, caller: Caller, id: UUID) -> StoredAssessment:
        """One stored assessment.

        Raises:
            Refusal: 404 where the tenant has none of this id.
        """
        row = await self._look_up(
            lambda session: stored.find_assessment(session, caller.tenant, id)
        )
        if row is None:
            raise Refusal(404, NO_SUCH)
        await self._writer.write([self._trail.note(caller, "read", row.person)])
        return row

    async def list(
        self, caller: Caller, wanted: stored.Filter, before: UUID | None, most: int
    ) -> Sequence[StoredAssessment]:
        """The newest stored assessments that are wanted, from just before an id on."""
        rows = await self._look_up(
            lambda session: stored.list_assessments(
                session, caller.tenant, wanted, before=before, most=most
            )
        )
        await self._writer.write([self._trail.note(caller, "list", wanted.person, len(rows))])
        return rows

    async def of_person(
        self, caller: Caller, person: str, action: Action
    ) -> Sequence[StoredAssessment]:
        """All that is stored of a person, the oldest first; `action` is what it is read for.

        Raises:
            Refusal: 404 where the tenant has nothing of the person.
        """
        rows = await self._look_up(
            lambda session: stored.list_of_person(session, caller.tenant, person)
        )
        if not rows:
            raise Refusal(404, NO_PERSON)
        await self._writer.write([self._trail.note(caller, action, person, len(rows))])
        return rows

    async def trend(self, caller: Caller, person: str) -> Trend:
        """How a person's scores changed."""
        rows = await self.of_person(caller, person, "trend")

        def show() -> Trend:
            told = [tell_again(row, self._payload, self._assessor) for row in rows]
            return show_trend(person, told, self._assessor.words.trend)

        return await run_in_threadpool(show)

    async def audit(
        self,
        caller: Caller,
        action: Action | None,
        person: str | None,
        before: UUID | None,
        most: int,
    ) -> Sequence[AuditEntry]:
        """The newest entries of the tenant's audit trail, from just before an id on."""
        hashed = self._pseudonyms.name_person(caller.tenant, person) if person else None
        rows = await self._look_up(
            lambda session: list_entries(
                session, caller.tenant, action=action, person_hash=hashed, before=before, most=most
            )
        )
        await self._writer.write([self._trail.note(caller, "audit", person, 0)])
        return rows

    async def _look_up(self, query: Callable[[Session], T]) -> T:
        return await run_in_threadpool(self._database.look_up, query)

    # Erasing

    async def erase(self, caller: Caller, id: UUID) -> None:
        """Erase one stored assessment.

        Raises:
            Refusal: 404 where the tenant has none of this id.
        """

        def erase(connection: Connection) -> bool:
            person = stored.erase_assessment(connection, caller.tenant, id)
            if person is not None:
                put_rows(connection, [self._trail.note(caller, "erase", person)])
            return person is not None

        if not await self._carry_out(erase):
            raise Refusal(404, NO_SUCH)
        await run_in_threadpool(self._database.scrub)

    async def erase_person(self, caller: Caller, person: str) -> int:
        """Erase all that is stored of a person; gives how many assessments that were.

        Raises:
            Refusal: 404 where the tenant has nothing of the person.
        """

        def erase(connection: Connection) -> int:
            count = stored.erase_person(connection, caller.tenant, person)
            if count:
                put_rows(connection, [self._trail.note(caller, "erase", person, count)])
            return count

        count = await self._carry_out(erase)
        if not count:
            raise Refusal(404, NO_PERSON)
        await run_in_threadpool(self._database.scrub)
        return count

    async def expire(self, before: datetime, retries_before: datetime) -> int:
        """Erase what was stored before a moment, of all tenants, and forget old requests; gives how many."""

        def erase(connection: Connection) -> int:
            counted = stored.erase_older(connection, before)
            stored.forget_retries(connection, retries_before)
            notes = [
                self._trail.note(service_of(tenant), "expire", None, count)
                for tenant, count in counted.items()
            ]
            put_rows(connection, notes)
            return sum(counted.values())

        erased = await self._carry_out(erase)
        # Even if nothing was: a reader may have held up the cleaning after an earlier erasure.
        await run_in_threadpool(self._database.scrub)
        return erased

    async def _carry_out(self, work: Callable[[Connection], T]) -> T:
        return await run_in_threadpool(self._database.change, work)
