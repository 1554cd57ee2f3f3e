"""The five habits and the index in GoRules ZEN: a decision graph of expressions, made from the model.

Run as `python -m bench.peers_zen FILE.parquet`, where zen-engine is installed. The graph works out
the scores and no more: no intervals, levels, safety and warnings, and no check of the answers.

What the expression language cannot say is said otherwise. It knows no infinity: a rise from nothing
is one that lies behind every curve's last bend, and a limit to 0 has no upper end. A result that is
null is left out of the engine's answer. Its numbers are decimal and ours are binary; both are rounded by
the same rule.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import polars as pl
import zen  # type: ignore[import-not-found]  # it has an environment of its own

from bench.peers import Scores, run, scored_questions
from rules.components import Component, Curve, Quantity
from rules.definitions import Habit, Model
from rules.formula import TOP
from rules.loading import load_model
from rules.questions import Answer, Question

KEY = "psoas"
"""What the decision is called in the engine."""
BEYOND = 1e9
"""A rise from nothing, in percent: behind the last bend of every curve."""

Expressions = dict[str, str]
"""Expressions by the name of what they work out."""


def write(value: Answer) -> str:
    """A constant, as the expression language writes it."""
    return json.dumps(value)


# Answers


def fill(question: Question) -> str:
    """The answer, or its stand-in where it is unanswered or not asked."""
    stand_in = write(question.stand_ins["score"])
    filled = f"{question.id} ?? {stand_in}"
    if question.asked_only_if:
        filled = f"({is_left_out(question)}) ? {stand_in} : ({filled})"
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


def score_habit(habit: Habit) -> str:
    """A habit's score from its components' points; null where its core question is unanswered."""
    points = " + ".join(f"{habit.id}_{component.id}" for component in habit.components)
    score = round_half_up(f"max([0, min([{points}, {TOP}])]) * 10")
    return f"{habit.id}_is_scored ? {score} : null"


def score_index(model: Model) -> str:
    """The index from habit scores of the same step; null where too little weight is scored."""
    weights = [(f"$.{habit.id}", habit.index.weight) for habit in model.habits]
    total = " + ".join(f"({score} ?? 0) * {weight}" for score, weight in weights)
    counted = " + ".join(f"({score} == null ? 0 : {weight})" for score, weight in weights)
    margin = model.index.margin_below_floor
    floors = [f"($.{habit.id} ?? 0) - {margin}" for habit in model.habits if habit.index.sets_floor]
    rounded = round_half_up(f"max([{', '.join([f'({total}) / ({counted})', *floors])}]) * 10")
    return f"({counted}) * 100 >= {model.weight_for_a_score} ? {rounded} : null"


# The decision


def make_steps(model: Model) -> Iterator[Expressions]:
    """The expressions, step by step: filled answers; quantities and points; scores and index.

    A step uses what the step before gave, and `$` what it worked out itself. This was the fastest
    of the arrangements tried: every further step hands everything on once more.
    """
    habits, scored = model.habits, [f"{habit.id}_is_scored" for habit in model.habits]
    filled = {question.id: fill(question) for question in scored_questions(model)}
    yield filled | dict(zip(scored, map(is_scored, habits), strict=True))
    made = {name: work_out(q) for habit in habits for name, q in habit.quantities.items()}
    points = {
        f"{habit.id}_{component.id}": add_points(component, habit)
        for habit in habits
        for component in habit.components
    }
    yield made | points | {name: name for name in scored}
    yield {habit.id: score_habit(habit) for habit in habits} | {"index": score_index(model)}


def make_decision(model: Model) -> dict[str, Any]:
    """The decision graph: a node for each step, one after the other."""
    nodes: list[dict[str, Any]] = [{"id": "in", "type": "inputNode"}]
    for number, step in enumerate(make_steps(model)):
        expressions = [{"id": name, "key": name, "value": value} for name, value in step.items()]
        content = {"expressions": expressions, "passThrough": False, "executionMode": "single"}
        nodes.append({"id": f"step {number}", "type": "expressionNode", "content": content})
    nodes.append({"id": "out", "type": "outputNode"})
    edges = [
        {"id": f"{a['id']} to {b['id']}", "type": "edge", "sourceId": a["id"], "targetId": b["id"]}
        for a, b in pairwise(nodes)
    ]
    placed = [{**node, "name": node["id"], "position": {"x": 0, "y": 0}} for node in nodes]
    return {"contentType": "application/vnd.gorules.decision", "nodes": placed, "edges": edges}


class Zen:
    """The engine with the decision in it, compiled once; it spreads a batch over all cores by itself."""

    at_a_time = 20_000

    def __init__(self, model: Model) -> None:
        loader = {"type": "static", "content": {KEY: make_decision(model)}}
        self._engine = zen.ZenEngine({"loader": loader})
        self._names = [*(habit.id for habit in model.habits), "index"]

    def prepare(self, people: pl.DataFrame) -> list[dict[str, Any]]:
        """A request for each person, with the answers that were given."""
        return [
            {"key": KEY, "context": {k: v for k, v in answers.items() if v is not None}}
            for answers in people.to_dicts()
        ]

    def evaluate(self, prepared: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The engine's answer to each request."""
        results: list[dict[str, Any]] = self._engine.evaluate_batch(prepared)
        return results

    def read(self, results: Sequence[Mapping[str, Any]], count: int) -> list[Scores]:
        """The scores in those answers."""
        found = [result["data"]["result"] for result in results[:count]]
        return [[scores.get(name) for name in self._names] for scores in found]


if __name__ == "__main__":
    model = load_model()
    run(Zen(model), model)
