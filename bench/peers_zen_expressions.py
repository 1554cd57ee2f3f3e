"""The expressions that work out a row of a batch in GoRules ZEN, each written from the model.

What the expression language cannot say is said otherwise. It knows no infinity: a rise from nothing
is one that lies behind every curve's last bend, and a limit to 0 has no upper end.
"""

import json
from collections.abc import Mapping

from bench.peers import VIEWS
from rules.components import Component, Curve, Quantity
from rules.definitions import Habit, Model
from rules.formula import TOP
from rules.questions import Answer, Question, View
from rules.safety import ACTIONS, Safety

BEYOND = 1e9
"""A rise from nothing, in percent: behind the last bend of every curve."""


def write(value: Answer) -> str:
    """A constant, as the expression language writes it."""
    return json.dumps(value)


# Answers


def fill(question: Question, view: View) -> str:
    """The answer, or its stand-in where it is unanswered or not asked."""
    stand_in, neutral = (write(question.stand_ins[name]) for name in (view, "score"))
    filled = f"{question.id} ?? {stand_in}"
    if question.asked_only_if:
        filled = f"({is_left_out(question)}) ? {neutral} : ({filled})"
    return filled


def is_left_out(question: Question) -> str:
    """Whether another answer leaves the question out."""
    gates = question.asked_only_if.items()
    return " or ".join(f"{gate} == {write(not needed)}" for gate, needed in gates)


def is_scored(habit: Habit) -> str:
    """Whether the habit's core question is answered, or is not asked."""
    core = habit.core
    answered = f"{core.id} != null"
    return f"{answered} or {is_left_out(core)}" if core.asked_only_if else answered


def work_out(quantity: Quantity) -> str:
    """A quantity from filled answers."""
    if total := quantity.total:
        return " + ".join(f"{name} * {times}" for name, times in total.items())
    if percent := quantity.percent:
        return f"{percent.of} * 100 / {percent.in_}"
    if rise := quantity.rise:
        before, now = rise.from_, rise.to
        percent_more = f"100 * ({now} / {before} - 1)"
        return f"{now} == 0 ? 0 : ({before} == 0 ? {BEYOND:.0f} : {percent_more})"
    adjusted = quantity.adjusted
    assert adjusted
    off = f"({adjusted.when} == {write(adjusted.equals)} ? {adjusted.taking_off} : 0)"
    return f"max([{adjusted.of} - {off}, 0])"


# Points


def measure(habit: Habit, of: str) -> str:
    """A filled answer, or a quantity worked out in the same step as the points."""
    return f"$.{of}" if of in habit.quantities else of


def add_points(component: Component, habit: Habit) -> str:
    """A component's points from filled answers and quantities."""
    if component.curve:
        points = draw(component.curve, measure(habit, component.curve.of))
    else:
        tables = component.choice_points.items()
        points = " + ".join(f"({choose(question, table)})" for question, table in tables)
    if limit := component.never_more_than:
        points = f"min([{points}, {measure(habit, limit.per)} * {limit.points}])"
    if component.factor:
        points = f"({points}) * ({choose(component.factor.by, component.factor.by_answer)})"
    if component.credit:
        points = f"-({points})"
    if habit.practised_if_any:
        kinds = {question.id: question.answer for question in habit.questions}
        signs = [
            name if kinds[name] == "yes_no" else f"{name} > 0" for name in habit.practised_if_any
        ]
        points = f"({' or '.join(signs)}) ? ({points}) : 0"
    return points


def draw(curve: Curve, at: str) -> str:
    """The first height of a curve plus the part of each ramp that lies behind."""
    ramps = [
        f"({at} <= {start} ? 0 : {at} >= {start + width} ? {width * slope} : ({at} - {start}) * {slope})"
        for start, width, slope in curve.ramps
    ]
    return " + ".join([str(curve.points[0].points), *ramps])


def choose(question: str, table: Mapping[Answer, float]) -> str:
    """The number beside an answer."""
    *firsts, (_, last) = table.items()
    chosen = str(last)
    for option, number in reversed(firsts):
        chosen = f"{question} == {write(option)} ? {number} : ({chosen})"
    return chosen


# Scores


def round_half_up(tenths: str) -> str:
    """A value given in tenths, rounded, in points."""
    return f"floor({tenths} + 0.5 + 0.000000001) / 10"


def score_habit(habit: Habit, view: View) -> str:
    """A habit's score in one evaluation from its components' points.

    Where its core question is unanswered there is no score, and the interval is the whole scale.
    """
    points = " + ".join(f"{habit.id}_{component.id}" for component in habit.components)
    score = round_half_up(f"max([0, min([{points}, {TOP}])]) * 10")
    otherwise = {"score": "null", "low": "0", "high": write(TOP)}[view]
    return f"{habit.id}_is_scored ? {score} : {otherwise}"


def score_index(model: Model, view: View) -> str:
    """The index from habit scores of the same step; null where too little weight is scored."""
    scores = [f"$.{habit.id}_{view}" for habit in model.habits]
    weights = list(zip(scores, model.weights, strict=True))
    total = " + ".join(f"({score} ?? 0) * {weight}" for score, weight in weights)
    counted = " + ".join(f"({score} == null ? 0 : {weight})" for score, weight in weights)
    if view != "score":
        counted = " + ".join(map(str, model.weights))
    margin = model.index.margin_below_floor
    pairs = zip(scores, model.floors, strict=True)
    floors = [f"({score} ?? 0) - {margin}" for score, sets_floor in pairs if sets_floor]
    rounded = round_half_up(f"max([{', '.join([f'({total}) / ({counted})', *floors])}]) * 10")
    if view != "score":
        return rounded
    return f"({counted}) * 100 >= {model.weight_for_a_score} ? {rounded} : null"


# The rest of a row


def level(model: Model, score: str) -> str:
    """The level that a rounded score belongs to."""
    first, *higher = model.levels
    found = write(first.id)
    for one in higher:
        found = f"{score} >= {one.from_} ? {write(one.id)} : ({found})"
    return found


def decide_level(model: Model, scale: str) -> str:
    """The level of a score; without one, that on which both ends of the interval agree."""
    score, low, high = (f"({level(model, f'{scale}_{view}')})" for view in VIEWS)
    return f"{scale}_score == null ? ({low} == {high} ? {low} : null) : {score}"


def act(safety: Safety) -> str:
    """The most urgent action that a red flag answered yes calls for."""
    action = write(ACTIONS[0])
    for name, flags in safety.flags_by_action.items():
        if flags:
            called_for = " or ".join(f"{flag} == true" for flag in flags)
            action = f"({called_for}) ? {write(name)} : ({action})"
    return action


def is_cleared(safety: Safety) -> str:
    """Whether every red flag is answered no."""
    return " and ".join(f"{flag} == false" for flag in safety.flag_ids)


def find_top_habit(model: Model) -> str:
    """The habit with the greatest weight times score; null where no score is above 0."""
    worths = {habit.id: f"({habit.id}_score ?? 0) * {habit.index.weight}" for habit in model.habits}
    most = f"max([{', '.join(worths.values())}])"
    found = "null"
    for name, worth in reversed(worths.items()):
        found = f"{worth} == {most} ? {write(name)} : ({found})"
    return f"{most} == 0 ? null : ({found})"
