"""The audit trail: who did what when to whose records."""

from typing import Annotated, get_args

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from api.callers import known_caller, needs
from api.cursors import Cursor, NextCursor, cut_page, read_cursor
from api.document import problems
from api.endpoints.assessments import answer_private
from api.parts import Parts
from api.payloads import PERSON
from api.record_forms import put_moment
from api.trail import Action


class Entry(TypedDict):
    """One entry of the audit trail."""

    id: Annotated[str, Field(description="Id of the entry.")]
    at: Annotated[
        str, Field(description="When, in UTC (RFC 3339).", examples=["2026-08-01T09:30:00.000Z"])
    ]
    actor: Annotated[
        str,
        Field(
            description="Who: `key:` and the id of a key, `token:` and a keyed hash of the token's "
            "subject, or `service` for what the service does by itself.",
            examples=["key:0f3c9a5e77b01d24"],
        ),
    ]
    action: Annotated[Action, Field(description="What was done.", examples=["read"])]
    person_hash: Annotated[
        str | None,
        Field(description="A keyed hash of the person's reference, where one person is concerned."),
    ]
    records: Annotated[int, Field(description="How many assessments were concerned.", examples=[1])]


class Trail(TypedDict):
    """A page of the audit trail, the newest first."""

    items: Annotated[list[Entry], Field(description="The entries of this page.")]
    next_cursor: NextCursor


class AuditQuery(BaseModel):
    """Which entries are wanted."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[
        Action | None, Field(description=f"Only this: {', '.join(get_args(Action))}.")
    ] = None
    person: Annotated[
        str | None,
        Field(pattern=PERSON, description="Only what was done to this person's records."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=500, description="How many on a page.")] = 100
    cursor: Cursor = None


def router(parts: Parts) -> APIRouter:
    """`GET /audit`."""
    router = APIRouter(tags=["operations"])
    records = parts.records

    @router.get(
        "/audit",
        response_model=Trail,
        response_description="The newest first.",
        responses=problems(422, 503, 507),
        openapi_extra=needs("admin"),
    )
    async def get_audit(request: Request, wanted: Annotated[AuditQuery, Query()]) -> Response:
        """Who did what when to your tenant's records: nobody can change or delete an entry.

        Entries hold no answers, no scores and no references of people. Looking is written down, too.
        """
        before = read_cursor(wanted.cursor)
        caller = known_caller(request.scope)
        rows = await records.audit(caller, wanted.action, wanted.person, before, wanted.limit + 1)
        shown, following = cut_page(rows, wanted.limit)
        items = [
            {
                "id": str(row.id),
                "at": put_moment(row.at),
                "actor": row.actor,
                "action": row.action,
                "person_hash": row.person_hash,
                "records": row.records,
            }
            for row in shown
        ]
        return answer_private(orjson.dumps({"items": items, "next_cursor": following}))

    return router
