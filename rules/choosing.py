"""Of all sets of routines that may be shown, the one that is worth most to a person.

There are few routines and only a handful in a plan, so every set is listed when a model is made
ready and every admissible one is looked at. What comes out is the best there is, not a good guess.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.definitions import Model
from rules.routines import PlanRule, Routine, Slot

KEPT = 64
"""Combinations of barred routines that are kept: most people may be shown the same."""
TIE = 1e-9
"""Values that differ by no more than this are equal."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class SlotSets:
    """Every set of routines that a slot may hold; of equals, the one to prefer comes first."""

    def __init__(self, routines: Sequence[Routine], most: int, model: Model) -> None:
        sizes = range(most + 1)
        sets = [chosen for size in sizes for chosen in combinations(routines, size)]
        sets.sort(key=lambda chosen: (add_minutes(chosen), len(chosen), [r.id for r in chosen]))
        self._bits = {routine.id: 1 << place for place, routine in enumerate(routines)}
        self._sets = sets
        self._minutes = np.array([add_minutes(chosen) for chosen in sets])
        self._members = np.array([sum(self._bits[r.id] for r in chosen) for chosen in sets])
        self._find_barred = lru_cache(KEPT)(self._holds_any)
        rule = model.planner.rule
        self._shares = np.array(
            [[share(rule, h.id, chosen) for chosen in sets] for h in model.habits]
        )

    def value(self, needs: Sequence[float], candidates: Sequence[Routine]) -> Floats:
        """The value of every set for the needs of the model's habits; -1 if not all are candidates."""
        barred = ~sum(self._bits.get(routine.id, 0) for routine in candidates)
        values = np.zeros(len(self._sets))
        for need, shares in zip(needs, self._shares, strict=True):
            if need:
                values += shares * need
        values[self._find_barred(barred)] = -1.0
        return values

    def _holds_any(self, barred: int) -> Bools:
        """Whether each set holds a routine that is barred."""
        holds: Bools = (self._members & barred) != 0
        return holds

    def best(self, values: Floats, minutes: int | None = None) -> tuple[Sequence[Routine], float]:
        """The set of the greatest value that takes no more than so many minutes, and its value."""
        if minutes is not None:
            values = values[: self._minutes.searchsorted(minutes, "right")]
        first = int((values >= values.max() - TIE).argmax())
        return self._sets[first], float(values[first])


def share(rule: PlanRule, habit: str, chosen: Sequence[Routine]) -> float:
    """What a set of routines is worth for one habit that is fully needed: each further one is worth less."""
    grades = [rule.grade_factors[r.evidence.grade] for r in chosen if habit in r.targets]
    grades.sort(reverse=True)
    return sum(grade * rule.repeat_factor**place for place, grade in enumerate(grades))


def add_minutes(chosen: Sequence[Routine]) -> int:
    """The minutes of a day on which all are due."""
    return sum(routine.minutes for routine in chosen)


class Choice(NamedTuple):
    """The routines of a plan in the order to show them, and what a few more minutes would bring."""

    exercises: Sequence[Routine]
    habit_changes: Sequence[Routine]
    self_massage: Routine | None
    gain: float
    """By how much the exercises would be worth more with more minutes."""
    with_more: Sequence[Routine]
    """The exercises there would then be."""


class Chooser:
    """A model's routines with all sets of them, made ready."""

    def __init__(self, model: Model) -> None:
        slots: dict[Slot, list[Routine]] = {"exercise": [], "habit_change": [], "self_massage": []}
        for routine in sorted(model.routines, key=lambda routine: routine.id):
            slots[routine.slot].append(routine)
        self._rule = rule = model.planner.rule
        self._habits = [habit.id for habit in model.habits]
        self._exercises = SlotSets(slots["exercise"], rule.most_exercises, model)
        self._habit_changes = SlotSets(slots["habit_change"], rule.most_habit_changes, model)
        preferred = {routine.id: routine for routine in slots["self_massage"]}
        self._massages = [preferred[name] for name in rule.self_massage]
        self._most_minutes = int(model.planner.by_id["minutes_per_day"].maximum or 0)

    def choose(
        self,
        needs: Sequence[float],
        candidates: Sequence[Routine],
        equipment: Collection[str],
        minutes: int,
    ) -> Choice:
        """The best sets of candidates within so many minutes a day.

        Self-massage takes its minutes first, but never stands without an exercise. `needs` are
        those of the model's habits, in their order; candidates are for a habit with a need.
        """
        sets = self._exercises
        values = sets.value(needs, candidates)
        massage = self._find_massage(candidates, equipment, minutes)
        taken = massage.minutes if massage else 0
        exercises, value = sets.best(values, minutes - taken)
        if massage and not exercises:
            massage, taken = None, 0
            exercises, value = sets.best(values, minutes)
        more = min(minutes + self._rule.more_minutes, self._most_minutes)
        with_more, more_value = sets.best(values, more - taken)
        changes = self._habit_changes
        habit_changes, _ = changes.best(changes.value(needs, candidates))
        return Choice(
            self._rank(exercises, needs),
            self._rank(habit_changes, needs),
            massage,
            more_value - value,
            self._rank(with_more, needs),
        )

    def _find_massage(
        self, candidates: Sequence[Routine], equipment: Collection[str], minutes: int
    ) -> Routine | None:
        """The first self-massage of the rule that is a candidate, unless there is no time for it."""
        names = {routine.id for routine in candidates}
        for routine in self._massages:
            if routine.id in names and routine.not_beside not in equipment:
                return routine if routine.minutes <= minutes else None
        return None

    def _rank(self, chosen: Sequence[Routine], needs: Sequence[float]) -> list[Routine]:
        """Routines in the order of their value alone, ties by id."""

        def place(routine: Routine) -> tuple[int, str]:
            pairs = zip(self._habits, needs, strict=True)
            need = sum(need for habit, need in pairs if habit in routine.targets)
            value = need * self._rule.grade_factors[routine.evidence.grade]
            return -round(value / TIE), routine.id

        return sorted(chosen, key=place)


def find_needs(model: Model, tenths: Sequence[int | None]) -> list[float]:
    """How much each habit calls for routines: its weight as a share of 1 times its score, from a score on."""
    least = model.planner.rule.needed_from * 10.0
    return [
        weight * score / 1000 if score is not None and score >= least else 0.0
        for weight, score in zip(model.weights, tenths, strict=True)
    ]
