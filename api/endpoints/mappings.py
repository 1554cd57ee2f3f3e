"""Mappings: how a caller's own columns answer our questions, kept for batches."""

import tomllib
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import Field
from typing_extensions import TypedDict

from api.bodies import LARGEST_BODY, read_body, read_media_type
from api.callers import known_caller, needs
from api.document import ITS_ID, lead, problems
from api.endpoints.assessments import JSON, answer_private, read_id
from api.mappings import NO_SUCH
from api.parts import Parts
from api.problems import Refusal
from api.record_forms import put_moment
from api.storage.tables import StoredMapping

MEDIA_TYPE = "application/toml"
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "string",
                    "description": "A mapping in TOML; docs/score-a-spreadsheet.md says how to write one.",
                }
            }
        },
    }
}
EXAMPLE_ID = "0198a0b2-8c00-7000-8000-000000000001"
Id = Annotated[str, Path(description="Id of a mapping.", examples=[EXAMPLE_ID])]


class ColumnMapping(TypedDict):
    """A mapping that is kept."""

    id: Annotated[str, Field(description="Id of the mapping.", examples=[EXAMPLE_ID])]
    created_at: Annotated[
        str,
        Field(
            description="When it was sent, in UTC (RFC 3339).",
            examples=["2026-08-01T09:30:00.000Z"],
        ),
    ]
    questions: Annotated[
        list[str],
        Field(description="The questions that it maps.", examples=[["sitting_hours_per_day"]]),
    ]
    toml: Annotated[str, Field(description="The mapping as it was sent.")]


NEXT = lead(
    201, get_mapping=ITS_ID, erase_mapping=ITS_ID, send_batch={"mapping": "$response.body#/id"}
)
"""What can be done with a mapping that is kept."""


def router(parts: Parts) -> APIRouter:
    """`/mappings` and `/mappings/{id}`."""
    router = APIRouter(prefix="/mappings", tags=["batches"])
    mappings = parts.mappings

    @router.post(
        "",
        status_code=201,
        response_model=ColumnMapping,
        response_description="It is kept.",
        responses={**problems(400, 413, 415, 422, 503, 507), **NEXT},
        openapi_extra={**needs("batch"), **BODY},
    )
    async def store_mapping(request: Request) -> Response:
        """Keep a mapping of your own columns to the questions, for batches to be read with.

        It is checked whole, and every fault of it is told at once.
        """
        headers = dict(request.scope["headers"])
        if read_media_type(headers) != MEDIA_TYPE:
            raise Refusal(415, f"Send the mapping as {MEDIA_TYPE}.")
        content = await read_body(headers, request.receive, LARGEST_BODY)
        kept = await mappings.add(known_caller(request.scope), content)
        return Response(put_mapping(kept), 201, {"Location": f"/mappings/{kept.id}"}, JSON)

    @router.get(
        "/{id}",
        response_model=ColumnMapping,
        response_description="The mapping as it was sent.",
        responses=problems(404, 503),
        openapi_extra=needs("batch"),
    )
    async def get_mapping(request: Request, id: Id) -> Response:
        """One mapping."""
        found = await mappings.find(known_caller(request.scope), read_id(id, NO_SUCH))
        return answer_private(put_mapping(found))

    @router.delete(
        "/{id}",
        status_code=204,
        response_description="It is erased.",
        responses=problems(404, 503, 507),
        openapi_extra=needs("batch"),
    )
    async def erase_mapping(request: Request, id: Id) -> Response:
        """Erase a mapping; batches that were sent with it keep what they need of it."""
        await mappings.erase(known_caller(request.scope), read_id(id, NO_SUCH))
        return Response(status_code=204)

    return router


def put_mapping(row: StoredMapping) -> bytes:
    """A mapping as JSON."""
    text = row.content.decode()
    return orjson.dumps(
        {
            "id": str(row.id),
            "created_at": put_moment(row.created_at),
            "questions": list(tomllib.loads(text).get("questions", {})),
            "toml": text,
        }
    )
