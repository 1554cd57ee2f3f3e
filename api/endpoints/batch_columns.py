"""A look at the columns of a file before it is sent as a batch."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from api.batch_forms import ColumnsRead
from api.callers import known_caller, needs
from api.document import problems
from api.endpoints.assessments import answer_private
from api.endpoints.batches import FILE_BODY, SendQuery
from api.looks import MOST_TEXT
from api.negotiation import find_kind
from api.parts import Parts
from api.uploads import Sent, stream_body


def router(parts: Parts) -> APIRouter:
    """`/batches/columns`."""
    router = APIRouter(prefix="/batches/columns", tags=["batches"])

    @router.post(
        "",
        response_model=ColumnsRead,
        response_description="What each column is taken for.",
        responses=problems(400, 408, 413, 415, 422, 503, 507),
        openapi_extra={**needs("batch"), **FILE_BODY},
    )
    async def read_columns(request: Request, wanted: Annotated[SendQuery, Query()]) -> Response:
        """See what the columns of a file would be taken for, before it is sent; nothing of it is kept.

        Of a text (CSV, JSON lines) send the beginning, up to 4 MB, compressed or not; other files
        whole. That no column answers a question is no error here: a mapping can tell which does.
        """
        headers = dict(request.scope["headers"])
        kind = find_kind(headers)
        most = min(MOST_TEXT, parts.batch_bytes) if kind.is_text else parts.batch_bytes
        body = stream_body(headers, request.receive, most, parts.upload_seconds)
        sent = Sent(kind, body, wanted.mapping_id, wanted.sheet)
        look = await parts.looks.look(known_caller(request.scope), sent)
        told = {"format": kind.name, **look._asdict(), "columns": look.columns._asdict()}
        return answer_private(orjson.dumps(told))

    return router
