"""Webhooks as they are stored, and their secrets' numbers."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, update
from sqlmodel import Session, col, select

from api.storage.database import lock_to_count
from api.storage.tables import Delivery, StoredWebhook, WebhookSecret

MOST_OLD = 4
"""Older secrets of a webhook that sign beside its newest one at most."""
_webhook, _tenant = col(StoredWebhook.id), col(StoredWebhook.tenant)
_of, _number, _until = (
    col(WebhookSecret.webhook_id),
    col(WebhookSecret.number),
    col(WebhookSecret.until),
)
_to, _is_waiting = col(Delivery.webhook_id), col(Delivery.state) == "waiting"


class StillSigning(Exception):
    """So many older secrets sign that no other may join them yet."""

    def __init__(self, until: datetime) -> None:
        """The first of them ends then."""
        super().__init__()
        self.until = until


class Standing(NamedTuple):
    """How a webhook stands."""

    webhook: StoredWebhook
    last: Delivery | None
    """The delivery that was attempted last; none before there was one."""
    waiting: int
    """Deliveries that are still to be made."""
    old_until: datetime | None
    """Until when an older secret signs, too; none where none does."""


def add_webhook(connection: Connection, webhook: StoredWebhook, most: int) -> bool:
    """Store a webhook with its first secret; false where its tenant has `most` already."""
    lock_to_count(connection, StoredWebhook)
    counted = select(func.count()).where(_tenant == webhook.tenant)
    if connection.execute(counted).scalar_one() >= most:
        return False
    connection.execute(insert(StoredWebhook), [webhook.model_dump()])
    _add_secret(connection, webhook.tenant, webhook.id, 1, webhook.created_at)
    return True


def _add_secret(
    connection: Connection, tenant: str, id: UUID, number: int, moment: datetime
) -> None:
    row = WebhookSecret(webhook_id=id, number=number, tenant=tenant, made_at=moment)
    connection.execute(insert(WebhookSecret), [row.model_dump()])


def list_webhooks(session: Session, tenant: str, moment: datetime) -> Sequence[Standing]:
    """A tenant's webhooks and how each stands, the newest first."""
    listed = select(StoredWebhook).where(_tenant == tenant).order_by(_webhook.desc())
    return [_look_at(session, one, moment) for one in session.exec(listed)]


def find_webhook(session: Session, tenant: str, id: UUID, moment: datetime) -> Standing | None:
    """A tenant's webhook and how it stands; none of another tenant's."""
    wanted = select(StoredWebhook).where(_tenant == tenant, _webhook == id)
    found = session.exec(wanted).one_or_none()
    return _look_at(session, found, moment) if found else None


def _look_at(session: Session, webhook: StoredWebhook, moment: datetime) -> Standing:
    attempted = col(Delivery.attempted_at)
    last = (
        select(Delivery)
        .where(_to == webhook.id, attempted.is_not(None))
        .order_by(attempted.desc(), col(Delivery.message).desc())
    )
    return Standing(
        webhook,
        session.exec(last.limit(1)).one_or_none(),
        session.exec(select(func.count()).where(_to == webhook.id, _is_waiting)).one(),
        session.exec(
            select(func.max(_until)).where(_of == webhook.id, _until > moment)
        ).one_or_none(),
    )


def erase_webhook(connection: Connection, tenant: str, id: UUID) -> bool:
    """Erase a tenant's webhook with what is still to be delivered to it; false where there is none."""
    erased = connection.execute(delete(StoredWebhook).where(_tenant == tenant, _webhook == id))
    return bool(erased.rowcount)


def renew_secret(
    connection: Connection, tenant: str, id: UUID, moment: datetime, until: datetime
) -> int | None:
    """Give a tenant's webhook a new secret, beside which those of before sign until a moment.

    Gives its number, or none where there is no such webhook.

    Raises:
        StillSigning: when as many as may be sign still.
    """
    locked = (
        select(_webhook).where(_tenant == tenant, _webhook == id).with_for_update(key_share=True)
    )
    if connection.execute(locked).scalar_one_or_none() is None:
        return None
    signing = select(func.count(), func.min(_until)).where(_of == id, _until > moment)
    count, first = connection.execute(signing).one()
    if first and count >= MOST_OLD:
        raise StillSigning(first)
    newest: int = connection.execute(select(func.max(_number)).where(_of == id)).scalar_one()
    connection.execute(delete(WebhookSecret).where(_of == id, _until <= moment))
    connection.execute(update(WebhookSecret).where(_of == id, _until.is_(None)).values(until=until))
    _add_secret(connection, tenant, id, newest + 1, moment)
    return newest + 1
