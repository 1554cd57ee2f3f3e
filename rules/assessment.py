"""One person's assessment: every habit's score, the index over them, and what does not fit together."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from rules import formula
from rules.definitions import Contradiction, Model
from rules.errors import Fault
from rules.habits import HabitResult, ReadyHabit, Scale, Tenths
from rules.person import GivenAnswers, Person
from rules.results import Assessment, HabitScore, RaisedWarning


class Assessor:
    """A model made ready: what does not depend on a person's answers is worked out once."""

    def __init__(self, model: Model, language: str = "en") -> None:
        words, scale = model.words[language], Scale(model)
        self.model = model
        self._scale = scale
        self._habits = [ReadyHabit(habit, words, scale) for habit in model.habits]

    def assess(self, answers: GivenAnswers) -> Assessment:
        """Assess one person's answers, which must be valid for the model's questions.

        Scores are 0 to 100 points, half up to one decimal. Unanswered questions widen the
        intervals and never count as zero.
        """
        person = Person(answers)
        habits = self._score(person)
        return self._put(person, habits, [_copy(habit.put) for habit in habits])

    def assess_json(self, answers: GivenAnswers) -> bytes:
        """The same as JSON; what is kept of a habit is kept as JSON too, and need not be made again."""
        person = Person(answers)
        habits = self._score(person)
        return orjson.dumps(self._put(person, habits, [orjson.Fragment(h.json) for h in habits]))

    def _score(self, person: Person) -> list[HabitResult]:
        return [habit.result(*map(person.answer, habit.names)) for habit in self._habits]

    def _put(self, person: Person, habits: Sequence[HabitResult], put: list[Any]) -> Assessment:
        index = score_index(person, self.model, [habit.tenths for habit in habits])
        return {
            "model": {
                "version": self.model.version,
                "digest": self.model.digest,
                "validation_status": self.model.validation_status,
                "intended_use": self.model.intended_use,
            },
            "index": self._scale.put(index),
            "habits": put,
            "warnings": find_warnings(self.model, person),
        }

    def find_contradictions(self, answers: Mapping[str, Any]) -> list[Fault]:
        """Answers that cannot both be meant, each at the place to change; called with any answers."""
        return [
            Fault(f"/answers/{rule.at}", "contradiction", rule.text)
            for habit in self.model.habits
            for rule in habit.contradictions
            if answers.get(rule.at) == rule.answered  # few people: the others are spared the rest
            and formula.contradicts(Person(_numbers_and_gate(rule, answers)), rule)
        ]


def _numbers_and_gate(rule: Contradiction, answers: Mapping[str, Any]) -> GivenAnswers:
    """The answers that a rule is about, without any that are no answers at all."""
    numbers = {name: answers.get(name) for name in rule.beside_above_zero}
    usable = {name: value for name, value in numbers.items() if type(value) in (int, float)}
    gate = answers.get(rule.at)
    return {**usable, rule.at: gate if type(gate) is type(rule.answered) else None}


def _copy(put: HabitScore) -> HabitScore:
    """A habit's score that the caller may change; what is kept stays as it is."""
    components = put["components"]
    return {**put, "components": components and [{**part} for part in components]}


def score_index(person: Person, model: Model, habits: Sequence[Tenths]) -> Tenths:
    """The index over habit scores; its interval is over all habits, scored or not."""
    everyone = [True] * len(habits)
    lows, highs = [habit.low for habit in habits], [habit.high for habit in habits]
    low = formula.index_tenths(person, model, lows, everyone)
    high = low if lows == highs else formula.index_tenths(person, model, highs, everyone)
    scores = [habit.score for habit in habits]
    if scores == lows:
        return Tenths(low, low, high)
    scored = [score is not None for score in scores]
    if not formula.has_index(person, model, scored):
        return Tenths(None, low, high)
    counted = [score or 0 for score in scores]
    return Tenths(formula.index_tenths(person, model, counted, scored), low, high)


def find_warnings(model: Model, person: Person) -> list[RaisedWarning]:
    """Answers that were accepted but do not seem to fit together."""
    return [
        {"code": code, "fields": list(warning.total), "text": warning.text}
        for code, warning in model.warnings.items()
        if None not in map(person.answer, warning.total)  # spares those who left one open the sum
        and formula.warns(person, warning)
    ]
