"""Keys as they are stored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, update
from sqlmodel import Session, col, select

from api.storage.tables import ApiKey
from api.storage.writer import Write

_TOUCH = (
    update(ApiKey)
    .where(col(ApiKey.id) == bindparam("key"))
    .values(last_used_at=bindparam("moment"))
)


def add_key(connection: Connection, key: ApiKey) -> None:
    """Store a key."""
    connection.execute(insert(ApiKey), [key.model_dump()])


def find_key(session: Session, id: str) -> ApiKey | None:
    """A key by its id."""
    return session.get(ApiKey, id)


def touch_key(id: str, moment: datetime) -> Write:
    """The write that remembers when a key was last used."""
    return Write(_TOUCH, {"key": id, "moment": moment})


def list_keys(session: Session, tenant: str | None) -> Sequence[ApiKey]:
    """The keys of a tenant, or of all, the oldest first."""
    listed = select(ApiKey)
    if tenant is not None:
        listed = listed.where(ApiKey.tenant == tenant)
    return session.exec(listed.order_by(col(ApiKey.created_at), col(ApiKey.id))).all()


def revoke_key(connection: Connection, id: str, moment: datetime) -> str | None:
    """Revoke a key for good; gives its tenant, or none where there is no such key that still works."""
    tenant: str | None = connection.execute(
        update(ApiKey)
        .where(col(ApiKey.id) == id, col(ApiKey.revoked_at).is_(None))
        .values(revoked_at=moment)
        .returning(col(ApiKey.tenant))
    ).scalar_one_or_none()
    return tenant


def count_keys(session: Session) -> int:
    """How many keys there are, of all tenants."""
    return session.exec(select(func.count()).select_from(ApiKey)).one()
