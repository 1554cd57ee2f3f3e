"""The sweep carrier: one person's answers, of which one is replaced by every answer that could stand there.

What a change or an answer would bring is found by trying all of it at once, with the same formula
that scores people. Of its shape only this is assumed: a better answer never raises a score, and
behind its last bend a curve is flat.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rules.questions import Answer

Array = NDArray[Any]


class Sweep:
    """The verbs of the formula for numbers of which some are whole arrays of tries."""

    __slots__ = ("_answer",)

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answer = answers.get

    def given(self, question: str, stand_in: Answer) -> Any:
        answer = self._answer(question)
        return stand_in if answer is None else answer

    def is_given(self, question: str) -> bool:
        return self._answer(question) is not None

    def is_answered(self, question: str, answer: Answer) -> Any:
        return self._answer(question) == answer

    def is_positive(self, value: Any) -> Any:
        return value > 0

    def any_of(self, conditions: Iterable[Any]) -> Any:
        found: Any = False
        for condition in conditions:
            found = found | condition
        return found

    def all_of(self, conditions: Iterable[Any]) -> Any:
        found: Any = True
        for condition in conditions:
            found = found & condition
        return found

    def none_of(self, conditions: Iterable[Any]) -> Any:
        return self.any_of(conditions) ^ True

    def where(self, condition: Any, value: Any, otherwise: Any) -> Any:
        if isinstance(condition, np.ndarray):
            return np.where(condition, value, otherwise)
        return value if condition else otherwise

    def choose(self, answer: Any, table: Mapping[Answer, float]) -> Any:
        if isinstance(answer, np.ndarray):
            return np.array([table[one] for one in answer])
        return table[answer]

    def clip(self, value: Any, low: float, high: float) -> Any:
        if isinstance(value, np.ndarray):
            return np.minimum(np.maximum(value, low), high)
        if value < low:
            return low
        return min(value, high)

    def least(self, one: Any, other: Any) -> Any:
        if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
            return np.minimum(one, other)
        return min(other, one)

    def greatest(self, one: Any, other: Any) -> Any:
        if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
            return np.maximum(one, other)
        return max(other, one)

    def rise(self, before: Any, now: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if isinstance(before, np.ndarray):
                percent: Any = np.where(before == 0, np.inf, 100.0 * (now / before - 1.0))
            else:
                percent = np.inf if before == 0 else 100.0 * (now / before - 1.0)
        return np.where(now == 0, 0.0, percent)

    def floor(self, value: Any) -> Any:
        return np.floor(value)

    def tenth(self, value: Any) -> Any:
        return value / 10


def put_tries(answers: tuple[Answer, ...]) -> Array:
    """Answers to try as an array: numbers as such, options as they are."""
    numbers = all(isinstance(answer, int | float) for answer in answers)
    booleans = any(isinstance(answer, bool) for answer in answers)
    return np.array(answers, dtype=float if numbers and not booleans else object)
