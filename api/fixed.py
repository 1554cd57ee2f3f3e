"""Answers that never change while the service runs: made once, sent with an ETag, and not sent again."""

import hashlib
from typing import Any

from pydantic import TypeAdapter
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response


def is_known(headers: Headers, etag: str) -> bool:
    """Whether a caller has what an ETag names, by If-None-Match (RFC 9110, 13.1.2)."""
    wanted = ",".join(headers.getlist("if-none-match"))
    known = [tag.strip().removeprefix("W/") for tag in wanted.split(",")]
    return etag in known or wanted.strip() == "*"


class FixedAnswer:
    """A response body with its ETag; 304 for a caller who has it already."""

    def __init__(self, body: bytes, media_type: str = "application/json", **headers: str) -> None:
        self._body = body
        self._etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        self._media_type = media_type
        self._headers = {
            "ETag": self._etag,
            "Cache-Control": "public, max-age=0, must-revalidate",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }

    @classmethod
    def of(cls, kind: Any, value: object) -> "FixedAnswer":
        """The JSON of a value, checked against the type that the document promises."""
        adapter: TypeAdapter[object] = TypeAdapter(kind)
        return cls(adapter.dump_json(adapter.validate_python(value), by_alias=True))

    def answer(self, request: Request) -> Response:
        """The body, or 304 when the caller's copy is still right."""
        if is_known(request.headers, self._etag):
            return Response(status_code=304, headers=self._headers)
        return Response(self._body, media_type=self._media_type, headers=self._headers)
