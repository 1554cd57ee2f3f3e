"""One person's assessment: every habit's score, the index over them, and what does not fit together."""

from collections.abc import Mapping, Sequence
from typing import Any

from rules import formula
from rules.definitions import Contradiction, Model
from rules.errors import Fault
from rules.habits import ReadyHabit, Scale, Tenths
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
        habits = [habit.result(*map(person.answer, habit.names)) for habit in self._habits]
        index = score_index(person, self.model, [habit.tenths for habit in habits])
        return {
            "model": {
                "version": self.model.version,
                "digest": self.model.digest,
                "validation_status": self.model.validation_status,
                "intended_use": self.model.intended_use,
            },
            "index": self._scale.put(index),
            "habits": [_copy(habit.put) for habit in habits],
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
    low, _ = formula.index_tenths(person, model, lows, everyone)
    high = low if lows == highs else formula.index_tenths(person, model, highs, everyone)[0]
    if lows == [habit.score for habit in habits]:
        return Tenths(low, low, high)
    scored = [habit.score is not None for habit in habits]
    scores = [habit.score or 0 for habit in habits]
    score, enough = formula.index_tenths(person, model, scores, scored)
    return Tenths(score if enough else None, low, high)


def find_warnings(model: Model, person: Person) -> list[RaisedWarning]:
    """Answers that were accepted but do not seem to fit together."""
    return [
        {"code": code, "fields": list(warning.total), "text": warning.text}
        for code, warning in model.warnings.items()
        if None not in map(person.answer, warning.total)  # spares those who left one open the sum
        and formula.warns(person, warning)
    ]
