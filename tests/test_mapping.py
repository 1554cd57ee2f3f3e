"""Mappings: a caller's own columns as answers, and every fault of a mapping named with its place."""

from pathlib import Path

import pytest
from batches import problems, refusal, run
from people import MODEL

from api.batch.expressions import KEYWORDS, read_expression
from api.batch.mapping import MappingError, read_mapping
from api.batch.units import convert, read_units

HOURS = "sitting_hours_per_day"


def faults(mapping: str) -> list[str]:
    """What is said of a mapping that cannot be used."""
    with pytest.raises(MappingError) as caught:
        read_mapping(mapping, MODEL)
    return list(caught.value.problems)


def test_columns_with_units_missing_codes_and_values(tmp_path: Path) -> None:
    mapping = """
    missing = ["NA"]
    [questions.sitting_hours_per_day]
    column = "Sit (min)"
    unit = "min/d"
    missing = [7777, "refused"]
    [questions.carry_load_kg]
    column = "Pack"
    unit = "[lb_av]"
    [questions.runs]
    column = "Run"
    values = { 1 = true, 2 = false }
    [questions.lumbar_support]
    column = "Lumbar"
    values = { A = "always", N = "never" }
    [questions.age_years]
    column = "Months"
    factor = 0.08333333333333333
    """
    done = run(
        tmp_path,
        "id,Sit (min),Pack,Run,Lumbar,Months\n"
        "a,480,10,1,A,504\nb,7777.0,NA,2,NA,\nc,refused,,,,\nd,1201,-1,3,B,500\ne, 90 ,x,1,N,504\n",
        mapping=mapping,
    )
    assert [row["id"] for row in done.scored] == ["a", "b", "c"]
    assert [row["psoas_prolonged_sitting_score"] for row in done.scored] == ["60.0", "", ""]
    assert problems(done.rejected) == [
        f"age_years: wrong_type; {HOURS}: out_of_range; lumbar_support: not_an_option; carry_load_kg: out_of_range; runs: wrong_type",
        "carry_load_kg: wrong_type",
    ]
    assert done.rejected[0]["Sit (min)"] == "1201"
    assert done.summary.columns.mapped["runs"] == ["Run"]
    assert done.summary.columns.carried == ["id"]


def test_twenty_hours_in_minutes_are_within_the_bound_for_every_minute(tmp_path: Path) -> None:
    mapping = f'[questions.{HOURS}]\ncolumn = "m"\nunit = "min/d"\n'
    done = run(tmp_path, "m,x\n" + "".join(f"{m},\n" for m in range(1203)), mapping=mapping)
    assert done.summary.scored == 1201
    assert [row["m"] for row in done.rejected] == ["1201", "1202"]


def test_expressions_add_up_and_skip(tmp_path: Path) -> None:
    mapping = '''
    [questions.moderate_minutes_per_week]
    sql = """CASE WHEN asked = 2 THEN 0 WHEN days IN (77, 99) THEN NULL ELSE days * "a day" END
             + COALESCE(extra, 0)"""
    [questions.runs]
    sql = "asked = 1 AND days >= 3"
    '''
    content = "id,asked,days,a day,extra\na,1,5,30,\nb,2,,,15\nc,1,77,30,5\nd,1,x,30,\ne,1,5,,\n"
    done = run(tmp_path, content, mapping=mapping)
    assert [row["id"] for row in done.scored] == ["a", "b", "c", "e"]
    assert problems(done.rejected) == ["moderate_minutes_per_week: wrong_type; runs: wrong_type"]
    parquet = run(tmp_path, content, mapping=mapping)
    assert parquet.summary.columns.mapped["runs"] == ["asked", "days"]


def test_a_column_that_is_not_there_is_told_before_anything_is_scored(tmp_path: Path) -> None:
    mapping = f'[questions.{HOURS}]\nsql = "minutes / 60"\n'
    told = refusal(tmp_path, f"id,{HOURS}\n1,2\n", mapping=mapping)
    assert f"minutes (for {HOURS})" in told


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("=", "not TOML"),
        ("colour = 1", "colour: "),
        ("[questions.runs]\n", "questions.runs: needs a column, or sql, and not both"),
        ('[questions.runs]\ncolumn = "a"\nsql = "b"', "not both"),
        ('[questions.rums]\ncolumn = "a"', "questions.rums: is no question; did you mean runs?"),
        (
            '[questions.runs]\ncolumn = "a"\nunit = "h"',
            "are for questions that are answered with a number",
        ),
        (
            '[questions.carry_load_kg]\ncolumn = "a"\nunit = "km"',
            "unit: must be a unit that can be turned into kg",
        ),
        (
            '[questions.carry_load_kg]\ncolumn = "a"\nunit = "stone"',
            "unit: must be one of min, h, d",
        ),
        ('[questions.carry_load_kg]\ncolumn = "a"\nunit = "g"\nfactor = 2', "not both"),
        ('[questions.carry_load_kg]\ncolumn = "a"\nfactor = -1', "factor"),
        ('[questions.runs]\ncolumn = "a"\nvalues = { 1 = "yes" }', "values.1: is not an answer"),
        ('[questions.lumbar_support]\ncolumn = "a"\nvalues = { 1 = "often" }', "values.1: is not"),
        (
            '[questions.sitting_hours_per_day]\ncolumn = "a"\nunit = "min/d"\nvalues = { x = 8.0 }',
            "values are answers already",
        ),
        ('[questions.lumbar_support]\nsql = "a"', "use a column with values"),
        ('[questions.runs]\nsql = "a"\nmissing = [1]', "belong to a column"),
    ],
)
def test_faults_of_a_mapping_are_named(mapping: str, told: str) -> None:
    found = faults(mapping)
    assert any(told in problem for problem in found), found


def test_every_fault_is_named_at_once() -> None:
    two = '[questions.rums]\ncolumn = "a"\n[questions.runs]\nsql = "x ; y"\n'
    assert len(faults(two)) == 2


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("a; DROP TABLE b", 2),
        ("read_csv('x')", 1),
        ("a + sqrt(b)", 5),
        ("a + 'text'", 5),
        ("a || b", 3),
        ("a % b", 3),
        ("a -- b\x00", 7),
        ("(SELECT 1)", None),
        ("a::int", 2),
        ("a.b", 2),
        ("CASE WHEN a THEN", None),
        ("", None),
        ("a b", 3),
        ("\N{GREEK SMALL LETTER PI} ^ 2", 3),
    ],
)
def test_only_the_little_that_is_needed_is_allowed(sql: str, place: int | None) -> None:
    with pytest.raises(ValueError, match=rf"character {place}\b" if place else r"."):
        read_expression(sql)


def test_words_of_the_engine_are_names_of_columns_here() -> None:
    """What is not allowed as a word is taken for a column, and renamed before the engine sees it."""
    for word in ("SELECT", "FROM", "now", "random", "pi", "nan"):
        expression = read_expression(f"{word} + 1")
        assert list(expression.columns.values()) == [word]
        assert word not in expression.sql
    assert "SELECT" not in KEYWORDS


def test_units_are_exact_and_have_a_source() -> None:
    assert convert("min/d", "h/d") == 1 / 60
    assert convert("h/wk", "h/d") == 1 / 7
    assert convert("[mi_i]", "km") == 1.609344
    assert convert("[lb_av]", "kg") == pytest.approx(0.45359237, abs=1e-15)
    assert convert("km/wk", "km/wk") == 1
    for unit, wanted in (("h", "h/d"), ("kg/d", "h/d"), ("h/x", "h/d")):
        with pytest.raises(ValueError, match="must be"):
            convert(unit, wanted)
    assert all(size > 0 for _, size in read_units().values())
