"""The sweep carrier: one person's answers, of which one is replaced by every answer that could stand there.

What a change or an answer would bring is found by trying all of it at once, with the same formula
that scores people. Of its shape only this is assumed: a better answer never raises a score, and
behind its last bend a curve is flat.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rules.person import Person
from rules.questions import Answer

Array = NDArray[Any]


class Sweep(Person):
    """The verbs of the formula for a person's numbers of which some are whole arrays of tries."""

    __slots__ = ()

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
        return super().choose(answer, table)

    def clip(self, value: Any, low: float, high: float) -> Any:
        if isinstance(value, np.ndarray):
            return np.minimum(np.maximum(value, low), high)
        return super().clip(value, low, high)

    def least(self, one: Any, other: Any) -> Any:
        if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
            return np.minimum(one, other)
        return super().least(one, other)

    def greatest(self, one: Any, other: Any) -> Any:
        if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
            return np.maximum(one, other)
        return super().greatest(one, other)

    def rise(self, before: Any, now: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if isinstance(before, np.ndarray):
                percent: Any = np.where(before == 0, np.inf, 100.0 * (now / before - 1.0))
            else:
                percent = np.inf if before == 0 else 100.0 * (now / before - 1.0)
        return np.where(now == 0, 0.0, percent)

    def floor(self, value: Any) -> Any:
        return np.floor(value)


TRIES = Sweep({})
"""For what is worked out from scores alone."""


def put_tries(answers: tuple[Answer, ...]) -> Array:
    """Answers to try as an array: numbers as such, options as they are."""
    numbers = all(isinstance(answer, int | float) for answer in answers)
    booleans = any(isinstance(answer, bool) for answer in answers)
    return np.array(answers, dtype=float if numbers and not booleans else object)
