"""Calls from web pages of other origins, for those that the settings name."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

from api.problems import put_problem


class Cors(CORSMiddleware):
    """The framework's middleware, with a refusal that is a problem like every other."""

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
