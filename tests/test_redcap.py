"""REDCap: a dictionary that keeps to its rules, and fields that come to just our scores."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from people import MODEL, people, read_cases
from redcap import BLANK, Calculation
from serving import psoas

from api.redcap import (
    FORM,
    HEADER,
    LANGUAGE,
    READ_ONLY,
    RECORD,
    SCORES,
    name_taking,
    write_dictionary,
)
from rules.assessment import Assessor, Sheet
from rules.questions import Answer
from rules.rows import scored_columns
from rules.safety import ACTIONS
from rules.writing import Writer, name_score, write_scores

ROWS: list[dict[str, str]] = list(csv.DictReader(io.StringIO(write_dictionary(MODEL))))
NAME, KIND, CHOICES = HEADER[0], HEADER[3], HEADER[5]
BRANCHING = HEADER[11]
FIELDS = {row[NAME]: row for row in ROWS}
CALCULATIONS = {row[NAME]: Calculation(row[CHOICES]) for row in ROWS if row[KIND] == "calc"}
ASSESSOR = Assessor(MODEL)
OWN = ("complete", "timestamp", "return_code")
"""What ends the names of fields that REDCap adds to a form by itself."""


def fill_in(answers: dict[str, Any]) -> dict[str, str]:
    """A record as REDCap keeps it: yes is 1, no is 0, and what it works out stands beside the answers."""
    record = {
        name: str(int(answer)) if isinstance(answer, bool) else str(answer)
        for name, answer in answers.items()
        if answer is not None
    }
    for name, calculation in CALCULATIONS.items():
        value = calculation.of(record)
        record[name] = value if value == BLANK else repr(value)
    return record


def expect(answers: dict[str, Any]) -> dict[str, float | None]:
    """Our own scores by the names of the fields."""
    body: Any = ASSESSOR.assess(Sheet(answers))
    scores = {name_score(habit["id"]): habit["score"] for habit in body["habits"]}
    return {**scores, name_score("index"): body["index"]["score"]}


def assert_same(answers: dict[str, Any]) -> None:
    record = fill_in(answers)
    for name, score in expect(answers).items():
        assert record[name] == (BLANK if score is None else repr(float(score))), name


@pytest.mark.parametrize("case", read_cases("worked_examples"), ids=lambda case: str(case["name"]))
def test_the_fields_come_to_our_scores_on_the_worked_examples(case: dict[str, Any]) -> None:
    assert_same(case["answers"])


@given(people())
def test_the_fields_come_to_our_scores_for_everybody(answers: dict[str, Answer]) -> None:
    assert_same(answers)


def test_an_empty_form_has_no_scores_but_of_what_needs_no_answer() -> None:
    record = fill_in({})
    assert {record[name] for name in CALCULATIONS} == {BLANK}
    assert fill_in({"runs": False})[name_score("heavy_running")] == "0.0"


def test_the_dictionary_keeps_to_redcaps_rules() -> None:
    assert list(ROWS[0]) == list(HEADER)
    assert len(HEADER) == 18
    assert ROWS[0][NAME] == RECORD
    assert len(FIELDS) == len(ROWS)
    forms = [row[HEADER[1]] for row in ROWS]
    assert forms == sorted(forms, key=[FORM, SCORES].index)
    for row in ROWS:
        name = row[NAME]
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,98}[a-z0-9]", name), name
        assert "__" not in name
        assert row[HEADER[1]] in (FORM, SCORES)
        assert not name.startswith("redcap_")
        assert name not in {f"{form}_{end}" for form in (FORM, SCORES) for end in OWN}
        assert row[HEADER[4]]
        kinds = {"text", "radio", "checkbox", "yesno", "calc", "descriptive"}
        assert row[KIND] in kinds, name
        assert bool(row[CHOICES]) == (row[KIND] in ("radio", "checkbox", "calc")), name
        if row[KIND] in ("radio", "checkbox"):
            for choice in row[CHOICES].split(" | "):
                code, _, label = choice.partition(", ")
                assert "|" not in label
                assert re.fullmatch(r"[a-z0-9_]+", code), choice
                assert label
        validation, least, most = row[HEADER[7]], row[HEADER[8]], row[HEADER[9]]
        assert validation in ("", "number", "integer")
        assert bool(validation) == bool(least) == bool(most), name
        assert not validation or float(least) < float(most)
        logic = [row[BRANCHING]] if row[BRANCHING] else []
        for text in logic + ([row[CHOICES]] if row[KIND] == "calc" else []):
            assert Calculation(text).fields <= FIELDS.keys(), name
            assert text.count("(") == text.count(")")
            assert len(text) < 10_000


def test_no_choice_stands_twice_in_a_field_and_no_label_either() -> None:
    for row in ROWS:
        if row[KIND] in ("radio", "checkbox"):
            choices = [choice.partition(", ") for choice in row[CHOICES].split(" | ")]
            assert len({code for code, _, _ in choices}) == len(choices)
            assert len({label for _, _, label in choices}) == len(choices)


def test_the_header_is_that_of_dictionaries_in_use(real_data: Path) -> None:
    for path in sorted((real_data / "redcap").glob("*--dictiona*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            assert tuple(next(csv.reader(file))) == HEADER, path.name


def test_what_a_batch_works_out_has_fields_that_people_cannot_change() -> None:
    taking = [row for row in ROWS if row[HEADER[1]] == SCORES]
    assert [row[NAME] for row in taking] == [name_taking(one) for one in scored_columns(MODEL)]
    assert {row[HEADER[17]] for row in taking} == {READ_ONLY}
    assert not {row[KIND] for row in taking} & {"calc", "checkbox", "descriptive"}
    boxes = {row[HEADER[17]] for row in ROWS if row[KIND] == "checkbox"}
    assert {row[HEADER[17]] for row in ROWS if row not in taking} == {"", *boxes}
    assert READ_ONLY not in boxes


def test_every_question_has_a_field_of_its_name_and_its_bounds() -> None:
    asked = {
        **MODEL.questions,
        **MODEL.symptoms.by_id,
        **MODEL.planner.by_id,
        **{entry.id: entry for entry in (*MODEL.safety.red_flags, *MODEL.safety.conditions)},
    }
    assert asked.keys() <= FIELDS.keys()
    row = FIELDS["sitting_hours_per_day"]
    assert (row[HEADER[7]], row[HEADER[8]], row[HEADER[9]]) == ("number", "0", "20")
    assert FIELDS["lumbar_support"][CHOICES].startswith("always, ")
    assert FIELDS["runs"][KIND] == "yesno"
    assert FIELDS["equipment"][KIND] == "checkbox"


def test_running_questions_are_hidden_only_once_somebody_does_not_run() -> None:
    shown = Calculation(FIELDS["running_km_per_week"][BRANCHING])
    assert [shown.of({"runs": answer}) for answer in ("", "1", "0")] == [True, True, False]


def test_of_what_safety_calls_for_just_the_most_urgent_is_shown() -> None:
    flags = MODEL.safety.flags_by_action
    for yes in (["review"], ["same_day", "review"], ["emergency", "same_day"], []):
        record = {flags[action][0]: "1" for action in yes}  # type: ignore[index]
        shown = [
            action
            for action in ACTIONS
            if flags[action] and Calculation(FIELDS[f"action_{action}"][BRANCHING]).of(record)
        ]
        assert shown == yes[:1]
    assert FIELDS["action_emergency"][HEADER[4]] == MODEL.safety.actions["emergency"].text


def test_the_command_writes_the_dictionary() -> None:
    said = psoas({}, "redcap", "dictionary")
    assert said.exit_code == 0
    assert said.stdout.replace("\r\n", "\n") == write_dictionary(MODEL).replace("\r\n", "\n")


def test_none_of_is_written_as_the_opposite_of_any_of() -> None:
    writer = Writer(LANGUAGE)
    none = writer.none_of([writer.is_given("runs"), writer.is_given("age_years")])
    assert Calculation(none.text).of({})
    assert not Calculation(none.text).of({"runs": "0"})
    assert writer.none_of([]) is True
    assert set(write_scores(MODEL, LANGUAGE)) == set(CALCULATIONS)
