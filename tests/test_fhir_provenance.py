"""What results take over from a response: whose answers they are and when they were given, and nothing that is not FHIR."""

import json
from importlib import import_module
from typing import Any

import pytest
from fhir_rules import find_breaches
from people import CLEARED, E01
from responses import put_response
from test_fhir_assess import PACKAGES, list_resources
from test_fhir_response import CANARY, DESK, RESPONSES

from api.fhir.provenance import Origin
from rules.assessment import Sheet

Resource = dict[str, Any]
UNKNOWN = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
UUID = "urn:uuid:0F8FAD5B-D9CB-469F-A165-70867728950E"
NUMBERED = {"system": "urn:oid:2.16.840.1.113883.4.1", "value": "943 476 5919"}


def put_results(**more: Any) -> tuple[list[Resource], list[Resource]]:
    """The results, and what is told beside them, for somebody's answers."""
    result, is_good = RESPONSES.put(put_response(DESK, **more))
    assert is_good
    assert find_breaches(result) == []
    for package in PACKAGES.values():
        import_module(f"{package}.bundle").Bundle.model_validate_json(json.dumps(result))
    *resources, last = list_resources(result)
    if last["resourceType"] != "OperationOutcome":
        return [*resources, last], []
    return resources, last["issue"]


TAKEN: list[Resource] = [
    {"reference": "Patient/7"},
    {"reference": "Patient/1/_history/2"},
    {"reference": "Group/g.1"},
    {"reference": "https://fhir.example:8443/r4/Patient/a-1"},
    {"reference": "urn:oid:1.2.3.0"},
    {"reference": UUID},
    {"reference": UUID.lower()},
    {"identifier": NUMBERED},
    {"identifier": {"value": "A/12-3"}},
    {"reference": "Patient/7", "identifier": NUMBERED},
]


@pytest.mark.parametrize("subject", TAKEN)
def test_whose_answers_they_are_is_carried(subject: Resource) -> None:
    resources, told = put_results(subject=subject)
    assert [one["subject"] for one in resources] == [subject] * len(resources)
    assert told == []


def test_of_a_number_in_a_register_only_the_number_is_carried() -> None:
    identifier = {**NUMBERED, "assigner": {"display": CANARY}, "type": {"text": CANARY}}
    resources, _ = put_results(subject={"identifier": identifier, "display": CANARY})
    assert resources[0]["subject"] == {"identifier": NUMBERED}


LEFT_OUT: list[tuple[Any, str]] = [
    ({"reference": "#inside"}, "subject.reference"),
    ({"reference": "Organization/1"}, "subject.reference"),
    ({"reference": f"https://<{CANARY}>/Patient/1"}, "subject.reference"),
    ({"reference": f"https://x/{CANARY}?a=/Patient/1"}, "subject.reference"),
    ({"reference": "Patient/\u0661"}, "subject.reference"),
    ({"reference": ["Patient/7"]}, "subject.reference"),
    ({"identifier": {"system": f"urn:{CANARY} x", "value": "7"}}, "subject.identifier"),
    ({"identifier": {"system": 7, "value": CANARY}}, "subject.identifier"),
    ({"identifier": {"value": f"<{CANARY}>"}}, "subject.identifier"),
    ({"identifier": CANARY}, "subject.identifier"),
    ({"display": CANARY}, "subject"),
    ("Patient/7", "subject"),
    ([CANARY], "subject"),
]


@pytest.mark.parametrize(("subject", "place"), LEFT_OUT)
def test_a_subject_that_is_left_out_is_told(subject: Any, place: str) -> None:
    resources, (told,) = put_results(subject=subject)
    unknown = {"extension": [{"url": UNKNOWN, "valueCode": "unknown"}]}
    assert [one["subject"] for one in resources] == [unknown] * len(resources)
    assert told["expression"] == [f"QuestionnaireResponse.{place}"]
    assert (told["severity"], told["details"]["coding"][0]["code"]) == ("warning", "not_taken_over")
    assert CANARY not in json.dumps([resources, told])


def test_what_can_be_carried_beside_what_cannot_is() -> None:
    resources, (told,) = put_results(subject={"reference": "Device/1", "identifier": NUMBERED})
    assert resources[0]["subject"] == {"identifier": NUMBERED}
    assert told["expression"] == ["QuestionnaireResponse.subject.reference"]


def test_where_nothing_is_said_nothing_is_told() -> None:
    resources, told = put_results()
    assert told == []
    assert not resources[0].keys() & {"effectiveDateTime", "derivedFrom"}


MOMENTS = (
    *("2026", "2026-08", "2026-08-01", "2024-02-29", "2026-08-01T09:30:12Z"),
    *(
        "2026-08-01T09:30:12.345Z",
        "2026-08-01T09:30:12.123456789+13:45",
        "2026-08-01T00:00:00+14:00",
    ),
)


@pytest.mark.parametrize("authored", MOMENTS)
def test_when_answers_were_given_is_carried_as_precisely_as_it_is_told(authored: str) -> None:
    resources, told = put_results(authored=authored)
    assert told == []
    for one in resources:
        moment = one.get("effectiveDateTime") or one.get("occurrenceDateTime")
        assert moment == (None if one["resourceType"] == "Flag" else authored)


NO_MOMENTS = (
    *("2026-02-30T25:61:61Z", "0000-00-00T00:00:00Z", "0000", "2026-13", "2026-02-30", "2026-8-1"),
    *("2026-08-01T09:30Z", "2026-08-01T09:30:00", "2026-08T09:30:00Z", "2026-08-01T09:30:61Z"),
    *(
        "2026-08-01T09:30:00+15:00",
        "2026-08-01 09:30:00Z",
        "yesterday",
        "",
        " 2026",
        2026,
        ["2026"],
    ),
    "\uff12\uff10\uff12\uff16-08-01T09:30:00Z",
)


@pytest.mark.parametrize("authored", NO_MOMENTS)
def test_what_is_no_moment_is_left_out_and_told(authored: object) -> None:
    resources, (told,) = put_results(authored=authored)
    assert told["expression"] == ["QuestionnaireResponse.authored"]
    for one in resources:
        assert not one.keys() & {"effectiveDateTime", "occurrenceDateTime"}


@pytest.mark.parametrize("id_", ["not an id", "x" * 65, 7, "\u0661"])
def test_an_id_that_is_none_is_left_out_and_told(id_: object) -> None:
    resources, (told,) = put_results(id=id_)
    assert told["expression"] == ["QuestionnaireResponse.id"]
    assert not any("derivedFrom" in one for one in resources)


@pytest.mark.parametrize(
    ("status", "told"),
    [("completed", "final"), ("stopped", "final"), ("in-progress", "preliminary")],
)
def test_results_of_a_response_in_progress_are_preliminary(status: str, told: str) -> None:
    whole = put_response(Sheet(E01, **CLEARED), status=status)
    assert Origin(whole).is_open == (told == "preliminary")
    result, _ = RESPONSES.put(whole)
    rated = [one for one in list_resources(result) if "status" in one]
    assert len(rated) == 8
    assert {one["status"] for one in rated} == {told}
