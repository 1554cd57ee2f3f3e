"""Routines as data: what to do, how often, for which habits, and what is known of it; and how plans are made."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rules.background import Claim
from rules.grounds import Definition, Grounded, Id, Text
from rules.questions import Section
from rules.words import EvidenceGrade, names_all

Slot = Literal["exercise", "habit_change", "self_massage"]
"""The part of a plan in which a routine can stand."""


class Dose(Grounded):
    """How much of a routine, and how often."""

    sets: Annotated[int, Field(ge=1)]
    """Sets in a session."""
    reps: Annotated[int, Field(ge=1)]
    """Repetitions in a set."""
    hold_seconds: Annotated[int, Field(ge=0)]
    """Seconds to hold each; 0 where nothing is held."""
    per_side: bool
    """Whether it is done on each side."""
    sessions_per_week: Annotated[int, Field(ge=1)]
    """Sessions a week."""
    text: Text | None = None
    """The same in words, where the numbers do not say it well by themselves."""


class Part(Grounded):
    """A step of a longer routine, with a dose of its own."""

    id: Id
    """Stable name."""
    title: Text
    """Heading to show."""
    do: Annotated[tuple[Text, ...], Field(min_length=1)]
    """What to do, in order."""
    dose: Dose
    """How much of it."""


class RoutineEvidence(Definition):
    """How sure anyone can be that a routine helps at all."""

    grade: EvidenceGrade
    """The grade shown wherever the routine is shown."""
    note: Text
    """The same in words."""
    sources: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Ids of the sources behind it."""


class Routine(Grounded):
    """Something to do; the grounds are those of its minutes and difficulty."""

    id: Id
    """Stable name; also the name of its file."""
    title: Text
    """Name for people."""
    slot: Slot
    """The part of a plan in which it can stand."""
    category: Id
    """What kind of thing it is."""
    purpose: Text
    """What it is for."""
    minutes: Annotated[int, Field(ge=0)]
    """Minutes of a day on which it is due."""
    difficulty: Annotated[int, Field(ge=1, le=3)]
    """1 is easy, 3 is hard."""
    equipment: tuple[Id, ...]
    """What is needed; ids of the plan's question about equipment."""
    tags: tuple[Id, ...]
    """What safety looks at; ids of the safety screen's tags."""
    progresses_to: Id | None = None
    """A harder routine for later."""
    blocked_by_pain_sites: tuple[Id, ...] = ()
    """Places of pain for which it is left out."""
    not_beside: Id | None = None
    """Equipment whose owner is offered another routine instead."""
    steps: tuple[Text, ...] = ()
    """What to do, in order; or else parts."""
    parts: tuple[Part, ...] = ()
    """The steps of a longer routine, each with its own dose; or else steps."""
    stop_if: tuple[Text, ...]
    """When to stop."""
    targets: Annotated[Mapping[Id, tuple[Id, ...]], Field(min_length=1)]
    """The habits it is for, each with the components that it is directly about, if any."""
    dose: Dose
    """How much of it, and how often."""
    evidence: RoutineEvidence
    """How sure anyone can be that it helps."""
    claims: tuple[Claim, ...] = ()
    """What is claimed for it, and how that stands; told in the background, named in its file."""

    @cached_property
    def told(self) -> list[str]:
        """What to do in order, one text a step; a part begins with its title."""
        return list(self.steps) or [f"{part.title}. {' '.join(part.do)}" for part in self.parts]

    @model_validator(mode="after")
    def check_steps(self) -> Self:
        """Refuse neither and both."""
        if bool(self.steps) == bool(self.parts):
            raise ValueError("needs steps or parts, not both")
        return self


class PlanRule(Grounded):
    """How routines are chosen."""

    needed_from: Annotated[float, Field(ge=0, le=100)]
    """The lowest score at which a habit calls for routines."""
    grade_factors: Annotated[Mapping[EvidenceGrade, float], names_all(EvidenceGrade)]
    """What a routine's evidence grade makes it worth."""
    repeat_factor: Annotated[float, Field(gt=0, lt=1)]
    """What each further routine for the same habit is worth of the one before."""
    most_exercises: Annotated[int, Field(ge=1)]
    """Exercises in a plan."""
    most_habit_changes: Annotated[int, Field(ge=1)]
    """Habit changes in a plan."""
    more_minutes: Annotated[int, Field(ge=1)]
    """How many more minutes are tried, to say what they would bring."""
    self_massage: tuple[Id, ...]
    """Routines for the slot self_massage, the preferred one first."""
    maintain_with: Id
    """The routine for those whom no habit calls for one."""


class Planner(Section):
    """What is asked about the plan, and the rule by which it is made."""

    rule: PlanRule
    """How routines are chosen."""

    @cached_property
    def assumed(self) -> Mapping[str, object]:
        """What is assumed for each question that is unanswered."""
        return {question.id: question.assumed for question in self.questions}
