"""For those who run the service: is it alive, is it ready, how is it doing."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from typing_extensions import TypedDict

from api.metrics import MEDIA_TYPE
from api.parts import Parts
from api.problems import Refusal
from api.storage.failures import StorageUnavailable


class Health(TypedDict):
    """The process answers."""

    status: Annotated[Literal["ok"], Field(description="Always ok when there is an answer.")]


class Readiness(TypedDict):
    """The service can do its work."""

    status: Annotated[Literal["ready"], Field(description="Always ready when there is an answer.")]
    model: Annotated[str, Field(description="Version of the loaded model.", examples=["2026.1"])]
    storage: Annotated[
        Literal["ready", "unavailable"],
        Field(
            description="Whether the database answers. Assessments that are not stored do without it.",
            examples=["ready"],
        ),
    ]
    spool: Annotated[
        Literal["ready", "unavailable"],
        Field(
            description="Whether the files of batches can be reached. All but batches do without them.",
            examples=["ready"],
        ),
    ]


def router(parts: Parts) -> APIRouter:
    """`GET /healthz`, `/readyz`, `/metrics`."""
    router = APIRouter(tags=["operations"])
    pings = [Ping(parts.database.ping), Ping(parts.batches.spool.ping)]

    @router.get("/healthz", response_description="The process answers.")
    async def get_health() -> Health:
        """Whether the process is alive."""
        return {"status": "ok"}

    @router.get("/readyz", response_description="The model is loaded.")
    async def get_readiness() -> Readiness:
        """Whether the service can do its work: the model is loaded and was checked.

        Watch storage: while it is unavailable people can be assessed, but nothing is stored or read.
        While spool is, batches are neither taken in nor given out, and those under way wait.
        """
        storage, spool = await asyncio.gather(*(one.ask() for one in pings))
        return {
            "status": "ready",
            "model": parts.model.version,
            "storage": "ready" if storage else "unavailable",
            "spool": "ready" if spool else "unavailable",
        }

    @router.get("/metrics", include_in_schema=False)
    async def get_metrics() -> Response:
        """What Prometheus collects; in its format, and so no part of the document."""
        if parts.metrics is None:
            raise Refusal(404)
        told = await run_in_threadpool(parts.metrics.write)
        return Response(told, headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)

    return router


class Ping:
    """Asks whether something answers, once for all who want to know meanwhile: anybody may, without a limit."""

    def __init__(self, ping: Callable[[], None]) -> None:
        self._ping, self._apart = ping, ThreadPoolExecutor(1)
        self._asking: Future[bool] | None = None

    async def ask(self) -> bool:
        """Whether it answers."""
        asking = self._asking
        if asking is None or asking.done():
            asking = self._asking = self._apart.submit(self._ask)
        return await asyncio.shield(asyncio.wrap_future(asking))

    def _ask(self) -> bool:
        try:
            self._ping()
        except StorageUnavailable:
            return False
        return True
