"""Calls from web pages of other origins, for those that the settings name."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import put_problem

METHODS = ("GET", "POST", "DELETE")
SENT = (
    *("Content-Type", "X-Request-Id", "If-None-Match"),
    *("Authorization", "Idempotency-Key"),
    *("Content-Digest", "Content-Encoding", "Range", "If-Range", "Prefer"),
)
"""Headers that pages may send."""
READ = (
    *("X-Request-Id", "Psoas-Model", "ETag", "Location", "Idempotency-Replayed"),
    *("RateLimit", "RateLimit-Policy", "Retry-After"),
    *("Accept-Ranges", "Content-Range", "Content-Disposition", "Preference-Applied"),
    *("Content-Location", "X-Progress"),
)
"""Headers that pages may read."""


class Cors(CORSMiddleware):
    """The framework's middleware, with a refusal that is a problem like every other."""

    def __init__(self, app: ASGIApp, allow_origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=allow_origins,
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=READ,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and "access-control-request-method" in headers:
                answer = self.preflight_response(headers)
                if answer.status_code >= 400:
                    detail = "This service is not set up for calls like this from that page."
                    answer = put_problem(scope["request_id"], 400, detail)
                await answer(scope, receive, send)
                return
        await super().__call__(scope, receive, send)
