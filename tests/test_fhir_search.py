"""What is held in FHIR, searched for, in the forms and releases that a caller takes."""

from typing import Any

import pytest
from conftest import Call, caller, make_app
from fhir_rules import list_items
from people import MODEL
from test_fhir_questionnaire import ask, find_codings
from test_fhir_response import ADDRESS, CANARY, FHIR

from api.fhir.capability import put_capability
from api.fhir.codes import put_codes
from api.fhir.names import CODES, PLAIN, QUESTIONNAIRE, QUESTIONNAIRES, R4, R5, SCORING
from api.fhir.questionnaire import put_form
from api.fhir.releases import choose_release
from api.fhir.value_sets import list_value_sets, put_value_set
from rules.loading import load_languages
from rules.safety import ACTIONS

Resource = dict[str, Any]
VERSION = MODEL.version
VALUES = "http://psoas-risk.org/fhir/ValueSet"


def find(call: Call, kind: str, **asked: str) -> list[str]:
    """The ids of what is found."""
    found = call("GET", f"/fhir/{kind}", params=asked).json()
    assert found["total"] == len(found.get("entry", ()))
    return [entry["resource"]["id"] for entry in found.get("entry", ())]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, list(QUESTIONNAIRES)),
        ({"_id": SCORING}, [SCORING]),
        ({"_id": CANARY}, []),
        ({"version": VERSION}, list(QUESTIONNAIRES)),
        ({"version": "2020"}, []),
        ({"url": QUESTIONNAIRE, "version": "2020"}, []),
        ({"url": QUESTIONNAIRE, "version": VERSION}, [PLAIN]),
        ({"url": f"{QUESTIONNAIRE}|2020", "version": VERSION}, []),
        ({"url": QUESTIONNAIRE, "_id": SCORING}, []),
        ({"_count": "1", "name": "x"}, list(QUESTIONNAIRES)),
    ],
)
def test_questionnaires_are_found_by_what_is_asked(
    call: Call, asked: dict[str, str], found: list[str]
) -> None:
    assert find(call, "Questionnaire", **asked) == found


def test_value_sets_are_found_by_name(call: Call) -> None:
    assert find(call, "ValueSet") == list(list_value_sets(MODEL))
    assert find(call, "ValueSet", url=f"{VALUES}/levels") == ["levels"]
    assert find(call, "ValueSet", url=f"{VALUES}/levels|{VERSION}") == ["levels"]
    assert find(call, "ValueSet", url=f"{VALUES}/levels|2020") == []
    assert find(call, "ValueSet", _id="lumbar-support") == ["lumbar-support"]


def test_a_search_repeats_nothing_that_was_asked(call: Call) -> None:
    for asked in ({"url": CANARY}, {"_id": CANARY}, {"version": CANARY}, {"_summary": CANARY}):
        assert CANARY not in call("GET", "/fhir/ValueSet", params=asked).text


def test_a_summary_has_as_much_as_is_asked(call: Call) -> None:
    def ask_for(summary: str) -> Resource:
        found: Resource = call("GET", "/fhir/Questionnaire", params={"_summary": summary}).json()
        return found

    whole = find(call, "Questionnaire", _summary="false")
    assert whole == list(QUESTIONNAIRES)
    count = ask_for("count")
    assert (count["total"], "entry" in count) == (2, False)
    for summary, has_items, has_text in (
        ("true", False, False),
        ("text", False, True),
        ("data", True, False),
        ("false", True, True),
    ):
        found = ask_for(summary)
        for entry in found["entry"]:
            resource = entry["resource"]
            assert ("item" in resource, "text" in resource) == (has_items, has_text)
            assert ("meta" in resource) == (summary != "false")
            assert resource["status"] == "active"
        link = found["link"][0]["url"]
        assert ("_summary" in link) == (summary != "false")


def test_a_parameter_that_cannot_be_used_is_named(call: Call) -> None:
    answer = call("GET", "/fhir/Questionnaire", params={"_summary": CANARY})
    assert answer.status_code == 422
    (issue,) = answer.json()["issue"]
    assert issue["expression"] == ["http._summary"]
    assert issue["code"] == "code-invalid"
    assert issue["details"]["coding"][0]["code"] == "not_an_option"
    assert "errors" not in issue["details"]["text"]


# Value sets


def test_the_options_of_each_choice_are_a_value_set() -> None:
    sets = list_value_sets(MODEL)
    asked = [item for item in list_items(put_form(MODEL, PLAIN, R4)) if "answerOption" in item]
    assert len(asked) > 3
    for item in asked:
        values = put_value_set(MODEL, item["linkId"].replace("_", "-"))
        options = [option["valueCoding"] for option in item["answerOption"]]
        (include,) = values["compose"]["include"]
        listed = [{"system": include["system"], **concept} for concept in include["concept"]]
        assert listed == options
        contained = values["expansion"]["contains"]
        assert [one["code"] for one in contained] == [option["code"] for option in options]
        assert {(one["system"], one["version"]) for one in contained} == {(CODES, VERSION)}
    results = {"levels": list(MODEL.words.levels), "safety-actions": list(ACTIONS)}
    for name, codes in results.items():
        assert list(sets[name].codes) == codes
    assert len(sets) == len(asked) + len(results)


def test_every_code_of_a_value_set_is_in_the_code_system() -> None:
    for model in load_languages().values():
        listed = {one["code"]: one["display"] for one in put_codes(model)["concept"]}
        for name in list_value_sets(model):
            for coding in find_codings(put_value_set(model, name)):
                if "code" in coding:
                    assert listed[coding["code"]] == coding["display"]


def test_value_sets_are_read_in_the_language_of_their_caller(call: Call) -> None:
    spanish = caller(make_app(unreviewed_languages=("es",)))
    answer = ask(spanish, "/fhir/ValueSet/levels", R4, **{"Accept-Language": "es"})
    names = [one["display"] for one in answer.json()["expansion"]["contains"]]
    assert names == list(load_languages()["es"].words.levels.values())
    assert ask(call, "/fhir/ValueSet/x").status_code == 404


def test_the_capability_statement_names_what_can_be_searched_for(call: Call) -> None:
    told = {one["type"]: one for one in ask(call, "/fhir/metadata").json()["rest"][0]["resource"]}
    for kind in ("Questionnaire", "ValueSet"):
        names = [one["name"] for one in told[kind]["searchParam"]]
        assert names == ["_id", "url", "version"]
        assert {"code": "search-type"} in told[kind]["interaction"]


def test_a_model_whose_version_names_no_year_has_no_date() -> None:
    undated = MODEL.model_copy(update={"version": "house-1"})
    unknown = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}
    for resource, name in (
        (put_capability(undated, R4), "_date"),
        (put_form(undated, PLAIN, R4), "_date"),
        (put_value_set(undated, "levels")["expansion"], "_timestamp"),
    ):
        assert resource[name]["extension"] == [{**unknown, "valueCode": "unknown"}]
        assert name[1:] not in resource
    assert put_capability(MODEL, R4)["date"] == VERSION[:4]


# Forms and releases


@pytest.mark.parametrize(
    ("accept", "release"),
    [
        ("", R4),
        ("*/*", R4),
        ("application/json", R4),
        ("application/json;fhirVersion=5.0", R5),
        ("application/fhir+json; fhirVersion=4.0.1", R4),
        ("application/fhir+json; fhirVersion=5.0;q=0, application/fhir+json", R4),
        ("application/fhir+json; fhirVersion=5.0; q=0.1, application/fhir+json;q=0.9", R4),
        ("application/fhir+json; fhirVersion=5.0, application/fhir+json; fhirVersion=4.0", R5),
        ("application/fhir+xml, application/fhir+json;q=0.5", R4),
        ("application/fhir+json; fhirVersion=3.0, application/fhir+json; fhirVersion=5.0", R5),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", R4),
        ("APPLICATION/FHIR+JSON; FHIRVERSION=5.0", R5),
        ("json", R4),
        ("application/fhir+xml", None),
        ("application/fhir+json; fhirVersion=3.0", None),
        ("application/fhir+json; fhirVersion=5.0;q=0", None),
        ("application/fhir+json;q=0.0", None),
        ("text/html", None),
    ],
)
def test_what_a_caller_takes_is_what_it_gets(call: Call, accept: str, release: str | None) -> None:
    assert choose_release(accept) == release
    for path in ("/fhir/metadata", f"/fhir/Questionnaire/{PLAIN}", "/fhir/ValueSet"):
        answer = call("GET", path, headers={"Accept": accept})
        assert answer.status_code == (200 if release else 406)
        assert answer.headers["content-type"].endswith(f"fhirVersion={release or R4}")
    if not release:
        assert answer.json()["issue"][0]["code"] == "not-supported"


def test_nothing_is_assessed_that_could_not_be_told(call: Call) -> None:
    answer = call("POST", ADDRESS, json={}, headers={**FHIR, "Accept": "application/fhir+xml"})
    assert answer.status_code == 406
    assert answer.json()["resourceType"] == "OperationOutcome"
