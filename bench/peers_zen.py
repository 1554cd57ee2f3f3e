"""The five habits and the index in GoRules ZEN: a decision graph of expressions, made from the model.

Run as `python -m bench.peers_zen FILE.parquet`, where zen-engine is installed. The graph works out
the scores and no more; with `--whole` also the intervals, levels, safety action and top habit, but
no warnings, and never a check of the answers.

A result that is null is left out of the engine's answer. Its numbers are decimal and ours are
binary; both are rounded by the same rule.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import polars as pl
import zen  # type: ignore[import-not-found]  # it has an environment of its own

from bench import peers_zen_expressions as expressions
from bench.peers import VIEWS, Row, result_names, run, scored_questions
from rules.definitions import Model
from rules.questions import View

KEY = "psoas"
"""What the decision is called in the engine."""
FIRST, LAST = "in", "out"
"""The nodes of a decision where answers come in and results go out."""

Expressions = dict[str, str]
"""Expressions by the name of what they work out."""
Json = dict[str, Any]
"""A piece of a decision."""

# Steps


def fill(model: Model, view: View) -> Expressions:
    """Filled answers, and whether each habit has a score."""
    return {
        **{question.id: expressions.fill(question, view) for question in scored_questions(model)},
        **{f"{habit.id}_is_scored": expressions.is_scored(habit) for habit in model.habits},
    }


def add_points(model: Model) -> Expressions:
    """Quantities and points of components, from filled answers."""
    habits = model.habits
    return {
        **{name: expressions.work_out(q) for h in habits for name, q in h.quantities.items()},
        **{f"{h.id}_{c.id}": expressions.add_points(c, h) for h in habits for c in h.components},
        **{name: name for name in (f"{habit.id}_is_scored" for habit in habits)},
    }


def score(model: Model, view: View) -> Expressions:
    """Scores of the habits and the index in one evaluation, from points."""
    scores = {f"{h.id}_{view}": expressions.score_habit(h, view) for h in model.habits}
    return scores | {f"index_{view}": expressions.score_index(model, view)}


def screen(model: Model) -> Expressions:
    """What the red flags say."""
    safety = model.safety
    return {"safety_action": expressions.act(safety), "cleared": expressions.is_cleared(safety)}


def judge(model: Model) -> Expressions:
    """Levels and the top habit, from the scores of all evaluations."""
    scales = [*(habit.id for habit in model.habits), "index"]
    levels = {f"{scale}_level": expressions.decide_level(model, scale) for scale in scales}
    return {**levels, "top_habit": expressions.find_top_habit(model)}


# The decision


def make_node(name: str, step: Expressions, *, adds: bool = False) -> Json:
    """A node that works out a step; it adds to what it was given, or else leaves that behind."""
    content = {
        "expressions": [{"id": key, "key": key, "value": value} for key, value in step.items()],
        "passThrough": adds,
        "executionMode": "single",
    }
    return {"id": name, "type": "expressionNode", "content": content}


def make_chain(model: Model, view: View) -> list[Json]:
    """The nodes that work out the scores in one evaluation, one after the other.

    A step uses what the step before gave, and `$` what it worked out itself. For the scores alone
    this was the fastest of the arrangements tried: every further step hands everything on once more.
    """
    steps = {"fill": fill(model, view), "points": add_points(model), "scores": score(model, view)}
    return [make_node(f"{name} {view}", step) for name, step in steps.items()]


def make_chains(model: Model, *, whole: bool) -> list[list[Json]]:
    """The nodes from the answers to the results; for the whole of a row, chains that meet in the end."""
    if not whole:
        return [make_chain(model, "score")]
    screening, judging = (
        make_node("screen", screen(model)),
        make_node("judge", judge(model), adds=True),
    )
    chains = [[screening], *(make_chain(model, view) for view in VIEWS)]
    return [[*chain, judging] for chain in chains]


def make_decision(model: Model, *, whole: bool) -> Json:
    """The decision graph."""
    ends: list[Json] = [{"id": FIRST, "type": "inputNode"}, {"id": LAST, "type": "outputNode"}]
    nodes, pairs = {node["id"]: node for node in ends}, {}
    for chain in make_chains(model, whole=whole):
        nodes |= {node["id"]: node for node in chain}
        for a, b in pairwise([FIRST, *(node["id"] for node in chain), LAST]):
            pairs[f"{a} to {b}"] = {"type": "edge", "sourceId": a, "targetId": b}
    return {
        "contentType": "application/vnd.gorules.decision",
        "nodes": [{**n, "name": name, "position": {"x": 0, "y": 0}} for name, n in nodes.items()],
        "edges": [{**pair, "id": name} for name, pair in pairs.items()],
    }


class Zen:
    """The engine with the decision in it, compiled once; it spreads a batch over all cores by itself."""

    at_a_time = 20_000

    def __init__(self, model: Model, whole: bool) -> None:
        loader = {"type": "static", "content": {KEY: make_decision(model, whole=whole)}}
        self._engine = zen.ZenEngine({"loader": loader})
        self._names = result_names(model, whole=whole)

    def prepare(self, people: pl.DataFrame) -> list[Json]:
        """A request for each person, with the answers that were given."""
        return [
            {"key": KEY, "context": {k: v for k, v in answers.items() if v is not None}}
            for answers in people.to_dicts()
        ]

    def evaluate(self, prepared: list[Json]) -> list[Json]:
        """The engine's answer to each request."""
        results: list[Json] = self._engine.evaluate_batch(prepared)
        return results

    def read(self, results: Sequence[Mapping[str, Any]]) -> list[Row]:
        """The results in those answers."""
        found = [result["data"]["result"] for result in results]
        return [[row.get(name) for name in self._names] for row in found]


if __name__ == "__main__":
    run(Zen)
