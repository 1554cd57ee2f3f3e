"""One habit's score for one person: points, interval, level and words, made ready once for a model."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import orjson

from rules import formula
from rules.components import Component
from rules.definitions import Habit, Model
from rules.explanation import ComponentWording, HabitWording, Told, round_points, show_number
from rules.person import NOBODY, Person
from rules.questions import Answer, View
from rules.results import ComponentPoints, HabitScore, IndexScore
from rules.words import LevelId, Status, Words

HIGHEST = 1000
"""The top of the scale in tenths of a point."""


class Tenths(NamedTuple):
    """A score and its interval in tenths of a point; no score when too little is answered."""

    score: int | None
    low: int
    high: int


class ComponentResult(NamedTuple):
    """What a component gives for some answers: points, the ends of their interval, and the words."""

    points: float
    low: float
    high: float
    put: ComponentPoints
    told: Told


class HabitResult(NamedTuple):
    """What a habit gives for some answers: its score in tenths, and all that callers get."""

    tenths: Tenths
    json: bytes
    gave: Sequence[tuple[str, str]]
    """The components that gave points, the most first, with the answers behind them in words."""
    points: Sequence[Mapping[View, float]]
    """The points of each component in the three evaluations; none when there is no score."""


class Scale:
    """Every score there is, in points and with its level: as many as there are tenths."""

    def __init__(self, model: Model) -> None:
        every = range(HIGHEST + 1)
        self._points: list[float] = [formula.in_points(NOBODY, tenths) for tenths in every]
        self._levels: list[LevelId] = [formula.level_of(NOBODY, model, tenths) for tenths in every]
        self._shown = [show_number(points) for points in self._points]

    def show(self, tenths: Tenths) -> tuple[str, str, str]:
        """A score and its interval as text; there must be a score."""
        return self._shown[tenths.score or 0], self._shown[tenths.low], self._shown[tenths.high]

    def level(self, tenths: Tenths) -> tuple[LevelId, Status]:
        """The level and status of a score; there must be one."""
        complete = tenths.low == tenths.high
        return self._levels[tenths.score or 0], "complete" if complete else "partial"

    def put(self, tenths: Tenths) -> IndexScore:
        """A score with its interval in points, its levels and its status."""
        score, low, high = tenths
        level_low, level_high = self._levels[low], self._levels[high]
        decided = level_low == level_high
        level: LevelId | None = level_low if decided else None
        status: Status = "insufficient"
        if score is not None:
            level, status = self.level(tenths)
        return {
            "score": None if score is None else self._points[score],
            "low": self._points[low],
            "high": self._points[high],
            "level": level,
            "level_low": level_low,
            "level_high": level_high,
            "level_decided": decided,
            "status": status,
        }


class ReadyComponent:
    """One component's formula and wording.

    It depends on few answers, and people answer in round numbers, so the last results are kept.
    """

    KEPT = 512

    def __init__(self, habit: Habit, component: Component, wording: ComponentWording) -> None:
        self.id, self.names = component.id, habit.answers_behind[component.id]
        self.least, _ = component.range
        self._questions = [q for q in habit.scored_questions if q.id in self.names]
        self._component = component
        self._work = formula.ready_component(habit, component)
        self._wording = wording
        self.result = lru_cache(self.KEPT)(self._work_out)

    def points(self, carrier: formula.Carrier, view: View) -> formula.Value:
        """The points for a carrier's answers in one of the three evaluations."""
        return self._work(carrier, formula.fill(carrier, self._questions, view))[0]

    def _work_out(self, *answers: Answer | None) -> ComponentResult:
        """The result for the answers to `names`, in their order."""
        person = Person(dict(zip(self.names, answers, strict=True)))
        filled = formula.fill(person, self._questions, "score")
        points, held_down = self._work(person, filled)
        low = high = points
        if None in answers:
            low = self._end(person, "low", filled, points)
            high = self._end(person, "high", filled, points)
        shown = round_points(points)
        told = self._wording.tell(person, shown, held_down, low != high)
        minimum, maximum = self._component.range
        put: ComponentPoints = {
            "id": self._component.id,
            "points": shown,
            "minimum": minimum,
            "maximum": maximum,
            "text": told.text,
            "answers": self.names,
        }
        return ComponentResult(points, low, high, put, told)

    def _end(self, person: Person, view: View, filled: formula.Answers, points: float) -> float:
        """An end of the interval: the points themselves where the stand-ins are the same."""
        answers = formula.fill(person, self._questions, view)
        end: float = points if answers == filled else self._work(person, answers)[0]
        return end


class ReadyHabit:
    """One habit's formula and wording.

    A form that asks for an assessment after each answer changes one habit and leaves the others as
    they were, so the last results are kept: in memory, without anything that says whose they were.
    """

    KEPT = 256

    def __init__(self, habit: Habit, words: Words, scale: Scale) -> None:
        self.names = [question.id for question in habit.scored_questions]
        self._habit, self._cited = habit, habit.cited
        self._wording = HabitWording(words, habit)
        self._scale = scale
        self.components = [
            ReadyComponent(habit, component, ComponentWording(words, habit, component))
            for component in habit.components
        ]
        self.result = lru_cache(self.KEPT)(self._work_out)

    def _work_out(self, *answers: Answer | None) -> HabitResult:
        """The result for the answers to `names`, in their order.

        Without the core answer there is no score, and the interval is the whole scale.
        """
        person = Person(dict(zip(self.names, answers, strict=True)))
        if not formula.is_scored(person, self._habit):
            nothing = Tenths(None, 0, HIGHEST)
            comments = self._wording.tell_insufficient(person)
            return self._put(nothing, [], comments, [])
        results = [part.result(*map(person.answer, part.names)) for part in self.components]
        points = [result.points for result in results]
        lows, highs = [result.low for result in results], [result.high for result in results]
        score = formula.habit_tenths(person, points)
        low = score if lows == points else formula.habit_tenths(person, lows)
        high = score if highs == points else formula.habit_tenths(person, highs)
        tenths = Tenths(score, low, high)
        gave = sorted([result for result in results if result.points > 0], key=_most_first)
        return self._put(tenths, results, self._comment(tenths, results, gave), gave)

    def _put(
        self,
        tenths: Tenths,
        components: Sequence[ComponentResult],
        comments: tuple[str, str],
        gave: Sequence[ComponentResult],
    ) -> HabitResult:
        """The score with its components and comments, as callers get it."""
        habit = self._habit
        put: HabitScore = {
            "id": habit.id,
            "name": habit.name,
            "weight": habit.index.weight,
            **self._scale.put(tenths),
            "components": [part.put for part in components] or None,
            "evidence_grade": habit.evidence.grade,
            "psoas_claim": habit.psoas_claim.verdict,
            "psoas_claim_note": habit.psoas_claim.note,
            "lay_comment": comments[0],
            "clinician_comment": comments[1],
            "sources": self._cited,
        }
        reasons = [(part.put["id"], part.told.gave) for part in gave]
        points: list[Mapping[View, float]] = [
            {"score": part.points, "low": part.low, "high": part.high} for part in components
        ]
        return HabitResult(tenths, orjson.dumps(put), reasons, points)

    def _comment(
        self, tenths: Tenths, parts: Sequence[ComponentResult], gave: Sequence[ComponentResult]
    ) -> tuple[str, str]:
        """The comments for the person and for a clinician on a habit that has a score."""
        told = [part.told for part in parts]
        counted = [part.told.counted for part in gave if part.told.counted]
        total = formula.add_up([part.points for part in parts])
        level, status = self._scale.level(tenths)
        shown = self._scale.show(tenths)
        return (
            self._wording.tell_person(level, shown, counted, told),
            self._wording.tell_clinician(level, status, shown, total, told),
        )


def _most_first(result: ComponentResult) -> float:
    return -result.points
