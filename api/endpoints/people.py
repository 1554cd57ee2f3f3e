"""People, by the references that only their tenant can resolve: trend, export, erasure."""

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from typing_extensions import TypedDict

from api.callers import known_caller, needs
from api.document import problems
from api.endpoints.assessments import answer_private, stored_with_request
from api.parts import Parts
from api.payloads import PERSON
from api.record_forms import put_csv, put_export
from rules.trend import Trend


class Erased(TypedDict):
    """How much was erased."""

    erased: Annotated[int, Field(description="How many assessments were erased.", examples=[3])]


class ExportQuery(BaseModel):
    """How an export is wanted."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[
        Literal["json", "csv"],
        Field(
            description="json holds everything; csv the answers to today's questions and the scores of today's habits."
        ),
    ] = "json"


Reference = Annotated[
    str, Path(pattern=PERSON, description="The person's reference.", examples=["p-0042"])
]


def router(parts: Parts) -> APIRouter:
    """`/people/{person}`."""
    router = APIRouter(prefix="/people/{person}", tags=["records"])
    records, assessor = parts.records, parts.assessor
    stored = stored_with_request(parts.assess_payload)

    class Export(TypedDict):
        """Everything that is stored of a person."""

        person: Annotated[str, Field(description="The person's reference.", examples=["p-0042"])]
        assessments: Annotated[list[stored], Field(description="Every one, the oldest first.")]  # type: ignore[valid-type]

    @router.get(
        "/trend",
        response_model=Trend,
        response_description="Every assessment, and what changed from each to the next.",
        responses=problems(404, 422, 503, 507),
        openapi_extra=needs("records"),
    )
    async def get_trend(request: Request, person: Reference) -> Response:
        """How a person's scores changed: the part that the answers make, and the part that new rules make.

        The old answers are scored again under today's rules. A change is only claimed where the
        intervals do not overlap: otherwise a question that is still open could explain it.
        """
        return answer_private(
            orjson.dumps(await records.trend(known_caller(request.scope), person))
        )

    @router.get(
        "/export",
        response_model=Export,
        response_description="Everything that is stored of the person.",
        responses={
            **problems(404, 422, 503, 507),
            200: {
                "content": {
                    "text/csv": {
                        "schema": {
                            "type": "string",
                            "description": "The batch columns, an assessment a row.",
                        }
                    }
                }
            },
        },
        openapi_extra=needs("records"),
    )
    async def export_person(
        request: Request,
        person: Reference,
        wanted: Annotated[ExportQuery, Query()],
    ) -> Response:
        """Everything that is stored of a person, to take away."""
        rows = await records.of_person(known_caller(request.scope), person, "export")
        name = f"attachment; filename={person}.{wanted.format}"
        if wanted.format == "csv":
            body = await run_in_threadpool(put_csv, rows, assessor)
            return answer_private(body, "text/csv; charset=utf-8", Content_Disposition=name)
        body = await run_in_threadpool(put_export, person, rows)
        return answer_private(body, Content_Disposition=name)

    @router.delete(
        "",
        response_model=Erased,
        response_description="Everything that was stored of the person is erased.",
        responses=problems(404, 422, 503, 507),
        openapi_extra=needs("records"),
    )
    async def erase_person(request: Request, person: Reference) -> Response:
        """Erase everything that is stored of a person for good; backups keep it until they are renewed.

        The audit trail keeps that something was erased, and a keyed hash of whose it was.
        """
        erased = await records.erase_person(known_caller(request.scope), person)
        return answer_private(orjson.dumps({"erased": erased}))

    return router
