"""Scores on their way back into a project of REDCap: no danger is lost on the way, and none stays that is gone."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from batches import problems, run
from conftest import ROOT
from people import MODEL
from redcap import KEYS, Project
from serving import psoas
from test_redcap import FIELDS, expect, fill_in

from api.redcap import FORM, OPEN, SCORES, name_taking, write_dictionary
from rules.questions import NONE_OF_THESE
from rules.rows import scored_columns

PROJECT = Project(write_dictionary(MODEL))
ACTION = name_taking("psoas_safety_action")
SAFE = dict.fromkeys(MODEL.safety.flag_ids, "0")
EMPTYING = "Without an answer, so that they take away the scores of earlier ones:"
Held = dict[tuple[str, ...], dict[str, str]]
"""What a project holds in its form of scores, by record, event, form and instance."""


def put_scores(folder: Path, *words: str, mapping: str = "") -> tuple[int, str]:
    """Write what is to be imported of the rows that were scored: the exit code, and what was said."""
    if mapping:
        (folder / "map.toml").write_text(mapping, "utf-8")
        words = (*words, "--map", str(folder / "map.toml"))
    target = str(folder / "import.csv")
    said = psoas({}, "redcap", "scores", str(folder / "out.csv"), target, "--force", *words)
    return said.exit_code, said.stderr.strip()


def read_import(folder: Path) -> list[dict[str, str]]:
    return PROJECT.take_in((folder / "import.csv").read_bytes().decode())


def take_over(held: Held, rows: Sequence[Mapping[str, str]]) -> None:
    """Import rows as a project does whose blank values overwrite."""
    for row in rows:
        key = tuple(row.get(name, "") for name in ("record_id", *KEYS))
        held.setdefault(key, {}).update(row)


def fill(number: int, answers: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A record whose form `habits` was saved."""
    return PROJECT.work_out({"record_id": str(number), f"{FORM}_complete": "2", **more, **answers})


# Danger that must not be lost


def test_an_emergency_told_by_a_mapped_column_is_brought_back(tmp_path: Path) -> None:
    mapping = '[questions.saddle_numbness]\ncolumn = "sn"\n'
    run(tmp_path, "record_id,sn,cnp\n1,1,\n2,,\n3,0,\n", mapping=mapping)
    assert put_scores(tmp_path, mapping=mapping) == (
        0,
        f"Rows to import: 3. {EMPTYING} 1.",
    )
    assert [row[ACTION] for row in read_import(tmp_path)] == ["emergency", "", OPEN]


def test_an_emergency_is_brought_back_even_if_no_column_is_known_to_hold_an_answer(
    tmp_path: Path,
) -> None:
    text = "record_id,redcap_event_name,sn\n1,a_arm_1,1\n2,a_arm_1,\n3,a_arm_1,0\n"
    mapping = '[questions.saddle_numbness]\ncolumn = "sn"\n'
    run(tmp_path, text, mapping=mapping)
    code, said = put_scores(tmp_path)
    assert code == 0
    assert said == "Rows to import: 1. Left out, for they hold no answer: 2."
    assert [(row["record_id"], row[ACTION]) for row in read_import(tmp_path)] == [
        ("1", "emergency")
    ]
    code, said = put_scores(tmp_path, mapping=mapping)
    assert said == "Rows to import: 2. Left out, for they hold no answer: 1."
    assert [row[ACTION] for row in read_import(tmp_path)] == ["emergency", OPEN]


def test_what_brings_only_a_warning_is_an_answer(tmp_path: Path) -> None:
    mapping = '[questions.pain_0_10]\ncolumn = "nrs"\n'
    text = "record_id,redcap_event_name,nrs\n1,a_arm_1,9\n2,a_arm_1,\n"
    run(tmp_path, text, mapping=mapping)
    assert put_scores(tmp_path)[0] == 0
    (row,) = read_import(tmp_path)
    assert row["record_id"] == "1"
    assert row[name_taking("psoas_warnings")]
    assert row[name_taking("psoas_index_score")] == ""


def test_a_mapping_that_does_not_fit_is_told(tmp_path: Path) -> None:
    run(tmp_path, "record_id,runs\n1,no\n")
    code, said = put_scores(tmp_path, mapping='[questions.run]\ncolumn = "r"\n')
    assert (code, "did you mean runs?" in said) == (2, True)
    code, said = put_scores(tmp_path, mapping='[questions.runs]\ncolumn = "r"\n')
    assert (code, "does not have: r" in said) == (2, True)
    assert not (tmp_path / "import.csv").exists()


# Danger that is gone


def test_what_was_taken_back_goes_from_the_record(tmp_path: Path) -> None:
    held: Held = {}
    danger = fill(1, {"saddle_numbness": "1", "sitting_hours_per_day": "9"})
    run(tmp_path, PROJECT.export([danger]))
    assert put_scores(tmp_path) == (0, "Rows to import: 1.")
    take_over(held, read_import(tmp_path))
    (key,) = held
    assert held[key][ACTION] == "emergency"
    assert held[key][name_taking("psoas_prolonged_sitting_low")]
    run(tmp_path, PROJECT.export([fill(1, {})]))
    assert put_scores(tmp_path) == (0, f"Rows to import: 1. {EMPTYING} 1.")
    take_over(held, read_import(tmp_path))
    assert held.keys() == {key}
    assert {held[key][name_taking(name)] for name in scored_columns(MODEL)} == {""}
    assert held[key][f"{SCORES}_complete"] == "0"


def test_an_instance_whose_answers_were_taken_back_is_emptied_and_other_forms_are_let_be(
    tmp_path: Path,
) -> None:
    keys = {"redcap_event_name": "first_arm_1", "redcap_repeat_instance": "1"}
    of_form = {f"{FORM}_complete": "0", "redcap_repeat_instrument": FORM}
    other = {f"{FORM}_complete": "", "redcap_repeat_instrument": "medication"}
    scores = {f"{FORM}_complete": "", "redcap_repeat_instrument": SCORES}
    base = {f"{FORM}_complete": "", "redcap_repeat_instrument": ""}
    records = [fill(1, {}, **keys, **one) for one in (base, of_form, other, scores)]
    records.append(fill(2, {"runs": "0"}, **keys, **of_form))
    run(tmp_path, PROJECT.export(records))
    assert put_scores(tmp_path) == (
        0,
        f"Rows to import: 2. {EMPTYING} 1. Left out, for they hold no answer: 3.",
    )
    rows = read_import(tmp_path)
    assert [tuple(row[name] for name in ("record_id", *KEYS)) for row in rows] == [
        ("1", "first_arm_1", SCORES, "1"),
        ("2", "first_arm_1", SCORES, "1"),
    ]
    assert rows[0][ACTION] == ""


def test_scores_of_a_rejected_row_go_from_the_record_where_rejects_are_given(
    tmp_path: Path,
) -> None:
    records = [fill(1, {"sitting_hours_per_day": "9"}), fill(2, {"sitting_hours_per_day": "99"})]
    run(tmp_path, PROJECT.export(records))
    rejects = tmp_path / "out.rejects.csv"
    assert put_scores(tmp_path) == (0, "Rows to import: 1.")
    assert put_scores(tmp_path, "--rejects", str(rejects)) == (
        0,
        f"Rows to import: 2. {EMPTYING} 1.",
    )
    one, other = read_import(tmp_path)
    assert (one["record_id"], one[f"{SCORES}_complete"]) == ("1", "2")
    assert (other["record_id"], other[f"{SCORES}_complete"]) == ("2", "0")
    assert {other[name_taking(name)] for name in scored_columns(MODEL)} == {""}


def test_rejects_that_name_no_record_are_told(tmp_path: Path) -> None:
    run(tmp_path, "record_id,runs\n1,no\n2,what\n,what\n")
    (tmp_path / "other.csv").write_text("id,psoas_problems\n1,\n", "utf-8")
    for name, told in (
        ("out.rejects.csv", "Row 2 has no record_id"),
        ("in.csv", "no column psoas_problems"),
        ("other.csv", "no column record_id"),
        ("nothing.csv", "No such file"),
    ):
        code, said = put_scores(tmp_path, "--rejects", str(tmp_path / name))
        assert (code, told in said) == (2, True), said
        assert said.startswith("The rejects cannot be used.")
        assert not (tmp_path / "import.csv").exists()


# What nobody asked


def test_nothing_reported_is_said_only_of_those_who_answered_every_sign(tmp_path: Path) -> None:
    (*flags, last) = SAFE
    records = [
        fill(1, SAFE),
        fill(2, {"runs": "0"}),
        fill(3, dict.fromkeys(flags, "0")),
        fill(4, {**SAFE, last: "1"}),
    ]
    run(tmp_path, PROJECT.export(records))
    assert put_scores(tmp_path)[0] == 0
    rows = read_import(tmp_path)
    assert [row[ACTION] for row in rows[:3]] == ["none", OPEN, OPEN]
    assert rows[3][ACTION] not in ("none", OPEN)
    choices = PROJECT.choices(ACTION)
    assert choices[OPEN] == MODEL.safety.not_cleared
    assert choices["none"] == MODEL.safety.actions["none"].text
    assert list(choices) == ["emergency", "same_day", "review", OPEN, "none"]


# None of these


def test_none_of_these_can_be_ticked_and_stands_alone() -> None:
    boxes = [name for name in FIELDS if PROJECT.kind(name) == "checkbox"]
    assert sorted(boxes) == ["equipment", "excluded_routine_ids", "pain_sites"]
    for name in boxes:
        assert list(PROJECT.choices(name).items())[-1] == (
            NONE_OF_THESE,
            MODEL.words.answers.none_of_these,
        )
        annotation = PROJECT.fields[name]["Field Annotation"]
        assert annotation == f"@NONEOFTHEABOVE='{NONE_OF_THESE}'"


@pytest.mark.parametrize("labels", [False, True])
def test_an_export_with_none_of_these_ticked_is_an_answer(tmp_path: Path, labels: bool) -> None:
    records = [fill(1, {"pain_sites": [NONE_OF_THESE], "equipment": [NONE_OF_THESE]}), fill(2, {})]
    text = PROJECT.export(records, labels=labels)
    done = run(tmp_path, text)
    assert done.rejected == []
    assert f"pain_sites___{NONE_OF_THESE}" in done.summary.columns.recognised
    assert put_scores(tmp_path) == (0, f"Rows to import: 2. {EMPTYING} 1.")
    rows = read_import(tmp_path)
    assert [row[f"{SCORES}_complete"] for row in rows] == ["2", "0"]


def test_boxes_in_one_column_may_say_none_of_these(tmp_path: Path) -> None:
    text = f"record_id,pain_sites,runs\n1,{NONE_OF_THESE},no\n2,groin;thigh,no\n"
    assert run(tmp_path, text).rejected == []


@pytest.mark.parametrize(
    "text",
    [
        f"record_id,pain_sites___groin,pain_sites___{NONE_OF_THESE},runs\n1,1,1,no\n2,0,1,no\n",
        f"record_id,pain_sites,runs\n1,groin;{NONE_OF_THESE},no\n2,{NONE_OF_THESE},no\n",
    ],
)
def test_none_of_these_beside_a_place_is_told(tmp_path: Path, text: str) -> None:
    done = run(tmp_path, text)
    assert problems(done.rejected) == ["pain_sites: not_an_option"]
    assert [row["record_id"] for row in done.scored] == ["2"]


# Codes for values that are missing


MISSING_ANSWERS = {
    "sitting_hours_per_day": "6",
    "usual_sitting_bout_minutes": "-999",
    "sitting_hours_source": "UNK",
    "lumbar_support": "UNK",
    "slouched_hours_per_day": "3",
    "runs": "1",
    "running_km_per_week": "40",
    "running_injury_last_12_months": "UNK",
    "longest_run_last_7_days_km": "-999",
    "saddle_numbness": "UNK",
    "pain_sites": "UNK",
}


def test_a_code_for_a_missing_value_counts_as_no_answer_in_the_calculated_fields() -> None:
    given = {name: value for name, value in MISSING_ANSWERS.items() if value not in ("UNK", "-999")}
    calculated = PROJECT.calculations
    filled, plain = fill_in(MISSING_ANSWERS), fill_in(given)
    assert {name: filled[name] for name in calculated} == {name: plain[name] for name in calculated}
    answers = {name: float(value) if name != "runs" else True for name, value in given.items()}
    assert {
        name: float(filled[name]) for name, score in expect(answers).items() if score is not None
    } == {name: score for name, score in expect(answers).items() if score is not None}
    for name in MODEL.questions:
        for code in ("UNK", "-999"):
            filled = fill_in({**given, name: code})
            plain = fill_in({one: value for one, value in given.items() if one != name})
            assert [filled[one] for one in calculated] == [plain[one] for one in calculated], name


def test_the_mapping_of_the_guide_reads_codes_for_missing_values(tmp_path: Path) -> None:
    (mapping,) = (
        block.partition("```")[0]
        for block in (ROOT / "docs" / "redcap.md").read_text("utf-8").split("```toml\n")[1:]
    )
    record = fill(1, MISSING_ANSWERS)
    text = PROJECT.export([record])
    assert "pain_sites___unk" in text
    assert run(tmp_path, text).rejected
    done = run(tmp_path, text, mapping=mapping)
    assert done.rejected == []
    blank = {name: "" if value in ("UNK", "-999") else value for name, value in record.items()}
    (expected,) = run(tmp_path, PROJECT.export([blank])).scored
    assert {name: done.scored[0][name] for name in scored_columns(MODEL)} == {
        name: expected[name] for name in scored_columns(MODEL)
    }
    only = fill(1, {"sitting_hours_per_day": "-999", "runs": "UNK"})
    run(tmp_path, PROJECT.export([only]), mapping=mapping)
    assert put_scores(tmp_path, mapping=mapping)[0] == 0
    assert [row[f"{SCORES}_complete"] for row in read_import(tmp_path)] == ["0"]


# Words


def test_no_label_of_a_field_stands_in_code() -> None:
    for name in ("api/redcap.py", "api/redcap_scores.py"):
        code = (ROOT / name).read_text("utf-8")
        for row in FIELDS.values():
            assert f'"{row["Field Label"]}"' not in code, row["Field Label"]
    header = next(csv.reader(io.StringIO(write_dictionary(MODEL))))
    assert len(header) == 18


def test_the_guide_prepares_people_for_long_names_and_says_what_is_asked_first() -> None:
    text = (ROOT / "docs" / "redcap.md").read_text("utf-8")
    asked = [name for name in FIELDS if PROJECT.kind(name) not in ("descriptive", "calc")]
    assert asked[1:3] == ["age_years", MODEL.safety.flag_ids[0]]
    assert "After the age, warning signs come first" in text
    long = [name for name in FIELDS if len(name) > 26]
    assert long
    assert "26 characters" in text
    assert f"(up to {max(map(len, long))})" in text
