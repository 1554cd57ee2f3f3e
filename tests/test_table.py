"""A table scores exactly as its people do: the same formula, numbers or columns, every output, every bit."""

from itertools import product
from typing import Any

import polars as pl
import pytest
from conftest import ROOT, SOAK
from crowd import make_crowd, put_crowd, rows_of
from people import MODEL, read_cases

from rules import formula
from rules.assessment import Assessor, Sheet
from rules.person import Person
from rules.questions import Answer
from rules.rows import PARTS, PREFIX, RowScorer, scored_columns
from rules.table import Table, TableScorer

ROWS = RowScorer(MODEL)
TABLES = TableScorer(ROWS)
ASSESSOR = Assessor(MODEL)
TABLE_SIZE = 25_000


def score_table(frame: pl.DataFrame) -> pl.DataFrame:
    return TABLES.plan(frame.columns).score(frame.lazy()).collect()


@pytest.mark.parametrize("seed", range(4))
def test_a_table_scores_as_its_people_do(seed: int) -> None:
    """A hundred thousand people in four tables; `==` on every output column."""
    people = make_crowd(TABLE_SIZE, seed)
    scored = score_table(put_crowd(people))
    assert scored.columns[-len(ROWS.names) :] == list(ROWS.names)
    for person, row in zip(people, rows_of(scored, ROWS.names), strict=True):
        assert row == ROWS.score_person(person), person


@pytest.mark.parametrize("habit", MODEL.habits, ids=lambda habit: habit.id)
def test_every_pattern_of_missing_answers_is_among_them(habit: Any) -> None:
    names = [question.id for question in habit.questions]
    patterns = {tuple(name in person for name in names) for person in make_crowd(TABLE_SIZE, 0)}
    assert patterns == set(product((False, True), repeat=len(names)))


def test_a_row_says_what_the_assessment_says() -> None:
    """The number carrier by itself is compared with all that /assess does beside it."""
    for person in make_crowd(100_000 if SOAK else 1_500, seed=9):
        assert ROWS.score_person(person) == put_assessment(person), person


def put_assessment(person: dict[str, Answer]) -> dict[str, Any]:
    """What an assessment says, in the columns of a row."""
    flags, conditions = MODEL.safety.flag_ids, MODEL.safety.condition_ids
    parts = {
        "answers": {name: person[name] for name in MODEL.questions if name in person},
        "symptoms": {name: person[name] for name in MODEL.symptoms.by_id if name in person},
        "red_flags": {name: person[name] for name in flags if name in person},
        "conditions": {name: person[name] for name in conditions if name in person},
    }
    said = ASSESSOR.assess(Sheet(**parts))
    scales: dict[str, Any] = {
        **{habit["id"]: habit for habit in said["habits"]},
        "index": said["index"],
    }
    row = {
        f"{PREFIX}{name}_{part}": scale[part] for name, scale in scales.items() for part in PARTS
    }
    worth = {h["id"]: h["weight"] * (h["score"] or 0) for h in said["habits"]}
    top = max(worth, key=lambda name: worth[name])
    rest = (
        said["safety"]["action"],
        said["safety"]["cleared"],
        top if worth[top] > 0 else None,
        "; ".join(warning["code"] for warning in said["warnings"]) or None,
        MODEL.version,
    )
    return {**row, **dict(zip(scored_columns(MODEL)[len(row) :], rest, strict=True))}


@pytest.mark.parametrize("case", read_cases("worked_examples"), ids=lambda case: case["name"])
def test_worked_examples_in_a_table(case: dict[str, Any]) -> None:
    (row,) = rows_of(score_table(put_crowd([case["answers"]])), ROWS.names)
    for name, values in [*case["scores"].items(), ("index", case["index"])]:
        score, low, high = values[:3]
        got = [row[f"{PREFIX}{name}_{part}"] for part in PARTS[:3]]
        assert got == [None if score == "none" else score, low, high], name


def test_a_table_without_a_column_leaves_its_question_open() -> None:
    people = make_crowd(300, seed=3)
    for kept in (["sitting_hours_per_day"], ["runs", "pain_0_10"], ["saddle_numbness"]):
        frame = put_crowd(people).select(kept)
        for person, row in zip(people, rows_of(score_table(frame), ROWS.names), strict=True):
            assert row == ROWS.score_person({n: person[n] for n in kept if n in person})


def test_a_table_of_nobody_has_the_same_columns() -> None:
    scored = score_table(put_crowd([]))
    assert scored.height == 0
    assert {name: scored.schema[name] for name in ROWS.names} == TABLES.schema


def test_every_tenth_is_the_number_that_people_write() -> None:
    """An engine that turns the division into a product would be one bit off in a third of them."""
    every = pl.DataFrame({"tenths": [float(tenths) for tenths in range(1001)]})
    column = formula.in_points(Table(["tenths"]), pl.col("tenths"))
    points = every.select(column.alias("points"))["points"].to_list()
    assert points == [formula.in_points(Person({}), tenths) for tenths in range(1001)]


def test_only_the_table_imports_the_engine_of_tables() -> None:
    found = [
        path.name
        for path in (ROOT / "rules").glob("*.py")
        if "polars" in path.read_text("utf-8").lower()
    ]
    assert found == ["table.py"]
