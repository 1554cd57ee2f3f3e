"""For those who run the service: is it alive, is it ready."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from typing_extensions import TypedDict

from api.parts import Parts
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


def router(parts: Parts) -> APIRouter:
    """`GET /healthz`, `/readyz`."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", response_description="The process answers.")
    async def get_health() -> Health:
        """Whether the process is alive."""
        return {"status": "ok"}

    @router.get("/readyz", response_description="The model is loaded.")
    async def get_readiness() -> Readiness:
        """Whether the service can do its work: the model is loaded and was checked.

        Watch storage: while it is unavailable people can be assessed, but nothing is stored or read.
        """
        try:
            await run_in_threadpool(parts.database.ping)
        except StorageUnavailable:
            return {"status": "ready", "model": parts.model.version, "storage": "unavailable"}
        return {"status": "ready", "model": parts.model.version, "storage": "ready"}

    return router
