"""Answers that never change while the service runs: made once, sent with an ETag, and not sent again."""

import gzip
import hashlib
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from api.preferences import read_preferences

WORTH_COMPRESSING = 1_000
"""Bytes from which a body gets smaller by more than it costs to say so."""


def is_known(headers: Headers, *etags: str) -> bool:
    """Whether a caller has what one of these ETags names, by If-None-Match (RFC 9110, 13.1.2)."""
    wanted = ",".join(headers.getlist("if-none-match"))
    known = [tag.strip().removeprefix("W/") for tag in wanted.split(",")]
    return any(etag in known for etag in etags) or wanted.strip() == "*"


def accepts_gzip(headers: Headers) -> bool:
    """Whether a caller can read gzip; refusing it by q=0 is understood."""
    wanted = read_preferences(headers.get("accept-encoding", ""))
    return any(one.name == "gzip" for one in wanted)


class FixedAnswer:
    """A response body with its ETag, compressed for those who can read that; 304 for a caller who has it already."""

    def __init__(
        self,
        body: bytes,
        media_type: str = "application/json",
        *,
        vary: str = "",
        cache: str = "public, max-age=0, must-revalidate",
        **headers: str,
    ) -> None:
        self.body = body
        self._digest = hashlib.sha256(body).hexdigest()[:32]
        self._media_type = media_type
        self._is_smaller = len(body) >= WORTH_COMPRESSING and not media_type.startswith("image/png")
        varies = [name for name in (vary, "Accept-Encoding" if self._is_smaller else "") if name]
        self._headers = {
            "Cache-Control": cache,
            **({"Vary": ", ".join(varies)} if varies else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }

    @classmethod
    def of(cls, kind: Any, value: object, **headers: str) -> "FixedAnswer":
        """The JSON of a value, checked against the type that the document promises."""
        adapter: TypeAdapter[object] = TypeAdapter(kind)
        return cls(adapter.dump_json(adapter.validate_python(value), by_alias=True), **headers)

    @cached_property
    def _gzipped(self) -> bytes:
        """The body compressed, when it is first asked for so."""
        return gzip.compress(self.body, 9, mtime=0)

    def answer(self, request: Request) -> Response:
        """The body, or 304 when the caller's copy is still right."""
        plain, zipped = f'"{self._digest}"', f'"{self._digest}-gzip"'
        is_zipped = self._is_smaller and accepts_gzip(request.headers)
        headers = {**self._headers, "ETag": zipped if is_zipped else plain}
        if is_known(request.headers, plain, zipped):
            return Response(status_code=304, headers=headers)
        if is_zipped:
            headers["Content-Encoding"] = "gzip"
        body = self._gzipped if is_zipped else self.body
        return Response(body, media_type=self._media_type, headers=headers)
