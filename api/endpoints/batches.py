"""Batches: files of any size, taken in whole, scored whatever happens meanwhile, and taken away as any kind of file."""

from pathlib import Path as FilePath
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.batch.formats import FORMATS
from api.batch.place import Result
from api.batch_forms import (
    Batch,
    BatchList,
    FormatName,
    Summary,
    put_batch,
    put_batch_in_short,
)
from api.batches import UNKNOWN_MAPPING
from api.callers import known_caller, needs
from api.conversions import NO_SUCH
from api.cursors import Cursor, cut_page, read_cursor
from api.document import HEADERS, ITS_ID, lead, problems
from api.downloads import Download, Far
from api.endpoints.assessments import IDEMPOTENCY, JSON, answer_private, read_id, read_key
from api.negotiation import ENCODINGS, MEDIA_TYPES, find_accepted, find_kind, read_digest
from api.parts import Parts
from api.problems import Refusal
from api.storage.batches import State
from api.storage.tables import StoredBatch
from api.uploads import Sent, stream_body

AS_FILE = {"schema": {"type": "string", "format": "binary"}}
FILES = {kind.media_types[0]: AS_FILE for kind in FORMATS.values()}
ENCODING = {
    "name": "Content-Encoding",
    "in": "header",
    "required": False,
    "description": "How a text is compressed.",
    "schema": {"type": "string", "enum": sorted(ENCODINGS)},
}
FILE_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES, AS_FILE)},
    "parameters": [ENCODING],
}
"""How an operation is declared that takes a file."""
BODY: dict[str, Any] = {
    **FILE_BODY,
    "parameters": [
        {
            "name": "Content-Digest",
            "in": "header",
            "required": False,
            "description": "SHA-256 of the body as `sha-256=:…:` in base64 (RFC 9530); one that does not fit is refused.",
            "schema": {"type": "string"},
        },
        {
            **IDEMPOTENCY,
            "description": "1 to 255 visible characters that no other request of yours has, such as a UUID. Sent "
            "again with the same file within a day, no second batch is made, and the answer says how far the first is.",
        },
        ENCODING,
    ],
}
REPLAYED: dict[str, Any] = {
    "Idempotency-Replayed": {
        "description": HEADERS["Idempotency-Replayed"],
        "schema": {"type": "string"},
    }
}
LEADS_TO = ("get_batch", "get_batch_summary", "get_scores", "get_rejects", "erase_batch")
PART: dict[int | str, dict[str, Any]] = {
    206: {"description": "The part of the file that was asked for.", "content": FILES}
}
RANGE: dict[str, Any] = {
    "parameters": [
        {
            "name": "Range",
            "in": "header",
            "required": False,
            "description": "Which bytes are wanted, as `bytes=1000-`, to go on with a download that broke off.",
            "schema": {"type": "string"},
        }
    ]
}
AS_DOWNLOAD: dict[str, Any] = {
    "response_class": Response,
    "responses": {
        **problems(304, 404, 409, 416, 422, 503, 507),
        **PART,
        200: {"content": FILES},
    },
    "openapi_extra": {**needs("batch"), **RANGE},
}
"""How an operation is declared that answers with a file."""
Id = Annotated[
    str,
    Path(description="Id of a batch.", examples=["0198a0b2-8c00-7000-8000-000000000001"]),
]


class SendQuery(BaseModel):
    """How a file is to be read."""

    model_config = ConfigDict(extra="forbid")

    mapping: Annotated[
        str | None, Field(description="Id of the mapping that its columns are read with.")
    ] = None
    sheet: Annotated[
        str | None,
        Field(max_length=255, description="Sheet of a spreadsheet; the first one unless named."),
    ] = None

    @property
    def mapping_id(self) -> UUID | None:
        """The id of the mapping.

        Raises:
            Refusal: 422 when it cannot be one.
        """
        try:
            return UUID(self.mapping) if self.mapping is not None else None
        except ValueError:
            raise Refusal(422, faults=[UNKNOWN_MAPPING]) from None


class BatchQuery(BaseModel):
    """Which batches are wanted."""

    model_config = ConfigDict(extra="forbid")

    state: Annotated[State | None, Field(description="Only those in this state.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many on a page.")] = 50
    cursor: Cursor = None


class ResultQuery(BaseModel):
    """As which kind of file a result is wanted."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[
        FormatName | None,
        Field(description="The kind of file; that which was sent unless named here or in Accept."),
    ] = None


def router(parts: Parts) -> APIRouter:
    """`/batches` and what lies below it."""
    router = APIRouter(prefix="/batches", tags=["batches"])
    batches = parts.batches

    @router.post(
        "",
        status_code=202,
        response_model=Batch,
        response_description="It is kept for good and will be scored.",
        responses={
            **problems(400, 408, 409, 413, 415, 422, 503, 507),
            202: {"headers": REPLAYED, **lead(202, **dict.fromkeys(LEADS_TO, ITS_ID))[202]},
        },
        openapi_extra={**needs("batch"), **BODY},
    )
    async def send_batch(request: Request, wanted: Annotated[SendQuery, Query()]) -> Response:
        """Send a file of questionnaires, a row a person, of any size; its Content-Type says what it is.

        Once this is answered the file is scored, whatever process or machine fails meanwhile. Look at
        `columns` first: what is not recognised is carried along, but not scored. Then ask for the
        batch until its state is done.
        """
        headers = dict(request.scope["headers"])
        kind = find_kind(headers)
        sent = Sent(
            kind,
            stream_body(headers, request.receive, parts.batch_bytes, parts.upload_seconds),
            wanted.mapping_id,
            wanted.sheet,
            read_digest(headers),
            read_key(request),
        )
        taken = await batches.submit(known_caller(request.scope), sent)
        replayed = {"Idempotency_Replayed": "true"} if taken.is_old else {}
        return answer_accepted(taken.batch, **replayed)

    @router.get(
        "",
        response_model=BatchList,
        response_description="The newest first.",
        responses=problems(422, 503),
        openapi_extra=needs("batch"),
    )
    async def list_batches(request: Request, wanted: Annotated[BatchQuery, Query()]) -> Response:
        """The batches of your tenant and how far each is, a page at a time, the newest first."""
        before = read_cursor(wanted.cursor)
        caller = known_caller(request.scope)
        rows = await batches.list(caller, wanted.state, before, wanted.limit + 1)
        shown, following = cut_page(rows, wanted.limit)
        page = {"items": [put_batch_in_short(row) for row in shown], "next_cursor": following}
        return answer_private(orjson.dumps(page))

    @router.get(
        "/{id}",
        response_model=Batch,
        response_description="How far it is.",
        responses=problems(404, 503),
        openapi_extra=needs("batch"),
    )
    async def get_batch(request: Request, id: Id) -> Response:
        """One batch: its state, rows done, speed and time left, and what its columns are taken for."""
        row = await batches.find(known_caller(request.scope), read_id(id, NO_SUCH))
        return answer_private(put_batch(row))

    @router.get(
        "/{id}/summary",
        response_model=Summary,
        response_description="What became of its rows.",
        responses=problems(404, 409, 503),
        openapi_extra=needs("batch"),
    )
    async def get_batch_summary(request: Request, id: Id) -> Response:
        """What became of the rows of a batch that is done: levels by habit, safety actions, rejects by reason."""
        caller = known_caller(request.scope)
        return answer_private(await batches.read_summary(caller, read_id(id, NO_SUCH)))

    async def download(request: Request, id: str, what: Result, format: str | None) -> Response:
        kind = FORMATS[format] if format else find_accepted(request.headers.get("accept", ""))
        caller = known_caller(request.scope)
        path, found = await batches.find_result(caller, read_id(id, NO_SUCH), what, kind)
        return open_download(path, found.media_types[0], f"{what}-{id}{found.suffixes[0]}")

    @router.get(
        "/{id}/scores",
        response_description="The rows that have scores.",
        **AS_DOWNLOAD,
    )
    async def get_scores(
        request: Request, id: Id, wanted: Annotated[ResultQuery, Query()]
    ) -> Response:
        """The scored rows of a batch that is done: the columns that were sent, and the results behind them.

        Another kind of file than was sent is made when it is first asked for; while that takes
        long, the answer is 503 with Retry-After.
        """
        return await download(request, id, "scores", wanted.format)

    @router.get(
        "/{id}/rejects",
        response_description="The rows that have to be corrected.",
        **AS_DOWNLOAD,
    )
    async def get_rejects(
        request: Request, id: Id, wanted: Annotated[ResultQuery, Query()]
    ) -> Response:
        """The rejected rows of a batch that is done, as they came, each with its number and what is wrong with it.

        Corrected, the file can be sent again as it is.
        """
        return await download(request, id, "rejects", wanted.format)

    @router.delete(
        "/{id}",
        status_code=204,
        response_description="It is erased.",
        responses=problems(404, 503, 507),
        openapi_extra=needs("batch"),
    )
    async def erase_batch(request: Request, id: Id) -> Response:
        """Erase a batch for good with its file and its results; one that is being scored is stopped."""
        await batches.erase(known_caller(request.scope), read_id(id, NO_SUCH))
        return Response(status_code=204)

    return router


def answer_accepted(row: StoredBatch, **headers: str) -> Response:
    """That a batch was taken in, and where to ask for it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {"Location": f"/batches/{row.id}", "Cache-Control": "no-store", **named}
    return Response(put_batch(row), 202, kept, JSON)


def open_download(file: FilePath | Far, media_type: str, name: str) -> Download:
    """A file as an answer.

    Raises:
        Refusal: 404 when it has been erased by now.
    """
    try:
        return Download(file, media_type, name)
    except FileNotFoundError:
        raise Refusal(404, NO_SUCH) from None
