"""The knowledge itself: the model, each habit's rules, and the sources beside the numbers."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.catalogue import SourceList, put_sources
from api.document import lead, problems
from api.knowledge import ModelOverview, put_model
from api.languages import SPOKEN, Spoken
from api.parts import Parts
from api.problems import Refusal
from rules.background import Background
from rules.definitions import Habit, Model
from rules.safety import Safety


def router(parts: Parts) -> APIRouter:
    """`GET /model`, `/model/habits/{id}`, `/model/sources`, `/model/safety`, `/model/psoas`."""
    router = APIRouter(prefix="/model", tags=["model"])
    speak = partial(Spoken.of, parts.languages)
    overview = speak(ModelOverview, put_model)
    sources = speak(SourceList, put_sources)
    safety = speak(Safety, lambda model: model.safety)
    background = speak(Background, lambda model: model.background)
    habits = {
        habit.id: speak(Habit, _take_habit(place)) for place, habit in enumerate(parts.model.habits)
    }

    @router.get(
        "",
        response_model=ModelOverview,
        response_description="Version, index, levels, notes and limits.",
        responses={**problems(304), **lead(200, get_habit={"id": "$response.body#/habits/0/id"})},
        openapi_extra=SPOKEN,
    )
    async def get_model(request: Request) -> Response:
        """What the scores are, how the index is made, what was left out on purpose, and the limits."""
        return overview.answer(request)

    @router.get(
        "/sources",
        response_model=SourceList,
        response_description="Every publication the model cites.",
        responses=problems(304),
        openapi_extra=SPOKEN,
    )
    async def list_sources(request: Request) -> Response:
        """The publications behind the numbers, what each found, and how closely it was read."""
        return sources.answer(request)

    @router.get(
        "/safety",
        response_model=Safety,
        response_description="Red flags, conditions, actions, tags and gates.",
        responses=problems(304),
        openapi_extra=SPOKEN,
    )
    async def get_safety(request: Request) -> Response:
        """The safety screen as it is used: what each answer leads to, with its sources."""
        return safety.answer(request)

    @router.get(
        "/psoas",
        response_model=Background,
        response_description="What the article says, claim by claim, beside what was found.",
        responses=problems(304),
        openapi_extra=SPOKEN,
    )
    async def get_background(request: Request) -> Response:
        """What the psoas is, what is claimed about it, and how each claim stands in the literature."""
        return background.answer(request)

    @router.get(
        "/habits/{id}",
        response_model=Habit,
        response_description="Questions, components, curves and limits with their sources.",
        responses=problems(304, 404),
        openapi_extra=SPOKEN,
    )
    async def get_habit(
        request: Request,
        id: Annotated[str, Path(description="Id of a habit.", examples=["heavy_running"])],
    ) -> Response:
        """One habit's rules as they are used, each number with its sources or the reason for it."""
        if id not in habits:
            raise Refusal(404, f"There is no such habit. There are: {', '.join(habits)}.")
        return habits[id].answer(request)

    return router


def _take_habit(place: int) -> Callable[[Model], Habit]:
    """What finds a habit in the model of any language."""
    return lambda model: model.habits[place]
