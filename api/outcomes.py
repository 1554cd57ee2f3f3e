"""Problems told as FHIR tells them, wherever they come from, at addresses that speak FHIR."""

import json

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.fhir.outcome import put_outcome, tell_fault, tell_refusal
from api.fhir.releases import find_release, name_media_type
from api.problems import KINDS, PROBLEM_TYPE

PREFIX = "/fhir/"


class Outcomes:
    """ASGI middleware outside of everything that may refuse a request: what it says comes as an OperationOutcome."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(PREFIX):
            await self.app(scope, receive, send)
            return
        begun: list[Message] = []

        async def send_outcome(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_problem(message):
                begun.append(message)
            elif begun and message["type"] == "http.response.body":
                start = begun.pop()
                body = _translate(message["body"])
                headers = MutableHeaders(raw=list(start["headers"]))
                accept = Headers(scope=scope).get("accept", "")
                headers["Content-Type"] = name_media_type(find_release(accept))
                headers["Content-Length"] = str(len(body))
                await send({**start, "headers": headers.raw})
                await send({**message, "body": b"" if scope["method"] == "HEAD" else body})
            else:
                await send(message)

        await self.app(scope, receive, send_outcome)


def _is_problem(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type") == PROBLEM_TYPE


def _translate(body: bytes) -> bytes:
    """A problem as an OperationOutcome; the answer to HEAD has no body, and stays as it is."""
    if not body:
        return body
    problem = json.loads(body)
    status, detail = problem["status"], problem["detail"]
    told = [
        tell_fault(fault["code"], fault["detail"], name_parameter(fault["pointer"]))
        for fault in problem.get("errors", ())
    ]
    if not told or detail != KINDS[status].detail:
        told.insert(0, tell_refusal(status, detail))
    return json.dumps(put_outcome(told), ensure_ascii=False).encode()


def name_parameter(pointer: str) -> str:
    """What FHIR calls a place outside of the body: `http.` and the name of the parameter or header."""
    return f"http.{pointer.rpartition('/')[2]}" if pointer else ""
