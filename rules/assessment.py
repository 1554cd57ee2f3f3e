"""One person's assessment: safety first, every habit's score, the index over them, and what to do about it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from rules import formula
from rules.admission import Doorkeeper, Wishes
from rules.advice import Plan
from rules.choosing import find_needs
from rules.comparison import Comparison, compare
from rules.definitions import Contradiction, Model
from rules.errors import Fault
from rules.habits import ReadyHabit, Scale, Tenths
from rules.levers import LeverFinder
from rules.outlook import ReadyOutlook
from rules.person import NOBODY, GivenAnswers, Person
from rules.planning import Calls, Circumstances, Planner
from rules.plausibility import contradicts, reaches, warns
from rules.questions import Answer
from rules.questions_next import find_next_questions
from rules.results import Assessment, ModelStamp, RaisedWarning
from rules.screening import Screening, screen, tell_screening

NOTHING: Mapping[str, Any] = {}


class Sheet(NamedTuple):
    """Everything one person answered, by part of the request; absent and None both mean unanswered."""

    answers: GivenAnswers
    red_flags: GivenAnswers = NOTHING
    conditions: GivenAnswers = NOTHING
    symptoms: Mapping[str, Any] = NOTHING
    plan: Mapping[str, Any] = NOTHING


class Scores(NamedTuple):
    """What depends on the answers about habits alone: what they call for, and the JSON of the rest."""

    calls: Calls
    put_index: orjson.Fragment
    habits: Sequence[orjson.Fragment]
    levers: orjson.Fragment
    nearest_levels: orjson.Fragment
    next_questions: orjson.Fragment


class Assessor:
    """A model made ready: what does not depend on a person's answers is worked out once.

    While a form's other parts are filled in, the scores stay as they are, so the last are kept.
    """

    KEPT = 256

    def __init__(self, model: Model) -> None:
        words, scale = model.words, Scale(model)
        self.model, self.words = model, words
        self._scale = scale
        self._stamp: ModelStamp = {
            "version": model.version,
            "digest": model.digest,
            "validation_status": model.validation_status,
            "intended_use": model.intended_use,
        }
        self._habits = [ReadyHabit(habit, words, scale) for habit in model.habits]
        self._outlooks = [
            ReadyOutlook(ready, habit, model, words)
            for ready, habit in zip(self._habits, model.habits, strict=True)
        ]
        self._score = lru_cache(self.KEPT)(self._work_out)
        self._doorkeeper = Doorkeeper(model, words)
        self._planner = Planner(model, words)
        self._levers = LeverFinder(model, words)

    def assess(self, sheet: Sheet) -> Assessment:
        """Assess what one person answered, which must be valid for the model's questions.

        Scores are 0 to 100 points, half up to one decimal. Unanswered questions widen the
        intervals and never count as zero. The caller may change what it gets.
        """
        assessment: Assessment = orjson.loads(self.assess_json(sheet))
        return assessment

    def assess_json(self, sheet: Sheet) -> bytes:
        """The same as JSON; what is kept of scores is kept so, and need not be made again."""
        person = Person({**sheet.answers, **sheet.symptoms, **sheet.red_flags, **sheet.conditions})
        screening = screen(person, self.model.safety)
        answers = [tuple(map(person.answer, habit.names)) for habit in self._habits]
        scores = self._score(*answers)
        return orjson.dumps(
            {
                "safety": tell_screening(self.model.safety, screening),
                "model": self._stamp,
                "index": scores.put_index,
                "habits": scores.habits,
                "warnings": find_warnings(self.model, person),
                "plan": self._plan(sheet, screening, scores.calls),
                "levers": scores.levers,
                "nearest_levels": scores.nearest_levels,
                "next_questions": scores.next_questions,
            }
        )

    def _work_out(self, *answers: tuple[Answer | None, ...]) -> Scores:
        """The scores for each habit's answers, and what they call for and could become."""
        results = [habit.result(*own) for habit, own in zip(self._habits, answers, strict=True)]
        outlooks = [look.look(*own) for look, own in zip(self._outlooks, answers, strict=True)]
        tenths = [result.tenths for result in results]
        index = score_index(self.model, tenths)
        put = self._scale.put(index)
        levers = self._levers.find(tenths, index, outlooks)
        nearest = [near for outlook in outlooks for near in outlook.nearest]
        questions = find_next_questions(self.model, tenths, index, put["level_decided"], outlooks)
        return Scores(
            Calls(
                find_needs(self.model, [habit.score for habit in tenths]),
                [result.gave for result in results],
                [habit.score is not None for habit in tenths],
                index.score is not None,
            ),
            orjson.Fragment(orjson.dumps(put)),
            [orjson.Fragment(result.json) for result in results],
            *[orjson.Fragment(orjson.dumps(part)) for part in (levers, nearest, questions)],
        )

    def _plan(self, sheet: Sheet, screening: Screening, calls: Calls) -> Plan:
        """The plan, unless safety comes first."""
        wanted = {name: sheet.plan.get(name) for name in self.model.planner.assumed}
        told = {name: value for name, value in wanted.items() if value is not None}
        given: Any = {**self.model.planner.assumed, **told}
        minutes = given["minutes_per_day"]
        if self.model.safety.actions[screening.action].withholds_plan:
            return self._planner.withhold(minutes)
        sites: Any = sheet.symptoms.get("pain_sites") or ()
        wishes = Wishes(
            frozenset(given["equipment"]),
            frozenset(given["excluded_routine_ids"]),
            given["deep_pressure_opt_in"],
            frozenset(sites),
        )
        admission = self._doorkeeper.admit(screening, wishes)
        return self._planner.plan(calls, Circumstances(admission, wishes.equipment, minutes))

    def compare(self, sheet: Sheet, changes: GivenAnswers) -> Comparison:
        """What changing some answers would do; the changed answers must fit together too."""
        changed = sheet._replace(answers={**sheet.answers, **changes})
        return compare(self.assess(sheet), self.assess(changed))

    def find_contradictions(self, answers: Mapping[str, Any]) -> list[Fault]:
        """Answers that cannot both be meant, each at the place to change; called with any answers."""
        return [
            Fault(f"/answers/{rule.at}", "contradiction", rule.text)
            for habit in self.model.habits
            for rule in habit.contradictions
            if contradicts(Person(_numbers_and_gate(rule, answers)), rule)
        ]


def _numbers_and_gate(rule: Contradiction, answers: Mapping[str, Any]) -> GivenAnswers:
    """The answers that a rule is about, without any that are no answers at all."""
    numbers = {name: answers.get(name) for name in rule.beside_above_zero}
    usable = {name: value for name, value in numbers.items() if type(value) in (int, float)}
    gate = answers.get(rule.at)
    return {**usable, rule.at: gate if type(gate) is type(rule.answered) else None}


def score_index(model: Model, habits: Sequence[Tenths]) -> Tenths:
    """The index over habit scores; its interval is over all habits, scored or not."""
    everyone = [True] * len(habits)
    lows, highs = [habit.low for habit in habits], [habit.high for habit in habits]
    low = formula.index_tenths(NOBODY, model, lows, everyone)
    high = low if lows == highs else formula.index_tenths(NOBODY, model, highs, everyone)
    scores = [habit.score for habit in habits]
    if scores == lows:
        return Tenths(low, low, high)
    scored = [score is not None for score in scores]
    if not formula.has_index(NOBODY, model, scored):
        return Tenths(None, low, high)
    counted = [score or 0 for score in scores]
    return Tenths(formula.index_tenths(NOBODY, model, counted, scored), low, high)


def find_warnings(model: Model, person: Person) -> list[RaisedWarning]:
    """Answers that were accepted but do not seem to fit together."""
    found: list[RaisedWarning] = []
    for code, warning in model.warnings.items():
        if warns(person, warning):
            reached = warning.any_at_least.items()
            fields = [name for name, least in reached if reaches(person, name, least)]
            fields += [*warning.total, *([warning.unless] if warning.unless else [])]
            found.append({"code": code, "fields": fields, "text": warning.text})
    return found
