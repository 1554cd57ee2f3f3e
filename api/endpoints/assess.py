"""Assess one person's answers, and try what changing some of them would do."""

from typing import NamedTuple

import orjson
from fastapi import APIRouter, Request

from api.bodies import JsonRoute, Told
from api.document import problems
from api.languages import SPOKEN, name_languages
from api.parts import Parts
from rules.assessment import Assessor
from rules.comparison import Comparison
from rules.results import Assessment


class Speaker(NamedTuple):
    """The rules made ready to assess in one language."""

    assessor: Assessor
    language: bytes
    """The languages of what it says, as Content-Language names them."""


def router(parts: Parts) -> APIRouter:
    """`POST /assess` and `/assess/what-if`."""
    router = APIRouter(route_class=JsonRoute, prefix="/assess", tags=["assess"])
    payload, what_if_payload = parts.assess_payload, parts.what_if_payload
    speakers = {
        tag: Speaker(assessor, name_languages(assessor.model.language.told_in).encode())
        for tag, assessor in parts.assessors.items()
    }

    def choose(request: Request) -> Speaker:
        return speakers[parts.languages.choose(request)]

    @router.post(
        "",
        response_model=Assessment,
        response_description="Safety first, then every habit's score with its interval and why, and a plan.",
        responses=problems(400, 413, 415, 422),
        openapi_extra=SPOKEN,
    )
    async def assess(body: payload, request: Request) -> Told:  # type: ignore[valid-type]  # made from the model
        """Screen for warning signs, score the habits with honest intervals, and suggest a plan.

        Show safety.text before anything else. Nothing is stored and no answer is logged. Leave out
        what was not answered: it widens the intervals, never counts as zero, and keeps shut what
        needs every safety question answered.
        """
        speaker = choose(request)
        return Told(speaker.assessor.assess_json(body.sheet), speaker.language)  # type: ignore[attr-defined]

    @router.post(
        "/what-if",
        response_model=Comparison,
        response_description="Both scores side by side, with the difference by habit and component.",
        responses=problems(400, 413, 415, 422),
        openapi_extra=SPOKEN,
    )
    async def assess_what_if(body: what_if_payload, request: Request) -> Told:  # type: ignore[valid-type]
        """Score the habits as answered and with some answers changed, side by side.

        Takes the body of an assessment and `changes`, the answers to change. Nothing is stored.
        """
        speaker = choose(request)
        compared = speaker.assessor.compare(body.sheet, body.changed)  # type: ignore[attr-defined]
        return Told(orjson.dumps(compared), speaker.language)

    return router
