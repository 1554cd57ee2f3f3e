"""Assess one person's answers."""

from fastapi import APIRouter

from api.bodies import JsonRoute
from api.document import problems
from api.parts import Parts
from rules.results import Assessment


def router(parts: Parts) -> APIRouter:
    """`POST /assess`."""
    router = APIRouter(route_class=JsonRoute, tags=["assess"])
    assessor, payload = parts.assessor, parts.assess_payload

    @router.post(
        "/assess",
        response_model=Assessment,
        response_description="Every habit's score with its interval, and why.",
        responses=problems(400, 413, 415, 422),
    )
    async def assess(body: payload) -> bytes:  # type: ignore[valid-type]  # made from the model
        """Score the habits of one person, with honest intervals and the reasons.

        Nothing is stored and no answer is logged. Leave out what was not answered: it widens the
        intervals and never counts as zero.
        """
        return assessor.assess_json(body.given)  # type: ignore[attr-defined]

    return router
