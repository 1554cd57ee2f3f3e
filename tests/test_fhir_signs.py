"""Warning signs in responses that cannot be used: said first, whatever else is wrong, and not where they are nobody's."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Call, caller, make_app
from hypothesis import given
from hypothesis import strategies as st
from people import MODEL
from responses import put_response
from test_fhir_assess import list_resources
from test_fhir_response import ADDRESS, ANYTHING, FHIR, RESPONSES, find

from api.bodies import TWICE
from api.fhir.lines import LineAssessor
from api.fhir.names import CODES, FAULTS, QUESTIONNAIRE
from rules.assessment import Sheet

Document = dict[str, Any]
SIGN = "saddle_numbness"
FLAGS = dict.fromkeys(MODEL.safety.flag_ids, False)
URGENT = Sheet({"sitting_hours_per_day": 9, "runs": False}, red_flags={**FLAGS, SIGN: True})
TEXT = MODEL.safety.actions["emergency"].text
YES, NO = {"valueBoolean": True}, {"valueBoolean": False}
CHANGED: Document = {"modifierExtension": [{"url": "urn:x", "valueBoolean": True}]}
FAULTS_BESIDE: dict[str, Callable[[Document], object]] = {
    "an answer that is no list": lambda sent: find(sent, "runs").update(answer=None),
    "a meaning that is changed": lambda sent: find(sent, "runs").update(CHANGED),
    "a meaning of the whole that is changed": lambda sent: sent.update(CHANGED),
    "a narrative that is too long": lambda sent: sent.update(text={"div": "x" * 200_000}),
    "too many values": lambda sent: sent.update(x=[1] * 100_000),
    "too many items": lambda sent: sent["item"].extend([{}] * 3_000),
    "a name that stands twice": lambda sent: find(sent, "runs").update(text=TWICE),
    "a number out of bounds": lambda sent: find(sent, "sitting_hours_per_day").update(
        answer=[{"valueDecimal": 99}]
    ),
    "an unknown item": lambda sent: sent["item"].append({"linkId": "x"}),
    "a group that is no list": lambda sent: sent.update(item=sent["item"][0]),
    "an older version": lambda sent: sent.update(questionnaire=f"{QUESTIONNAIRE}|1999.1"),
    "no questionnaire": lambda sent: sent.pop("questionnaire"),
    "no status": lambda sent: sent.pop("status"),
    "no first, then yes": lambda sent: find(sent, "red_flags")["item"].insert(
        0, {"linkId": SIGN, "answer": [NO]}
    ),
    "yes first, then no": lambda sent: find(sent, "red_flags")["item"].append(
        {"linkId": SIGN, "answer": [NO]}
    ),
    "yes twice": lambda sent: find(sent, SIGN).update(answer=[YES, YES]),
    "an answer that stands alone": lambda sent: find(sent, SIGN).update(answer=YES),
}


@pytest.mark.parametrize("fault", FAULTS_BESIDE)
def test_a_sign_is_said_first_whatever_is_wrong_beside_it(fault: str) -> None:
    sent = put_response(URGENT)
    FAULTS_BESIDE[fault](sent)
    assessed = RESPONSES.assess(sent)
    assert assessed.assessment is None
    assert assessed.safety is not None
    assert (assessed.safety["action"], assessed.safety["flags"]) == ("emergency", [SIGN])
    outcome, is_good = RESPONSES.put(sent)
    assert not is_good
    first, *others = outcome["issue"]
    assert (first["severity"], first["details"]["text"]) == ("warning", TEXT)
    assert first["details"]["coding"] == [{"system": CODES, "code": "emergency"}]
    assert others
    assert {one["severity"] for one in others} == {"error"}
    assert {one["details"]["coding"][0]["system"] for one in others} == {FAULTS}


WITHDRAWN: dict[str, Document] = {
    "entered in error": {"status": "entered-in-error"},
    "another questionnaire": {"questionnaire": "http://x/y"},
    "another resource": {"resourceType": "Observation"},
}


@pytest.mark.parametrize("why", WITHDRAWN)
def test_what_is_nobodys_answer_raises_no_alarm(why: str) -> None:
    sent = {**put_response(URGENT), **WITHDRAWN[why]}
    assert RESPONSES.assess(sent).safety is None
    assert TEXT not in json.dumps(RESPONSES.put(sent)[0])


def test_where_no_sign_is_reported_only_the_faults_are_told() -> None:
    for sheet in (Sheet({}), Sheet({}, red_flags=FLAGS)):
        sent = put_response(sheet)
        sent.setdefault("item", []).append({"linkId": "x"})
        outcome, _ = RESPONSES.put(sent)
        assert [one["severity"] for one in outcome["issue"]] == ["error"]


def test_every_sign_of_a_response_counts_and_no_other_answer() -> None:
    for flag in MODEL.safety.red_flags:
        sent = put_response(Sheet({"runs": True}, {**FLAGS, flag.id: True}))
        sent["item"].append({"linkId": "x"})
        safety = RESPONSES.assess(sent).safety
        assert safety
        assert (safety["action"], safety["flags"]) == (flag.action, [flag.id])
        assert not safety["unanswered_flags"]


def test_a_sign_is_said_first_over_http_and_in_its_place_in_a_bundle(call: Call) -> None:
    sent = put_response(URGENT)
    FAULTS_BESIDE["a number out of bounds"](sent)
    alone = call("POST", ADDRESS, json=sent, headers=FHIR)
    assert alone.status_code == 422
    assert [one["details"]["text"] for one in alone.json()["issue"]] == [
        TEXT,
        "must be a number of hours a day, 0 to 20",
    ]
    entries = [{"resource": put_response(Sheet({}))}, {"resource": sent}]
    bundle = {"resourceType": "Bundle", "entry": entries}
    answer = call("POST", ADDRESS, json=bundle, headers=FHIR)
    assert list_resources(answer.json())[1] == alone.json()


def test_a_sign_is_said_in_the_language_in_which_it_was_reviewed() -> None:
    call = caller(make_app(unreviewed_languages=("es",)))
    sent = put_response(URGENT)
    FAULTS_BESIDE["an unknown item"](sent)
    answer = call("POST", ADDRESS, json=sent, headers={**FHIR, "Accept-Language": "es"})
    assert answer.headers["content-language"] == answer.json()["language"] == "en"
    assert answer.json()["issue"][0]["details"]["text"] == TEXT


def test_rejects_of_files_name_the_faults_alone_and_their_outcomes_the_sign_first() -> None:
    sent = put_response(URGENT)
    FAULTS_BESIDE["a number out of bounds"](sent)
    told = LineAssessor(MODEL, RESPONSES).assess(json.dumps(sent).encode(), 1)
    assert told.problems == "sitting_hours_per_day: out_of_range"
    issues = json.loads(told.resources["errors"])["issue"]
    assert issues[0]["details"]["text"] == TEXT


@given(st.sampled_from(("item", "answer", "text", "status", "x")), ANYTHING, ANYTHING)
def test_nothing_that_stands_beside_a_sign_hides_it(name: str, one: Any, other: Any) -> None:
    sent = put_response(URGENT)
    if name != "item":
        sent[name] = one
    sent["item"] += [{"linkId": "x", name: one}, {"linkId": "runs", "item": other}]
    safety = RESPONSES.assess(sent).safety
    assert safety
    assert safety["action"] == "emergency"
