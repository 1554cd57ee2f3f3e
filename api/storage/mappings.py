"""Mappings as they are stored."""

from uuid import UUID

from sqlalchemy import Connection, delete, insert
from sqlmodel import Session, col, select

from api.storage.tables import StoredMapping


def add_mapping(connection: Connection, mapping: StoredMapping) -> None:
    """Store a mapping."""
    connection.execute(insert(StoredMapping), [mapping.model_dump()])


def find_mapping(session: Session, tenant: str, id: UUID) -> StoredMapping | None:
    """A tenant's mapping; none of another tenant's."""
    wanted = select(StoredMapping).where(StoredMapping.tenant == tenant, StoredMapping.id == id)
    return session.exec(wanted).one_or_none()


def erase_mapping(connection: Connection, tenant: str, id: UUID) -> bool:
    """Erase a tenant's mapping; false where there is none."""
    erased = connection.execute(
        delete(StoredMapping).where(
            col(StoredMapping.tenant) == tenant, col(StoredMapping.id) == id
        )
    )
    return bool(erased.rowcount)
