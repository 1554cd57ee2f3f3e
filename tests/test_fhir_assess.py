"""Results going out in FHIR: safety first, our numbers and no others, in shapes that R4 and R5 allow."""

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from conftest import Call, caller, make_app, many
from fhir_rules import find_breaches
from hypothesis import given
from people import CLEARED, MODEL, people, sheets
from responses import clients, put_response
from test_fhir_response import ADDRESS, ASSESSOR, CANARY, DESK, FHIR, RESPONSES

from api.fhir.codes import put_codes
from api.fhir.names import CODES, LANGUAGE
from rules.assessment import Sheet
from rules.loading import load_languages

Resource = dict[str, Any]
PACKAGES = {"R4B": "fhir.resources.R4B", "R5": "fhir.resources"}
URGENT = Sheet({"sitting_hours_per_day": 9}, red_flags={"saddle_numbness": True})


def list_resources(bundle: Resource) -> list[Resource]:
    """The resources of a Bundle, in their order."""
    return [entry["resource"] for entry in bundle["entry"]]


def put_result(sheet: Sheet, **more: Any) -> Resource:
    """What is answered to a person's answers."""
    result, is_good = RESPONSES.put(put_response(sheet, **more))
    assert is_good
    return result


def find_scores(bundle: Resource) -> dict[str, Resource]:
    """The Observations of scores, by what each is about."""
    return {
        one["code"]["coding"][0]["code"]: one
        for one in list_resources(bundle)
        if one["resourceType"] == "Observation" and "coding" in one["code"]
    }


@given(sheets(), clients)
def test_the_numbers_are_ours(sheet: Sheet, client: dict[str, bool]) -> None:
    own = ASSESSOR.assess(sheet)
    result, _ = RESPONSES.put(put_response(sheet, client))
    scores = find_scores(result)
    assert list(scores) == ["index", *[habit["id"] for habit in own["habits"]]]
    whole: Any = {"index": own["index"], **{habit["id"]: habit for habit in own["habits"]}}
    for name, observation in scores.items():
        score = whole[name]
        assert observation.get("valueQuantity", {}).get("value") == score["score"]
        assert ("dataAbsentReason" in observation) == (score["score"] is None)
        interval = observation["component"][0]["valueRange"]
        assert [interval[end]["value"] for end in ("low", "high")] == [score["low"], score["high"]]
        levels = [said["coding"][0]["code"] for said in observation.get("interpretation", [])]
        assert levels == ([score["level"]] if score["level"] else [])


@given(sheets())
def test_the_levels_and_the_plan_are_in_the_risk_assessment(sheet: Sheet) -> None:
    own = ASSESSOR.assess(sheet)
    (risk,) = (
        one for one in list_resources(put_result(sheet)) if one["resourceType"] == "RiskAssessment"
    )
    told = [
        prediction.get("qualitativeRisk", {"coding": [{"code": None}]})["coding"][0]["code"]
        for prediction in risk["prediction"]
    ]
    assert told == [own["index"]["level"], *[habit["level"] for habit in own["habits"]]]
    assert "probability" not in json.dumps(risk["prediction"]).replace("not a probability", "")
    plan = own["plan"]
    massage = [plan["self_massage"]] if plan["self_massage"] else []
    for routine in (*plan["exercises"], *plan["habit_changes"], *massage):
        said = [routine["title"], routine["why"], *routine["steps"], *routine["cautions"]]
        for text in (*said, *routine["stop_if"], routine["dose"]["text"]):
            assert text in risk["mitigation"]
    for known in MODEL.routines:
        shown = {
            one["routine_id"] for one in (*plan["exercises"], *plan["habit_changes"], *massage)
        }
        assert (known.id in shown) == (f"{known.title} (" in risk["mitigation"])


def test_what_safety_calls_for_comes_first_and_cannot_be_overlooked() -> None:
    for flag in MODEL.safety.red_flags:
        result = put_result(Sheet({}, red_flags={flag.id: True}))
        first, second, third, *_ = list_resources(result)
        assert first["resourceType"] == "Flag"
        assert first["status"] == "active"
        assert first["code"]["coding"][0]["code"] == flag.action
        assert first["code"]["text"] == MODEL.safety.actions[flag.action].text
        assert second["valueCodeableConcept"]["text"] == first["code"]["text"]
        assert {"text": flag.label} in second["note"]
        assert third["note"][0]["text"] == first["code"]["text"]


def test_nothing_is_flagged_where_no_sign_was_reported() -> None:
    cleared = Sheet({}, **CLEARED)
    for sheet, status in ((Sheet({}), "preliminary"), (cleared, "final")):
        first = list_resources(put_result(sheet))[0]
        assert first["resourceType"] == "Observation"
        assert first["status"] == status
        text = ASSESSOR.assess(sheet)["safety"]["text"]
        told = "valueCodeableConcept" if status == "final" else "dataAbsentReason"
        assert first[told]["text"] == text
        assert len({"valueCodeableConcept", "dataAbsentReason"} & first.keys()) == 1


def test_a_withheld_plan_stays_withheld() -> None:
    for resource in list_resources(put_result(URGENT)):
        if resource["resourceType"] == "RiskAssessment":
            plan = ASSESSOR.assess(URGENT)["plan"]
            assert resource["mitigation"] == f"{plan['text']} {plan['intended_use']}"


def test_whose_answers_they_are_is_taken_over_and_no_name() -> None:
    subject = {"reference": "Patient/7", "display": CANARY, "extension": [{"url": CANARY}]}
    moment = "2026-08-01T09:30:12.345Z"
    result = put_result(
        DESK, id="r-1", subject=subject, authored=moment, author={"display": CANARY}
    )
    assert CANARY not in json.dumps(result)
    for one in list_resources(result):
        assert one["subject"] == {"reference": "Patient/7"}
        if one["resourceType"] == "Observation":
            assert one["effectiveDateTime"] == moment
            assert one["derivedFrom"] == [{"reference": "QuestionnaireResponse/r-1"}]
        if one["resourceType"] == "RiskAssessment":
            assert one["occurrenceDateTime"] == moment
            assert one["basis"][0] == {"reference": "QuestionnaireResponse/r-1"}


# Shapes


def walk(part: object) -> Iterator[Resource]:
    """Every object in a resource."""
    if isinstance(part, dict):
        yield part
        for inner in part.values():
            yield from walk(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from walk(inner)


RESULTS = [
    pytest.param(put_result(sheet), id=name)
    for name, sheet in {
        "desk": DESK,
        "urgent": URGENT,
        "nothing": Sheet({}),
        "warned": Sheet({"sitting_hours_per_day": 1, "slouched_hours_per_day": 10}),
    }.items()
] + [
    pytest.param(
        RESPONSES.put_all(
            {"entry": [{"resource": put_response(DESK)}, {"resource": {}}, {"resource": {}}]}
        )[0],
        id="several",
    )
]


@pytest.mark.parametrize("release", PACKAGES)
@pytest.mark.parametrize("result", RESULTS)
def test_what_we_emit_fits_the_models_of_fhir(result: Resource, release: str) -> None:
    pytest.importorskip("fhir.resources", reason="fhir.resources is not installed")
    bundle = import_module(f"{PACKAGES[release]}.bundle").Bundle
    again = json.loads(bundle.model_validate_json(json.dumps(result)).model_dump_json())
    assert sum(1 for _ in walk(again)) == sum(1 for _ in walk(result))


@many(300)
@given(sheets(), clients)
def test_what_we_emit_fits_the_models_whatever_is_answered(
    sheet: Sheet, client: dict[str, bool]
) -> None:
    pytest.importorskip("fhir.resources", reason="fhir.resources is not installed")
    result, _ = RESPONSES.put(put_response(sheet, client))
    for package in PACKAGES.values():
        import_module(f"{package}.bundle").Bundle.model_validate_json(json.dumps(result))


@pytest.mark.parametrize("result", RESULTS)
def test_every_name_is_told_apart_and_every_reference_leads_somewhere(result: Resource) -> None:
    for bundle in (one for one in walk(result) if one.get("resourceType") == "Bundle"):
        names = [entry["fullUrl"] for entry in bundle["entry"]]
        assert len(set(names)) == len(names)
        own = [one for one in list_resources(bundle) if one["resourceType"] != "Bundle"]
        for part in walk(own):
            reference = part.get("reference", "")
            assert not reference.startswith("urn:") or reference in names


@pytest.mark.parametrize("result", RESULTS)
def test_every_code_of_ours_is_in_our_code_system(result: Resource) -> None:
    known = {concept["code"] for concept in walk(put_codes(MODEL)) if "code" in concept}
    used = {part["code"] for part in walk(result) if part.get("system") == CODES}
    assert used - known == set()


@pytest.mark.parametrize("result", RESULTS)
def test_what_we_emit_keeps_to_the_invariants_of_fhir(result: Resource) -> None:
    assert find_breaches(result) == []


def test_the_result_says_which_answers_do_not_seem_to_fit() -> None:
    sheet = Sheet({"sitting_hours_per_day": 1, "slouched_hours_per_day": 10})
    outcome = list_resources(put_result(sheet))[-1]
    told = {issue["details"]["text"] for issue in outcome["issue"]}
    assert told == {warning["text"] for warning in ASSESSOR.assess(sheet)["warnings"]}
    assert {issue["severity"] for issue in outcome["issue"]} == {"information"}


# Over HTTP


@many(200)
@given(people())
def test_the_service_answers_as_assess_does(answers: dict[str, Any]) -> None:
    sheet = Sheet(answers)
    own = CALL("POST", "/assess", json={"answers": answers}).json()
    response = CALL("POST", ADDRESS, json=put_response(sheet), headers=FHIR)
    assert response.status_code == 200
    scores = find_scores(response.json())
    assert scores["index"].get("valueQuantity", {}).get("value") == own["index"]["score"]
    for habit in own["habits"]:
        assert scores[habit["id"]].get("valueQuantity", {}).get("value") == habit["score"]


CALL: Call = caller(make_app())


def test_a_bundle_is_answered_entry_by_entry(call: Call) -> None:
    wrong = {**put_response(DESK), "status": CANARY}
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": one} for one in (put_response(DESK), wrong, put_response(URGENT))],
    }
    response = call("POST", ADDRESS, json=bundle, headers=FHIR)
    assert response.status_code == 200
    assert CANARY not in response.text
    first, second, third = list_resources(response.json())
    assert first == put_result(DESK)
    assert second["resourceType"] == "OperationOutcome"
    assert third == put_result(URGENT)


def test_a_bundle_may_not_be_too_long(call: Call) -> None:
    entries = [{"resource": {"resourceType": "QuestionnaireResponse"}}] * 101
    response = call(
        "POST", ADDRESS, json={"resourceType": "Bundle", "entry": entries}, headers=FHIR
    )
    assert response.status_code == 422
    (issue,) = response.json()["issue"]
    assert (issue["code"], issue["expression"]) == ("too-long", ["Bundle.entry"])


@pytest.mark.parametrize(
    ("accept", "release"),
    [
        ("", "4.0"),
        ("application/fhir+json", "4.0"),
        ("application/fhir+json; fhirVersion=4.0", "4.0"),
        ("application/fhir+json; fhirVersion=5.0", "5.0"),
        ('application/fhir+json;fhirVersion="5.0"', "5.0"),
    ],
)
def test_the_release_that_is_asked_for_is_named(call: Call, accept: str, release: str) -> None:
    sent = {**FHIR, "Accept": accept}
    for document in (put_response(DESK), {}):
        response = call("POST", ADDRESS, json=document, headers=sent)
        assert response.headers["content-type"] == f"application/fhir+json; fhirVersion={release}"


def test_texts_come_in_the_language_that_is_preferred() -> None:
    call = caller(make_app(unreviewed_languages=("es",)))
    sent = {**FHIR, "Accept-Language": "es"}
    response = call("POST", ADDRESS, json=put_response(URGENT), headers=sent)
    assert response.headers["content-language"] == "es, en"
    flag, screened, risk, *_, running = list_resources(response.json())
    english = MODEL.safety.actions["emergency"].text  # until the translation is reviewed
    marked = {"extension": [{"url": LANGUAGE, "valueCode": "en"}]}
    assert (flag["language"], flag["code"]["text"]) == ("en", english)
    assert (screened["language"], screened["note"][0]) == ("en", {"text": english})
    spanish = load_languages()["es"]
    assert screened["code"]["text"] == spanish.words.record.screen
    assert screened["code"]["_text"]["extension"][0]["valueCode"] == "es"
    assert risk["language"] == "es"
    assert risk["note"] == [
        {"text": english, "_text": marked},
        {"text": spanish.what_a_score_is},
        {"text": spanish.intended_use},
    ]
    assert (running["language"], running["code"]["text"]) == ("es", "Correr mucho")
    refused = call("POST", ADDRESS, json={}, headers=sent)
    assert refused.headers["content-language"] == refused.json()["language"] == "en"


def test_outcomes_say_which_language_they_are_in() -> None:
    call = caller(make_app(unreviewed_languages=("es",)))
    sheet = Sheet({"sitting_hours_per_day": 1, "slouched_hours_per_day": 10})
    document = put_response(sheet, subject={"reference": "#inside"})
    sent = {**FHIR, "Accept-Language": "es"}
    outcome = list_resources(call("POST", ADDRESS, json=document, headers=sent).json())[-1]
    left_out, *warned = [issue["details"] for issue in outcome["issue"]]
    assert outcome["language"] == "en"
    assert "_text" not in left_out
    assert warned
    for details in warned:
        assert details["_text"]["extension"] == [{"url": LANGUAGE, "valueCode": "es"}]


def test_where_a_key_is_needed_the_refusal_is_an_outcome_too() -> None:
    call = caller(make_app(public=False))
    response = call("POST", ADDRESS, json=put_response(DESK), headers=FHIR)
    assert response.status_code == 401
    assert response.json()["issue"][0]["code"] == "login"
    assert response.headers["www-authenticate"]


def test_too_many_requests_are_an_outcome_too() -> None:
    call = caller(make_app(rate_per_address=1))
    first, second = (call("POST", ADDRESS, json=put_response(DESK), headers=FHIR) for _ in "ab")
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.json()["issue"][0]["code"] == "throttled"
    assert int(second.headers["retry-after"]) > 0


def test_no_answer_is_logged(call: Call, log: Any) -> None:
    document = put_response(DESK, subject={"reference": f"Patient/{CANARY}"})
    document["item"][0]["text"] = CANARY
    call("POST", ADDRESS, json=document, headers=FHIR)
    call("POST", ADDRESS, json={**document, "status": CANARY}, headers=FHIR)
    logged = log.getvalue().decode()
    assert "assess" in logged
    assert CANARY not in logged
