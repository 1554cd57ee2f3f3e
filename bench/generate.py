"""Files of made-up people for measurements of the batch: seeded, any number of rows, a few of them bad.

Every block of rows is drawn anew, and no more than one block is in memory while a file is written.
The valid people are accepted by the batch as they are; they are the same whatever the kind of file.
"""

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from bench.people import HALF, MISSING, YES
from rules.definitions import Model
from rules.loading import load_model
from rules.questions import Answer, Question

Kind = Literal["csv", "ndjson", "parquet"]
"""The kinds of file that can be written."""
Flags = np.ndarray[Any, np.dtype[np.bool_]]
"""A yes or no for each row."""
Rows = np.ndarray[Any, np.dtype[np.int64]]
"""Numbers of rows."""

BAD = 0.002
"""How many of the rows hold something that has to be refused."""
WAYS: Mapping[Kind, Sequence[str]] = {
    "csv": ("range", "word", "contradiction"),
    "ndjson": ("range", "word", "contradiction"),
    "parquet": ("range", "contradiction"),
}
"""The ways in which a row is bad, each as often as the others."""
BLOCK = 50_000
"""Rows that are drawn and written at a time."""
ID = "record_id"
"""The column that numbers the rows."""
MARK = -987_654
"""Stands for a word in a column of numbers until the block is text; no answer is so low."""
WORD = "unknown"
"""The word that then takes its place."""
SPELT: Mapping[Kind, bytes] = {"csv": WORD.encode(), "ndjson": f'"{WORD}"'.encode()}
"""How it is written in each kind of text."""
HALVES, WHOLE = 20, 300
"""People answer in halves up to the one, in whole numbers up to the other, and in tens above."""


def write_people(path: Path, rows: int, kind: Kind, seed: int = 1) -> int:
    """Write a file of people, and tell how many of its rows are bad.

    A tenth of the answers is missing. A bad row has a number out of range, a word in a column of
    numbers (not in Parquet, whose columns are typed), or running distances of who does not run.
    """
    crowd = Crowd(load_model(), seed)
    frames = crowd.give(rows, kind)
    if kind == "parquet":
        _write_parquet(path, frames, next(frames))
    else:
        _write_text(path, frames, kind)
    return crowd.bad


def make_answers_frame(rows: int, seed: int = 1) -> pl.DataFrame:
    """The people of such a file before any of them is bad: numbers as Float64, yes and no as Boolean."""
    crowd = Crowd(load_model(), seed)
    return pl.concat(crowd.draw(first, count) for first, count in _blocks(rows))


def _blocks(rows: int) -> Iterator[tuple[int, int]]:
    """The first row and the number of rows of each block."""
    for first in range(0, rows, BLOCK):
        yield first, min(BLOCK, rows - first)


class Drawn(NamedTuple):
    """The answers to one question, and which of them are left out."""

    answers: pl.Series
    missing: Flags


class Crowd:
    """People drawn block by block; the same seed draws the same people."""

    def __init__(self, model: Model, seed: int) -> None:
        self._questions = [
            *model.questions.values(),
            *(q for q in model.symptoms.questions if q.answer != "several"),
        ]
        self._safety = [*model.safety.flag_ids, *model.safety.condition_ids]
        self._rules = [rule for habit in model.habits for rule in habit.contradictions]
        self._people, self._spoiler = np.random.default_rng(seed).spawn(2)
        self.bad = 0
        """How many rows were made bad so far."""

    # Valid people

    def draw(self, first: int, count: int) -> pl.DataFrame:
        """The next so many people, numbered from `first` + 1."""
        drawn: dict[str, Drawn] = {}
        for question in self._questions:
            drawn[question.id] = self._draw_answers(question, count, drawn)
        for name in self._safety:
            drawn[name] = Drawn(self._draw_yes(count, YES), self._toss(count, MISSING))
        numbers = pl.Series(ID, np.arange(first + 1, first + count + 1))
        answers = [column.answers.alias(name) for name, column in drawn.items()]
        gaps = pl.DataFrame({name: column.missing for name, column in drawn.items()})
        given = [pl.when(~gaps[name]).then(pl.col(name)).alias(name) for name in gaps.columns]
        return pl.DataFrame([numbers, *answers]).with_columns(given)

    def _toss(self, count: int, chance: float) -> Flags:
        return self._people.random(count, np.float32) < chance

    def _draw_yes(self, count: int, chance: float) -> pl.Series:
        return pl.Series(self._toss(count, chance))

    def _draw_answers(self, question: Question, count: int, before: Mapping[str, Drawn]) -> Drawn:
        """Answers; who is not asked, because of an answer before, leaves it out or says 0 or no."""
        missing = self._toss(count, MISSING)
        if question.answer == "yes_no":
            answers = self._draw_yes(count, HALF)
        elif question.answer == "choice":
            options = pl.Series([option.id for option in question.options])
            answers = options.gather(self._people.integers(0, len(options), count))
        else:
            answers = pl.Series(self._draw_numbers(question, count))
        for gate, needed in question.asked_only_if.items():
            answered = before[gate].answers.to_numpy()
            not_asked = (answered != needed) & ~before[gate].missing
            missing |= not_asked & self._toss(count, HALF)
            nothing: Any = False if question.answer == "yes_no" else 0.0
            answers = answers.set(pl.Series(not_asked), nothing)
        return Drawn(answers, missing)

    def _draw_numbers(self, question: Question, count: int) -> np.ndarray[Any, Any]:
        """Low numbers more often than high ones, rounded as people do."""
        least, most, step = question.minimum or 0.0, question.maximum or 0.0, _step(question)
        part = self._people.random(count)
        values = least + (most - least) * part * part * part
        rounded = np.floor(values) if question.answer == "whole_number" else np.round(values / step)
        return np.maximum(rounded * step, least)

    # Bad rows

    def spoil(self, people: pl.DataFrame, kind: Kind) -> pl.DataFrame:
        """The people as in a file: whole numbers without a fraction, and a few rows to be refused."""
        numeric = [question for question in self._questions if question.is_numeric]
        whole = [question.id for question in numeric if _step(question) >= 1]
        people = people.with_columns(pl.col(whole).cast(pl.Int64))
        rows = np.flatnonzero(self._spoiler.random(len(people)) < BAD)
        self.bad += len(rows)
        ways = self._spoiler.choice(WAYS[kind], len(rows))
        which = self._spoiler.integers(0, len(numeric), len(rows))
        changed = {name: people[name] for name in people.columns}
        for number, question in enumerate(numeric):
            here, beyond = which == number, 2 * int(question.maximum or 0) + 1
            _put(changed, question.id, rows[here & (ways == "range")], beyond)
            _put(changed, question.id, rows[here & (ways == "word")], MARK)
        for rule in self._rules:
            unlikely = rows[ways == "contradiction"]
            _put(changed, rule.at, unlikely, rule.answered)
            _put(changed, rule.beside_above_zero[0], unlikely, 1)
        return pl.DataFrame(changed)

    # Files

    def give(self, rows: int, kind: Kind) -> Iterator[pl.DataFrame]:
        """So many people for a file, block by block."""
        for first, count in _blocks(rows):
            yield self.spoil(self.draw(first, count), kind)


def _put(columns: dict[str, pl.Series], name: str, rows: Rows, value: Answer) -> None:
    """Put a value into some rows of a column."""
    columns[name] = columns[name].clone().scatter(pl.Series(rows), value)


def _step(question: Question) -> float:
    """What people round their answer to."""
    most = question.maximum or 0.0
    if question.answer == "whole_number":
        return 1.0
    if most <= HALVES:
        return 0.5
    return 1.0 if most <= WHOLE else 10.0


def _write_text(path: Path, frames: Iterator[pl.DataFrame], kind: Kind) -> None:
    """Write people as CSV or as JSON lines."""
    mark, word = str(MARK).encode(), SPELT[kind]
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            text = BytesIO()
            if kind == "csv":
                frame.write_csv(text, include_header=number == 0)
            else:
                frame.write_ndjson(text)
            written = text.getvalue().replace(mark + b".0", word).replace(mark, word)
            file.write(written)


def _write_parquet(path: Path, frames: Iterator[pl.DataFrame], first: pl.DataFrame) -> None:
    """Write people as Parquet; `first` are some of them, to tell the types."""

    def give(
        with_columns: list[str] | None,  # noqa: ARG001
        predicate: pl.Expr | None,  # noqa: ARG001
        n_rows: int | None,  # noqa: ARG001
        batch_size: int | None,  # noqa: ARG001
    ) -> Iterator[pl.DataFrame]:
        yield first
        yield from frames

    register_io_source(give, schema=first.schema, is_pure=False).sink_parquet(path)
