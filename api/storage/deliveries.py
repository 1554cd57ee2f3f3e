"""What webhooks are to be told, as it is stored, and how those who send it keep out of each other's way.

What is told of a batch is written in the transaction that ends it. Whoever sends takes up a webhook
with a number, `takes`, and has it alone until a moment; whoever dies meanwhile leaves it to others then.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

import orjson
from sqlalchemy import Connection, case, delete, exists, func, insert, or_, update
from sqlmodel import Session, col, select

from api.storage.tables import Delivery, StoredBatch, StoredWebhook, WebhookSecret

Event = Literal["batch.done", "batch.failed"]
"""What a webhook may be told of."""
EVENTS: tuple[Event, ...] = get_args(Event)
PING = "webhook.ping"
"""What a webhook is told of only when its owner asks for that."""
MessageKind = Literal["batch.done", "batch.failed", "webhook.ping"]
"""What a message may tell of."""
DeliveryState = Literal["waiting", "delivered", "given_up"]
"""What may become of a delivery."""
DeliveryFault = Literal[
    "timeout", "unknown_name", "private_address", "refused_port", "insecure", "no_connection"
]
"""Why an attempt came to no answer."""
_webhook, _tenant, _is_on = (
    col(StoredWebhook.id),
    col(StoredWebhook.tenant),
    col(StoredWebhook.is_on),
)
_takes, _taken_until = col(StoredWebhook.takes), col(StoredWebhook.taken_until)
_of, _number, _until = (
    col(WebhookSecret.webhook_id),
    col(WebhookSecret.number),
    col(WebhookSecret.until),
)
_to, _message, _next_at = (
    col(Delivery.webhook_id),
    col(Delivery.message),
    col(Delivery.next_at),
)
_is_waiting = col(Delivery.state) == "waiting"


class Errand(NamedTuple):
    """One delivery that a process took up, with all that is needed for an attempt."""

    webhook: UUID
    takes: int
    tenant: str
    url: str
    message: str
    body: bytes
    attempts: int
    """How many there were before."""
    secrets: Sequence[int]
    """The numbers of the secrets that sign it, the newest first."""


class Outcome(NamedTuple):
    """What came of an attempt."""

    at: datetime
    status: int | None
    fault: DeliveryFault | None
    state: DeliveryState
    next_at: datetime | None


class DeliveryStanding(NamedTuple):
    """How the deliveries of all tenants stand."""

    counts: Mapping[str, int]
    """How many there are in each state."""
    due_since: datetime | None
    """Since when an attempt is due that nobody makes: it was not due before, or its webhook was sent to then."""


def read_deliveries(session: Session, moment: datetime) -> DeliveryStanding:
    """How the deliveries of all tenants stand."""
    state = col(Delivery.state)
    found = dict(session.exec(select(state, func.count()).group_by(state)).all())
    counts = {name: found.get(name, 0) for name in get_args(DeliveryState)}
    return DeliveryStanding(counts, session.exec(_due_since(moment)).one())


def _due_since(moment: datetime) -> Any:
    """Since when nobody has sent anything to that webhook for which something is due and that nobody is at.

    Each gets one message at a time: one that takes none keeps many waiting while it is sent to without a break.
    """
    due = select(func.min(_next_at)).where(_to == _webhook).scalar_subquery()
    sent = select(func.max(col(Delivery.attempted_at))).where(_to == _webhook).scalar_subquery()
    since = func.min(case((sent > due, sent), else_=due))
    return _due(moment).with_only_columns(since)


# What is to be told


def announce_end(connection: Connection, batch: UUID, moment: datetime) -> None:
    """Note for every webhook that wants to know of it that a batch has just ended."""
    wanted = select(
        col(StoredBatch.tenant),
        col(StoredBatch.state),
        col(StoredBatch.rows_done),
        col(StoredBatch.rows_rejected),
    ).where(col(StoredBatch.id) == batch)
    tenant, state, rows, rejected = connection.execute(wanted).one()
    event = f"batch.{state}"
    data: dict[str, Any] = {"batch_id": str(batch), "state": state}
    if state == "done":
        data |= {"rows": rows, "rejected": rejected}
    told = (
        select(_webhook, col(StoredWebhook.events))
        .where(_tenant == tenant, _is_on)
        .with_for_update(read=True)  # none of them may be erased or switched off meanwhile
    )
    rows_to_add = [
        make_delivery(tenant, webhook, event, f"msg_{batch.hex}", data, moment, batch).model_dump()
        for webhook, events in connection.execute(told).all()
        if event in events.split()
    ]
    if rows_to_add:
        connection.execute(insert(Delivery), rows_to_add)


def make_delivery(
    tenant: str,
    webhook: UUID,
    event: str,
    message: str,
    data: dict[str, Any],
    moment: datetime,
    batch: UUID | None = None,
) -> Delivery:
    """What a webhook is to be told as soon as can be."""
    told = {"type": event, "timestamp": moment, "data": data}
    return Delivery(
        webhook_id=webhook,
        message=message,
        tenant=tenant,
        event=event,
        batch_id=batch,
        created_at=moment,
        body=orjson.dumps(told, option=orjson.OPT_UTC_Z),
        next_at=moment,
    )


def add_ping(connection: Connection, ping: Delivery) -> str | None:
    """Note a ping for a tenant's webhook that is on; gives its message, or that of one that waits already."""
    locked = (
        select(_webhook)
        .where(_tenant == ping.tenant, _webhook == ping.webhook_id, _is_on)
        .with_for_update(key_share=True)
    )
    if connection.execute(locked).scalar_one_or_none() is None:
        return None
    waits = select(_message).where(
        _to == ping.webhook_id, col(Delivery.event) == ping.event, _is_waiting
    )
    waiting: str | None = connection.execute(waits.limit(1)).scalar_one_or_none()
    if waiting is None:
        connection.execute(insert(Delivery), [ping.model_dump()])
    return waiting or ping.message


# What those who send need


def _due(moment: datetime) -> Any:
    """The webhooks that something may be sent to now: nobody is at it, and something is due."""
    is_due = exists().where(_to == _webhook, _next_at <= moment)
    return select(_webhook).where(
        _is_on, or_(_taken_until.is_(None), _taken_until <= moment), is_due
    )


def is_something_due(session: Session, moment: datetime) -> bool:
    """Whether something may be sent now."""
    return session.exec(_due(moment).limit(1)).one_or_none() is not None


def take_due(
    connection: Connection, moment: datetime, until: datetime, most: int
) -> Sequence[Errand]:
    """Take up the webhooks for which something is due, each alone until a moment, and what that is.

    Those that have waited longest come first; those that another process is just taking are left to it.
    """
    longest = select(func.min(_next_at)).where(_to == _webhook).scalar_subquery()
    free = _due(moment).order_by(longest, _webhook).limit(most)
    locking = free.with_for_update(skip_locked=True, key_share=True, of=StoredWebhook)
    ids = connection.execute(locking).scalars().all()
    taken = connection.execute(
        update(StoredWebhook)
        .where(_webhook.in_(ids))
        .values(takes=_takes + 1, taken_until=until)
        .returning(_webhook, _takes, _tenant, col(StoredWebhook.url))
    ).all()
    errands = [_make_errand(connection, moment, *one) for one in taken]
    return [
        errand for errand in errands if errand.message or not release_webhook(connection, errand)
    ]


def _make_errand(
    connection: Connection, moment: datetime, webhook: UUID, takes: int, tenant: str, url: str
) -> Errand:
    """What is due for a webhook; without a message where its batch was erased at this moment."""
    due = (
        select(_message, col(Delivery.body), col(Delivery.attempts))
        .where(_to == webhook, _next_at <= moment)
        .order_by(_next_at, _message)
    )
    numbers = select(_number).where(_of == webhook, or_(_until.is_(None), _until > moment))
    found = connection.execute(due.limit(1)).one_or_none()
    message, body, attempts = found or ("", b"", 0)
    secrets = connection.execute(numbers.order_by(_number.desc())).scalars().all()
    return Errand(webhook, takes, tenant, url, message, body, attempts, secrets)


def note_outcome(connection: Connection, errand: Errand, outcome: Outcome) -> bool:
    """Write what came of an attempt, and leave the webhook to the next one.

    False where it was erased or taken up by another process meanwhile, which has its own attempt to
    tell of; that it was delivered is written all the same.
    """
    is_ours = release_webhook(connection, errand)
    if is_ours or outcome.state == "delivered":
        connection.execute(
            update(Delivery)
            .where(_to == errand.webhook, _message == errand.message, _is_waiting)
            .values(
                state=outcome.state,
                attempts=col(Delivery.attempts) + 1,
                attempted_at=outcome.at,
                status=outcome.status,
                fault=outcome.fault,
                next_at=outcome.next_at,
            )
        )
    return is_ours


def release_webhook(connection: Connection, errand: Errand) -> bool:
    """Leave a webhook to others; false where it was erased or taken up by another process."""
    released = connection.execute(
        update(StoredWebhook)
        .where(_webhook == errand.webhook, _takes == errand.takes)
        .values(taken_until=None)
    )
    return bool(released.rowcount)


def switch_off(connection: Connection, webhook: UUID) -> None:
    """Send nothing more to a webhook; what waits for it is given up."""
    connection.execute(update(StoredWebhook).where(_webhook == webhook).values(is_on=False))
    connection.execute(
        update(Delivery).where(_to == webhook, _is_waiting).values(state="given_up", next_at=None)
    )


def erase_old_deliveries(connection: Connection, moment: datetime) -> None:
    """Erase what was to be told before a moment, and secrets that no longer sign since then."""
    connection.execute(delete(Delivery).where(col(Delivery.created_at) < moment))
    connection.execute(delete(WebhookSecret).where(_until < moment))
