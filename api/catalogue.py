"""What the model holds, listed: routines with their drawings, and sources with where they are cited."""

import hashlib
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.knowledge import ModelName, name_rules
from rules.definitions import Habit, Model
from rules.grounds import Source, cited_sources
from rules.routines import Routine, Slot
from rules.words import EvidenceGrade

Drawing = Annotated[
    str | None,
    Field(
        description="Address of a line drawing of it, as SVG, which may be kept for ever; null where there is none.",
        examples=["/routines/dead_bug/drawing?v=0f3c5a9e"],
    ),
]


class RoutineInFull(Routine):
    """A routine with everything the model says of it, and where to find its drawing."""

    drawing: Drawing


class RoutineInCatalogue(TypedDict):
    """A routine in the list."""

    id: Annotated[str, Field(description="Stable name; see /routines/{id}.")]
    title: Annotated[str, Field(description="Name for people.")]
    slot: Annotated[Slot, Field(description="The part of a plan in which it can stand.")]
    category: Annotated[str, Field(description="What kind of thing it is.", examples=["stretch"])]
    purpose: Annotated[str, Field(description="What it is for.")]
    minutes: Annotated[int, Field(description="Minutes of a day on which it is due.", examples=[5])]
    difficulty: Annotated[int, Field(description="1 is easy, 3 is hard.", examples=[1])]
    equipment: Annotated[list[str], Field(description="What is needed.", examples=[["mat"]])]
    tags: Annotated[
        list[str],
        Field(description="What safety looks at; see /model/safety.", examples=[["floor"]]),
    ]
    habits: Annotated[
        list[str], Field(description="Ids of the habits it is for.", examples=[["slouching"]])
    ]
    evidence_grade: Annotated[
        EvidenceGrade, Field(description="How sure anyone can be that it helps.")
    ]
    drawing: Drawing


class RoutineList(TypedDict):
    """Every routine of the model."""

    model: ModelName
    routines: Annotated[list[RoutineInCatalogue], Field(description="In the order of their ids.")]


def put_routines(model: Model) -> RoutineList:
    """The routines of a model, in short."""
    return {
        "model": name_rules(model),
        "routines": [_put_routine(model, routine) for routine in model.routines],
    }


def _put_routine(model: Model, routine: Routine) -> RoutineInCatalogue:
    return {
        "id": routine.id,
        "title": routine.title,
        "slot": routine.slot,
        "category": routine.category,
        "purpose": routine.purpose,
        "minutes": routine.minutes,
        "difficulty": routine.difficulty,
        "equipment": list(routine.equipment),
        "tags": list(routine.tags),
        "habits": list(routine.targets),
        "evidence_grade": routine.evidence.grade,
        "drawing": find_drawing(model, routine.id),
    }


def put_routine_in_full(model: Model, routine: Routine) -> RoutineInFull:
    """One routine with all that is known of it."""
    said = {name: getattr(routine, name) for name in Routine.model_fields}
    return RoutineInFull(**said, drawing=find_drawing(model, routine.id))


def find_drawing(model: Model, routine: str) -> str | None:
    """The address of a routine's drawing; another one once the drawing is another."""
    if routine not in model.drawings:
        return None
    return f"/routines/{routine}/drawing?v={name_drawing(model.drawings[routine])}"


def name_drawing(drawing: str) -> str:
    """What tells a drawing from its earlier versions."""
    return hashlib.sha256(drawing.encode()).hexdigest()[:8]


class SourceInModel(TypedDict):
    """A source, and where the model rests on it."""

    id: Annotated[str, Field(description="Stable name, used wherever it is cited.")]
    source: Source
    cited_by: Annotated[
        list[str], Field(description="Ids of the habits and routines that cite it.")
    ]


class SourceList(TypedDict):
    """Every source the model cites."""

    model: ModelName
    sources: Annotated[list[SourceInModel], Field(description="In the order of the files.")]


def put_sources(model: Model) -> SourceList:
    """The sources of a model; one cited by no habit or routine is cited elsewhere in the model."""
    parts: tuple[Habit | Routine, ...] = (*model.habits, *model.routines)
    cited = {part.id: set(cited_sources(part)) for part in parts}
    return {
        "model": name_rules(model),
        "sources": [
            {
                "id": name,
                "source": source,
                "cited_by": [part for part, sources in cited.items() if name in sources],
            }
            for name, source in model.sources.items()
        ],
    }
