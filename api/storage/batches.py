"""Batches as they are stored, and how those who work on them keep out of each other's way.

Whoever takes up a batch gets a number, `takes`, and may write only as long as nobody took it up
after that.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

from sqlalchemy import Connection, case, delete, func, insert, update
from sqlmodel import Session, col, select

from api.storage.database import lock_to_count
from api.storage.moments import first_id
from api.storage.tables import StoredBatch

State = Literal["waiting", "running", "done", "failed"]
"""What may become of a batch."""
AT_ONCE = 1_000
"""Ids that are asked for in one statement."""
UNFINISHED: tuple[State, ...] = ("waiting", "running")
_id, _tenant, _state = col(StoredBatch.id), col(StoredBatch.tenant), col(StoredBatch.state)
_rows, _rows_when_taken = col(StoredBatch.rows_done), col(StoredBatch.rows_when_taken)
_takes, _fruitless = col(StoredBatch.takes), col(StoredBatch.fruitless)


def add_batch(connection: Connection, batch: StoredBatch, most: int) -> bool:
    """Store a batch; false where its tenant has `most` that are not finished, unless that is 0."""
    lock_to_count(connection, StoredBatch)
    if most and _count(connection, batch.tenant) >= most:
        return False
    connection.execute(insert(StoredBatch), [batch.model_dump()])
    return True


def count_unfinished(session: Session, tenant: str) -> int:
    """How many batches of a tenant are not finished."""
    return _count(session.connection(), tenant)


def _count(connection: Connection, tenant: str) -> int:
    counted = select(func.count()).where(_tenant == tenant, _state.in_(UNFINISHED))
    return connection.execute(counted).scalar_one()


def find_batch(session: Session, tenant: str, id: UUID) -> StoredBatch | None:
    """A tenant's batch; none of another tenant's."""
    return session.exec(select(StoredBatch).where(_tenant == tenant, _id == id)).one_or_none()


def look_at(session: Session, id: UUID) -> StoredBatch | None:
    """A batch, whose ever it is."""
    return session.get(StoredBatch, id)


def list_batches(
    session: Session, tenant: str, *, state: str | None, before: UUID | None, most: int
) -> Sequence[StoredBatch]:
    """A tenant's batches, the newest first, from just before an id on."""
    listed = select(StoredBatch).where(_tenant == tenant)
    if state is not None:
        listed = listed.where(_state == state)
    if before:
        listed = listed.where(_id < before)
    return session.exec(listed.order_by(_id.desc()).limit(most)).all()


def list_signs(session: Session) -> dict[UUID, tuple[int, int]]:
    """Signs of life of all batches that are not finished, the oldest first: how often taken up, and how often beaten."""
    wanted = select(_id, _takes, col(StoredBatch.beats)).where(_state.in_(UNFINISHED))
    return {one: (takes, beats) for one, takes, beats in session.exec(wanted.order_by(_id))}


class Standing(NamedTuple):
    """How the batches of all tenants stand."""

    counts: Mapping[str, int]
    """How many there are in each state."""
    waiting_since: datetime | None
    """When the batch was sent that waits longest."""
    silent_since: datetime | None
    """When rows were last scored, or it was taken up, of the batch under way that has been silent longest."""
    scored_by: Mapping[str, int]
    """How many under way are scored by which rules, by their digest."""


def read_standing(session: Session) -> Standing:
    """How the batches of all tenants stand."""
    sent, heard = (
        col(StoredBatch.created_at),
        func.coalesce(col(StoredBatch.updated_at), col(StoredBatch.taken_at)),
    )
    listed = select(_state, func.count(), func.min(sent), func.min(heard)).group_by(_state)
    digest = func.coalesce(col(StoredBatch.model_digest), "")
    rules = select(digest, func.count()).where(_state == "running").group_by(digest)
    found = {state: (count, first, silent) for state, count, first, silent in session.exec(listed)}
    return Standing(
        {state: found[state][0] if state in found else 0 for state in get_args(State)},
        found["waiting"][1] if "waiting" in found else None,
        found["running"][2] if "running" in found else None,
        dict(session.exec(rules).all()),
    )


def find_known(session: Session, ids: Collection[UUID]) -> set[UUID]:
    """Which of these ids are of batches that are there."""
    found: set[UUID] = set()
    for some in batched(ids, AT_ONCE):
        found.update(session.exec(select(_id).where(_id.in_(some))))
    return found


def batched(ids: Collection[UUID], size: int) -> Iterator[Sequence[UUID]]:
    """Ids in groups of so many at most."""
    listed = list(ids)
    for first in range(0, len(listed), size):
        yield listed[first : first + size]


def take_batch(
    connection: Connection, id: UUID, moment: datetime, version: str, digest: str
) -> StoredBatch | None:
    """Take up a batch that is not finished, to score it by these rules; none where there is no such batch.

    What was done by other rules is not gone on with, so it is not told any longer, either.
    """
    goes_on = col(StoredBatch.model_digest) == digest
    kept = case((goes_on, _rows), else_=0)
    taken = (
        connection.execute(
            update(StoredBatch)
            .where(_id == id, _state.in_(UNFINISHED))
            .values(
                state="running",
                reason=None,
                model_version=version,
                model_digest=digest,
                started_at=func.coalesce(col(StoredBatch.started_at), moment),
                takes=_takes + 1,
                rows_done=kept,
                rows_rejected=case((goes_on, col(StoredBatch.rows_rejected)), else_=0),
                share_done=case((goes_on, col(StoredBatch.share_done)), else_=0.0),
                fruitless=case((goes_on & (_rows == _rows_when_taken), _fruitless + 1), else_=1),
                taken_at=moment,
                updated_at=moment,
                rows_when_taken=kept,
            )
            .returning(*StoredBatch.__table__.columns)  # type: ignore[attr-defined]
        )
        .mappings()
        .one_or_none()
    )
    return StoredBatch(**taken) if taken else None


def write_batch(connection: Connection, id: UUID, takes: int, changed: Mapping[str, Any]) -> bool:
    """Change what is told of a batch; false where it is not, or no longer, that of whoever took it up."""
    written = connection.execute(
        update(StoredBatch).where(_id == id, _takes == takes, _state == "running").values(**changed)
    )
    return bool(written.rowcount)


def release_batch(connection: Connection, id: UUID, takes: int) -> None:
    """Leave a batch to others; that it did not get on is nobody's fault."""
    still = case((_fruitless > 0, _fruitless - 1), else_=0)
    write_batch(connection, id, takes, {"fruitless": still})


def beat(connection: Connection, ids: Collection[UUID]) -> None:
    """Show that these are being worked on."""
    beats = col(StoredBatch.beats)
    connection.execute(update(StoredBatch).where(_id.in_(ids)).values(beats=beats + 1))


def erase_batch(connection: Connection, tenant: str, id: UUID) -> bool:
    """Erase a tenant's batch, whatever is being done with it; false where there is none."""
    erased = connection.execute(delete(StoredBatch).where(_tenant == tenant, _id == id))
    return bool(erased.rowcount)


def erase_older_batches(connection: Connection, moment: datetime) -> Sequence[tuple[str, UUID]]:
    """Erase the batches that were sent before a moment; gives the tenant and the id of each."""
    erased = connection.execute(
        delete(StoredBatch).where(_id < first_id(moment)).returning(_tenant, _id)
    )
    return [(tenant, one) for tenant, one in erased]
