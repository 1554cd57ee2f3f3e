"""Responses coming back: what real clients add is let pass, and what is wrong is named and never repeated."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Call, many
from hypothesis import given
from hypothesis import strategies as st
from people import MODEL, sheets
from responses import (
    PLAIN_FORM,
    SCORING_FORM,
    Client,
    clients,
    put_response,
    put_totals,
)

from api.bodies import TWICE
from api.fhir.assessor import ResponseAssessor
from api.fhir.names import CODES, QUESTIONNAIRE
from api.fhir.response import ResponseReader
from api.payloads import assess_payload
from rules.assessment import Assessor, Sheet

ASSESSOR = Assessor(MODEL)
RESPONSES = ResponseAssessor(ResponseReader(MODEL), assess_payload(ASSESSOR), ASSESSOR)
ADDRESS = "/fhir/QuestionnaireResponse/$assess"
FHIR = {"Content-Type": "application/fhir+json"}
CANARY = "a-value-that-must-not-come-back"
Document = dict[str, Any]

DESK = Sheet(
    {
        "sitting_hours_per_day": 9,
        "sitting_hours_source": "self_report",
        "usual_sitting_bout_minutes": 90,
        "runs": False,
    },
    symptoms={"pain_0_10": 3, "pain_sites": ["low_back", "groin"]},
)
IN_SITTING = "QuestionnaireResponse.item.where(linkId='prolonged_sitting')"
HOURS = f"{IN_SITTING}.item.where(linkId='sitting_hours_per_day')"
SOURCE = f"{IN_SITTING}.item.where(linkId='sitting_hours_source')"
RUNNING = "QuestionnaireResponse.item.where(linkId='heavy_running')"
PAIN = "QuestionnaireResponse.item.where(linkId='symptoms').item.where(linkId='pain_0_10')"
SITES = "QuestionnaireResponse.item.where(linkId='symptoms').item.where(linkId='pain_sites')"


@many(2_000)
@given(sheets(), clients)
def test_answers_come_back_as_they_were_given(sheet: Sheet, client: Client) -> None:
    sent = json.loads(json.dumps(put_response(sheet, client)))
    assessed = RESPONSES.assess(sent)
    assert assessed.issues == []
    assert assessed.assessment == ASSESSOR.assess(sheet)


def find(document: Document, link: str) -> Document:
    """The item with a linkId, wherever it stands."""
    waiting = [document]
    while waiting:
        holder = waiting.pop()
        if holder.get("linkId") == link:
            return holder
        waiting += holder.get("item", [])
    raise LookupError(link)


def answer(link: str, *answers: Document) -> Callable[[Document], None]:
    """Answers an item so."""

    def change(document: Document) -> None:
        find(document, link)["answer"] = list(answers)

    return change


def put(name: str, value: object, link: str = "") -> Callable[[Document], None]:
    """Puts a value into the response or into one of its items."""

    def change(document: Document) -> None:
        (find(document, link) if link else document)[name] = value

    return change


def add(link: str, *items: Document) -> Callable[[Document], None]:
    """Adds items to a group."""

    def change(document: Document) -> None:
        find(document, link)["item"] += items

    return change


def coding(**said: object) -> Document:
    return {"valueCoding": said}


DEEP: Document = {"linkId": "about"}
for _ in range(20):
    DEEP = {"linkId": "about", "item": [DEEP]}

BAD = {
    "text for a number": (
        answer("sitting_hours_per_day", {"valueString": CANARY}),
        "wrong_type",
        f"{HOURS}.answer.value",
    ),
    "number too high": (
        answer("sitting_hours_per_day", {"valueDecimal": 987.5}),
        "out_of_range",
        f"{HOURS}.answer.value",
    ),
    "infinite number": (
        answer("sitting_hours_per_day", {"valueDecimal": float("inf")}),
        "out_of_range",
        f"{HOURS}.answer.value",
    ),
    "decimal in an integer": (
        answer("pain_0_10", {"valueDecimal": 4.5}),
        "wrong_type",
        f"{PAIN}.answer.value",
    ),
    "decimal called an integer": (
        answer("pain_0_10", {"valueInteger": 4.5}),
        "wrong_type",
        f"{PAIN}.answer.value",
    ),
    "text for yes or no": (
        answer("runs", {"valueBoolean": CANARY}),
        "wrong_type",
        f"{RUNNING}.item.where(linkId='runs').answer.value",
    ),
    "wrong code system": (
        answer("sitting_hours_source", coding(system=f"urn:{CANARY}", code="device")),
        "not_an_option",
        f"{SOURCE}.answer.value.system",
    ),
    "no such option": (
        answer("sitting_hours_source", coding(system=CODES, code=CANARY)),
        "not_an_option",
        f"{SOURCE}.answer.value",
    ),
    "option of another question": (
        answer("sitting_hours_source", coding(system=CODES, code="never")),
        "not_an_option",
        f"{SOURCE}.answer.value",
    ),
    "second of several is no option": (
        answer("pain_sites", coding(code="groin"), coding(code=CANARY)),
        "not_an_option",
        f"{SITES}.answer[1].value",
    ),
    "code is a number": (
        answer("sitting_hours_source", coding(code=12345)),
        "wrong_type",
        f"{SOURCE}.answer.value",
    ),
    "coding without a code": (
        answer("sitting_hours_source", coding(display=CANARY)),
        "missing",
        f"{SOURCE}.answer.value.code",
    ),
    "coding that is none": (
        answer("sitting_hours_source", {"valueCoding": CANARY}),
        "wrong_type",
        f"{SOURCE}.answer.value",
    ),
    "answer without a value": (
        answer("runs", {}),
        "missing",
        f"{RUNNING}.item.where(linkId='runs').answer",
    ),
    "two values in an answer": (
        answer("pain_0_10", {"valueInteger": 4, "valueDecimal": 4}),
        "malformed",
        f"{PAIN}.answer",
    ),
    "two answers to one question": (
        answer("pain_0_10", {"valueInteger": 4}, {"valueInteger": 5}),
        "malformed",
        f"{PAIN}.answer",
    ),
    "answered though not asked": (
        add("heavy_running", {"linkId": "running_km_per_week", "answer": [{"valueDecimal": 0}]}),
        "contradiction",
        f"{RUNNING}.item.where(linkId='running_km_per_week')",
    ),
    "unknown linkId": (
        add("prolonged_sitting", {"linkId": CANARY, "answer": [{"valueString": CANARY}]}),
        "unknown_field",
        f"{IN_SITTING}.item[3]",
    ),
    "no linkId": (add("prolonged_sitting", {}), "missing", f"{IN_SITTING}.item[3]"),
    "linkId is a list": (
        add("prolonged_sitting", {"linkId": [CANARY]}),
        "missing",
        f"{IN_SITTING}.item[3]",
    ),
    "item twice": (
        add("prolonged_sitting", {"linkId": "sitting_hours_per_day", "answer": []}),
        "malformed",
        f"{HOURS}[1]",
    ),
    "item in another group again": (
        add("heavy_running", {"linkId": "sitting_hours_per_day"}),
        "malformed",
        f"{RUNNING}.item.where(linkId='sitting_hours_per_day')",
    ),
    "other questionnaire": (
        put("questionnaire", f"http://elsewhere.example/{CANARY}"),
        "not_an_option",
        "QuestionnaireResponse.questionnaire",
    ),
    "other version": (
        put("questionnaire", f"{QUESTIONNAIRE}|1999.1"),
        "not_an_option",
        "QuestionnaireResponse.questionnaire",
    ),
    "questionnaire is a list": (
        put("questionnaire", [CANARY]),
        "not_an_option",
        "QuestionnaireResponse.questionnaire",
    ),
    "no questionnaire": (
        put("questionnaire", None),
        "missing",
        "QuestionnaireResponse.questionnaire",
    ),
    "entered in error": (
        put("status", "entered-in-error"),
        "not_an_option",
        "QuestionnaireResponse.status",
    ),
    "a text of a megabyte": (
        put("text", CANARY * 40_000, "sitting_hours_per_day"),
        "out_of_range",
        f"{HOURS}.text",
    ),
    "a megabyte for a number": (
        answer("sitting_hours_per_day", {"valueString": CANARY * 40_000}),
        "out_of_range",
        f"{HOURS}.answer.value",
    ),
    "a meaning that is changed": (
        put("modifierExtension", [{"url": CANARY, "valueBoolean": True}], "runs"),
        "unknown_field",
        f"{RUNNING}.item.where(linkId='runs').modifierExtension",
    ),
    "items are no list": (
        put("item", {"linkId": CANARY}),
        "wrong_type",
        "QuestionnaireResponse.item",
    ),
    "answers are no list": (
        put("answer", CANARY, "runs"),
        "wrong_type",
        f"{RUNNING}.item.where(linkId='runs').answer",
    ),
    "too many items": (
        put("item", [{}] * 3_000),
        "out_of_range",
        "QuestionnaireResponse",
    ),
    "items too deep": (
        put("item", [DEEP]),
        "out_of_range",
        "QuestionnaireResponse" + ".item.where(linkId='about')" * 13,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named_and_not_repeated(call: Call, name: str) -> None:
    change, code, expression = BAD[name]
    document = copy.deepcopy(put_response(DESK))
    assert call("POST", ADDRESS, json=document, headers=FHIR).status_code == 200
    change(document)
    response = call("POST", ADDRESS, content=json.dumps(document), headers=FHIR)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"
    assert CANARY not in response.text
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    named = {
        (issue["details"]["coding"][0]["code"], *issue["expression"]) for issue in outcome["issue"]
    }
    assert named == {(code, expression)}
    assert {issue["severity"] for issue in outcome["issue"]} == {"error"}


def test_everything_wrong_is_named_at_once() -> None:
    document = put_response(DESK)
    for name in (
        "text for a number",
        "wrong code system",
        "decimal in an integer",
        "unknown linkId",
    ):
        BAD[name][0](document)
    assert {issue.expression for issue in RESPONSES.assess(document).issues} == {
        f"{HOURS}.answer.value",
        f"{SOURCE}.answer.value.system",
        f"{PAIN}.answer.value",
        f"{IN_SITTING}.item[3]",
    }


NOT_FHIR = {
    "nothing": (b"", 400, "structure"),
    "no JSON": (b'{"resourceType": ', 400, "structure"),
    "XML": (b"<QuestionnaireResponse/>", 400, "structure"),
    "no UTF-8": b'{"resourceType": "\xff"}',
    "a list": (b"[]", 422, "value"),
    "a number": (b"4", 422, "value"),
    "an empty object": (b"{}", 422, "value"),
    "our own request": (b'{"answers": {"runs": false}}', 422, "value"),
    "another resource": (b'{"resourceType": "Patient"}', 422, "value"),
    "a bundle without entries": (b'{"resourceType": "Bundle"}', 422, "required"),
    "a bundle with other things": (b'{"resourceType": "Bundle", "entry": [4]}', 422, "required"),
    "a name given twice": (b'{"resourceType": "Patient", "resourceType": 1}', 422, "value"),
    "nested too deep": (b"[" * 100_000, 400, "structure"),
    "too large": (b'"' + b"x" * 5_000_000 + b'"', 413, "too-long"),
}


@pytest.mark.parametrize("name", NOT_FHIR)
def test_what_is_no_response_is_an_outcome_too(call: Call, name: str) -> None:
    expected = NOT_FHIR[name]
    body, status, code = expected if isinstance(expected, tuple) else (expected, 400, "structure")
    response = call("POST", ADDRESS, content=body, headers=FHIR)
    assert response.status_code == status
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert [issue["code"] for issue in outcome["issue"]] == [code]
    assert outcome["issue"][0]["details"]["text"]


def test_a_name_that_stands_twice_is_named(call: Call) -> None:
    body = json.dumps(put_response(DESK)).replace(
        '"linkId": "runs"', '"linkId": "runs", "text": "one", "text": "two"'
    )
    response = call("POST", ADDRESS, content=body, headers=FHIR)
    (issue,) = response.json()["issue"]
    assert issue["expression"] == [f"{RUNNING}.item.where(linkId='runs').text"]


def test_other_media_types_and_methods_are_outcomes_too(call: Call) -> None:
    for response, status in (
        (call("POST", ADDRESS, content=b"{}", headers={"Content-Type": "text/plain"}), 415),
        (call("GET", ADDRESS), 405),
        (call("GET", "/fhir/Patient/1"), 404),
        (call("GET", "/fhir"), 404),
    ):
        assert response.status_code == status
        assert response.json()["resourceType"] == "OperationOutcome"


def test_an_answer_that_says_why_there_is_none_is_unanswered() -> None:
    reason = {
        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "valueCode": "asked-declined",
    }
    document = put_response(DESK)
    answer("pain_0_10", {"extension": [reason]})(document)
    expected = DESK._replace(symptoms={"pain_sites": ["low_back", "groin"]})
    assert RESPONSES.assess(document).assessment == ASSESSOR.assess(expected)


def test_items_inside_of_answers_are_found() -> None:
    document = put_response(DESK)
    moved = find(document, "prolonged_sitting")["item"].pop()
    find(document, "runs")["answer"][0]["item"] = [moved]
    assert RESPONSES.assess(document).assessment == ASSESSOR.assess(DESK)


def test_the_version_may_be_left_out_and_either_questionnaire_be_named() -> None:
    for form in (QUESTIONNAIRE, PLAIN_FORM, SCORING_FORM):
        assert RESPONSES.assess(put_response(DESK, questionnaire=form)).issues == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.just(CANARY) | st.just(TWICE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("linkId", "item", "answer", "valueCoding", "valueDecimal", "code", "system")
            ),
            inner | st.sampled_from(("runs", "pain_sites", "prolonged_sitting", "about")),
            max_size=4,
        )
    ),
    max_leaves=12,
)
"""Values of any kind, where those of some kinds are looked for."""


@given(
    st.sampled_from(("item", "status", "questionnaire", "subject", "text", "contained")),
    ANYTHING,
    ANYTHING,
)
def test_whatever_comes_is_told_and_not_repeated(name: str, whole: Any, inner: Any) -> None:
    documents: list[Any] = [whole, {**put_response(DESK), name: whole}, put_response(DESK)]
    documents[-1]["item"].append({"linkId": "heavy_running", "item": inner, "answer": whole})
    for document in documents:
        result, is_good = RESPONSES.put(document)
        assert result["resourceType"] == ("Bundle" if is_good else "OperationOutcome")
        assert CANARY not in json.dumps(result)
        assert is_good or all(issue["expression"] for issue in result["issue"])


def test_totals_are_worked_out_anew_and_others_are_told() -> None:
    whole = ASSESSOR.assess(DESK)
    scores = {habit["id"]: habit["score"] for habit in whole["habits"]}
    document = put_response(DESK, questionnaire=SCORING_FORM)
    document["item"].append(put_totals(scores))
    assert RESPONSES.assess(document)[:2] == (whole, [])
    document["item"][-1] = put_totals({**scores, "prolonged_sitting": 12, "slouching": 4})
    again = RESPONSES.assess(document)
    assert again.assessment == whole
    assert [(issue.severity, issue.code, issue.expression) for issue in again.issues] == [
        (
            "warning",
            "other_total",
            f"QuestionnaireResponse.item.where(linkId='scores').item.where(linkId='psoas_{name}_score')",
        )
        for name in ("prolonged_sitting", "slouching")
    ]


def test_a_response_to_another_questionnaire_that_nobody_here_wrote(real_data: Path) -> None:
    path = real_data / "fhir" / "prevention-2.questionnaireresponse.json"
    assessed = RESPONSES.assess(json.loads(path.read_text("utf-8")))
    assert assessed.assessment is None
    places = [issue.expression for issue in assessed.issues]
    assert places[0] == "QuestionnaireResponse.questionnaire"
    assert "QuestionnaireResponse.item[0]" in places
