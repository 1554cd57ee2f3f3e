"""What a row of a batch says: one column an output, worked out once for a person or for a whole table."""

from collections.abc import Mapping
from functools import reduce
from typing import NamedTuple, get_args

from rules import formula
from rules.definitions import Habit, Model
from rules.formula import Answers, Condition, NamingCarrier, Value, Work
from rules.person import Person
from rules.plausibility import warns
from rules.questions import Question, View
from rules.screening import action_of, is_cleared
from rules.words import Part

PREFIX = "psoas_"
"""How every column begins that a batch adds; no input column may."""
PARTS: tuple[Part, ...] = get_args(Part)
"""What is told of each habit and of the index."""
BETWEEN = "; "
"""What stands between the codes of several warnings."""


def scored_columns(model: Model) -> tuple[str, ...]:
    """The columns that a batch adds to each row, in their order, but for the row's number."""
    scales = [*(habit.id for habit in model.habits), "index"]
    scores = [f"{PREFIX}{scale}_{part}" for scale in scales for part in PARTS]
    rest = ("safety_action", "cleared", "top_habit", "warnings", "model_version")
    return (*scores, *(f"{PREFIX}{name}" for name in rest))


class Span(NamedTuple):
    """A score and its interval in tenths of a point, and whether there is a score at all."""

    score: Value
    low: Value
    high: Value
    is_scored: Condition


class RowScorer:
    """A model made ready to score rows; what it needs of a row is only a carrier of its answers.

    There are no words here: those of an assessment cost more than its numbers do.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.names = scored_columns(model)
        """The columns it works out, in their order."""
        self._habits = [
            (habit, [formula.ready_component(habit, part) for part in habit.components])
            for habit in model.habits
        ]

    def score_person(self, answers: Mapping[str, Value]) -> dict[str, Value]:
        """One person's row; answers must be valid, and absent and None both mean unanswered."""
        return self.score(Person(answers))

    def score(self, carrier: NamingCarrier) -> dict[str, Value]:
        """Every column but the row's number: points from 0 to 100, and null where there is no score.

        The score of a habit or of the index is null where too little is answered; its level is
        then that on which both ends of the interval agree, if they do.
        """
        model = self.model
        spans = [self._span(carrier, habit, works) for habit, works in self._habits]
        columns: dict[str, Value] = {}
        for habit, span in zip(model.habits, spans, strict=True):
            columns |= self._put(carrier, habit.id, span)
        columns |= self._put(carrier, "index", self._index(carrier, spans))
        holding = {code: warns(carrier, warning) for code, warning in model.warnings.items()}
        rest = (
            action_of(carrier, model.safety),
            is_cleared(carrier, model.safety),
            self._top_habit(carrier, spans),
            carrier.name_all(holding, BETWEEN),
            model.version,
        )
        return {**columns, **dict(zip(self.names[len(columns) :], rest, strict=True))}

    def _span(self, carrier: NamingCarrier, habit: Habit, works: list[Work]) -> Span:
        """A habit's three evaluations; without its core answer the interval is the whole scale."""
        is_scored = carrier.keep(formula.is_scored(carrier, habit))
        tenths = {}
        for view in ("score", "low", "high"):
            answers = self._fill(carrier, habit.scored_questions, view)
            points = [carrier.keep(work(carrier, answers)[0]) for work in works]
            tenths[view] = carrier.keep(formula.habit_tenths(carrier, points))
        return Span(
            tenths["score"],
            carrier.keep(carrier.where(is_scored, tenths["low"], 0.0)),
            carrier.keep(carrier.where(is_scored, tenths["high"], formula.TOP * 10.0)),
            is_scored,
        )

    def _fill(self, carrier: NamingCarrier, questions: tuple[Question, ...], view: View) -> Answers:
        filled = formula.fill(carrier, questions, view)
        return {name: carrier.keep(answer) for name, answer in filled.items()}

    def _index(self, carrier: NamingCarrier, spans: list[Span]) -> Span:
        """The index; its interval is over all habits, scored or not."""
        scored, everyone = [span.is_scored for span in spans], [True] * len(spans)
        views = (
            ([span.score for span in spans], scored),
            ([span.low for span in spans], everyone),
            ([span.high for span in spans], everyone),
        )
        tenths = [
            carrier.keep(formula.index_tenths(carrier, self.model, scores, counted))
            for scores, counted in views
        ]
        has_index = formula.has_index(carrier, self.model, scored)
        return Span(tenths[0], tenths[1], tenths[2], carrier.keep(has_index))

    def _put(self, carrier: NamingCarrier, name: str, span: Span) -> dict[str, Value]:
        """A span as callers get it."""
        level, low, high = (
            carrier.keep(formula.level_place(carrier, self.model, tenths)) for tenths in span[:3]
        )
        decided = carrier.where(low == high, low, None)
        place = carrier.where(span.is_scored, level, decided)
        put = (
            carrier.where(span.is_scored, formula.in_points(carrier, span.score), None),
            formula.in_points(carrier, span.low),
            formula.in_points(carrier, span.high),
            formula.name_level(carrier, self.model, place),
        )
        return {f"{PREFIX}{name}_{part}": value for part, value in zip(PARTS, put, strict=True)}

    def _top_habit(self, carrier: NamingCarrier, spans: list[Span]) -> Value:
        """The habit with the greatest weight times score; none where no score is above 0."""
        worths = [
            carrier.keep(carrier.where(span.is_scored, span.score * habit.index.weight, 0.0))
            for habit, span in zip(self.model.habits, spans, strict=True)
        ]
        most = carrier.keep(reduce(carrier.greatest, worths, 0.0))
        top: Value = None
        for at, worth in reversed(list(enumerate(worths))):
            top = carrier.where(worth == most, at, top)
        top = carrier.where(most > 0.0, top, None)
        return carrier.pick(top, [habit.id for habit in self.model.habits])
