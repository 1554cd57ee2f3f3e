"""What surrounds every request: its id, the model's name, one log line and one count without content, and no crash."""

import re
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from api.metrics import Metrics
from api.problems import put_problem
from api.storage.failures import StorageUnavailable

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""What a caller's own X-Request-Id may look like; anything else is replaced."""
MOST_HEADERS = 32 * 1024
"""Bytes that the headers of a request may have: the server has no limit, and what they ask for is remembered."""
TOO_LONG = f"The headers may have at most {MOST_HEADERS:,} bytes."


class Envelope:
    """ASGI middleware; plain, because the framework's own base class for them costs more than scoring."""

    def __init__(
        self,
        app: ASGIApp,
        model_name: str,
        log: FilteringBoundLogger,
        new_id: Callable[[], str],
        metrics: Metrics | None = None,
    ) -> None:
        self.app = app
        self._model = (b"psoas-model", model_name.encode())
        self._log = log
        self._new_id, self._metrics = new_id, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        method = scope["method"]
        if method == "HEAD":  # the same as GET, and the body stays here
            scope = {**scope, "method": "GET", "is_head": True}
        request_id = _sent_id(scope["headers"]) or self._new_id()
        scope["request_id"] = request_id
        extra = (self._model, (b"x-request-id", request_id.encode()))
        status = 0

        async def send_enveloped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *extra]
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            fits = sum(len(name) + len(value) for name, value in scope["headers"]) <= MOST_HEADERS
            answer = self.app if fits else put_problem(request_id, 400, TOO_LONG)
            await answer(scope, receive, send_enveloped)
        except ClientDisconnect:
            status = status or 499
        except Exception as error:  # noqa: BLE001  # the last resort; it is logged without content
            self._tell_failure(error, request_id)
            if not status:
                await put_problem(request_id, 500)(scope, receive, send_enveloped)
        seconds = time.perf_counter() - started
        route = getattr(scope.get("route"), "path", None)
        self._log.info(
            "request",
            request_id=request_id,
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 2),
        )
        if self._metrics:
            self._metrics.count(method, route, status, seconds)

    def _tell_failure(self, error: Exception, request_id: str) -> None:
        unavailable = error.__cause__  # of an error that came too late to be answered
        if isinstance(unavailable, StorageUnavailable):
            self._log.warning("cut off", request_id=request_id, reason=str(unavailable))
        else:
            self._log.error("failed", request_id=request_id, **describe_failure(error))


def _sent_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return value.decode()
    return None


def describe_failure(error: BaseException) -> dict[str, Any]:
    """A failure by its type and place. Its message is left out, for it may hold an answer."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error": type(error).__name__,
        "where": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    }
