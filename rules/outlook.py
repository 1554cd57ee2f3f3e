"""What could become of one habit: through each change a person could make, and each answer still open."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from rules import formula
from rules.advice import NearestLevel
from rules.definitions import Habit, Model
from rules.explanation import fill_in, name_inside, ready_phrase, start_sentence
from rules.habits import HIGHEST, HabitResult, ReadyHabit
from rules.person import NOBODY, Person
from rules.questions import Answer, Question, View, plain_number
from rules.sweep import TRIES, Array, Sweep
from rules.trails import Known, Walk, Way, find_stretches, lay_out, lever_way, open_way
from rules.words import Words


class Moved(NamedTuple):
    """One answer that could be moved towards its limit, step by step."""

    now: Answer
    lever: Way
    first: int
    """Where the answers begin that are nearer to the limit than the present one."""

    @property
    def question(self) -> Question:
        """The question whose answer is moved."""
        return self.lever.question

    @property
    def steps(self) -> int:
        """How many answers there are up to the limit."""
        return len(self.lever.answers) - self.first

    def answer(self, step: int) -> Answer:
        """The answer after so many steps; 0 is the one nearest to the present answer."""
        return self.lever.answers[self.first + step]


NONE = np.empty(0)


class Outlook:
    """What could become of one habit for some answers, worked out when it is asked for."""

    def __init__(self, ready: "ReadyOutlook", result: HabitResult, walk: Walk) -> None:
        self._ready, self._result, self._walk = ready, result, walk
        self.moved: list[Moved] = []
        """The answers that could be moved, in the order of the questions; none without a score."""
        self.open_questions: list[Question] = []
        """The questions that are asked and unanswered, in their order."""
        self.opened: list[Way] = []
        """Every answer to those of them that change the interval by themselves."""

    @cached_property
    def moved_tenths(self) -> Array:
        """The score in tenths for each step of each move, one move after the other."""
        if not self.moved:
            return NONE
        points = [move.lever.points(self._walk, "score", move.first) for move in self.moved]
        return _score(points, [move.steps for move in self.moved])

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """The ends of the interval in tenths for every answer to each opened question, one after the other.

        With a single question open both ends are the same, whatever the answer.
        """
        if not self.opened:
            return NONE, NONE
        low = self._find_end("low")
        high = low if len(self.open_questions) == 1 else self._find_end("high")
        if self._result.points:
            return low, high
        given, habit = self._walk.given, self._ready.habit
        scored = [
            [formula.is_scored(Sweep({**given, way.question.id: way.tries}), habit)]
            for way in self.opened
        ]
        has_score = lay_out(scored, [len(way.answers) for way in self.opened])[0] > 0
        return np.where(has_score, low, 0), np.where(has_score, high, HIGHEST)

    def _find_end(self, view: View) -> Array:
        points = [way.points(self._walk, view) for way in self.opened]
        return _score(points, [len(way.answers) for way in self.opened])

    @cached_property
    def nearest(self) -> list[NearestLevel]:
        """For each answer that could be moved, how far it must be for the habit's level to fall."""
        start = self._ready.find_level_start(self._result.tenths.score or 0)
        if not start:
            return []
        nearest: list[NearestLevel] = []
        stretches = find_stretches(move.steps for move in self.moved)
        for move, stretch in zip(self.moved, stretches, strict=True):
            tenths = self.moved_tenths[stretch]
            if tenths[-1] < start:
                step = int((tenths < start).argmax())
                nearest.append(self._ready.put_nearest(move, step, tenths[step]))
        return nearest


def _score(points: Sequence[Sequence[Array | float]], sizes: Sequence[int]) -> Array:
    """The habit's score in tenths along several ways, one after the other."""
    tenths: Array = formula.habit_tenths(TRIES, lay_out(points, sizes))
    return tenths


class ReadyOutlook:
    """One habit with every answer to try, made ready.

    As with scores, the last results are kept: a form that is filled in changes one habit at a time.
    """

    KEPT = 256

    def __init__(self, ready: ReadyHabit, habit: Habit, model: Model, words: Words) -> None:
        self.habit, self._ready, self._model, self._words = habit, ready, model, words
        parts = ready.components
        self._ways = [
            (question, open_way(question, habit, parts), lever_way(question, parts))
            for question in habit.scored_questions
        ]
        nearest = fill_in(words.change.nearest_level, habit=name_inside(habit))
        self._changes = {q.id: ready_change(nearest, q) for q in habit.scored_questions}
        self._decides = {habit.core.id, *habit.core.asked_only_if}
        self.look = lru_cache(self.KEPT)(self._look)

    def _look(self, *answers: Answer | None) -> Outlook:
        """The outlook for the answers to the habit's scored questions, in their order."""
        given = dict(zip(self._ready.names, answers, strict=True))
        result, person = self._ready.result(*answers), Person(given)
        walk = Walk(given, self._find_known(person, result))
        outlook = Outlook(self, result, walk)
        for question, way, lever in self._ways:
            now = given[question.id]
            if question.asked_only_if and formula.is_left_out(person, question):
                continue
            if now is None:
                outlook.open_questions.append(question)
                if result.points or question.id in self._decides:
                    outlook.opened.append(way)
            elif lever and result.points and lever.can_lower(walk):
                first = lever.first_after(now)
                if first < len(lever.answers):
                    outlook.moved.append(Moved(now, lever, first))
        return outlook

    def _find_known(self, person: Person, result: HabitResult) -> Known:
        """The points of each component for the answers as they are."""
        if result.points:
            return lambda place, view: result.points[place][view]
        components = self._ready.components
        return lambda place, view: components[place].points(person, view)

    def find_level_start(self, tenths: int) -> float:
        """Where the level of a score begins, in tenths; 0 for the lowest level."""
        return max(start for start, _ in self._model.level_starts if start <= tenths)

    def put_nearest(self, move: Moved, step: int, tenths: float) -> NearestLevel:
        """A move that brings the habit to a lower level, as callers get it."""
        level = formula.level_of(NOBODY, self._model, tenths)
        text = self._changes[move.question.id](move.now, move.answer(step))
        shown = self._words.levels[level]
        return {
            "habit": self.habit.id,
            "answer": move.question.id,
            "now": put_answer(move.now),
            "change_to": put_answer(move.answer(step)),
            "level": level,
            "text": fill_in(text, level=shown),
        }


def ready_change(template: str, question: Question) -> Callable[[Answer, Answer], str]:
    """How to say a change of an answer, from the present one to another; what follows is filled in later."""
    template = fill_in(template, label=start_sentence(question.label))
    say = ready_phrase(question)

    def tell(now: Answer, then: Answer) -> str:
        text = template.replace("{then}", say(then).strip())
        return text.replace("{now}", say(now).strip())

    return tell


def put_answer(answer: Answer) -> Answer:
    """An answer as callers get it."""
    return plain_number(answer) if isinstance(answer, float) else answer
