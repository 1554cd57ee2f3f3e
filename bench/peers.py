"""What measuring another engine has in common: reads the people, keeps the clock, and compares with our own scores.

Only an engine's evaluation is timed, with handing rows in and results out in the engine's own form.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import polars as pl

from rules.definitions import Model
from rules.questions import Question
from rules.rows import PREFIX, RowScorer

TIMES = 3
"""How often the timing is repeated; the median is told."""
CHECKED = 2_000
"""How many people's scores are compared with ours."""
NEAR = 0.05
"""By how many points a score may differ; one step of rounding is more."""

Scores = Sequence[float | None]
"""The habits' scores in the model's order, and then the index; None where there is no score."""


class Peer(Protocol):
    """Another engine with our model in it."""

    at_a_time: int
    """How many people it is given at once: the number at which it is fastest."""

    def prepare(self, people: pl.DataFrame) -> Any:
        """The people in the engine's own form."""

    def evaluate(self, prepared: Any) -> Any:
        """The results in the engine's own form; this is what is timed."""

    def read(self, results: Any, count: int) -> list[Scores]:
        """The first so many people's scores."""


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


def compare(peer: Peer, model: Model, people: pl.DataFrame) -> dict[str, int]:
    """How many people's scores are near ours, which has to be everybody, and how many are just the same."""
    scorer = RowScorer(model)
    names = [f"{PREFIX}{scale}_score" for scale in (*(h.id for h in model.habits), "index")]
    theirs = peer.read(peer.evaluate(peer.prepare(people)), len(people))
    equal = 0
    for answers, scores in zip(people.to_dicts(), theirs, strict=True):
        row = scorer.score_person(answers)
        ours = [row[name] for name in names]
        assert all(map(is_near, ours, scores)), (answers, ours, scores)
        equal += ours == list(scores)
    return {"checked": len(people), "equal": equal}


def is_near(one: float | None, other: float | None) -> bool:
    """Whether two scores are the same but for rounding; no score is near no score only."""
    if one is None or other is None:
        return one is other
    return abs(one - other) < NEAR


def run(peer: Peer, model: Model) -> None:
    """Measure an engine with the people in the file that is named on the command line, and print a line of JSON."""
    columns = [question.id for question in scored_questions(model)]
    people = pl.read_parquet(Path(sys.argv[1]), columns=columns)
    checked = compare(peer, model, people[:CHECKED])
    seconds = median(measure(peer, people) for _ in range(TIMES))
    print(json.dumps({"rows": len(people), "seconds": round(seconds, 4), **checked}))
