"""Files of responses assessed in FHIR: sent in whole, asked for by FHIR's asynchronous pattern, and taken away as files."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from api.batch.formats import FORMATS, RESPONSES
from api.batch.responses import ResourceName
from api.batch_forms import LARGE, estimate_left
from api.batches import Batches
from api.callers import Caller, known_caller, needs
from api.conversions import NO_SUCH
from api.document import problems
from api.endpoints.assess_batch import ASYNC, PREFER, prefers_async
from api.endpoints.assessments import answer_private, read_id, read_key
from api.endpoints.batches import AS_FILE, BODY, RANGE, REPLAYED, Id, open_download
from api.endpoints.fhir_assess import FhirJson, Resource, answer_resource
from api.fhir.outcome import Issue, put_outcome
from api.negotiation import find_kind, read_digest
from api.parts import Parts
from api.problems import Refusal
from api.record_forms import put_moment
from api.storage.tables import StoredBatch
from api.uploads import Sent, stream_body
from rules.folder import ENGLISH

MEDIA_TYPE = RESPONSES.media_types[0]
"""What files of resources are."""
LINES = FORMATS["ndjson"]
KEPT = (
    "The responses are kept and will be assessed. Content-Location says where to ask how far it is."
)
ERASED = "It was stopped, and is erased with all that came of it."
SOONEST, LATEST = 1, 60
"""Seconds after which to ask again, at least and at most."""
Told = Literal["warnings", "errors"]
TOLD: tuple[Told, ...] = ("errors", "warnings")
"""The files of OperationOutcomes; all others are results."""


class BulkQuery(BaseModel):
    """Nothing: responses need neither a mapping nor a sheet."""

    model_config = ConfigDict(extra="forbid")


class BulkFile(TypedDict):
    """A file of resources, one a line."""

    type: Annotated[
        Literal["Flag", "RiskAssessment", "Observation", "OperationOutcome"],
        Field(description="What kind of resources are in it.", examples=["RiskAssessment"]),
    ]
    url: Annotated[str, Field(description="Where it is found; ask with the same key.")]
    count: Annotated[
        int, Field(description="How many lines it has.", examples=[3], json_schema_extra=LARGE)
    ]


class Manifest(TypedDict):
    """What came of a file of responses, as FHIR's bulk pattern lists it."""

    transactionTime: Annotated[  # FHIR's own names
        str,
        Field(description="When the file was taken in.", examples=["2026-08-01T09:30:00.000Z"]),
    ]
    request: Annotated[str, Field(description="The address that the file was sent to.")]
    requiresAccessToken: Annotated[
        bool, Field(description="Always true: the files need a key of the same tenant.")
    ]
    output: Annotated[
        list[BulkFile],
        Field(
            description="The results; show what is in Flag before anything else. Empty ones are left out."
        ),
    ]
    error: Annotated[
        list[BulkFile],
        Field(
            description="What could not be assessed, an OperationOutcome a response, and what else there is to tell."
        ),
    ]


POLLED: dict[str, Any] = {
    "X-Progress": {
        "description": "How far it is, in words.",
        "schema": {"type": "string", "examples": ["1200 responses done, 42 %"]},
    },
    "Retry-After": {
        "description": "Seconds after which to ask again.",
        "schema": {"type": "string"},
    },
}
PLACED: dict[str, Any] = {
    "Content-Location": {
        "description": "Where to ask how far it is, as an absolute address.",
        "schema": {"type": "string"},
    },
    **REPLAYED,
}
PREFERRED = f"`{ASYNC}` is understood, and it is done so in any case."
SENT: dict[str, Any] = {
    "requestBody": {"required": True, "content": dict.fromkeys(RESPONSES.media_types, AS_FILE)},
    "parameters": [*BODY["parameters"], {**PREFER, "description": PREFERRED}],
}
AS_LINES: dict[str, Any] = {MEDIA_TYPE: AS_FILE}


def router(parts: Parts) -> APIRouter:
    """`POST /fhir/$bulk-assess`, `GET` and `DELETE /fhir/bulk-status/{id}`, `GET /fhir/bulk-output/{id}/{output}`."""
    router = APIRouter(prefix="/fhir", tags=["fhir"])
    batches = parts.batches

    @router.post(
        "/$bulk-assess",
        status_code=202,
        response_model=Resource,
        response_class=FhirJson,
        response_description="It is kept for good and will be assessed.",
        responses={**problems(400, 408, 409, 413, 415, 422, 503, 507), 202: {"headers": PLACED}},
        openapi_extra={**needs("batch"), **SENT},
    )
    async def bulk_assess(request: Request, _: Annotated[BulkQuery, Query()]) -> Response:
        """Send a file of QuestionnaireResponses, one a line, of any size; each is assessed as `$assess` does.

        Once this is answered the file is assessed, whatever process or machine fails meanwhile. Ask
        Content-Location until the answer is 200. It is a batch as well: `/batches/{id}/scores` has a
        row of scores a response, `/batches/{id}/rejects` gives back what could not be assessed.
        """
        headers = dict(request.scope["headers"])
        kind = find_kind(headers, dict.fromkeys(RESPONSES.media_types, RESPONSES))
        body = stream_body(headers, request.receive, parts.batch_bytes, parts.upload_seconds)
        sent = Sent(kind, body, sha256=read_digest(headers), key=read_key(request))
        taken = await batches.submit(known_caller(request.scope), sent)
        told = put_outcome([Issue("informational", KEPT, severity="information")])
        answer = answer_resource(request, told | {"id": str(taken.batch.id)}, 202, ENGLISH)
        answer.headers["Content-Location"] = name_address(request, f"bulk-status/{taken.batch.id}")
        if taken.is_old:
            answer.headers["Idempotency-Replayed"] = "true"
        if prefers_async(request):
            answer.headers["Preference-Applied"] = ASYNC
        return answer

    @router.get(
        "/bulk-status/{id}",
        response_model=Manifest,
        response_description="It is done; these are its files.",
        responses={
            **problems(404, 422, 503),
            202: {
                "description": "It waits or is being assessed; ask again later.",
                "headers": POLLED,
            },
        },
        openapi_extra=needs("batch"),
    )
    async def get_bulk_status(request: Request, id: Id) -> Response:
        """How far a file of responses is; once it is done, its files.

        A file that turned out to be of no use is answered with 422, which says why.
        """
        caller = known_caller(request.scope)
        row = await find_sent(batches, caller, id)
        if row.state == "failed":
            raise Refusal(422, f"The responses could not be assessed: {row.reason}")
        if row.state != "done":
            return Response(status_code=202, headers=tell_progress(row))
        summary = orjson.loads(await batches.read_summary(caller, row.id))
        manifest = put_manifest(request, row, summary.get("resources", {}))
        return answer_private(orjson.dumps(manifest))

    @router.delete(
        "/bulk-status/{id}",
        status_code=202,
        response_model=Resource,
        response_class=FhirJson,
        response_description=ERASED,
        responses=problems(404, 503, 507),
        openapi_extra=needs("batch"),
    )
    async def erase_bulk(request: Request, id: Id) -> Response:
        """Stop a file of responses, and erase it for good with all that came of it."""
        caller = known_caller(request.scope)
        row = await find_sent(batches, caller, id)
        await batches.erase(caller, row.id)
        told = put_outcome([Issue("informational", ERASED, severity="information")])
        return answer_resource(request, told, 202, ENGLISH)

    @router.get(
        "/bulk-output/{id}/{output}",
        response_class=Response,
        response_description="Resources, one a line.",
        responses={
            **problems(304, 404, 409, 416, 422, 503),
            206: {"description": "The part of the file that was asked for.", "content": AS_LINES},
            200: {"content": AS_LINES},
        },
        openapi_extra={**needs("batch"), **RANGE},
    )
    async def get_bulk_output(
        request: Request,
        id: Id,
        output: Annotated[
            ResourceName,
            Path(description="Which file; the manifest lists them.", examples=["RiskAssessment"]),
        ],
    ) -> Response:
        """A file of what came of responses, one resource a line; references lead from file to file."""
        caller = known_caller(request.scope)
        row = await find_sent(batches, caller, id)
        found, _ = await batches.find_result(caller, row.id, output, LINES)
        return open_download(found, MEDIA_TYPE, f"{output}-{id}{LINES.suffixes[0]}")

    return router


async def find_sent(batches: Batches, caller: Caller, id: str) -> StoredBatch:
    """A batch that is a file of responses.

    Raises:
        Refusal: 404 where the tenant has none of this id.
    """
    row = await batches.find(caller, read_id(id, NO_SUCH))
    if row.format != RESPONSES.name:
        raise Refusal(404, NO_SUCH)
    return row


def name_address(request: Request, path: str) -> str:
    """An absolute address below `/fhir`, by the name that the service was called by."""
    return f"{request.base_url}fhir/{path}"


def tell_progress(row: StoredBatch) -> dict[str, str]:
    """How far a batch is, and when to ask again."""
    left = estimate_left(row)
    seconds = SOONEST if left is None else round(min(max(left / 4, SOONEST), LATEST))
    told = f"{row.rows_done} responses done, {row.share_done:.0%}".replace("%", " %")
    return {
        "X-Progress": told if row.state == "running" else "waiting",
        "Retry-After": str(seconds),
        "Cache-Control": "no-store",
    }


def put_manifest(request: Request, row: StoredBatch, counts: Mapping[str, int]) -> Manifest:
    """The files of a batch that is done; empty ones are left out."""

    def put_file(name: ResourceName) -> BulkFile:
        kind: Any = "OperationOutcome" if name in TOLD else name
        address = name_address(request, f"bulk-output/{row.id}/{name}")
        return {"type": kind, "url": address, "count": counts[name]}

    filled = [name for name in RESPONSES.resources if counts.get(name)]
    return {
        "transactionTime": put_moment(row.created_at),
        "request": name_address(request, "$bulk-assess"),
        "requiresAccessToken": True,
        "output": [put_file(name) for name in filled if name not in TOLD],
        "error": [put_file(name) for name in TOLD if name in filled],
    }
