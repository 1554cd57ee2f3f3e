"""The catalogue of routines, and their drawings."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.catalogue import (
    RoutineInFull,
    RoutineList,
    name_drawing,
    put_routine_in_full,
    put_routines,
)
from api.document import lead, problems
from api.fixed import FixedAnswer
from api.languages import SPOKEN, Spoken
from api.pages.assets import FOREVER, GUARDED
from api.parts import Parts
from api.problems import Refusal
from rules.definitions import Model

SVG = "image/svg+xml"
FIRST = {"id": "$response.body#/routines/0/id"}
NO_SUCH = "There is no such routine. The list is at /routines."
NO_DRAWING = "There is no drawing of this routine."
Id = Annotated[str, Path(description="Id of a routine.", examples=["psoas_self_massage"])]


def router(parts: Parts) -> APIRouter:
    """`GET /routines`, `/routines/{id}`, `/routines/{id}/drawing`."""
    router = APIRouter(prefix="/routines", tags=["routines"])
    listed = Spoken.of(parts.languages, RoutineList, put_routines)
    routines = {
        routine.id: Spoken.of(parts.languages, RoutineInFull, _take_routine(place))
        for place, routine in enumerate(parts.model.routines)
    }
    drawings = {
        name: FixedAnswer(drawing.encode(), SVG, cache=FOREVER, **GUARDED)
        for name, drawing in parts.model.drawings.items()
    }
    versions = {name: name_drawing(drawing) for name, drawing in parts.model.drawings.items()}

    @router.get(
        "",
        response_model=RoutineList,
        response_description="Every routine in short.",
        responses={
            **problems(304),
            **lead(200, get_routine=FIRST, get_drawing=FIRST),
        },
        openapi_extra=SPOKEN,
    )
    async def list_routines(request: Request) -> Response:
        """What a plan can be made of: titles, minutes, equipment, tags, grades and drawings."""
        return listed.answer(request)

    @router.get(
        "/{id}",
        response_model=RoutineInFull,
        response_description="Steps, dose, when to stop, evidence, claims and the drawing.",
        responses=problems(304, 404),
        openapi_extra=SPOKEN,
    )
    async def get_routine(request: Request, id: Id) -> Response:
        """One routine in full, each number with its sources or the reason for it.

        A routine that is gated, blocked or cautioned for some people does not say so for one
        person here: only an assessment does.
        """
        if id not in routines:
            raise Refusal(404, NO_SUCH)
        return routines[id].answer(request)

    @router.get(
        "/{id}/drawing",
        response_class=Response,
        response_description="A line drawing of somebody in the position, seen from the side.",
        responses={
            **problems(304, 404),
            200: {"content": {SVG: {"schema": {"type": "string"}}}},
        },
        openapi_extra={"security": []},  # a picture in a page cannot send a key, and tells nothing
    )
    async def get_drawing(
        request: Request,
        id: Id,
        v: Annotated[
            str | None,
            Query(description="Version of the drawing, as `drawing` of the routine names it."),
        ] = None,
    ) -> Response:
        """A line drawing of a routine, as SVG, clear from 160 pixels on; `drawing` of the routine leads here.

        Under an address with its version it may be kept for ever.
        """
        if id not in drawings:
            raise Refusal(404, NO_DRAWING if id in routines else NO_SUCH)
        answer = drawings[id].answer(request)
        if v != versions[id]:
            answer.headers["Cache-Control"] = "public, max-age=0, must-revalidate"
        return answer

    return router


def _take_routine(place: int) -> Callable[[Model], RoutineInFull]:
    """What finds a routine in the model of any language."""
    return lambda model: put_routine_in_full(model, model.routines[place])
