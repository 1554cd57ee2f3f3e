"""What could become of one habit: through each change a person could make, and each answer still open."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from rules import formula
from rules.advice import NearestLevel
from rules.definitions import Habit, Model
from rules.explanation import fill_in, name_inside, ready_phrase, start_sentence
from rules.habits import HIGHEST, HabitResult, ReadyHabit
from rules.person import Person
from rules.questions import Answer, Question, plain_number
from rules.sweep import Array, Sweep
from rules.trails import Known, Walk, Way, lay_out, lever_way, open_way
from rules.words import Words

TRIES, NOBODY = Sweep({}), Person({})


class Moved(NamedTuple):
    """One answer that could be moved towards its limit, step by step."""

    question: Question
    now: Answer
    answers: Sequence[Answer]
    """From the nearest to the present answer to the limit."""


class Opened(NamedTuple):
    """One unanswered question that changes the interval by itself, with every answer that matters."""

    question: Question
    answers: Sequence[Answer]


class Outlook(NamedTuple):
    """What could become of one habit."""

    moved: Sequence[Moved]
    """The answers that could be moved, in the order of the questions; none without a score."""
    moved_tenths: Array
    """The score in tenths for each answer of each move, one move after the other."""
    open_questions: Sequence[Question]
    """The questions that are asked and unanswered, in their order."""
    opened: Sequence[Opened]
    """Those of them that change the interval by themselves; without the core answer few do."""
    low: Array
    """The lower end of the interval for each answer of each of these, one after the other."""
    high: Array
    """The upper end for the same."""
    nearest: Sequence[NearestLevel]
    """The smallest moves that bring the habit to a lower level."""


NONE = np.empty(0)


class ReadyOutlook:
    """One habit with every answer to try, made ready.

    As with scores, the last results are kept: a form that is filled in changes one habit at a time.
    """

    KEPT = 256

    def __init__(self, ready: ReadyHabit, habit: Habit, model: Model, words: Words) -> None:
        self._ready, self._habit, self._model, self._words = ready, habit, model, words
        parts = ready.components
        self._ways = [
            (question, open_way(question, habit, parts), lever_way(question, parts))
            for question in habit.scored_questions
        ]
        self._says = {q.id: ready_phrase(q) for q in habit.scored_questions}
        self._decides = {habit.core.id, *habit.core.asked_only_if}
        self.look = lru_cache(self.KEPT)(self._look)

    def _look(self, *answers: Answer | None) -> Outlook:
        """The outlook for the answers to the habit's scored questions, in their order."""
        given = dict(zip(self._ready.names, answers, strict=True))
        result, person = self._ready.result(*answers), Person(given)
        walk = Walk(given, self._find_known(person, result))
        levers: list[tuple[Way, int]] = []
        opened: list[Way] = []
        open_questions: list[Question] = []
        for question, way, lever in self._ways:
            now = given[question.id]
            if question.asked_only_if and formula.is_left_out(person, question):
                continue
            if now is None:
                open_questions.append(question)
                if result.points or question.id in self._decides:
                    opened.append(way)
            elif lever and result.points and (first := lever.first_after(now)) < len(lever.answers):
                levers.append((lever, first))
        moved = [
            Moved(lever.question, given[lever.question.id] or 0, lever.answers[first:])
            for lever, first in levers
        ]
        tenths = self._move(levers, walk)
        low, high = self._open(opened, walk)
        nearest = self._find_nearest(result, moved, tenths)
        put = [Opened(way.question, way.answers) for way in opened]
        return Outlook(moved, tenths, open_questions, put, low, high, nearest)

    def _find_known(self, person: Person, result: HabitResult) -> Known:
        """The points of each component for the answers as they are."""
        if result.points:
            return lambda place, view: result.points[place][view]
        components = self._ready.components
        return lambda place, view: components[place].points(person, view)

    def _move(self, levers: Sequence[tuple[Way, int]], walk: Walk) -> Array:
        """The score in tenths for each answer from the first better one to the limit of each lever."""
        if not levers:
            return NONE
        points = [lever.points(walk, "score", first) for lever, first in levers]
        sizes = [len(lever.answers) - first for lever, first in levers]
        tenths: Array = formula.habit_tenths(TRIES, lay_out(points, sizes))
        return tenths

    def _open(self, ways: Sequence[Way], walk: Walk) -> tuple[Array, Array]:
        """The ends of the interval in tenths for every answer to each open question."""
        if not ways:
            return NONE, NONE
        sizes = [len(way.answers) for way in ways]
        low = formula.habit_tenths(TRIES, lay_out([way.points(walk, "low") for way in ways], sizes))
        high = formula.habit_tenths(
            TRIES, lay_out([way.points(walk, "high") for way in ways], sizes)
        )
        scored = [
            formula.is_scored(Sweep({**walk.given, way.question.id: way.tries}), self._habit)
            for way in ways
        ]
        has_score = lay_out([[one] for one in scored], sizes)[0] > 0
        return np.where(has_score, low, 0), np.where(has_score, high, HIGHEST)

    def _find_nearest(
        self, result: HabitResult, moved: Sequence[Moved], tenths: Array
    ) -> list[NearestLevel]:
        """For each answer that could be moved, how far it must be for the habit's level to fall."""
        score = result.tenths.score or 0
        starts = [start for start, _ in self._model.level_starts if start <= score]
        nearest: list[NearestLevel] = []
        if len(starts) > 1:
            is_lower, first = tenths < starts[-1], 0
            for move in moved:
                last = first + len(move.answers)
                if is_lower[last - 1]:
                    place = int(np.argmax(is_lower[first:last]))
                    nearest.append(self._put_nearest(move, place, tenths[first + place]))
                first = last
        return nearest

    def _put_nearest(self, move: Moved, place: int, tenths: float) -> NearestLevel:
        level = formula.level_of(NOBODY, self._model, tenths)
        text = tell_change(self._words.change.nearest_level, move, place, self._says)
        shown = self._words.levels[level]
        return {
            "habit": self._habit.id,
            "answer": move.question.id,
            "now": put_answer(move.now),
            "change_to": put_answer(move.answers[place]),
            "level": level,
            "text": fill_in(text, habit=name_inside(self._habit), level=shown),
        }


def tell_change(template: str, move: Moved, place: int, says: Mapping[str, Any]) -> str:
    """A change of one answer in words, with what follows from it still to be filled in."""
    say = says[move.question.id]
    return fill_in(
        template,
        label=start_sentence(move.question.label),
        then=say(move.answers[place]).strip(),
        now=say(move.now).strip(),
    )


def put_answer(answer: Answer) -> Answer:
    """An answer as callers get it."""
    return plain_number(answer) if isinstance(answer, float) else answer
