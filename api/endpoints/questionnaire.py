"""The questionnaire: enough to draw the form."""

from fastapi import APIRouter, Request, Response

from api.document import problems
from api.knowledge import Questionnaire, put_questionnaire
from api.languages import SPOKEN, Spoken
from api.parts import Parts


def router(parts: Parts) -> APIRouter:
    """`GET /questionnaire`."""
    router = APIRouter(tags=["questionnaire"])
    answer = Spoken.of(parts.languages, Questionnaire, put_questionnaire)

    @router.get(
        "/questionnaire",
        response_model=Questionnaire,
        response_description="Sections and questions in the order to ask them.",
        responses=problems(304),
        openapi_extra=SPOKEN,
    )
    async def get_questionnaire(request: Request) -> Response:
        """Everything needed to ask the questions: units, bounds, options, hints, and what to skip."""
        return answer.answer(request)

    return router
