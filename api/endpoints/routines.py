"""The catalogue of routines."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.catalogue import RoutineList, put_routines
from api.document import problems
from api.fixed import FixedAnswer
from api.parts import Parts
from api.problems import Refusal
from rules.routines import Routine


def router(parts: Parts) -> APIRouter:
    """`GET /routines`, `/routines/{id}`."""
    router = APIRouter(prefix="/routines", tags=["routines"])
    listed = FixedAnswer.of(RoutineList, put_routines(parts.model))
    routines = {routine.id: FixedAnswer.of(Routine, routine) for routine in parts.model.routines}

    @router.get(
        "",
        response_model=RoutineList,
        response_description="Every routine in short.",
        responses=problems(304),
    )
    async def list_routines(request: Request) -> Response:
        """What a plan can be made of: titles, minutes, equipment, tags and grades."""
        return listed.answer(request)

    @router.get(
        "/{id}",
        response_model=Routine,
        response_description="Steps, dose, when to stop, evidence and claims.",
        responses=problems(304, 404),
    )
    async def get_routine(
        request: Request,
        id: Annotated[str, Path(description="Id of a routine.", examples=["psoas_self_massage"])],
    ) -> Response:
        """One routine in full, each number with its sources or the reason for it.

        A routine that is gated, blocked or cautioned for some people does not say so for one
        person here: only an assessment does.
        """
        if id not in routines:
            raise Refusal(404, "There is no such routine. The list is at /routines.")
        return routines[id].answer(request)

    return router
