"""Crowds: many made-up people at once, with every pattern of missing answers in every habit."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, product
from pathlib import Path
from typing import Any

import polars as pl
from people import MODEL

from rules.definitions import Habit
from rules.questions import Answer, Question

DISTANCES = MODEL.habits[-1].contradictions[0].beside_above_zero


def make_crowd(people: int, seed: int = 1) -> list[dict[str, Answer]]:
    """So many people with valid answers to everything that a batch asks.

    In each habit every pattern of answered and unanswered questions comes round again and again,
    each time beside other answers. Values crowd where the formula bends.
    """
    rng = random.Random(seed)  # noqa: S311  # the same crowd every time
    values = {question.id: list_values(question) for question in MODEL.questions.values()}
    patterns = [cycle(list_patterns(habit, rng)) for habit in MODEL.habits]
    return [
        make_person(rng, values, [next(pattern) for pattern in patterns]) for _ in range(people)
    ]


def list_patterns(habit: Habit, rng: random.Random) -> list[tuple[str, ...]]:
    """Every set of a habit's questions that can be answered, in an order of chance."""
    ids = [question.id for question in habit.questions]
    wanted = [
        tuple(name for name, answered in zip(ids, flags, strict=True) if answered)
        for flags in product((False, True), repeat=len(ids))
    ]
    rng.shuffle(wanted)
    return wanted


def list_values(question: Question) -> list[Answer]:
    """Answers at, just below and just above every bend, at both ends, round ones and odd ones."""
    if not question.is_numeric:
        return [True, False] if question.answer == "yes_no" else [o.id for o in question.options]
    least, most = question.minimum or 0.0, question.maximum or 0.0
    bends = [
        point.at
        for habit in MODEL.habits
        for component in habit.components
        if component.curve
        for point in component.curve.points
    ]
    near = [bend + step for bend in bends for step in (-0.1, 0.0, 0.1, 1e-9)]
    spread = [least + (most - least) * share**3 for share in (0.07, 0.21, 0.377, 0.5, 0.73)]
    halves = [least + half / 2 for half in range(1, 33)]
    inside = [float(v) for v in (*near, *spread, *halves, least, most) if least <= v <= most]
    if question.answer == "whole_number":
        return sorted({float(round(value)) for value in inside})
    return sorted(set(inside))


def make_person(
    rng: random.Random, values: dict[str, list[Answer]], answered: Sequence[Sequence[str]]
) -> dict[str, Answer]:
    """One person who answered these questions of each habit, and some of the others."""
    person = {name: rng.choice(values[name]) for names in answered for name in names}
    if person.get("runs") is False:
        person |= {name: 0.0 for name in DISTANCES if name in person}
    for question in (*MODEL.about.questions, *MODEL.symptoms.questions):
        if question.answer != "several" and rng.random() < 0.5:
            person[question.id] = rng.choice(list_values(question))
    return person | make_safety(rng)


def make_safety(rng: random.Random) -> dict[str, Answer]:
    """Red flags and conditions: all answered no, a few yes, or some left out."""
    ids = (*MODEL.safety.flag_ids, *MODEL.safety.condition_ids)
    answers: dict[str, Answer] = dict.fromkeys(ids, False)
    for name in rng.sample(ids, rng.choice((0, 0, 1, 3))):
        answers[name] = True
    for name in rng.sample(ids, rng.choice((0, 0, 2, len(ids)))):
        del answers[name]
    return answers


def put_crowd(people: Sequence[dict[str, Answer]]) -> pl.DataFrame:
    """A crowd as a table of typed columns, one a question."""
    schema: dict[str, Any] = {}
    for question in (*MODEL.questions.values(), *MODEL.symptoms.questions):
        kinds = {"number": pl.Float64, "whole_number": pl.Float64, "yes_no": pl.Boolean}
        if question.answer != "several":
            schema[question.id] = kinds.get(question.answer, pl.String)
    schema |= dict.fromkeys((*MODEL.safety.flag_ids, *MODEL.safety.condition_ids), pl.Boolean)
    rows = [[person.get(name) for name in schema] for person in people]
    return pl.DataFrame(rows, schema=schema, orient="row")


def rows_of(frame: pl.DataFrame, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a table, with these columns."""
    return frame.select(names).iter_rows(named=True)


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """A table as a file of the kind that its name says."""
    writers: dict[str, Callable[[Path], object]] = {
        ".csv": frame.write_csv,
        ".ndjson": frame.write_ndjson,
        ".parquet": frame.write_parquet,
        ".xlsx": frame.write_excel,
    }
    writers[path.suffix](path)
