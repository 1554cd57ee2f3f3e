"""Questions: what is asked, which answers are allowed, and what an unanswered one counts as."""

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rules.grounds import Definition, Grounded, Id, Number, Text
from rules.words import fills

Answer = bool | int | float | str
"""An answer as callers give it; unanswered is `None` or absence, never a value."""
Chosen = tuple[str, ...]
"""The answer to a question of which several options may be chosen; none chosen is an answer too."""
View = Literal["low", "high", "score"]
"""Which value stands in for an unanswered question: most favourable, least favourable, neutral."""

SLIP, DECIMALS = 1e-9, 9
"""What binary fractions may lose when a bound is counted in steps, and how exactly a step is kept."""

YES_NO: Mapping[str, bool] = {"yes": True, "no": False}
"""How the files name the two answers of a yes-or-no question."""
NONE_OF_THESE = "none_of_these"
"""The code for choosing no option, in forms in which a question of several options cannot be answered with an empty list."""


def plain_number(number: float) -> int | float:
    """A number as people write it: whole ones without a fraction."""
    return int(number) if number == int(number) else number


def key_by_answer(table: Mapping[str, float]) -> Mapping[Answer, float]:
    """A table of numbers by option as a table by answer, with yes and no as booleans."""
    return {YES_NO.get(option, option): number for option, number in table.items()}


Plain = Annotated[Text, fills()]
"""A text without braces."""


class Option(Definition):
    """One answer of a choice."""

    id: Id
    """The value to send."""
    label: Text
    """The text to show."""
    phrase: Annotated[str, fills()] = ""
    """How it is said inside a sentence: empty if it goes without saying, with a space in front if it
    continues the answer before it."""


class Phrase(Definition):
    """How an answer is said inside a sentence; `{n}` stands for the number."""

    zero: Plain | None = None
    """For the answer 0."""
    one: Plain | None = None
    """For the answer 1."""
    other: Annotated[Text, fills("n")] | None = None
    """For any other number."""
    yes: Plain | None = None
    """For yes."""
    no: Plain | None = None
    """For no."""


class Unanswered(Definition):
    """What an unanswered question counts as in each of the three evaluations."""

    low: Answer
    """The most favourable answer, for the lower end of the interval."""
    high: Answer
    """The least favourable answer, for the upper end of the interval."""
    score: Answer
    """The answer that gives neither points nor credit, for the score."""


class Question(Grounded):
    """One question with the answers it allows; the grounds are those of its bounds and stand-ins."""

    id: Id
    """Name of the field in answers."""
    role: Literal["scope", "core", "scored", "context", "planner"]
    """core: its habit has no score without it; scored: counts in the score; context: gives no
    points; scope: whom the questionnaire is for; planner: shapes the plan."""
    label: Text
    """Short name for tables and messages."""
    ask: Text
    """The question to show."""
    help: Text | None = None
    """A hint to show beside it."""
    answer: Literal["number", "whole_number", "yes_no", "choice", "several"]
    """Kind of answer; yes_no is sent as true or false, several as a list of options."""
    unit: Text | None = None
    """UCUM unit of a number."""
    unit_text: Text | None = None
    """The unit in words."""
    minimum: Number | None = None
    """Smallest number accepted."""
    maximum: Number | None = None
    """Largest number accepted."""
    options: tuple[Option, ...] = ()
    """The answers that can be chosen, in the order to show them; of a lever, most favourable first."""
    unanswered: Unanswered | None = None
    """What it counts as when unanswered; only for core and scored questions."""
    resolution: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The step in which a scored number's answers are tried, to say what would help or what to ask."""
    lever_limit: Answer | None = None
    """How far a person may move this answer to help themselves; absent where they cannot."""
    assumed: Answer | Chosen | None = None
    """What the plan assumes when it is unanswered; only for planner questions."""
    asked_only_if: Mapping[Id, bool] = {}
    """Skip it when one of these questions was answered otherwise."""
    example: Answer | Chosen
    """An answer that is accepted."""
    phrase: Phrase = Phrase()
    """How a number, or yes and no, is said inside a sentence."""
    corresponds_to: Text | None = None
    """Items of known questionnaires that ask the same."""
    code: Text | None = None
    """Code of the question in a public terminology."""

    @cached_property
    def option_phrases(self) -> Mapping[Answer, str]:
        """How each answer of a choice or a yes-or-no question is said inside a sentence."""
        if self.answer == "yes_no":
            return {True: self.phrase.yes or "", False: self.phrase.no or ""}
        return {option.id: option.phrase for option in self.options}

    @cached_property
    def stand_ins(self) -> Mapping[str, Answer]:
        """What an unanswered answer counts as, by view; empty for a question that is not scored."""
        return dict(self.unanswered) if self.unanswered else {}

    @cached_property
    def can_matter(self) -> bool:
        """Whether leaving it unanswered leaves anything open."""
        return self.unanswered is not None and self.unanswered.low != self.unanswered.high

    @property
    def is_numeric(self) -> bool:
        """Whether its answers are numbers."""
        return self.answer in ("number", "whole_number")

    @property
    def is_scored(self) -> bool:
        """Whether its answer counts in a score."""
        return self.role in ("core", "scored")

    @cached_property
    def falls_to_improve(self) -> bool:
        """Whether a lower number is the more favourable one."""
        low, high = self.stand_ins.get("low", 0), self.stand_ins.get("high", 0)
        return isinstance(low, int | float) and isinstance(high, int | float) and low < high

    @cached_property
    def every_answer(self) -> tuple[Answer, ...]:
        """Every answer that is tried: all options, or the numbers from bound to bound by the resolution."""
        if self.answer == "yes_no":
            return (True, False)
        if self.resolution is None or self.minimum is None or self.maximum is None:
            return tuple(option.id for option in self.options)
        step = self.resolution
        first, last = math.ceil(self.minimum / step - SLIP), math.floor(self.maximum / step + SLIP)
        steps = (round(n * step, DECIMALS) for n in range(first, last + 1))
        return tuple(map(plain_number, sorted({self.minimum, *steps, self.maximum})))

    def accepts(self, value: Answer | Chosen) -> bool:
        """Whether a value is an answer this question allows."""
        ids = [option.id for option in self.options]
        if isinstance(value, tuple):
            return self.answer == "several" and all(item in ids for item in value)
        if self.answer == "yes_no":
            return isinstance(value, bool)
        if self.answer == "choice":
            return value in ids
        if isinstance(value, bool | str) or self.minimum is None or self.maximum is None:
            return False
        if not self.minimum <= value <= self.maximum:
            return False
        return self.answer == "number" or value == int(value)

    @property
    def _phrases_needed(self) -> tuple[str | None, ...]:
        if self.options:
            return ()
        return (self.phrase.other,) if self.is_numeric else (self.phrase.yes, self.phrase.no)

    @model_validator(mode="after")
    def check_shape(self) -> Self:
        """Refuse a question whose parts do not fit its kind of answer."""
        bounds = (self.unit, self.unit_text, self.minimum, self.maximum)
        if self.is_numeric and None in bounds:
            raise ValueError("a number needs unit, unit_text, minimum and maximum")
        if not self.is_numeric and any(bound is not None for bound in bounds):
            raise ValueError("unit, unit_text, minimum and maximum belong to numbers")
        if (self.answer in ("choice", "several")) != bool(self.options):
            raise ValueError("options belong to choice and several, and these need them")
        if self.is_scored and self.answer == "several":
            raise ValueError("a question with several answers cannot be scored")
        if (self.is_scored and self.is_numeric) != (self.resolution is not None):
            raise ValueError("resolution belongs to scored numbers, and these need it")
        if any(option.id in YES_NO for option in self.options):
            raise ValueError("option ids 'yes' and 'no' are kept for yes_no questions")
        return self

    @model_validator(mode="after")
    def check_answers(self) -> Self:
        """Refuse stand-ins and an example that are no answers, and answers that cannot be said."""
        if self.is_scored != (self.unanswered is not None):
            raise ValueError("unanswered belongs to core and scored questions, and only to them")
        if (self.role == "planner") != (self.assumed is not None):
            raise ValueError("assumed belongs to planner questions, and these need it")
        named = {"lever_limit": self.lever_limit, "assumed": self.assumed, "example": self.example}
        for name, value in {**named, **self.stand_ins}.items():
            if value is not None and not self.accepts(value):
                raise ValueError(f"{name} is not an answer that this question allows")
        if self.lever_limit is not None and not self.is_scored:
            raise ValueError("lever_limit belongs to core and scored questions")
        first = self.options[0].id if self.options else self.lever_limit
        if self.lever_limit not in (None, first) or self.lever_limit is False:
            raise ValueError("lever_limit must be the first option, which is the best, or yes")
        if self.is_scored and self.is_numeric and self.unanswered:
            ends = {self.unanswered.low, self.unanswered.high}
            if ends != {self.minimum, self.maximum}:
                raise ValueError("unanswered.low and unanswered.high must be the two bounds")
        if self.is_scored and None in self._phrases_needed:
            raise ValueError("phrase needs other for a number, or yes and no")
        return self


class Section(Definition):
    """Questions that belong to no habit."""

    id: Id
    """Stable name."""
    name: Text
    """Heading to show."""
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]
    """Its questions, in the order to ask them."""

    @cached_property
    def by_id(self) -> Mapping[str, Question]:
        """Its questions by id."""
        return {question.id: question for question in self.questions}
