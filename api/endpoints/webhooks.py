"""Webhooks: addresses that are told when a batch ends, so that nobody has to ask."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Request, Response

from api.bodies import StoringRoute
from api.callers import known_caller, needs
from api.document import ITS_ID, lead, problems
from api.endpoints.assessments import JSON, answer_private, read_id
from api.parts import Parts
from api.webhooks import NO_SUCH
from api.webhooks_forms import (
    EXAMPLE_ID,
    NewWebhook,
    Ping,
    Webhook,
    WebhookList,
    WebhookRequest,
    WebhookSecret,
    put_secret,
    put_webhook,
)

Id = Annotated[str, Path(description="Id of a webhook.", examples=[EXAMPLE_ID])]


def router(parts: Parts) -> APIRouter:
    """`/webhooks` and what lies below it."""
    router = APIRouter(prefix="/webhooks", tags=["batches"])
    router.routes.extend(_storing(parts).routes)
    _add_changes(router, parts)
    webhooks = parts.webhooks

    @router.get(
        "",
        response_model=WebhookList,
        response_description="The newest first.",
        responses=problems(503),
        openapi_extra=needs("batch"),
    )
    async def list_webhooks(request: Request) -> Response:
        """The webhooks of your tenant, and how the last delivery to each went."""
        found = await webhooks.list(known_caller(request.scope))
        return answer_private(orjson.dumps({"items": [put_webhook(one) for one in found]}))

    @router.get(
        "/{id}",
        response_model=Webhook,
        response_description="How it stands.",
        responses=problems(404, 503),
        openapi_extra=needs("batch"),
    )
    async def get_webhook(request: Request, id: Id) -> Response:
        """One webhook: what it is told of, how the last delivery went, and when it is tried next."""
        found = await webhooks.find(known_caller(request.scope), read_id(id, NO_SUCH))
        return answer_private(orjson.dumps(put_webhook(found)))

    @router.delete(
        "/{id}",
        status_code=204,
        response_description="It is erased.",
        responses=problems(404, 503, 507),
        openapi_extra=needs("batch"),
    )
    async def erase_webhook(request: Request, id: Id) -> Response:
        """Erase a webhook with all that is still to be delivered to it."""
        await webhooks.erase(known_caller(request.scope), read_id(id, NO_SUCH))
        return Response(status_code=204)

    return router


def _storing(parts: Parts) -> APIRouter:
    """`POST /webhooks`, a route of its own kind."""
    router = APIRouter(route_class=StoringRoute, prefix="/webhooks", tags=["batches"])

    @router.post(
        "",
        status_code=201,
        response_model=NewWebhook,
        response_description="It is stored, and its secret is shown this once.",
        responses={
            **problems(400, 409, 413, 415, 422, 503, 507),
            **lead(
                201,
                get_webhook=ITS_ID,
                renew_secret=ITS_ID,
                ping_webhook=ITS_ID,
                erase_webhook=ITS_ID,
            ),
        },
        openapi_extra=needs("batch"),
    )
    async def store_webhook(body: WebhookRequest, request: Request) -> Response:
        """Store an address that is to be told by a POST when a batch ends.

        Messages are signed after the rules of Standard Webhooks, and name the batch and its state,
        never what is in it. One that is not taken with a 2xx is sent again over three days.
        """
        caller = known_caller(request.scope)
        events = list(dict.fromkeys(body.events))
        kept, secret = await parts.webhooks.add(caller, body.url, events)
        place = {"Location": f"/webhooks/{kept.webhook.id}"}
        return Response(orjson.dumps(put_webhook(kept, secret.text)), 201, place, JSON)

    return router


def _add_changes(router: APIRouter, parts: Parts) -> None:
    """What can be asked of a webhook beside looking at it."""
    webhooks = parts.webhooks

    @router.post(
        "/{id}/secret",
        response_model=WebhookSecret,
        response_description="The new secret, shown this once.",
        responses=problems(404, 409, 503, 507),
        openapi_extra=needs("batch"),
    )
    async def renew_secret(request: Request, id: Id) -> Response:
        """Give a webhook a new secret; those of before sign beside it for 24 hours, so that nothing is missed."""
        caller = known_caller(request.scope)
        new = await webhooks.renew_secret(caller, read_id(id, NO_SUCH))
        return answer_private(orjson.dumps(put_secret(new)))

    @router.post(
        "/{id}/ping",
        status_code=202,
        response_model=Ping,
        response_description="It is on its way.",
        responses=problems(404, 409, 503, 507),
        openapi_extra=needs("batch"),
    )
    async def ping_webhook(request: Request, id: Id) -> Response:
        """Send a webhook a message that says nothing, to see whether it arrives; while one waits there is no other."""
        message = await webhooks.ping(known_caller(request.scope), read_id(id, NO_SUCH))
        answer = answer_private(orjson.dumps({"message": message}))
        answer.status_code = 202
        return answer
