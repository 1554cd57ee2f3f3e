"""The formula written out in another language, for forms that work out scores by themselves.

This carrier's values are expressions. So a language needs to say how it writes a few things, and
gets the same formula as everything else.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from rules import formula
from rules.definitions import Habit, Model
from rules.questions import Answer
from rules.rows import PREFIX

FAR = 1_000_000_000
"""Stands for infinity in languages that have none: it lies beyond the last bend of every curve."""


class Language(Protocol):
    """How a language writes what differs from one to another; the signs + - * / = < > are the same in all."""

    nothing: str
    """What is written where there is no value."""

    def answer(self, question: str) -> str:
        """The value of a question or of a score by its name."""

    def is_given(self, name: str) -> str:
        """That a question or a score has a value."""

    def literal(self, answer: bool | str) -> str:
        """The answer to a choice, or yes or no, as it is compared with what was answered."""

    def where(self, condition: str, value: str, otherwise: str) -> str:
        """The one where the condition holds, the other elsewhere."""

    def least(self, one: str, other: str) -> str:
        """The lower of two numbers."""

    def greatest(self, one: str, other: str) -> str:
        """The higher of two numbers."""

    def floor(self, value: str) -> str:
        """The greatest whole number not above a number, which is not below 0."""


class Term:
    """An expression, closed in itself."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _join(self, sign: str, other: Any, *, first: bool = True) -> "Term":
        one, two = (self, other) if first else (other, self)
        return Term(f"({put(one)} {sign} {put(two)})")

    def __add__(self, other: Any) -> "Term":
        return self._join("+", other)

    def __radd__(self, other: Any) -> "Term":
        return self if other == 0 else self._join("+", other, first=False)

    def __sub__(self, other: Any) -> "Term":
        return self._join("-", other)

    def __mul__(self, other: Any) -> "Term":
        return self._join("*", other)

    def __rmul__(self, other: Any) -> "Term":
        return self._join("*", other, first=False)

    def __truediv__(self, other: Any) -> "Term":
        return self._join("/", other)

    def __lt__(self, other: Any) -> "Term":
        return self._join("<", other)

    def __gt__(self, other: Any) -> "Term":
        return self._join(">", other)

    def __ge__(self, other: Any) -> "Term":
        return self._join(">=", other)


class Filled(Term):
    """An answer with a stand-in for where there is none."""

    def __init__(self, text: str, question: str, stand_in: Answer, language: Language) -> None:
        super().__init__(text)
        self.question, self.stand_in = question, stand_in
        self._language = language

    def __eq__(self, other: object) -> Any:
        """That the answer is just this one, or would be by its stand-in."""
        is_so = _is(self._language, self.question, other)
        if other != self.stand_in:
            return is_so
        return Term(
            self._language.where(self._language.is_given(self.question), is_so.text, "1 = 1")
        )

    __hash__ = Term.__hash__


def put(value: Any) -> str:
    """A value as it is written: an expression as it is, a number without an exponent."""
    if isinstance(value, Term):
        return value.text
    written = format(Decimal(repr(float(value))), "f").removesuffix(".0")
    return f"({written})" if written.startswith("-") else written


def _is(language: Language, question: str, answer: object) -> Term:
    """That a question is answered just so."""
    value = language.literal(answer) if isinstance(answer, bool | str) else put(answer)
    return Term(f"({language.answer(question)} = {value})")


class Writer:
    """Answers that are not known yet, with the verbs of the formula as a language writes them."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def given(self, question: str, stand_in: Answer) -> Filled:
        say = self._language
        other = say.literal(stand_in) if isinstance(stand_in, str) else put(stand_in)
        text = say.where(say.is_given(question), say.answer(question), other)
        return Filled(text, question, stand_in, say)

    def is_given(self, question: str) -> Term:
        return Term(f"({self._language.is_given(question)})")

    def is_answered(self, question: str, answer: Answer) -> Any:
        return self.all_of([self.is_given(question), _is(self._language, question, answer)])

    def is_positive(self, value: Any) -> Any:
        return value > 0

    def any_of(self, conditions: Iterable[Any]) -> Any:
        return _connect(conditions, "or", decides=True)

    def all_of(self, conditions: Iterable[Any]) -> Any:
        return _connect(conditions, "and", decides=False)

    def none_of(self, conditions: Iterable[Any]) -> Any:
        found = self.any_of(conditions)
        return (
            Term(f"({self.where(found, 0, 1).text} = 1)") if isinstance(found, Term) else not found
        )

    def where(self, condition: Any, value: Any, otherwise: Any) -> Any:
        if not isinstance(condition, Term):
            return value if condition else otherwise
        return Term(self._language.where(condition.text, put(value), put(otherwise)))

    def choose(self, answer: Any, table: Mapping[Answer, float]) -> Any:
        """What stands beside the answer; beside the stand-in where there is none."""
        if not isinstance(answer, Filled):  # yes or no, of a question that may not be asked
            return self.where(self.is_positive(answer), table[True], table[False])
        chosen: Any = table[answer.stand_in]
        for option, number in table.items():
            if option != answer.stand_in:
                chosen = self.where(_is(self._language, answer.question, option), number, chosen)
        return chosen

    def clip(self, value: Any, low: float, high: float) -> Any:
        limited = value if high == math.inf else self.least(value, high)
        return self.greatest(limited, low)

    def least(self, one: Any, other: Any) -> Any:
        if isinstance(one, Term) or isinstance(other, Term):
            return Term(self._language.least(put(one), put(other)))
        return min(one, other)

    def greatest(self, one: Any, other: Any) -> Any:
        if isinstance(one, Term) or isinstance(other, Term):
            return Term(self._language.greatest(put(one), put(other)))
        return max(one, other)

    def rise(self, before: Any, now: Any) -> Any:
        percent = 100.0 * (now / before - 1.0)
        risen = self.where(before > 0, percent, FAR)
        return self.where(now > 0, risen, 0.0)

    def floor(self, value: Any) -> Any:
        return (
            Term(self._language.floor(value.text)) if isinstance(value, Term) else math.floor(value)
        )

    def tenth(self, value: Any) -> Any:
        return value / 10


def _connect(conditions: Iterable[Any], word: str, *, decides: bool) -> Any:
    """Conditions joined by a word; those that are known already decide, or go without saying."""
    terms = []
    for condition in conditions:
        if isinstance(condition, Term):
            terms.append(condition.text)
        elif bool(condition) is decides:
            return decides
    if not terms:
        return not decides
    return Term(f"({f' {word} '.join(terms)})" if len(terms) > 1 else terms[0])


def name_score(part: str) -> str:
    """How the score of a habit, or the index, is called wherever it stands beside answers."""
    return f"{PREFIX}{part}_score"


def write_scores(model: Model, language: Language) -> dict[str, str]:
    """Each habit's score and the index as expressions, by name: points from 0 to 100, nothing without a score.

    The index is written in terms of the scores.
    """
    writer = Writer(language)
    written = {
        name_score(habit.id): _write_habit(writer, language, habit) for habit in model.habits
    }
    scored = [writer.is_given(name) for name in written]
    tenths = [formula.in_tenths(writer, Term(language.answer(name)) * 10.0) for name in written]
    index = formula.in_points(writer, formula.index_tenths(writer, model, tenths, scored))
    has_index = formula.has_index(writer, model, scored)
    written[name_score("index")] = language.where(has_index.text, put(index), language.nothing)
    return written


def _write_habit(writer: Writer, language: Language, habit: Habit) -> str:
    answers = formula.fill(writer, habit.scored_questions, "score")
    works = [formula.ready_component(habit, part) for part in habit.components]
    points: Sequence[Any] = [work(writer, answers)[0] for work in works]
    score = formula.in_points(writer, formula.habit_tenths(writer, points))
    is_scored = formula.is_scored(writer, habit)
    return language.where(put(is_scored), put(score), language.nothing)
