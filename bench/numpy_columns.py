"""The column carrier for another engine: NumPy columns, scored by the same formula that scores one person."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from operator import and_, or_
from typing import Any

import numpy as np

from rules.person import Person
from rules.questions import YES_NO, Answer, Question, View

Column = np.ndarray[Any, Any]
"""A value for each person."""
UNANSWERED = "unanswered"
"""The option that stands for no answer; among numbers, not-a-number does."""


class Chosen:  # noqa: PLW1641  # nobody looks a column up
    """A column of chosen options, kept as their places among the options."""

    def __init__(self, places: Column, options: list[str]) -> None:
        self._places, self._options = places, options

    def __eq__(self, option: object) -> Any:
        return self._places == self._options.index(str(option))

    def look_up(self, table: Mapping[Answer, float]) -> Column:
        """The number beside each chosen option."""
        return np.take([table.get(option, 0.0) for option in self._options], self._places)


class Columns(Person):
    """The verbs of the formula for NumPy columns, which the engine gives by their names."""

    __slots__ = ("_questions", "read")

    def __init__(self, read: Callable[[str], Column], questions: Mapping[str, Question]) -> None:
        super().__init__({})
        self.read, self._questions = read, questions

    def is_given(self, question: str) -> Any:
        if self._questions[question].is_numeric:
            return ~np.isnan(self.read(question))
        return self.read(question) != list_options(self._questions[question]).index(UNANSWERED)

    def is_answered(self, question: str, answer: Answer) -> Any:
        return self.read(question) == code(self._questions[question], answer)

    def is_positive(self, value: Any) -> Any:
        return value > 0

    def any_of(self, conditions: Iterable[Any]) -> Any:
        return reduce(or_, conditions, False)

    def all_of(self, conditions: Iterable[Any]) -> Any:
        return reduce(and_, conditions, True)

    def where(self, condition: Any, value: Any, otherwise: Any) -> Any:
        return np.where(condition, value, otherwise)

    def choose(self, answer: Any, table: Mapping[Answer, float]) -> Any:
        if isinstance(answer, Chosen):
            return answer.look_up(table)
        return np.where(answer, table[True], table[False])

    def clip(self, value: Any, low: float, high: float) -> Any:
        return np.clip(value, low, high)

    def least(self, one: Any, other: Any) -> Any:
        return np.minimum(one, other)

    def greatest(self, one: Any, other: Any) -> Any:
        return np.maximum(one, other)

    def rise(self, before: Any, now: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            percent = 100.0 * (now / before - 1.0)
        return np.where(now == 0, 0.0, percent)

    def floor(self, value: Any) -> Any:
        return np.floor(value)


class Filled(Mapping[str, Any]):
    """Answers filled for one evaluation by question id, each read when it is needed."""

    def __init__(self, columns: Columns, questions: Mapping[str, Question], view: View) -> None:
        self._columns, self._questions, self._view = columns, questions, view

    def __getitem__(self, name: str) -> Any:
        question = self._questions[name]
        filled = self._columns.read(f"filled_{name}_{self._view}")
        return Chosen(filled, list_options(question)) if question.options else filled

    def __iter__(self) -> Iterator[str]:
        return iter(self._questions)

    def __len__(self) -> int:
        return len(self._questions)


def list_options(question: Question) -> list[str]:
    """The options of a choice or of yes and no, and one for no answer."""
    return [*([option.id for option in question.options] or YES_NO), UNANSWERED]


def code(question: Question, answer: Answer) -> float:
    """An answer as it stands in a column: a number, or the place of an option."""
    if question.is_numeric:
        return float(answer)
    places: list[Answer] = [YES_NO.get(option, option) for option in list_options(question)]
    return places.index(answer)
