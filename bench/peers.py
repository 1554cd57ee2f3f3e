"""What measuring another engine has in common: reads the people, keeps the clock, and compares with our own scores.

Only an engine's evaluation is timed, with handing rows in and results out in the engine's own form.
It is asked for the six scores, or with `--whole` for all that a row of a batch says but its warnings.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import polars as pl

from rules.definitions import Model
from rules.loading import load_model
from rules.questions import Question, View
from rules.rows import PREFIX, RowScorer

TIMES = 3
"""How often the timing is repeated; the median is told."""
CHECKED = 2_000
"""How many people's scores are compared with ours."""
NEAR = 0.05
"""By how many points a score may differ; one step of rounding is more."""

VIEWS: tuple[View, ...] = ("score", "low", "high")
"""The evaluations that a whole row takes; the scores alone take the first."""
LEFT_OUT = ("warnings", "model_version")
"""What no engine is asked for: the warnings, and a constant."""

Row = Sequence[float | str | None]
"""A person's results in the order of `result_names`; None where there is nothing to say."""


class Peer(Protocol):
    """Another engine with our model in it."""

    at_a_time: int
    """How many people it is given at once: the number at which it is fastest."""

    def prepare(self, people: pl.DataFrame) -> Any:
        """The people in the engine's own form."""

    def evaluate(self, prepared: Any) -> Any:
        """The results in the engine's own form; this is what is timed."""

    def read(self, results: Any) -> list[Row]:
        """Each person's results."""


def result_names(model: Model, *, whole: bool) -> list[str]:
    """What an engine is asked for, named as in a row of a batch, but for the prefix."""
    names = [name.removeprefix(PREFIX) for name in RowScorer(model).names]
    if whole:
        return [name for name in names if name not in LEFT_OUT]
    return [name for name in names if name.endswith("_score")]


def scored_questions(model: Model) -> list[Question]:
    """The questions that count in a score."""
    return [question for habit in model.habits for question in habit.scored_questions]


def measure(peer: Peer, people: pl.DataFrame) -> float:
    """The seconds that the engine takes for everybody."""
    seconds = 0.0
    for few in people.iter_slices(peer.at_a_time):
        prepared = peer.prepare(few)
        start = time.perf_counter()
        peer.evaluate(prepared)
        seconds += time.perf_counter() - start
    return seconds


def compare(peer: Peer, model: Model, people: pl.DataFrame, names: list[str]) -> dict[str, int]:
    """How many people's results are near ours, which has to be everybody, and how many are just the same."""
    scorer = RowScorer(model)
    theirs = peer.read(peer.evaluate(peer.prepare(people)))
    equal = 0
    for answers, results in zip(people.to_dicts(), theirs, strict=True):
        row = scorer.score_person(answers)
        ours = [row[PREFIX + name] for name in names]
        assert all(map(is_near, ours, results)), (answers, ours, results)
        equal += ours == list(results)
    return {"checked": len(people), "equal": equal}


def is_near(one: float | str | None, other: float | str | None) -> bool:
    """Whether two numbers are the same but for rounding; anything else is near itself only."""
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) < NEAR
    return one == other


def run(make: Callable[[Model, bool], Peer]) -> None:
    """Measure an engine with the people in the file that is named on the command line, and print a line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--whole", action="store_true", help="not the six scores only")
    wanted = parser.parse_args()
    model = load_model()
    columns = [question.id for question in scored_questions(model)]
    if wanted.whole:
        columns += model.safety.flag_ids
    people = pl.read_parquet(wanted.file, columns=columns)
    peer = make(model, wanted.whole)
    checked = compare(peer, model, people[:CHECKED], result_names(model, whole=wanted.whole))
    seconds = median(measure(peer, people) for _ in range(TIMES))
    print(json.dumps({"rows": len(people), "seconds": round(seconds, 4), **checked}))
