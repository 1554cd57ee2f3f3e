"""Questions: what is asked, which answers are allowed, and what an unanswered one counts as."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import model_validator

from rules.grounds import Definition, Grounded, Id, Number, Text
from rules.words import fills

Answer = bool | int | float | str
"""An answer as callers give it; unanswered is `None` or absence, never a value."""
View = Literal["low", "high", "score"]
"""Which value stands in for an unanswered question: most favourable, least favourable, neutral."""

YES_NO: Mapping[str, bool] = {"yes": True, "no": False}
"""How the files name the two answers of a yes-or-no question."""


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
    role: Literal["scope", "core", "scored", "context"]
    """core: its habit has no score without it; scored: counts in the score; context: only
    compared with other answers; scope: whom the questionnaire is for."""
    label: Text
    """Short name for tables and messages."""
    ask: Text
    """The question to show."""
    help: Text | None = None
    """A hint to show beside it."""
    answer: Literal["number", "whole_number", "yes_no", "choice"]
    """Kind of answer; yes_no is sent as true or false."""
    unit: Text | None = None
    """UCUM unit of a number."""
    unit_text: Text | None = None
    """The unit in words."""
    minimum: Number | None = None
    """Smallest number accepted."""
    maximum: Number | None = None
    """Largest number accepted."""
    options: tuple[Option, ...] = ()
    """The answers of a choice, in the order to show them."""
    unanswered: Unanswered | None = None
    """What it counts as when unanswered; only for core and scored questions."""
    asked_only_if: Mapping[Id, bool] = {}
    """Skip it when one of these questions was answered otherwise."""
    example: Answer
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

    def accepts(self, value: Answer) -> bool:
        """Whether a value is an answer this question allows."""
        if self.answer == "yes_no":
            return isinstance(value, bool)
        if self.answer == "choice":
            return value in [option.id for option in self.options]
        if isinstance(value, bool | str) or self.minimum is None or self.maximum is None:
            return False
        if not self.minimum <= value <= self.maximum:
            return False
        return self.answer == "number" or value == int(value)

    @property
    def _phrases_needed(self) -> tuple[str | None, ...]:
        if self.answer == "choice":
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
        if (self.answer == "choice") != bool(self.options):
            raise ValueError("options belong to a choice, and a choice needs them")
        if any(option.id in YES_NO for option in self.options):
            raise ValueError("option ids 'yes' and 'no' are kept for yes_no questions")
        return self

    @model_validator(mode="after")
    def check_answers(self) -> Self:
        """Refuse stand-ins and an example that are no answers, and answers that cannot be said."""
        if self.is_scored != (self.unanswered is not None):
            raise ValueError("unanswered belongs to core and scored questions, and only to them")
        for name, value in {"example": self.example, **self.stand_ins}.items():
            if not self.accepts(value):
                raise ValueError(f"{name} is not an answer that this question allows")
        if self.is_scored and self.is_numeric and self.unanswered:
            ends = {self.unanswered.low, self.unanswered.high}
            if ends != {self.minimum, self.maximum}:
                raise ValueError("unanswered.low and unanswered.high must be the two bounds")
        if self.is_scored and None in self._phrases_needed:
            raise ValueError("phrase needs other for a number, or yes and no")
        return self
