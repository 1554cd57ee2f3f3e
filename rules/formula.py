"""Answers to points, points to habit scores, habit scores to the index: written once, for numbers or columns.

A *carrier* holds answers, either one person's or a whole table's, and knows the few verbs in
which the two differ; the rest is arithmetic that both understand. A habit's file is turned into
functions of a carrier and its answers once, when a model is made ready. So that both carriers
round alike, scores travel as whole tenths and become points only at the edge, nothing is divided
by a constant, and sums keep their order (the built-in `sum` differs between Python versions).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from rules.components import Component, Curve, Quantity
from rules.definitions import Habit, Model
from rules.questions import Answer, Question, View

Value = Any
"""A number, or a column of numbers."""
Condition = Any
"""True or false, or a column of those."""
Answers = Mapping[str, Value]
"""A habit's answers by question id, with nothing unanswered left in them."""
Work = Callable[["Carrier", Answers], Value]
"""Something worked out from a carrier's answers."""

TOP = 100.0
"""The top of the scale of points, for a habit and for the index."""


class Carrier(Protocol):
    """The verbs in which one person's answers and a table of them differ."""

    def given(self, question: str, stand_in: Answer) -> Value:
        """The answer, or the stand-in where it is unanswered."""

    def is_given(self, question: str) -> Condition:
        """Whether the question is answered."""

    def is_answered(self, question: str, answer: Answer) -> Condition:
        """Whether the question is answered, and in just this way."""

    def is_positive(self, value: Value) -> Condition:
        """Whether a filled answer is true or above 0."""

    def any_of(self, conditions: Iterable[Condition]) -> Condition:
        """Whether at least one holds; false where there are none."""

    def all_of(self, conditions: Iterable[Condition]) -> Condition:
        """Whether every one holds; a carrier that can tell early need not look at the rest."""

    def none_of(self, conditions: Iterable[Condition]) -> Condition:
        """Whether none holds."""

    def where(self, condition: Condition, value: Value, otherwise: Value) -> Value:
        """The one value where the condition holds, the other elsewhere."""

    def choose(self, answer: Value, table: Mapping[Answer, float]) -> Value:
        """The number beside an answer in a table."""

    def clip(self, value: Value, low: float, high: float) -> Value:
        """The value limited to low..high."""

    def least(self, one: Value, other: Value) -> Value:
        """The lower of two values."""

    def greatest(self, one: Value, other: Value) -> Value:
        """The higher of two values."""

    def rise(self, before: Value, now: Value) -> Value:
        """By how many percent `now` exceeds `before`: 0 for nothing now, infinite from nothing."""

    def floor(self, value: Value) -> Value:
        """The greatest whole number not above the value."""

    def tenth(self, value: Value) -> Value:
        """The value divided by ten and rounded once; a product with 0.1, which some engines make of it, rounds twice."""


class NamingCarrier(Carrier, Protocol):
    """A carrier that can also give names, and keep what it has worked out."""

    def name_all(self, holding: Mapping[str, Condition], between: str) -> Value:
        """The names whose condition holds as one text, with this between them; nothing where none does."""

    def pick(self, place: Value, names: Sequence[str]) -> Value:
        """The name at a place, counted from 0; nothing for no place."""

    def keep(self, value: Value) -> Value:
        """The same value, for use in more than one place."""


# Answers


def is_left_out(carrier: Carrier, question: Question) -> Condition:
    """Whether the question is not asked, because another was answered so."""
    gates = question.asked_only_if.items()
    return carrier.any_of([carrier.is_answered(gate, not needed) for gate, needed in gates])


def fill(carrier: Carrier, questions: Iterable[Question], view: View) -> dict[str, Value]:
    """Answers by question id, with stand-ins for what is unanswered and for what is not asked."""
    answers = {}
    for question in questions:
        value = carrier.given(question.id, question.stand_ins[view])
        if question.asked_only_if:
            neutral = question.stand_ins["score"]
            value = carrier.where(is_left_out(carrier, question), neutral, value)
        answers[question.id] = value
    return answers


def is_scored(carrier: Carrier, habit: Habit) -> Condition:
    """Whether the habit has a score: its core question is answered, or is not asked."""
    return carrier.any_of([carrier.is_given(habit.core.id), is_left_out(carrier, habit.core)])


# Points of a component


def ready_component(habit: Habit, component: Component) -> Work:
    """A component as a function of filled answers: its points, and whether its limit held them down.

    Its curve or choices, limited, multiplied, negative for a credit, and nothing for people who do
    not have the habit.
    """
    work = _curve(habit, component.curve) if component.curve else _choices(component)
    limit = component.never_more_than
    work = _limited(work, measure(habit, limit.per), limit.points) if limit else _free(work)
    if component.factor:
        work = _multiplied(work, component.factor.by, component.factor.by_answer)
    if component.credit:
        work = _negative(work)
    return _practised(work, habit.practised_if_any) if habit.practised_if_any else work


def _curve(habit: Habit, curve: Curve) -> Work:
    """The first height of a curve plus the part of each ramp that lies behind."""
    of, first, ramps = measure(habit, curve.of), curve.points[0].points, curve.ramps

    def work(carrier: Carrier, answers: Answers) -> Value:
        at, total = of(carrier, answers), first
        for start, width, slope in ramps:
            total = total + carrier.clip(at - start, 0.0, width) * slope
        return total

    return work


def _choices(component: Component) -> Work:
    """The sum of what stands beside each chosen option."""
    tables = tuple(component.choice_points.items())

    def work(carrier: Carrier, answers: Answers) -> Value:
        return add_up([carrier.choose(answers[question], table) for question, table in tables])

    return work


def _free(work: Work) -> Work:
    return lambda carrier, answers: (work(carrier, answers), False)


def _limited(work: Work, of: Work, times: float) -> Work:
    def limited(carrier: Carrier, answers: Answers) -> tuple[Value, Condition]:
        points, limit = work(carrier, answers), of(carrier, answers) * times
        return carrier.least(points, limit), limit < points

    return limited


def _multiplied(work: Work, by: str, times: Mapping[Answer, float]) -> Work:
    def multiplied(carrier: Carrier, answers: Answers) -> tuple[Value, Condition]:
        points, held_down = work(carrier, answers)
        return points * carrier.choose(answers[by], times), held_down

    return multiplied


def _negative(work: Work) -> Work:
    def negative(carrier: Carrier, answers: Answers) -> tuple[Value, Condition]:
        points, held_down = work(carrier, answers)
        return points * -1.0, held_down

    return negative


def _practised(work: Work, if_any: Sequence[str]) -> Work:
    def practised(carrier: Carrier, answers: Answers) -> tuple[Value, Condition]:
        points, held_down = work(carrier, answers)
        signs = [carrier.is_positive(answers[name]) for name in if_any]
        return carrier.where(carrier.any_of(signs), points, 0.0), held_down

    return practised


# Answers and quantities


def measure(habit: Habit, of: str) -> Work:
    """The value of an answer, or of a quantity that is worked out from answers."""
    quantity = habit.quantities.get(of)
    return _quantity(quantity) if quantity else lambda carrier, answers: answers[of]


def _quantity(quantity: Quantity) -> Work:
    """A weighted total, a share, a rise, or an answer with something taken off."""
    if total := quantity.total:
        parts = tuple(total.items())
        return lambda carrier, answers: add_up([answers[name] * times for name, times in parts])
    if percent := quantity.percent:
        part, whole = percent.of, percent.in_
        return lambda carrier, answers: answers[part] * 100.0 / answers[whole]
    if rise := quantity.rise:
        before, now = rise.from_, rise.to
        return lambda carrier, answers: carrier.rise(answers[before], answers[now])
    if adjusted := quantity.adjusted:
        of, when, equals, amount = adjusted.of, adjusted.when, adjusted.equals, adjusted.taking_off
        return lambda carrier, answers: carrier.clip(
            answers[of] - carrier.where(answers[when] == equals, amount, 0.0), 0.0, math.inf
        )
    raise ValueError("a quantity is worked out in one of these four ways")


def add_up(values: Sequence[Value]) -> Value:
    """The sum of the values, from first to last."""
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


# Scores


def habit_tenths(carrier: Carrier, points: Sequence[Value]) -> Value:
    """A habit's score from its components' points: limited to the scale and rounded."""
    return in_tenths(carrier, carrier.clip(add_up(points), 0.0, TOP) * 10.0)


def in_tenths(carrier: Carrier, tenths: Value) -> Value:
    """A value given in tenths, rounded half up; the last term forgives what binary fractions lose."""
    return carrier.floor(tenths + 0.5 + 1e-9)


def has_index(carrier: Carrier, model: Model, scored: Sequence[Condition]) -> Condition:
    """Whether habits of enough weight are scored; `scored` stands in the order of the model's habits."""
    pairs = zip(model.weights, scored, strict=True)
    weight = add_up([carrier.where(counts, weight, 0.0) for weight, counts in pairs])
    return weight * 100.0 >= model.weight_for_a_score


def index_tenths(
    carrier: Carrier, model: Model, tenths: Sequence[Value], scored: Sequence[Condition]
) -> Value:
    """The index over habit scores in tenths.

    The weighted mean of the scored habits, but never more than the model's margin below a habit
    that sets the floor. `tenths` and `scored` stand in the order of the model's habits, with any
    number where a habit is not scored.
    """
    total = weight = floor = 0.0
    margin = model.index.margin_below_floor * 10.0
    for habit_weight, sets_floor, score, counts in zip(
        model.weights, model.floors, tenths, scored, strict=True
    ):
        total = total + carrier.where(counts, score * habit_weight, 0.0)
        weight = weight + carrier.where(counts, habit_weight, 0.0)
        if sets_floor:
            floor = carrier.greatest(floor, carrier.where(counts, score - margin, 0.0))
    mean = total / carrier.greatest(weight, 1.0)
    return in_tenths(carrier, carrier.greatest(mean, floor))


def in_points(carrier: Carrier, tenths: Value) -> Value:
    """A score in points, 0 to 100, from its tenths."""
    return carrier.tenth(tenths)


def level_place(carrier: Carrier, model: Model, tenths: Value) -> Value:
    """The place among the model's levels, counted from the lowest, of the level that a rounded score belongs to."""
    place: Value = 0
    for at, (start, _) in enumerate(model.level_starts):
        if at:
            place = carrier.where(tenths >= start, at, place)
    return place


def name_level(carrier: NamingCarrier, model: Model, place: Value) -> Value:
    """The level at a place; nothing for no place."""
    return carrier.pick(place, [name for _, name in model.level_starts])


def level_of(carrier: NamingCarrier, model: Model, tenths: Value) -> Value:
    """The level that a rounded score belongs to."""
    return name_level(carrier, model, level_place(carrier, model, tenths))
