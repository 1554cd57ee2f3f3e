"""Stored assessments: written, found, listed and erased, always within one tenant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, insert, update
from sqlmodel import Session, col, select

from api.storage.moments import first_id
from api.storage.tables import Retry, StoredAssessment
from api.storage.writer import Write

_ADD = insert(StoredAssessment)
_ADD_RETRY = insert(Retry)
_FORGET = (
    update(Retry)
    .where(col(Retry.assessment_id) == bindparam("erased"))
    .values(assessment_id=None, fingerprint=b"")
)


class Filter(NamedTuple):
    """Which assessments are wanted; None where anything will do."""

    person: str | None = None
    since: datetime | None = None
    """The earliest moment, itself included."""
    until: datetime | None = None
    """The first moment that is too late."""
    level: str | None = None
    """Level of the index."""
    action: str | None = None
    """The action of the safety screen."""
    model_version: str | None = None


class NewAssessment(NamedTuple):
    """An assessment that is not there yet; to make a row of the class for it costs more than to write it."""

    id: UUID
    tenant: str
    person: str
    created_at: datetime
    request: bytes
    result: bytes
    model_version: str
    model_digest: str
    index_level: str | None
    safety_action: str


def add_assessment(new: NewAssessment) -> Write:
    """The write that stores an assessment."""
    return Write(_ADD, new._asdict())


def add_retry(retry: Retry) -> Write:
    """The write that remembers a request which may be sent again."""
    return Write(_ADD_RETRY, retry.model_dump())


def find_retry(session: Session, tenant: str, key: str) -> Retry | None:
    """The request that came with this key."""
    return session.get(Retry, (tenant, key))


def find_assessment(session: Session, tenant: str, id: UUID) -> StoredAssessment | None:
    """A tenant's assessment; none of another tenant's."""
    wanted = select(StoredAssessment).where(
        StoredAssessment.tenant == tenant, StoredAssessment.id == id
    )
    return session.exec(wanted).one_or_none()


def list_assessments(
    session: Session, tenant: str, wanted: Filter, *, before: UUID | None, most: int
) -> Sequence[StoredAssessment]:
    """A tenant's assessments, the newest first, from just before an id on."""
    listed = select(StoredAssessment).where(StoredAssessment.tenant == tenant)
    for column, value in (
        (StoredAssessment.person, wanted.person),
        (StoredAssessment.index_level, wanted.level),
        (StoredAssessment.safety_action, wanted.action),
        (StoredAssessment.model_version, wanted.model_version),
    ):
        if value is not None:
            listed = listed.where(column == value)
    if wanted.since:
        listed = listed.where(col(StoredAssessment.id) >= first_id(wanted.since))
    if wanted.until:
        listed = listed.where(col(StoredAssessment.id) < first_id(wanted.until))
    if before:
        listed = listed.where(col(StoredAssessment.id) < before)
    return session.exec(listed.order_by(col(StoredAssessment.id).desc()).limit(most)).all()


def list_of_person(session: Session, tenant: str, person: str) -> Sequence[StoredAssessment]:
    """Everything that is stored of a person, the oldest first."""
    listed = select(StoredAssessment).where(
        StoredAssessment.tenant == tenant, StoredAssessment.person == person
    )
    return session.exec(listed.order_by(col(StoredAssessment.id))).all()


def erase_assessment(connection: Connection, tenant: str, id: UUID) -> str | None:
    """Erase a tenant's assessment; gives the person whose it was, or none where there is none."""
    person: str | None = connection.execute(
        delete(StoredAssessment)
        .where(col(StoredAssessment.tenant) == tenant, col(StoredAssessment.id) == id)
        .returning(col(StoredAssessment.person))
    ).scalar_one_or_none()
    if person is not None:
        _forget(connection, [id])
    return person


def erase_person(connection: Connection, tenant: str, person: str) -> int:
    """Erase everything that is stored of a person; gives how many assessments that were."""
    return _erase(connection, StoredAssessment.tenant == tenant, StoredAssessment.person == person)


def erase_older(connection: Connection, moment: datetime) -> dict[str, int]:
    """Erase what was stored before a moment; gives how many assessments that were of each tenant."""
    old = col(StoredAssessment.id) < first_id(moment)
    counted = connection.execute(
        select(StoredAssessment.tenant, func.count()).where(old).group_by(StoredAssessment.tenant)
    ).all()
    if counted:
        _erase(connection, old)
    return dict(counted)


def _erase(connection: Connection, *conditions: Any) -> int:
    erased = connection.execute(
        delete(StoredAssessment).where(*conditions).returning(col(StoredAssessment.id))
    ).scalars()
    ids = list(erased)
    _forget(connection, ids)
    return len(ids)


def _forget(connection: Connection, ids: Sequence[UUID]) -> None:
    """Keep of the requests that stored these only that they were made."""
    if ids:
        connection.execute(_FORGET, [{"erased": erased} for erased in ids])


def forget_retries(connection: Connection, before: datetime) -> None:
    """Forget the requests of before a moment: sent again, they are new."""
    connection.execute(delete(Retry).where(col(Retry.created_at) < before))
