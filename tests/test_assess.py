"""POST /assess: what comes back, and what is refused, and what never leaves."""

import io
import json
from typing import Any

import pytest
from conftest import Call, caller, make_app
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from people import MODEL, put_sheet, read_cases, sheets
from pydantic import TypeAdapter

from api.payloads import parts_of
from rules.assessment import Assessor, Sheet
from rules.results import Assessment

CANARY = "canary-4711"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("case", read_cases("worked_examples"), ids=lambda case: case["name"])
def test_worked_examples_by_http(call: Call, assessor: Assessor, case: dict[str, Any]) -> None:
    response = call("POST", "/assess", json={"answers": case["answers"]})
    assert response.status_code == 200
    assert response.json() == json.loads(json.dumps(assessor.assess(Sheet(case["answers"]))))
    assert [h["score"] for h in response.json()["habits"]] == [
        None if values[0] == "none" else values[0] for values in case["scores"].values()
    ]


def test_the_response_says_which_model_and_request_and_is_not_kept(call: Call) -> None:
    response = call("POST", "/assess", json={"answers": {}})
    assert response.headers["psoas-model"] == f"{MODEL.version}; digest={MODEL.digest}"
    assert response.headers["x-request-id"] == "example"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"


def test_a_callers_own_request_id_is_kept_when_it_is_harmless(call: Call) -> None:
    ids = {"run-7.3": "run-7.3", "a b": "example", "x" * 65: "example", "": "example"}
    for sent, kept in ids.items():
        headers = {"X-Request-Id": sent}
        response = call("POST", "/assess", json={"answers": {}}, headers=headers)
        assert response.headers["x-request-id"] == kept


@given(sheets())
def test_every_response_has_the_documented_shape_and_nothing_else(sheet: Sheet) -> None:
    adapter = TypeAdapter(Assessment)
    response = CALL("POST", "/assess", json=put_sheet(sheet))
    assert response.status_code == 200
    body = response.json()
    assert adapter.dump_python(adapter.validate_python(body), mode="json") == body
    assert list(body) == [
        *("safety", "model", "index", "habits", "warnings"),
        *("plan", "levers", "nearest_levels", "next_questions"),
    ]
    assert [habit["id"] for habit in body["habits"]] == [habit.id for habit in MODEL.habits]


CALL = caller(make_app())


def faults(response: Any) -> list[tuple[str, str]]:
    """The faults of a problem as pointer and code, sorted."""
    return sorted((fault["pointer"], fault["code"]) for fault in response.json()["errors"])


def test_every_fault_is_named_at_once(call: Call) -> None:
    body = """{"answers": {"sitting_hours_per_day": 21, "age_years": 42.5, "lumbar_support": "mostly",
        "screen_position": 3, "knee_pillow": "yes", "carry_load_kg": "7", "body_mass_kg": true,
        "leg_crossing_hours_per_day": NaN, "carry_hours_per_day": 1e999, "usual_sitting_bout_minutes": -Infinity,
        "fetal_hours_per_night": 1, "fetal_hours_per_night": 2, "slumped": 4, "runs": false,
        "longest_run_previous_30_days_km": 9, "running_km_per_week": [3]},
        "red_flags": {"saddle_numbness": "no", "sadle_numbness": true}, "conditions": {"pregnant": 1},
        "symptoms": {"pain_0_10": 11, "pain_sites": ["neck", "groin", 4, null], "symptom_weeks": -1},
        "plan": {"minutes_per_day": 15.5, "equipment": "mat", "excluded_routine_ids": ["sphinx", "dead_bug"],
        "deep_pressure_opt_in": "yes"}, "flags": {}}"""
    response = call("POST", "/assess", content=body, headers=JSON)
    assert response.status_code == 422
    assert faults(response) == [
        ("/answers/age_years", "wrong_type"),
        ("/answers/body_mass_kg", "wrong_type"),
        ("/answers/carry_hours_per_day", "out_of_range"),
        ("/answers/carry_load_kg", "wrong_type"),
        ("/answers/fetal_hours_per_night", "malformed"),
        ("/answers/knee_pillow", "wrong_type"),
        ("/answers/leg_crossing_hours_per_day", "out_of_range"),
        ("/answers/lumbar_support", "not_an_option"),
        ("/answers/running_km_per_week", "wrong_type"),
        ("/answers/runs", "contradiction"),
        ("/answers/screen_position", "wrong_type"),
        ("/answers/sitting_hours_per_day", "out_of_range"),
        ("/answers/slumped", "unknown_field"),
        ("/answers/usual_sitting_bout_minutes", "out_of_range"),
        ("/conditions/pregnant", "wrong_type"),
        ("/flags", "unknown_field"),
        ("/plan/deep_pressure_opt_in", "wrong_type"),
        ("/plan/equipment", "wrong_type"),
        ("/plan/excluded_routine_ids/0", "not_an_option"),
        ("/plan/minutes_per_day", "wrong_type"),
        ("/red_flags/saddle_numbness", "wrong_type"),
        ("/red_flags/sadle_numbness", "unknown_field"),
        ("/symptoms/pain_0_10", "out_of_range"),
        ("/symptoms/pain_sites/0", "not_an_option"),
        ("/symptoms/pain_sites/2", "wrong_type"),
        ("/symptoms/pain_sites/3", "wrong_type"),
        ("/symptoms/symptom_weeks", "out_of_range"),
    ]
    details = {fault["pointer"]: fault["detail"] for fault in response.json()["errors"]}
    assert details["/answers/sitting_hours_per_day"] == "must be a number of hours a day, 0 to 20"
    assert details["/answers/knee_pillow"] == "must be true or false"
    assert details["/answers/lumbar_support"] == "must be one of: always, sometimes, never"
    assert details["/symptoms/pain_sites/0"].startswith("must be one of: low_back, buttock")
    assert details["/plan/equipment"].startswith(
        "must be a list, no longer than 13, of one of: bed"
    )
    assert details["/red_flags/sadle_numbness"].endswith("did you mean saddle_numbness?")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "1" + "0" * 400, "9" * 6000])
@pytest.mark.parametrize("question", ["sitting_hours_per_day", "age_years"])
def test_a_number_beyond_every_bound_is_out_of_range(
    call: Call, question: str, number: str
) -> None:
    body = '{"answers": {"' + question + '": ' + number + "}}"
    response = call("POST", "/assess", content=body, headers=JSON)
    assert faults(response) == [(f"/answers/{question}", "out_of_range")]


def test_a_name_that_is_no_text_hides_no_other_fault(call: Call) -> None:
    body = b'{"answers": {"\\ud800": 1, "sitting_hours_per_day": 99, "runs": "x"}}'
    response = call("POST", "/assess", content=body, headers=JSON)
    assert faults(response) == [
        ("/answers/?", "unknown_field"),
        ("/answers/runs", "wrong_type"),
        ("/answers/sitting_hours_per_day", "out_of_range"),
    ]


def test_thousands_of_unknown_names_are_all_named(call: Call) -> None:
    names = {f"longest_run_previous_30_days_{n:04}": None for n in range(1400)}
    response = call("POST", "/assess", json={"answers": names})
    assert len(response.json()["errors"]) == 1400


def test_a_long_list_gets_a_short_answer(call: Call) -> None:
    for items in ([0] * 30_000, [""] * 20_000, ["dead_bug"] * 5_000):
        body = {"answers": {}, "plan": {"excluded_routine_ids": items}}
        response = call("POST", "/assess", json=body)
        assert faults(response) == [("/plan/excluded_routine_ids", "out_of_range")]
        assert len(response.content) < 2_000


def test_what_a_caller_changes_in_an_answer_changes_nothing_else() -> None:
    assessor = Assessor(MODEL)
    first = assessor.assess(Sheet({"sitting_hours_per_day": 9}))
    untouched = json.dumps(first)
    habit = first["habits"][0]
    habit["score"] = 1
    assert habit["components"]
    habit["components"][0]["points"] = 1
    habit["components"].clear()
    assert json.dumps(assessor.assess(Sheet({"sitting_hours_per_day": 9}))) == untouched


def test_a_misspelt_question_is_told_its_likely_name(call: Call) -> None:
    response = call("POST", "/assess", json={"answers": {"siting_hours_per_day": 8}})
    (fault,) = response.json()["errors"]
    assert fault["detail"] == "is not a field here; did you mean sitting_hours_per_day?"


@pytest.mark.parametrize(
    ("answers", "contradicts"),
    [
        ({"runs": False, "running_km_per_week": 1}, True),
        ({"runs": False, "longest_run_last_7_days_km": 0.1}, True),
        ({"runs": False, "longest_run_previous_30_days_km": 5}, True),
        ({"runs": False, "running_km_per_week": 0}, False),
        ({"runs": False, "running_injury_last_12_months": True}, False),
        ({"runs": True, "running_km_per_week": 1}, False),
        ({"running_km_per_week": 1}, False),
        ({"runs": None, "running_km_per_week": 1}, False),
    ],
)
def test_not_running_contradicts_a_distance(
    call: Call, answers: dict[str, Any], contradicts: bool
) -> None:
    response = call("POST", "/assess", json={"answers": answers})
    assert response.status_code == (422 if contradicts else 200)
    if contradicts:
        assert faults(response) == [("/answers/runs", "contradiction")]


@pytest.mark.parametrize(
    ("answers", "codes"),
    [
        (
            {"slouched_hours_per_day": 5, "sitting_hours_per_day": 4},
            ["slouched_longer_than_sitting"],
        ),
        ({"slouched_hours_per_day": 4, "sitting_hours_per_day": 4}, []),
        ({"sitting_hours_per_day": 17, "sleep_hours_per_night": 7.5}, ["day_longer_than_24_hours"]),
        ({"sitting_hours_per_day": 17, "sleep_hours_per_night": 7}, []),
        ({"carry_load_kg": 41, "body_mass_kg": 100}, ["very_heavy_load"]),
        ({"carry_load_kg": 40, "body_mass_kg": 100}, []),
        ({"carry_load_kg": 16.6, "body_mass_kg": 41.5}, []),
        ({"carry_load_kg": 33.2, "body_mass_kg": 83}, []),
        ({"fetal_hours_per_night": 7, "sleep_hours_per_night": 6}, ["curled_longer_than_asleep"]),
        ({"fetal_hours_per_night": 7}, []),
    ],
)
def test_answers_that_do_not_fit_together_are_pointed_out(
    call: Call, answers: dict[str, Any], codes: list[str]
) -> None:
    warnings = call("POST", "/assess", json={"answers": answers}).json()["warnings"]
    assert [warning["code"] for warning in warnings] == codes
    for warning in warnings:
        assert set(warning["fields"]) == set(answers)


@pytest.mark.parametrize(
    ("symptoms", "flag", "fields"),
    [
        ({"pain_0_10": 7}, None, ["pain_0_10"]),
        ({"pain_0_10": 6, "symptom_weeks": 5.9}, None, []),
        ({"pain_0_10": 2, "symptom_weeks": 6}, False, ["symptom_weeks"]),
        ({"pain_0_10": 8, "symptom_weeks": 9}, False, ["pain_0_10", "symptom_weeks"]),
        ({"pain_0_10": 8, "symptom_weeks": 9}, True, []),
        ({}, None, []),
    ],
)
def test_strong_or_lasting_pain_is_pointed_out_unless_it_was_told(
    call: Call, symptoms: dict[str, Any], flag: bool | None, fields: list[str]
) -> None:
    body = {"answers": {}, "symptoms": symptoms, "red_flags": {"not_improving_6_weeks": flag}}
    warnings = call("POST", "/assess", json=body).json()["warnings"]
    expected = [*fields, "not_improving_6_weeks"] if fields else []
    assert [field for warning in warnings for field in warning["fields"]] == expected


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", JSON, 400),
        (b"{", JSON, 400),
        (b"[" * 20_000, JSON, 400),
        (b'{"answers": ' + b"1" * 5_000 + b"}", JSON, 422),
        (b'{"answers": {}}', {"Content-Type": "application/json; charset=utf-8; v=1"}, 200),
        (b'{"answers": "\xff"}', JSON, 400),
        ('{"answers": {}}'.encode("utf-16"), JSON, 400),
        (b'{"answers": {}}', {"Content-Type": "text/plain"}, 415),
        (b'{"answers": {}}', {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b'{"answers": {}}', {"Content-Type": ""}, 415),
        (b'{"answers": {}}', {"Content-Type": "application/json; charset=latin-1"}, 415),
        (b'{"answers": {}}', {**JSON, "Content-Encoding": "gzip"}, 415),
        (b'{"answers": {}}', {"Content-Type": "application/json; charset=UTF-8"}, 200),
        (b'{"answers": {}}', {"Content-Type": "application/fhir+json"}, 200),
        (b" " * 65_536, JSON, 400),
        (b" " * 65_537, JSON, 413),
        (b"null", JSON, 422),
        (b"[]", JSON, 422),
        (b"{}", JSON, 422),
        (b'{"answers": null}', JSON, 422),
        (b'{"answers": {}, "plan": null, "red_flags": null}', JSON, 200),
        (b'{"answers": {}, "plan": []}', JSON, 422),
        (b'{"answers": [1]}', JSON, 422),
        (b'{"answers": {"\\ud800": 1}}', JSON, 422),
        (b'{"answers": {"age_years": 1' + b"0" * 400 + b"}}", JSON, 422),
        (b'{"answers": {"sitting_hours_per_day": 1' + b"0" * 400 + b"}}", JSON, 422),
    ],
)
def test_bodies_that_cannot_be_used(
    call: Call, content: bytes, headers: dict[str, str], status: int
) -> None:
    response = call("POST", "/assess", content=content, headers=headers)
    assert response.status_code == status
    if status != 200:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == status


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(call: Call) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 1024

    assert call("POST", "/assess", content=endless(), headers=JSON).status_code == 413


PARTS = parts_of(MODEL)
UNUSABLE: dict[str, Any] = {
    "text": CANARY,
    "name": {CANARY: CANARY},
    "list": [CANARY],
    "number": 987654321.125,
    "whole number": 987654321,
}


@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.parametrize("part", ["answers", "red_flags", "conditions", "symptoms", "plan"])
def test_a_refused_value_is_never_repeated(part: str, value: Any) -> None:
    log = io.BytesIO()
    asked = [question.id for question in PARTS[part].questions]
    body = {"answers": {}, part: dict.fromkeys(asked, value)}
    response = caller(make_app(log))("POST", "/assess", json=body)
    assert response.status_code == 422
    assert {fault["pointer"].split("/")[2] for fault in response.json()["errors"]} == set(asked)
    said = response.text + log.getvalue().decode() + str(response.headers)
    assert CANARY not in said
    assert "98765" not in said


@given(st.text(max_size=200))
def test_unknown_names_are_named_and_never_break_an_answer(name: str) -> None:
    body = json.dumps({"answers": {name: CANARY}})
    response = CALL("POST", "/assess", content=body, headers=JSON)
    assert response.status_code == 422
    assert CANARY not in response.text


def test_accepted_answers_are_not_logged(call: Call, log: io.BytesIO) -> None:
    answers = {"sitting_hours_per_day": 13.37, "lumbar_support": "sometimes", "age_years": 67}
    told = {
        "answers": answers,
        "red_flags": {"saddle_numbness": True},
        "conditions": {"pregnant": True},
    }
    assert call("POST", "/assess?sitting=13.37", json=told).status_code == 200
    (line,) = log.getvalue().splitlines()
    logged = json.loads(line)
    assert logged.pop("milliseconds") >= 0
    assert logged.pop("timestamp").endswith("Z")
    assert logged == {
        "event": "request",
        "level": "info",
        "method": "POST",
        "request_id": "example",
        "route": "/assess",
        "status": 200,
    }


def test_a_failure_is_a_problem_and_is_logged_without_its_message(
    monkeypatch: pytest.MonkeyPatch, app: FastAPI, log: io.BytesIO
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError(CANARY)

    monkeypatch.setattr(Assessor, "assess_json", fail)
    response = caller(app)("POST", "/assess", json={"answers": {}})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == response.json()["request_id"] == "example"
    logged = log.getvalue().decode()
    assert CANARY not in response.text + logged
    assert '"error":"ValueError"' in logged
    assert "test_assess.py" in logged
