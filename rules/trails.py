"""Trails: what each component of a habit gives along all answers to one question, the other answers held."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from rules.components import Component
from rules.definitions import Habit
from rules.habits import ReadyComponent
from rules.person import GivenAnswers
from rules.questions import Answer, Question, View
from rules.sweep import Array, Sweep, put_tries

Known = Callable[[int, View], float]
"""The points of a component, by its place, for the answers as they are."""


class Walk(NamedTuple):
    """From where the answers to one question are tried: the other answers, and what they give."""

    given: GivenAnswers
    known: Known


class Trail:
    """The points of one component along answers to one question.

    Where hardly any other answer matters, many people walk the same trail, and the last are kept.
    Elsewhere only the part ahead of a person is worked out.
    """

    KEPT = 32
    SHARED = 1
    """Other answers that a trail may depend on and still be kept."""

    def __init__(self, component: ReadyComponent, question: str, tries: Array) -> None:
        self._component, self._question, self._tries = component, question, tries
        self._others = [name for name in component.names if name != question]
        self._is_shared = len(self._others) <= self.SHARED
        self._walk = lru_cache(self.KEPT)(self._work_out)

    def points(self, given: GivenAnswers, view: View, first: int) -> Array:
        """The points for each answer from the first one on, in one of the three evaluations."""
        others = map(given.get, self._others)
        if self._is_shared:
            return self._walk(view, 0, *others)[first:]
        return self._work_out(view, first, *others)

    def _work_out(self, view: View, first: int, *others: Answer | None) -> Array:
        answers, ahead = dict(zip(self._others, others, strict=True)), self._tries[first:]
        points = self._component.points(Sweep({**answers, self._question: ahead}), view)
        if isinstance(points, np.ndarray):
            return points
        return np.full(len(ahead), points)  # who does not have the habit gets the same all along


class Way:
    """Answers to one question in the order to try them, with the trail of each component along them."""

    def __init__(
        self, question: Question, answers: tuple[Answer, ...], components: Sequence[ReadyComponent]
    ) -> None:
        self.question, self.answers, self.tries = question, answers, put_tries(answers)
        falls = question.is_numeric and answers[0] > answers[-1]  # type: ignore[operator]
        self._sign = -1 if falls else 1
        self._order = self.tries * self._sign if question.is_numeric else self.tries
        self._trails = [
            Trail(component, question.id, self.tries) if question.id in component.names else None
            for component in components
        ]
        self._least = [
            (place, component.least)
            for place, component in enumerate(components)
            if self._trails[place]
        ]

    def first_after(self, now: Answer) -> int:
        """Where the answers begin that come after the present one."""
        if self.question.is_numeric:
            return int(self._order.searchsorted(now * self._sign, "right"))
        return self.answers.index(now) + 1 if now in self.answers else len(self.answers)

    def can_lower(self, walk: Walk) -> bool:
        """Whether a component that depends on the question gives more than its fewest points now."""
        return any(walk.known(place, "score") > least for place, least in self._least)

    def points(self, walk: Walk, view: View, first: int = 0) -> list[Array | float]:
        """Each component's points for the answers from the first one on."""
        return [
            trail.points(walk.given, view, first) if trail else walk.known(place, view)
            for place, trail in enumerate(self._trails)
        ]


def lever_way(question: Question, components: Sequence[ReadyComponent]) -> Way | None:
    """The answers from the least favourable one to the limit of a lever."""
    every, limit = question.every_answer, question.lever_limit
    if limit is None:
        return None
    place = every.index(limit)
    if question.is_numeric and not question.falls_to_improve:
        return Way(question, every[: place + 1], components)
    return Way(question, every[place:][::-1], components)


def open_way(question: Question, habit: Habit, components: Sequence[ReadyComponent]) -> Way:
    """Every answer to a question that can make a difference: behind its last bend a curve is flat."""
    ends = [_find_end(habit, part, question.id) for part in habit.components]
    last = max(ends, default=math.inf)
    every = question.every_answer
    if question.is_numeric:
        every = tuple(n for n in every if n <= last) + tuple(n for n in every if n > last)[:1]  # type: ignore[operator]
    return Way(question, every, components)


def _find_end(habit: Habit, component: Component, question: str) -> float:
    """The answer to a question behind which a component cannot change; infinite where that is not plain."""
    if question not in habit.answers_behind[component.id]:
        return 0.0
    if not component.curve or component.never_more_than:
        return math.inf
    of, end = component.curve.of, component.curve.points[-1].at
    if of == question:
        return end
    parts = habit.quantities[of].total if of in habit.quantities else None
    only_adds = parts and min(parts.values()) > 0
    return end / parts[question] if parts and only_adds else math.inf


def find_stretches(sizes: Iterable[int]) -> Iterator[slice]:
    """Where each of several parts stands that are laid out one after the other."""
    first = 0
    for size in sizes:
        yield slice(first, first + size)
        first += size


def lay_out(points: Sequence[Sequence[Array | float]], sizes: Sequence[int]) -> list[Any]:
    """Points along several ways as one array a component, the ways one after the other."""
    if len(points) == 1:
        return list(points[0])
    block = np.empty((len(points[0]), sum(sizes)))
    for way, stretch in zip(points, find_stretches(sizes), strict=True):
        for row, part in zip(block, way, strict=True):
            row[stretch] = part
    return list(block)
