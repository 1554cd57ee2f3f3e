"""Assess one person's answers, and try what changing some of them would do."""

import orjson
from fastapi import APIRouter

from api.bodies import JsonRoute
from api.document import problems
from api.parts import Parts
from rules.comparison import Comparison
from rules.results import Assessment


def router(parts: Parts) -> APIRouter:
    """`POST /assess` and `/assess/what-if`."""
    router = APIRouter(route_class=JsonRoute, prefix="/assess", tags=["assess"])
    assessor, payload = parts.assessor, parts.assess_payload
    what_if_payload = parts.what_if_payload

    @router.post(
        "",
        response_model=Assessment,
        response_description="Safety first, then every habit's score with its interval and why, and a plan.",
        responses=problems(400, 413, 415, 422),
    )
    async def assess(body: payload) -> bytes:  # type: ignore[valid-type]  # made from the model
        """Screen for warning signs, score the habits with honest intervals, and suggest a plan.

        Show safety.text before anything else. Nothing is stored and no answer is logged. Leave out
        what was not answered: it widens the intervals, never counts as zero, and keeps shut what
        needs every safety question answered.
        """
        return assessor.assess_json(body.sheet)  # type: ignore[attr-defined]

    @router.post(
        "/what-if",
        response_model=Comparison,
        response_description="Both scores side by side, with the difference by habit and component.",
        responses=problems(400, 413, 415, 422),
    )
    async def assess_what_if(body: what_if_payload) -> bytes:  # type: ignore[valid-type]
        """Score the habits as answered and with some answers changed, side by side.

        Takes the body of an assessment and `changes`, the answers to change. Nothing is stored.
        """
        return orjson.dumps(assessor.compare(body.sheet, body.changed))  # type: ignore[attr-defined]

    return router
