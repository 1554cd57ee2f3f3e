"""The knowledge itself: the model, each habit's rules, and the sources beside the numbers."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.document import problems
from api.fixed import FixedAnswer
from api.knowledge import ModelOverview, SourceList, put_model, put_sources
from api.parts import Parts
from api.problems import Refusal
from rules.definitions import Habit


def router(parts: Parts) -> APIRouter:
    """`GET /model`, `/model/habits/{id}`, `/model/sources`."""
    router = APIRouter(prefix="/model", tags=["model"])
    overview = FixedAnswer.of(ModelOverview, put_model(parts.model))
    sources = FixedAnswer.of(SourceList, put_sources(parts.model))
    habits = {habit.id: FixedAnswer.of(Habit, habit) for habit in parts.model.habits}

    @router.get(
        "",
        response_model=ModelOverview,
        response_description="Version, index, levels, notes and limits.",
        responses=problems(304),
    )
    async def get_model(request: Request) -> Response:
        """What the scores are, how the index is made, what was left out on purpose, and the limits."""
        return overview.answer(request)

    @router.get(
        "/sources",
        response_model=SourceList,
        response_description="Every publication the model cites.",
        responses=problems(304),
    )
    async def list_sources(request: Request) -> Response:
        """The publications behind the numbers, what each found, and how closely it was read."""
        return sources.answer(request)

    @router.get(
        "/habits/{id}",
        response_model=Habit,
        response_description="Questions, components, curves and limits with their sources.",
        responses=problems(304, 404),
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
