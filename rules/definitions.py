"""What the model's files may say: habits with their parts, and the model they make up."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from rules.background import Background
from rules.components import Component, Quantity
from rules.grounds import Definition, Grounded, Id, Number, Source, Text, cited_sources
from rules.questions import Answer, Question, Section
from rules.routines import Planner, Routine
from rules.safety import Safety
from rules.words import ClaimVerdict, EvidenceGrade, LevelId, Words


class Contradiction(Definition):
    """Two answers that cannot both be meant; refused, never guessed away."""

    at: Id
    """The question at which the fault is reported."""
    answered: Answer
    """Its answer."""
    beside_above_zero: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Questions of which none may then be answered above 0."""
    text: Text
    """What is told, after the question's name."""


class Evidence(Definition):
    """How sure anyone can be that a habit matters for muscles and joints at all."""

    grade: EvidenceGrade
    """The grade shown wherever the score is shown."""
    note: Text
    """The same in words."""
    sources: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Ids of the sources behind it."""


class PsoasClaim(Definition):
    """How the claim that a habit weakens the psoas stands in the literature."""

    verdict: ClaimVerdict
    """The verdict shown wherever the score is shown."""
    note: Text
    """The same in words."""
    sources: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Ids of the sources behind it."""


class IndexPart(Grounded):
    """How much the habit counts in the index."""

    weight: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    """Its weight in the mean."""
    sets_floor: bool = False
    """Whether the index stays near this habit's score when it is high."""


class Habit(Definition):
    """One habit: what is asked about it, how points are given, and what is known."""

    id: Id
    """Stable name; also the name of its file."""
    name: Text
    """Name for people."""
    order: int
    """Its place among the habits."""
    about: Text
    """What the habit is."""
    suggestion: Text
    """What a person may try when the score is not low."""
    practised_if_any: tuple[Id, ...] = ()
    """If given: who answers no or 0 to all of these does not have the habit and gets no points."""
    index: IndexPart
    """How it counts in the index."""
    evidence: Evidence
    """How sure anyone can be that it matters."""
    psoas_claim: PsoasClaim
    """How the claim about the psoas stands."""
    quantities: Mapping[Id, Quantity] = {}
    """What is worked out from its answers."""
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]
    """Its questions, in the order to ask them."""
    components: Annotated[tuple[Component, ...], Field(min_length=1)]
    """The parts of its score; their sum is limited to 0 to 100."""
    contradictions: tuple[Contradiction, ...] = ()
    """Answers that are refused together."""

    @cached_property
    def scored_questions(self) -> tuple[Question, ...]:
        """The questions that count in the score."""
        return tuple(question for question in self.questions if question.is_scored)

    @cached_property
    def core(self) -> Question:
        """The one question without which there is no score."""
        return next(question for question in self.questions if question.role == "core")

    @cached_property
    def cited(self) -> list[str]:
        """The ids of all sources this habit's file cites, each once, in the file's order."""
        return list(dict.fromkeys(cited_sources(self)))

    def reads(self, of: str) -> tuple[str, ...]:
        """The questions behind an answer or quantity of this habit."""
        return self.quantities[of].reads if of in self.quantities else (of,)

    def summands(self, component: Component) -> tuple[str, ...]:
        """The questions whose answers are added up for a component's curve; none for most."""
        of = component.curve.of if component.curve else ""
        return tuple(self.quantities[of].total or ()) if of in self.quantities else ()

    @cached_property
    def reasons(self) -> Mapping[str, tuple[Question, ...]]:
        """The questions whose answers explain each component's points, in the order of telling.

        The core question is told only where it gives points itself; as a limit it goes without saying.
        """
        by_id = {question.id: question for question in self.scored_questions}
        told = {}
        for component in self.components:
            limit = component.never_more_than
            names = [limit.per] if limit and limit.per != self.core.id else []
            names += self.reads(component.curve.of) if component.curve else component.choices
            names += [component.factor.by] if component.factor else []
            told[component.id] = tuple(
                by_id[name] for name in dict.fromkeys(names) if name in by_id
            )
        return told

    @cached_property
    def answers_behind(self) -> Mapping[str, list[str]]:
        """The ids of all questions that each component depends on, its limit and gates included."""
        gates = {question.id: question.asked_only_if for question in self.scored_questions}
        behind = {}
        for component in self.components:
            names = [question.id for question in self.reasons[component.id]]
            for measure in component.measures:
                names += self.reads(measure)
            names += self.practised_if_any
            names += [gate for name in names for gate in gates[name]]
            behind[component.id] = list(dict.fromkeys(names))
        return behind


class AnswerWarning(Grounded):
    """Answers that are accepted but pointed out: a total above a number, or any number that is reached."""

    total: Mapping[Id, Number] = {}
    """The answers that are added up, each times its number; all must be given."""
    above: Number | None = None
    """The warning holds when the total is above this."""
    any_at_least: Mapping[Id, Number] = {}
    """The warning holds when one of these answers is at least its number."""
    unless: Id | None = None
    """A red flag that leaves nothing to point out when it is answered yes."""
    text: Text
    """What is told."""

    @model_validator(mode="after")
    def check_one_kind(self) -> Self:
        """Refuse neither and both."""
        if bool(self.total) == bool(self.any_at_least) or bool(self.total) != (
            self.above is not None
        ):
            raise ValueError("needs total with above, or any_at_least, and not both")
        return self


class Level(Grounded):
    """A level of the scale."""

    id: LevelId
    """Stable name."""
    from_: Annotated[float, Field(alias="from", ge=0, le=100)]
    """The lowest rounded score that belongs to it."""


class IndexRule(Grounded):
    """How habit scores become one index."""

    margin_below_floor: Annotated[float, Field(ge=0, le=100)]
    """The index is never more than this below a habit that sets the floor."""
    percent_of_weight_for_a_score: Annotated[float, Field(gt=0, le=100)]
    """How much of the weight must be scored before the index has a score."""


class Note(Definition):
    """Something to know about the model."""

    id: Id
    """Stable name."""
    text: Text
    """What there is to know."""
    sources: tuple[Id, ...] = ()
    """Ids of the sources behind it."""


class Language(Definition):
    """The language in which a model is told."""

    tag: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
    """Its BCP 47 tag."""
    translation_reviewed: bool | None
    """Whether the translation has been reviewed; null for the language in which the model is written."""
    told_in: tuple[str, ...]
    """The tags of the languages of its texts: its own, and English where a text is not translated."""

    @property
    def of_warnings(self) -> str:
        """The tag of the language of the safety texts: a draft leaves them as they were written."""
        return self.told_in[-1] if self.translation_reviewed is False else self.tag


class Model(Definition):
    """The whole of the rules, as loaded from a folder of reviewed files."""

    version: Annotated[str, Field(pattern=r"^[\w.+-]{1,64}$")]
    title: Text
    validation_status: Literal["not_validated", "validated"]
    intended_use: Text
    what_a_score_is: Text
    premise: Text
    premise_sources: Annotated[tuple[Id, ...], Field(min_length=1)]
    index: IndexRule
    levels: tuple[Level, ...]
    notes: tuple[Note, ...]
    limits: tuple[Note, ...]
    digest: str
    about: Section
    symptoms: Section
    safety: Safety
    planner: Planner
    routines: Annotated[tuple[Routine, ...], Field(min_length=1)]
    background: Background
    habits: Annotated[tuple[Habit, ...], Field(min_length=1)]
    warnings: Mapping[Id, AnswerWarning]
    sources: Mapping[Id, Source]
    words: Words
    language: Language
    drawings: Mapping[Id, str]
    """A drawing for each routine that has one, as SVG."""

    @model_validator(mode="after")
    def check_levels(self) -> Self:
        """Refuse levels that leave a part of the scale without one."""
        starts = [level.from_ for level in self.levels]
        if starts != sorted(set(starts)) or starts[:1] != [0]:
            raise ValueError("levels must start at 0 and rise")
        if [level.id for level in self.levels] != list(get_args(LevelId)):
            raise ValueError(f"levels must be {', '.join(get_args(LevelId))}, in this order")
        return self

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """The habits' weights in the index, in their order."""
        return tuple(habit.index.weight for habit in self.habits)

    @cached_property
    def weight_for_a_score(self) -> float:
        """The weight that must be scored before the index has a score, times 100."""
        return self.index.percent_of_weight_for_a_score * sum(self.weights)

    @cached_property
    def scales(self) -> Mapping[str, str]:
        """What is scored, the habits in their order and then the index, with the names for people."""
        return {**{habit.id: habit.name for habit in self.habits}, "index": self.words.trend.index}

    @cached_property
    def floors(self) -> tuple[bool, ...]:
        """Whether each habit sets the floor of the index, in their order."""
        return tuple(habit.index.sets_floor for habit in self.habits)

    @cached_property
    def level_starts(self) -> tuple[tuple[float, LevelId], ...]:
        """Where each level begins, in tenths of a point, and its id."""
        return tuple((level.from_ * 10.0, level.id) for level in self.levels)

    @cached_property
    def questions(self) -> Mapping[str, Question]:
        """Every question that is answered in `answers`, by id, in the order in which it is asked."""
        sections: tuple[Section | Habit, ...] = (self.about, *self.habits)
        return {question.id: question for part in sections for question in part.questions}
