"""One person's assessment: every habit's score, the index over them, and what does not fit together."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from rules import formula
from rules.definitions import Contradiction, Model
from rules.errors import Fault
from rules.habits import ReadyHabit, Scale, Tenths
from rules.person import GivenAnswers, Person
from rules.results import Assessment, ModelStamp, RaisedWarning


class Assessor:
    """A model made ready: what does not depend on a person's answers is worked out once."""

    def __init__(self, model: Model, language: str = "en") -> None:
        words, scale = model.words[language], Scale(model)
        self.model = model
        self._scale = scale
        self._stamp: ModelStamp = {
            "version": model.version,
            "digest": model.digest,
            "validation_status": model.validation_status,
            "intended_use": model.intended_use,
        }
        self._habits = [ReadyHabit(habit, words, scale) for habit in model.habits]

    def assess(self, answers: GivenAnswers) -> Assessment:
        """Assess one person's answers, which must be valid for the model's questions.

        Scores are 0 to 100 points, half up to one decimal. Unanswered questions widen the
        intervals and never count as zero. The caller may change what it gets.
        """
        assessment: Assessment = orjson.loads(self.assess_json(answers))
        return assessment

    def assess_json(self, answers: GivenAnswers) -> bytes:
        """The same as JSON; what is kept of a habit is kept so, and need not be made again."""
        person = Person(answers)
        habits = [habit.result(*map(person.answer, habit.names)) for habit in self._habits]
        index = score_index(person, self.model, [habit.tenths for habit in habits])
        return orjson.dumps(
            {
                "model": self._stamp,
                "index": self._scale.put(index),
                "habits": [orjson.Fragment(habit.json) for habit in habits],
                "warnings": find_warnings(self.model, person),
            }
        )

    def find_contradictions(self, answers: Mapping[str, Any]) -> list[Fault]:
        """Answers that cannot both be meant, each at the place to change; called with any answers."""
        return [
            Fault(f"/answers/{rule.at}", "contradiction", rule.text)
            for habit in self.model.habits
            for rule in habit.contradictions
            if formula.contradicts(Person(_numbers_and_gate(rule, answers)), rule)
        ]


def _numbers_and_gate(rule: Contradiction, answers: Mapping[str, Any]) -> GivenAnswers:
    """The answers that a rule is about, without any that are no answers at all."""
    numbers = {name: answers.get(name) for name in rule.beside_above_zero}
    usable = {name: value for name, value in numbers.items() if type(value) in (int, float)}
    gate = answers.get(rule.at)
    return {**usable, rule.at: gate if type(gate) is type(rule.answered) else None}


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
        if formula.warns(person, warning)
    ]
