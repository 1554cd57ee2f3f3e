"""Stored assessments: one person's answers kept with what the rules said, and found again."""

from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticKnownError
from typing_extensions import TypedDict

from api.bodies import StoringRoute
from api.callers import known_caller, needs
from api.cursors import Cursor, NextCursor, cut_page, read_cursor
from api.document import ITS_ID, lead, problems
from api.parts import Parts
from api.payloads import PERSON, AssessPayload
from api.problems import Refusal
from api.record_forms import put_stored, put_summary
from api.storage.assessments import Filter
from rules.errors import Fault
from rules.folder import ENGLISH
from rules.results import Assessment, High, Level, Low, Score
from rules.safety import ActionId
from rules.words import LevelId, Status

JSON = "application/json"
LONGEST_KEY = 255
NO_SUCH = "There is no such stored assessment."
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 255 visible characters that no other request of yours has, such as a UUID. Sent again "
    "with the same body within a day, the request stores nothing new and is answered as before.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}
Id = Annotated[
    str,
    Field(
        description="Id of the stored assessment.",
        examples=["0198a0b2-8c00-7000-8000-000000000001"],
    ),
]
Person = Annotated[str, Field(description="The person's reference.", examples=["p-0042"])]
Moment = Annotated[
    str,
    Field(
        description="When it was stored, in UTC (RFC 3339).", examples=["2026-08-01T09:30:00.000Z"]
    ),
]


class Stored(TypedDict):
    """An assessment that is stored."""

    id: Id
    person: Person
    created_at: Moment
    assessment: Assessment


class IndexInShort(TypedDict):
    """The index without its reasons."""

    score: Score
    low: Low
    high: High
    level: Level
    status: Annotated[Status, Field(description="complete, partial or insufficient.")]


class StoredInShort(TypedDict):
    """A stored assessment in a list."""

    id: Id
    person: Person
    created_at: Moment
    model_version: Annotated[str, Field(description="The rules of that time.", examples=["2026.1"])]
    safety_action: Annotated[
        ActionId, Field(description="What the safety answers called for.", examples=["none"])
    ]
    index: IndexInShort


class StoredList(TypedDict):
    """A page of stored assessments, the newest first."""

    items: Annotated[list[StoredInShort], Field(description="The assessments of this page.")]
    next_cursor: NextCursor


def _written_out(value: object) -> object:
    """A moment as RFC 3339 has it; a bare number or a day alone would be guessed at."""
    if isinstance(value, str) and "T" not in value.upper():
        raise PydanticKnownError("datetime_parsing", {"error": "no time of day"})
    return value


Since = Annotated[AwareDatetime | None, BeforeValidator(_written_out)]


ITS_PERSON = {"person": "$request.body#/person"}


class ListQuery(BaseModel):
    """Which stored assessments are wanted."""

    model_config = ConfigDict(extra="forbid")

    person: Annotated[
        str | None, Field(pattern=PERSON, description="Only this person's.", examples=["p-0042"])
    ] = None
    since: Annotated[
        Since,
        Field(
            description="Only those stored at this time or later (RFC 3339).",
            examples=["2026-08-01T00:00:00Z"],
        ),
    ] = None
    until: Annotated[Since, Field(description="Only those stored before this time (RFC 3339).")] = (
        None
    )
    level: Annotated[LevelId | None, Field(description="Only those of this index level.")] = None
    safety_action: Annotated[
        ActionId | None, Field(description="Only those whose safety answers called for this.")
    ] = None
    model_version: Annotated[
        str | None,
        Field(pattern=r"^[\w.+-]{1,64}$", description="Only those of these rules, such as 2026.1."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many on a page.")] = 50
    cursor: Cursor = None

    @property
    def filter(self) -> Filter:
        """What the query asks for."""
        return Filter(
            self.person, self.since, self.until, self.level, self.safety_action, self.model_version
        )


def router(parts: Parts) -> APIRouter:
    """`/assessments` and `/assessments/{id}`."""
    router = APIRouter(prefix="/assessments", tags=["records"])
    router.routes.extend(_storing(parts).routes)
    records = parts.records
    found: Any = stored_with_request(parts.assess_payload)

    @router.get(
        "",
        response_model=StoredList,
        response_description="The newest first.",
        responses=problems(422, 503, 507),
        openapi_extra=needs("records"),
    )
    async def list_assessments(request: Request, wanted: Annotated[ListQuery, Query()]) -> Response:
        """The stored assessments of your tenant in short, a page at a time, the newest first."""
        before = read_cursor(wanted.cursor)
        caller = known_caller(request.scope)
        rows = await records.list(caller, wanted.filter, before, wanted.limit + 1)
        shown, following = cut_page(rows, wanted.limit)
        page = {"items": [put_summary(row) for row in shown], "next_cursor": following}
        return answer_private(orjson.dumps(page))

    @router.get(
        "/{id}",
        response_model=found,
        response_description="What was sent, and what was answered.",
        responses=problems(404, 503, 507),
        openapi_extra=needs("records"),
    )
    async def get_assessment(request: Request, id: StoredId) -> Response:
        """One stored assessment with the answers it was made of, as it was told then."""
        row = await records.find(known_caller(request.scope), read_id(id))
        return answer_private(put_stored(row, with_request=True))

    @router.delete(
        "/{id}",
        status_code=204,
        response_description="It is erased.",
        responses=problems(404, 503, 507),
        openapi_extra=needs("records"),
    )
    async def erase_assessment(request: Request, id: StoredId) -> Response:
        """Erase one stored assessment for good; backups keep it until they are renewed."""
        await records.erase(known_caller(request.scope), read_id(id))
        return Response(status_code=204)

    return router


StoredId = Annotated[
    str,
    Path(
        description="Id of a stored assessment.", examples=["0198a0b2-8c00-7000-8000-000000000001"]
    ),
]


def _storing(parts: Parts) -> APIRouter:
    """`POST /assessments`, a route of its own kind."""
    router = APIRouter(route_class=StoringRoute, prefix="/assessments", tags=["records"])
    records, payload = parts.records, parts.store_payload

    @router.post(
        "",
        status_code=201,
        response_model=Stored,
        response_description="It is stored, and was committed before this answer.",
        responses={
            **problems(400, 409, 413, 415, 422, 503, 507),
            **lead(
                201,
                get_assessment=ITS_ID,
                erase_assessment=ITS_ID,
                get_trend=ITS_PERSON,
                export_person=ITS_PERSON,
                erase_person=ITS_PERSON,
            ),
        },
        openapi_extra={**needs("records"), "parameters": [IDEMPOTENCY]},
    )
    async def store_assessment(body: payload, request: Request) -> Response:  # type: ignore[valid-type]
        """Assess what one person answered and store the answers with the result.

        The person is a reference that only you can resolve. Show safety.text before anything else.
        """
        given: Any = body
        key = read_key(request)
        kept = await records.store(known_caller(request.scope), given.person, given.sheet, key)
        headers = {"Location": f"/assessments/{kept.id}"}
        if kept.is_old:
            headers["Idempotency-Replayed"] = "true"
        return Response(kept.body, 201, headers, JSON)

    return router


@lru_cache(1)
def stored_with_request(payload: type[AssessPayload]) -> Any:
    """The type of a stored assessment with what was sent: the same for all of a service, and kept for one service only."""

    class StoredWithRequest(TypedDict):
        """A stored assessment and the answers that it was made of."""

        id: Id
        person: Person
        created_at: Moment
        request: Annotated[payload, Field(description="What was answered.")]  # type: ignore[valid-type]
        assessment: Assessment

    return StoredWithRequest


def answer_private(body: bytes, media_type: str = JSON, **headers: str) -> Response:
    """An answer about people, which no cache may keep."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        body, 200, {"Cache-Control": "no-store", "Content-Language": ENGLISH, **named}, media_type
    )


def read_key(request: Request) -> str | None:
    """The Idempotency-Key of a request, if it has one.

    Raises:
        Refusal: 422 when it cannot be one.
    """
    sent = request.headers.getlist("idempotency-key")
    if not sent:
        return None
    (key, *others) = sent
    if others or not 1 <= len(key) <= LONGEST_KEY or not all("!" <= sign <= "~" for sign in key):
        fault = Fault(
            "/header/Idempotency-Key",
            "malformed",
            f"must be 1 to {LONGEST_KEY} visible ASCII characters, once",
        )
        raise Refusal(422, faults=[fault])
    return key


def read_id(text: str, missing: str = NO_SUCH) -> UUID:
    """An id from an address; `missing` is said of one that cannot be.

    Raises:
        Refusal: 404 when it cannot be one.
    """
    with suppress(ValueError):
        if str(found := UUID(text)) == text.lower():
            return found
    raise Refusal(404, missing)
