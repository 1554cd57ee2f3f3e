"""POST /assess/what-if: both scores side by side."""

from typing import Any

from conftest import Call
from hypothesis import given
from hypothesis import strategies as st
from people import E01, MODEL, people

from rules.assessment import Assessor, Sheet
from rules.questions import Answer

ASSESSOR = Assessor(MODEL)


def ask(call: Call, changes: dict[str, Any], answers: dict[str, Any] | None = None) -> Any:
    body = {"answers": E01 if answers is None else answers, "changes": changes}
    return call("POST", "/assess/what-if", json=body)


def test_shorter_bouts_lower_one_component_and_the_index(call: Call) -> None:
    told = ask(call, {"usual_sitting_bout_minutes": 30}).json()
    assert list(told) == ["safety", "model", "index", "habits"]
    assert (told["index"]["before"]["score"], told["index"]["after"]["score"]) == (58.5, 37.6)
    assert told["index"]["difference"] == -20.9
    sitting = told["habits"][0]
    assert sitting["difference"] == -22.5
    parts = {part["id"]: part["difference"] for part in sitting["components"]}
    assert parts == {"volume": 0, "uninterrupted_bouts": -22.5, "activity_credit": 0}
    assert all(habit["difference"] == 0 for habit in told["habits"][1:])


def test_null_takes_an_answer_back(call: Call) -> None:
    told = ask(call, {"sitting_hours_per_day": None}).json()
    sitting = told["habits"][0]
    assert sitting["after"] == {
        "score": None,
        "low": 0,
        "high": 100,
        "level": None,
        "status": "insufficient",
    }
    assert sitting["difference"] is None
    assert told["index"]["difference"] is None
    part = sitting["components"][0]
    assert (part["before"], part["after"], part["difference"]) == (65, None, None)


def test_a_change_that_does_not_fit_is_refused_at_the_change(call: Call) -> None:
    running = {"runs": True, "running_km_per_week": 20}
    response = ask(call, {"runs": False}, running)
    assert response.status_code == 422
    (fault,) = response.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/changes/runs", "contradiction")
    both = ask(call, {"runs": False, "running_km_per_week": 0}, running)
    assert both.status_code == 200


def test_every_fault_of_the_changes_is_named(call: Call) -> None:
    response = ask(call, {"sitting_hours_per_day": 99, "siting": 1, "lumbar_support": "canary"})
    faults = {fault["pointer"]: fault["code"] for fault in response.json()["errors"]}
    assert faults == {
        "/changes/sitting_hours_per_day": "out_of_range",
        "/changes/siting": "unknown_field",
        "/changes/lumbar_support": "not_an_option",
    }
    assert "canary" not in response.text
    missing = call("POST", "/assess/what-if", json={"answers": {}})
    assert [fault["pointer"] for fault in missing.json()["errors"]] == ["/changes"]


@given(people(), people(), st.booleans())
def test_both_sides_are_assessments(
    before: dict[str, Answer], after: dict[str, Answer], flag: bool
) -> None:
    sheet = Sheet(before, red_flags={"saddle_numbness": flag})
    told = ASSESSOR.compare(sheet, after)
    first, second = ASSESSOR.assess(sheet), ASSESSOR.assess(Sheet({**before, **after}))
    assert told["safety"] == first["safety"]
    assert told["index"]["before"] == first["index"]
    assert told["index"]["after"] == second["index"]
    for habit, one, other in zip(told["habits"], first["habits"], second["habits"], strict=True):
        assert (habit["before"]["score"], habit["after"]["score"]) == (one["score"], other["score"])
        if one["score"] is not None and other["score"] is not None:
            assert habit["difference"] == round(other["score"] - one["score"], 1)
