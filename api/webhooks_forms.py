"""Webhooks as JSON: what is asked for, and what is answered."""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from api.bodies import Payload
from api.record_forms import put_any_moment, put_moment
from api.storage.deliveries import EVENTS, DeliveryFault, DeliveryState, Event, MessageKind
from api.storage.tables import Delivery
from api.storage.webhooks import Standing
from api.webhooks import NewSecret

EXAMPLE_ID = "0198a0b2-8c00-7000-8000-000000000001"
MESSAGE = "msg_0198a0b28c0070008000000000000001"
MOMENT = "2026-08-01T09:30:00.000Z"
SECRET = Field(
    description="What messages are signed with, `whsec_` and base64. Keep it now: it is not shown again.",
    examples=["whsec_c29tZXRoaW5nIHRoYXQgaXMgbm8gc2VjcmV0IGhlcmU="],
)
OldUntil = Annotated[
    str | None,
    Field(
        description="Until when secrets of before sign beside the newest one; null where none does."
    ),
]


class WebhookRequest(Payload):
    """An address that wants to be told when batches end."""

    expected = {  # noqa: RUF012  # never changed
        "/url": "an address such as https://clinic.example/psoas",
        "/events": f"a list of {' and '.join(EVENTS)}, or of one of them",
        "/events/*": f"one of: {', '.join(EVENTS)}",
    }

    url: Annotated[
        str,
        Field(
            description="Where to send to: https, a public address, no user and no password in it.",
            examples=["https://clinic.example/psoas"],
        ),
    ]
    events: Annotated[
        list[Event],
        Field(
            default_factory=lambda: list(EVENTS),
            min_length=1,
            max_length=len(EVENTS),
            description="What it is told of; everything unless named.",
            examples=[list(EVENTS)],
        ),
    ]


class LastDelivery(TypedDict):
    """How the delivery went that was attempted last."""

    message: Annotated[
        str,
        Field(
            description="The name of the message, as `webhook-id` has it, the same at every attempt.",
            examples=[MESSAGE],
        ),
    ]
    event: Annotated[MessageKind, Field(description="What it tells of.", examples=["batch.done"])]
    batch_id: Annotated[
        str | None, Field(description="The batch that it tells of; null for a ping.")
    ]
    state: Annotated[
        DeliveryState,
        Field(
            description="waiting for the next attempt, delivered, or given up.",
            examples=["delivered"],
        ),
    ]
    attempts: Annotated[int, Field(description="How often it was tried by now.", examples=[1])]
    attempted_at: Annotated[
        str, Field(description="When it was tried last, in UTC (RFC 3339).", examples=[MOMENT])
    ]
    status: Annotated[
        int | None,
        Field(description="The status that was answered; null where none was.", examples=[204]),
    ]
    fault: Annotated[
        DeliveryFault | None,
        Field(
            description="Why nothing was answered: it took too long, the name is not known, it leads to a private "
            "address or a port that webhooks may not lead to, its certificate or encryption does not do, or no "
            "connection came about or lasted."
        ),
    ]
    next_attempt_at: Annotated[
        str | None, Field(description="When it is tried next; null where that is not to be.")
    ]


class Webhook(TypedDict):
    """An address that is told when batches end, and how it stands."""

    id: Annotated[str, Field(description="Id of the webhook.", examples=[EXAMPLE_ID])]
    url: Annotated[
        str, Field(description="Where it leads.", examples=["https://clinic.example/psoas"])
    ]
    events: Annotated[
        list[Event], Field(description="What it is told of.", examples=[list(EVENTS)])
    ]
    state: Annotated[
        Literal["on", "off"],
        Field(
            description="off once the address answered 410: nothing more is sent.", examples=["on"]
        ),
    ]
    created_at: Annotated[
        str, Field(description="When it was stored, in UTC (RFC 3339).", examples=[MOMENT])
    ]
    old_secrets_until: OldUntil
    waiting: Annotated[
        int, Field(description="Messages that are still to be delivered.", examples=[0])
    ]
    last_delivery: Annotated[
        LastDelivery | None,
        Field(description="The delivery that was attempted last; null before there was one."),
    ]


class NewWebhook(Webhook):
    """A webhook just stored, with its secret."""

    secret: Annotated[str, SECRET]


class WebhookList(TypedDict):
    """The webhooks of a tenant, the newest first."""

    items: Annotated[list[Webhook], Field(description="All of them.")]


class WebhookSecret(TypedDict):
    """A new secret of a webhook."""

    secret: Annotated[str, SECRET]
    old_secrets_until: OldUntil


class Ping(TypedDict):
    """A message that says nothing, on its way."""

    message: Annotated[
        str,
        Field(description="The name of the message, as `webhook-id` has it.", examples=[MESSAGE]),
    ]


def put_webhook(standing: Standing, secret: str | None = None) -> dict[str, Any]:
    """A webhook and how it stands; with its secret only when that is new."""
    webhook, last = standing.webhook, standing.last
    told = {
        "id": str(webhook.id),
        "url": webhook.url,
        "events": webhook.events.split(),
        "state": "on" if webhook.is_on else "off",
        "created_at": put_moment(webhook.created_at),
        "old_secrets_until": put_any_moment(standing.old_until),
        "waiting": standing.waiting,
        "last_delivery": _put_delivery(last) if last else None,
    }
    return told if secret is None else {**told, "secret": secret}


def put_secret(new: NewSecret) -> dict[str, Any]:
    """A new secret."""
    return {"secret": new.text, "old_secrets_until": put_any_moment(new.old_until)}


def _put_delivery(row: Delivery) -> dict[str, Any]:
    return {
        "message": row.message,
        "event": row.event,
        "batch_id": str(row.batch_id) if row.batch_id else None,
        "state": row.state,
        "attempts": row.attempts,
        "attempted_at": put_any_moment(row.attempted_at),
        "status": row.status,
        "fault": row.fault,
        "next_attempt_at": put_any_moment(row.next_at),
    }
