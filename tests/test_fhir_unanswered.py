"""What counts as unanswered in FHIR and what as none of the options, and the envelopes in which a response may come."""

import json
import tracemalloc
from typing import Any

import pytest
from conftest import Call
from people import MODEL
from responses import put_response
from test_fhir_response import ADDRESS, ASSESSOR, DESK, FHIR, RESPONSES, answer, coding, find
from test_fhir_response import SITES as SITES_PATH

from api.endpoints.fhir_assess import LARGEST
from api.fhir.names import ABSENT, CODES
from rules.assessment import Sheet
from rules.questions import NONE_OF_THESE

Document = dict[str, Any]
REASON = {"url": ABSENT, "valueCode": "asked-unknown"}
WEIGHT = {"url": "http://hl7.org/fhir/StructureDefinition/itemWeight", "valueDecimal": 3}
ABSENTLY: dict[str, tuple[str, Document]] = {
    "number": ("pain_0_10", {"_valueDecimal": {"extension": [REASON]}}),
    "choice": ("sitting_hours_source", coding(extension=[REASON])),
    "choice's code": ("sitting_hours_source", coding(system=CODES, _code={"extension": [REASON]})),
    "one of several": ("pain_sites", coding(extension=[WEIGHT, REASON])),
    "yes or no": ("runs", {"_valueBoolean": {"extension": [REASON]}}),
    "null": ("pain_0_10", {"valueDecimal": None}),
}


@pytest.mark.parametrize("kind", ABSENTLY)
def test_what_is_said_to_be_unknown_is_unanswered(kind: str) -> None:
    name, value = ABSENTLY[kind]
    document = put_response(DESK)
    answer(name, value)(document)
    rest = Sheet(*({key: one for key, one in part.items() if key != name} for part in DESK))
    assessed = RESPONSES.assess(document)
    assert assessed.issues == []
    assert assessed.assessment == ASSESSOR.assess(rest)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pain_0_10", {"_valueDecimal": {"extension": [WEIGHT]}}),
        ("pain_0_10", {"_valueDecimal": [REASON]}),
        ("sitting_hours_source", coding(extension=[WEIGHT])),
        ("sitting_hours_source", coding(extension=REASON)),
    ],
)
def test_other_things_beside_no_value_are_not_taken_for_an_answer(
    name: str, value: Document
) -> None:
    document = put_response(DESK)
    answer(name, value)(document)
    (issue,) = RESPONSES.assess(document).issues
    assert issue.code == "missing"


def test_none_of_these_is_an_empty_list() -> None:
    nothing = Sheet(dict(DESK.answers), plan={"equipment": [], "minutes_per_day": 20})
    document = put_response(nothing)
    assert find(document, "equipment")["answer"] == [coding(system=CODES, code=NONE_OF_THESE)]
    assessed = RESPONSES.assess(document)
    assert assessed.body["plan"]["equipment"] == []
    assert assessed.assessment == ASSESSOR.assess(nothing)
    usual = nothing._replace(plan={"minutes_per_day": 20})
    assert assessed.assessment["plan"] != ASSESSOR.assess(usual)["plan"]


def test_none_of_these_beside_one_of_them_is_a_contradiction() -> None:
    document = put_response(DESK)
    answer("pain_sites", coding(code="groin"), coding(code=NONE_OF_THESE))(document)
    (issue,) = RESPONSES.assess(document).issues
    assert (issue.code, issue.expression) == ("contradiction", f"{SITES_PATH}.answer")


def test_none_of_these_is_no_answer_to_a_question_with_one_choice() -> None:
    document = put_response(DESK)
    answer("sitting_hours_source", coding(code=NONE_OF_THESE))(document)
    (issue,) = RESPONSES.assess(document).issues
    assert issue.code == "not_an_option"


def test_no_option_of_the_model_is_called_none_of_these() -> None:
    asked = (*MODEL.questions.values(), *MODEL.symptoms.questions, *MODEL.planner.questions)
    assert NONE_OF_THESE not in {option.id for question in asked for option in question.options}


# Parameters


def wrap(*parameters: Document) -> Document:
    return {"resourceType": "Parameters", "parameter": list(parameters)}


def test_a_resource_may_come_in_parameters(call: Call) -> None:
    response = put_response(DESK)
    bundle = {"resourceType": "Bundle", "entry": [{"resource": response}]}
    for resource in (response, bundle):
        plain = call("POST", ADDRESS, json=resource, headers=FHIR)
        wrapped = wrap({"name": "resource", "resource": resource})
        assert plain.status_code == 200
        assert call("POST", ADDRESS, json=wrapped, headers=FHIR).json() == plain.json()


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Parameters"},
        wrap(),
        wrap({"name": "resource"}),
        wrap({"name": "resource", "valueString": "x"}),
        wrap({"resource": {}}, {"resource": {}}),
        {"resourceType": "Parameters", "parameter": 5},
    ],
)
def test_parameters_that_hold_another_number_of_resources_are_named(
    call: Call, body: Document
) -> None:
    answered = call("POST", ADDRESS, json=body, headers=FHIR)
    assert answered.status_code == 422
    (issue,) = answered.json()["issue"]
    assert issue["expression"] == ["Parameters.parameter"]


def test_parameters_in_parameters_are_no_response() -> None:
    inner = wrap({"resource": put_response(DESK)})
    _, is_good = RESPONSES.put_any(wrap({"resource": inner}))
    assert not is_good


def test_the_operation_says_that_parameters_are_taken(call: Call) -> None:
    told = call("GET", "/fhir/OperationDefinition/assess").json()
    assert "Parameters" in told["parameter"][0]["documentation"]


# Limits


LARGE: dict[str, Document] = {
    "a list of numbers": {"x": [1] * (LARGEST // 4)},
    "a list of objects": {"x": [{}] * (LARGEST // 4)},
    "lists in lists": {"x": [[[[[[[1]]]]]]] * (LARGEST // 20)},
    "names": {"x": {str(place): 1 for place in range(LARGEST // 16)}},
    "items": {"item": [{}] * (LARGEST // 4)},
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_response_of_very_many_values_takes_little_room(kind: str) -> None:
    document = {**put_response(DESK), **LARGE[kind]}
    tracemalloc.start()
    try:
        (issue,) = RESPONSES.assess(document).issues
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (issue.kind, issue.expression) == ("too-long", "QuestionnaireResponse")
    assert peak < 32 * 1024 * 1024


def test_a_bundle_full_of_faults_is_not_answered_with_more_than_was_sent() -> None:
    faulty = {**put_response(Sheet({})), "item": [{"linkId": "x"}] * 1_990}
    sent = {"resourceType": "Bundle", "entry": [{"resource": faulty}] * 100}
    result, _ = RESPONSES.put_any(sent)
    outcomes = [entry["resource"] for entry in result["entry"]]
    assert len(outcomes) == 100
    assert sum(len(outcome["issue"]) for outcome in outcomes) == 2_100
    for outcome in outcomes:
        more = outcome["issue"][-1]
        assert more["details"]["coding"][0]["code"] == "more_faults"
        assert more["severity"] == "information"
    assert len(json.dumps(result)) < len(json.dumps(sent)) / 4


@pytest.mark.parametrize(("faults", "told"), [(100, 100), (101, 101), (1_900, 101)])
def test_of_one_response_a_hundred_faults_are_told(faults: int, told: int) -> None:
    faulty = {**put_response(Sheet({})), "item": [{"linkId": "x"}] * faults}
    outcome, _ = RESPONSES.put_any(faulty)
    codes = [issue["details"]["coding"][0]["code"] for issue in outcome["issue"]]
    assert len(codes) == told
    assert codes.count("more_faults") == (faults > 100)
