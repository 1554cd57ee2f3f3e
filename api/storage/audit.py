"""The audit trail: who did what when to whose records, without anything that they hold."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session, col, select

from api.storage.tables import AuditEntry
from api.storage.writer import Write

_ADD = insert(AuditEntry)


class NewEntry(NamedTuple):
    """An entry that is not there yet; to make a row of the class for it costs more than to write it."""

    id: UUID
    tenant: str
    at: datetime
    actor: str
    action: str
    person_hash: str | None
    records: int


def add_entry(entry: NewEntry) -> Write:
    """The write that adds an entry."""
    return Write(_ADD, entry._asdict())


def list_entries(
    session: Session,
    tenant: str,
    *,
    action: str | None,
    person_hash: str | None,
    before: UUID | None,
    most: int,
) -> Sequence[AuditEntry]:
    """A tenant's entries, the newest first, from just before an id on."""
    listed = select(AuditEntry).where(AuditEntry.tenant == tenant)
    if action is not None:
        listed = listed.where(AuditEntry.action == action)
    if person_hash is not None:
        listed = listed.where(AuditEntry.person_hash == person_hash)
    if before:
        listed = listed.where(col(AuditEntry.id) < before)
    return session.exec(listed.order_by(col(AuditEntry.id).desc()).limit(most)).all()
