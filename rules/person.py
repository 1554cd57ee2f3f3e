"""The number carrier: one person's answers as plain numbers, the reference for every other carrier."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rules.questions import Answer

GivenAnswers = Mapping[str, Answer | None]
"""Answers by question id; absent and None both mean unanswered."""


class Person:
    """One person's answers, with the verbs of the formula for single numbers."""

    __slots__ = ("answer",)

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answer = answers.get
        """The answer to a question as given, or None."""

    def given(self, question: str, stand_in: Answer) -> Answer:
        answer = self.answer(question)
        return stand_in if answer is None else answer

    def is_given(self, question: str) -> bool:
        return self.answer(question) is not None

    def is_answered(self, question: str, answer: Answer) -> bool:
        return self.answer(question) == answer

    def is_positive(self, value: float) -> bool:
        return value > 0

    def any_of(self, conditions: Iterable[bool]) -> bool:
        return any(conditions)

    def all_of(self, conditions: Iterable[bool]) -> bool:
        return all(conditions)

    def none_of(self, conditions: Iterable[bool]) -> bool:
        return not any(conditions)

    def where(self, condition: bool, value: Any, otherwise: Any) -> Any:
        return value if condition else otherwise

    def choose(self, answer: Answer, table: Mapping[Answer, float]) -> float:
        return table[answer]

    def clip(self, value: float, low: float, high: float) -> float:
        if value < low:
            return low
        return min(value, high)

    def least(self, one: float, other: float) -> float:
        return min(other, one)

    def greatest(self, one: float, other: float) -> float:
        return max(other, one)

    def rise(self, before: float, now: float) -> float:
        if now == 0:
            return 0.0
        return math.inf if before == 0 else 100.0 * (now / before - 1.0)

    def floor(self, value: float) -> int:
        return math.floor(value)

    def tenth(self, value: float) -> float:
        return value / 10

    def name_all(self, holding: Mapping[str, bool], between: str) -> str | None:
        return between.join(name for name, holds in holding.items() if holds) or None

    def pick(self, place: int | None, names: Sequence[str]) -> str | None:
        return None if place is None else names[place]

    def keep(self, value: Any) -> Any:
        return value


NOBODY = Person({})
"""For what is worked out from scores alone."""
