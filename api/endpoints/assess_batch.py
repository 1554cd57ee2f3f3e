"""Assess many people at once: rows in, the same rows out with their scores, none lost."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api import batch_forms
from api.batch.chunks import FileRefused
from api.batch.requests import KINDS, Kind, NotAnArray, TooManyRows, score_body, split_array
from api.batch_payloads import batch_result, batch_row
from api.bodies import OwnRoute, read_body, read_media_type
from api.callers import caller_in
from api.document import problems
from api.endpoints.batches import answer_accepted
from api.parts import Parts
from api.problems import Refusal
from api.uploads import Sent
from rules.errors import Fault

AS_TEXT = {
    name: {"schema": {"type": "string", "description": "A row a line, the same as in JSON."}}
    for name, kind in KINDS.items()
    if not kind.is_array
}
"""Bodies that are no JSON document, as the document describes them."""
ASYNC = "respond-async"
PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`respond-async` with a key of the scope batch: a batch is made of it, answered with 202 and its address.",
    "schema": {"type": "string", "examples": [ASYNC]},
}
LARGEST_BATCH = 16 * 1024 * 1024
"""Bytes that a batch in one request may have."""


MOST_PEOPLE = 10_000
"""How many people those with a key may have scored in one request."""


class Batch(NamedTuple):
    """A body as it came, and what it is."""

    kind: Kind
    body: bytes


class BatchRoute(OwnRoute):
    """A route whose endpoint gets the body of a batch and the request, and gives a response."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the endpoint's response."""
        headers = dict(scope["headers"])
        kind = find_kind(headers)
        body = await read_body(headers, receive, LARGEST_BATCH)
        if not body:
            raise Refusal(400, "The body is empty.")
        response: Response = await self.endpoint(Batch(kind, body), Request(scope))
        await response(scope, receive, send)


def find_kind(headers: dict[bytes, bytes]) -> Kind:
    """The kind of a body by its media type.

    Raises:
        Refusal: 415 where it is none of those that are taken.
    """
    kind = KINDS.get(read_media_type(headers))
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
        responses={
            **problems(400, 413, 415, 422),
            200: {"content": AS_TEXT},
            202: {"model": batch_forms.Batch, "description": "They are kept and will be scored."},
        },
        openapi_extra={"requestBody": {"content": AS_TEXT}, "parameters": [PREFER]},
    )
    async def assess_batch(batch: rows, request: Request) -> Response:
        """Score up to 10,000 people at once, 1,000 without a key; one that cannot be scored never fails the others.

        A row is flat: a field for each question, red flag and condition, called by its id; any
        other field goes through as it is. The answer is of the same type as the request, with a row
        for each person in the same order. psoas_status says whether it was scored; if not,
        psoas_problems names every fault as `field: code`. Show rows with a psoas_safety_action
        first. Nothing is stored and no answer is logged, unless a batch is made of it by Prefer.
        Files of any size go to /batches.
        """
        given: Any = batch
        caller = caller_in(request.scope)
        if caller and "batch" in caller.rights and prefers_async(request):
            sent = Sent(given.kind.format, put_lines(given))
            taken = await parts.batches.submit(caller, sent)
            return answer_accepted(taken.batch, Preference_Applied=ASYNC)
        most = MOST_PEOPLE if caller else parts.most_people
        pieces = await run_in_threadpool(score, given, most)
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(pieces, media_type=given.kind.media_type, headers=headers)

    def score(batch: Batch, most: int) -> Iterator[bytes]:
        with telling_refusals():
            return score_body(parts.rules, batch.kind, batch.body, most)

    return router


@contextmanager
def telling_refusals() -> Iterator[None]:
    """Tell why a body cannot be used as a whole."""
    try:
        yield
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


def prefers_async(request: Request) -> bool:
    """Whether a caller would rather have a batch made of it (RFC 7240)."""
    wanted = ",".join(request.headers.getlist("prefer")).lower().split(",")
    return any(part.partition(";")[0].strip() == ASYNC for part in wanted)


async def put_lines(batch: Batch) -> AsyncIterator[bytes]:
    """A body as a file: an array as JSON lines, everything else as it is."""
    if not batch.kind.is_array:
        yield batch.body
        return
    with telling_refusals():
        lines = await run_in_threadpool(split_array, batch.body)
    yield "\n".join(lines).encode()
