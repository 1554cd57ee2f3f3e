"""Assess many people at once: rows in, the same rows out with their scores, none lost."""

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter
from pydantic import Field
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.types import Receive, Scope, Send

from api.batch.chunks import FileRefused
from api.batch.requests import KINDS, Kind, NotAnArray, TooManyRows, score_body
from api.batch_payloads import batch_result, batch_row
from api.bodies import NO_STORE, OwnRoute, read_body
from api.callers import caller_in
from api.document import problems
from api.parts import Parts
from api.problems import Refusal
from rules.errors import Fault

AS_TEXT = {
    name: {"schema": {"type": "string", "description": "A row a line, the same as in JSON."}}
    for name, kind in KINDS.items()
    if not kind.is_array
}
"""Bodies that are no JSON document, as the document describes them."""
LARGEST_BATCH = 16 * 1024 * 1024
"""Bytes that a batch in one request may have."""


MOST_PEOPLE = 10_000
"""How many people those with a key may have scored in one request."""


class Batch(NamedTuple):
    """A body as it came, and what it is."""

    kind: Kind
    body: bytes
    has_key: bool
    """Whether it came with a key or token."""


class BatchRoute(OwnRoute):
    """A route whose endpoint turns the body of a batch into the pieces of its answer.

    The work is done beside the event loop, so that others are answered meanwhile.
    """

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the pieces that the endpoint gives."""
        headers = dict(scope["headers"])
        kind = find_kind(headers)
        body = await read_body(headers, receive, LARGEST_BATCH)
        if not body:
            raise Refusal(400, "The body is empty.")
        batch = Batch(kind, body, has_key=caller_in(scope) is not None)
        pieces = iterate_in_threadpool(await run_in_threadpool(self.endpoint, batch))
        media_type = kind.media_type.encode()
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code or 200,
                "headers": [(b"content-type", media_type), NO_STORE],
            }
        )
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def find_kind(headers: dict[bytes, bytes]) -> Kind:
    """The kind of a body by its media type.

    Raises:
        Refusal: 415 where it is none of those that are taken.
    """
    sent = headers.get(b"content-type", b"").decode("latin-1").lower()
    kind = KINDS.get(sent.partition(";")[0].strip())
    if kind is None or headers.get(b"content-encoding", b"identity") != b"identity":
        raise Refusal(415, f"Send the batch as {', '.join(KINDS)}, without compression.")
    return kind


def router(parts: Parts) -> APIRouter:
    """`POST /assess/batch`."""
    router = APIRouter(route_class=BatchRoute, prefix="/assess", tags=["assess"])
    row, result = batch_row(parts.model), batch_result(parts.model)
    rows: Any = Annotated[list[row], Field(max_length=MOST_PEOPLE)]  # type: ignore[valid-type]
    results: Any = list[result]  # type: ignore[valid-type]

    @router.post(
        "/batch",
        response_model=results,
        response_description="The same rows in their order, each with its results behind it.",
        responses={**problems(400, 413, 415, 422), 200: {"content": AS_TEXT}},
        openapi_extra={"requestBody": {"content": AS_TEXT}},
    )
    def assess_batch(batch: rows) -> Iterator[bytes]:
        """Score up to 10,000 people at once, 1,000 without a key; one that cannot be scored never fails the others.

        A row is flat: a field for each question, red flag and condition, called by its id; any
        other field goes through as it is. The answer is of the same type as the request, with a row
        for each person in the same order. psoas_status says whether it was scored; if not,
        psoas_problems names every fault as `field: code`. Show rows with a psoas_safety_action
        first. Nothing is stored and no answer is logged. For files of any size there is the command
        `psoas score`.
        """
        most = MOST_PEOPLE if batch.has_key else parts.most_people
        try:
            return score_body(parts.rules, batch.kind, batch.body, most)
        except TooManyRows as refused:
            raise Refusal(413, str(refused)) from None
        except NotAnArray as refused:
            fault = Fault("", "wrong_type", "must be a JSON array")
            raise Refusal(422, str(refused), [fault]) from None
        except FileRefused as refused:
            fault = Fault("", "malformed", "has no rows that could be scored")
            raise Refusal(422, str(refused), [fault]) from None
        except ValueError:
            raise Refusal(400) from None

    return router
