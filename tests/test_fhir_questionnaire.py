"""The questionnaire as FHIR has it: whole, by FHIR's own rules, and the same as everywhere else."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args

import pytest
from conftest import Call, caller, make_app
from fhir.resources import get_fhir_model_class as find_r5
from fhir.resources.R4B import get_fhir_model_class as find_r4b
from fhir_rules import find_breaches, list_items
from offline import LACK, OPENAPI, run_offline
from people import CLEARED, MODEL

from api.fhir.names import BASE, CODES, FAULTS, PLAIN, QUESTIONNAIRES, R4, R5, SCORING, Release
from api.fhir.operations import put_operation
from api.fhir.outcome import OWN_CODES
from api.fhir.questionnaire import put_form
from api.fhir.questionnaire_items import put_question
from api.knowledge import QuestionToAsk, put_questionnaire
from rules.errors import FaultCode
from rules.loading import load_languages
from rules.questions import NONE_OF_THESE
from rules.writing import name_score

Change = Callable[[dict[str, Any]], object]
ADDRESSES = [
    "/fhir/metadata",
    "/fhir/Questionnaire",
    "/fhir/Questionnaire?_summary=true",
    "/fhir/Questionnaire?url=urn:nothing",
    *(f"/fhir/Questionnaire/{form}" for form in QUESTIONNAIRES),
    "/fhir/Questionnaire?_summary=text",
    "/fhir/Questionnaire?_summary=data",
    "/fhir/Questionnaire?_summary=count",
    "/fhir/ValueSet",
    "/fhir/ValueSet?_summary=true",
    "/fhir/ValueSet/levels",
    "/fhir/ValueSet/safety-actions",
    "/fhir/ValueSet/equipment",
    "/fhir/ValueSet/another",
    "/fhir/CodeSystem/psoas-risk",
    "/fhir/CodeSystem/psoas-risk-faults",
    "/fhir/OperationDefinition/assess",
    "/fhir/OperationDefinition/bulk-assess",
    "/fhir/OperationDefinition/another",
    "/fhir/Questionnaire/another",
]
KINDS = {R4: "application/fhir+json", R5: "application/fhir+json; fhirVersion=5.0"}
CHECK = """
const { Fhir } = require("fhir");
const found = new Fhir().validate(JSON.parse(require("fs").readFileSync(process.argv[1])), { errorOnUnexpected: true });
console.log(JSON.stringify(found));
"""
DIFFERENCES = {
    "SUBSETTED": "FHIR itself names this tag and its system for summaries; the validator knows only "
    "the tags of the examples.",
}
"""What the validator takes for a fault and is none, with the reason."""
FHIR = OPENAPI / "node_modules" / "fhir"


def ask(call: Call, path: str, release: Release = R4, **headers: str) -> Any:
    return call("GET", path, headers={"Accept": KINDS[release], **headers})


def items_of(release: Release = R4, form: str = PLAIN) -> dict[str, Any]:
    return {item["linkId"]: item for item in list_items(put_form(MODEL, form, release))}


def questions() -> Iterator[QuestionToAsk]:
    for section in put_questionnaire(MODEL)["sections"]:
        yield from section["questions"]


@pytest.mark.parametrize("release", [R4, R5])
@pytest.mark.parametrize("path", ADDRESSES)
def test_what_is_answered_keeps_to_fhirs_models_and_rules(
    call: Call, path: str, release: Release
) -> None:
    answer = ask(call, path, release)
    assert answer.headers["content-type"] == f"application/fhir+json; fhirVersion={release}"
    resource = answer.json()
    find = find_r5 if release == R5 else find_r4b
    find(resource["resourceType"]).model_validate_json(answer.content)
    assert find_breaches(resource) == []


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_validator_of_others_finds_nothing_in_r4(call: Call, path: str, tmp_path: Path) -> None:
    if LACK or not FHIR.exists():
        pytest.skip(LACK or "the validator is not there: make test installs it where npm is")
    file = tmp_path / "resource.json"
    file.write_bytes(ask(call, path).content)
    done = run_offline("node", "-e", CHECK, file)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    serious = [
        told["message"]
        for told in found["messages"]
        if told["severity"] in ("error", "warning", "fatal")
        and not any(name in told["message"] for name in DIFFERENCES)
    ]
    assert (found["valid"], serious) == (True, [])


BROKEN: dict[str, Change] = {
    "que-0": lambda form: form.update(name="with blanks"),
    "que-1": lambda form: form["item"][1].pop("item"),
    "que-2": lambda form: form["item"].append(form["item"][0]),
    "que-3": lambda form: form["item"][0].update(code=[{"code": "x"}]),
    "que-5": lambda form: find_in(form, "lumbar_support").pop("answerOption"),
    "que-7": lambda form: (
        find_in(form, "running_km_per_week")["enableWhen"][0].update(
            {"question": "runs", "operator": "exists", "answerBoolean": None, "answerInteger": 1}
        )
        or find_in(form, "running_km_per_week")["enableWhen"][0].pop("answerBoolean")
    ),
    "que-9": lambda form: form["item"][0].update(readOnly=True),
    "que-11": lambda form: find_in(form, "lumbar_support").update(initial=[{"valueInteger": 1}]),
    "que-12": lambda form: find_in(form, "running_km_per_week").pop("enableBehavior"),
    "another type": lambda form: find_in(form, "age_years").update(type="decimal"),
    "ele-1": lambda form: form.update(extension=[]),
    "ext-1": lambda form: form.update(extension=[{"url": "urn:x"}]),
    "txt-2": lambda form: form.update(
        text={"div": '<div xmlns="http://www.w3.org/1999/xhtml"></div>'}
    ),
    "not there": lambda form: find_in(form, "runs").update(linkId="ran"),
}


def find_in(form: dict[str, Any], name: str) -> Any:
    return next(item for item in list_items(form) if item["linkId"] == name)


@pytest.mark.parametrize("name", BROKEN)
def test_the_rules_find_what_is_broken(name: str) -> None:
    form = deepcopy(put_form(MODEL, PLAIN, R4))
    BROKEN[name](form)
    assert any(name in breach for breach in find_breaches(form))


BROKEN_OPERATIONS: dict[str, Change] = {
    "opd-0": lambda told: told.update(name="with blanks"),
    "opd-1": lambda told: told["parameter"][0].pop("type"),
    "opd-2": lambda told: told["parameter"][0].update(searchType="token"),
    "of a type, and of none": lambda told: told.pop("resource"),
    "max": lambda told: told["parameter"][0].update(max="0"),
    "twice": lambda told: told["parameter"].append(told["parameter"][0]),
}


@pytest.mark.parametrize("name", BROKEN_OPERATIONS)
def test_the_rules_find_what_is_broken_in_an_operation(name: str) -> None:
    told = deepcopy(put_operation(MODEL, "assess"))
    assert find_breaches(told) == []
    BROKEN_OPERATIONS[name](told)
    assert any(name in breach for breach in find_breaches(told))


@pytest.mark.parametrize("release", [R4, R5])
@pytest.mark.parametrize("form", QUESTIONNAIRES)
def test_every_question_is_an_item_of_its_id(form: str, release: Release) -> None:
    items = items_of(release, form)
    for question in questions():
        item = items[question["id"]]
        assert item["text"] == question["ask"]
        assert item["code"][0] == {
            "system": CODES,
            "code": question["id"],
            "display": question["label"],
        }
        assert "initial" not in item
        options = [option["valueCoding"]["code"] for option in item.get("answerOption", ())]
        none = [NONE_OF_THESE] if question["answer"] == "several" else []
        assert options == [*(option["id"] for option in question["options"]), *none]
        assert item.get("repeats", False) == (question["answer"] == "several")
        help_ = items.get(f"{question['id']}-help")
        assert (help_ and help_["text"]) == question["help"]
    assert {*CLEARED["red_flags"], *CLEARED["conditions"]} <= items.keys()
    assert (name_score("index") in items) == (form == SCORING)


def test_numbers_have_units_and_bounds_of_their_own_kind() -> None:
    items = items_of()
    told = {
        one["url"].rpartition("/")[2]: next(value for name, value in one.items() if name != "url")
        for one in items["sitting_hours_per_day"]["extension"]
    }
    unit = {"system": "http://unitsofmeasure.org", "code": "h/d", "display": "hours a day"}
    assert told == {
        "questionnaire-unit": unit,
        "entryFormat": "0 - 20 hours a day",
        "minValue": 0,
        "maxValue": 20,
    }
    assert items["age_years"]["extension"][2]["valueInteger"] == 18
    assert (items["age_years"]["type"], items["runs"]["type"]) == ("integer", "boolean")


def test_choices_are_told_as_each_release_tells_them() -> None:
    assert items_of(R4)["lumbar_support"]["type"] == "choice"
    asked = items_of(R5)["lumbar_support"]
    assert (asked["type"], asked["answerConstraint"]) == ("coding", "optionsOnly")


def test_a_question_of_several_gates_is_skipped_when_one_was_answered_otherwise() -> None:
    question = next(one for one in questions() if one["id"] == "running_km_per_week")
    question = {**question, "asked_only_if": {"runs": True, "pregnant": False}}
    item = put_question(question, {}, R4, "")
    assert item["enableBehavior"] == "all"
    assert item["enableWhen"] == [
        {"question": "runs", "operator": "!=", "answerBoolean": False},
        {"question": "pregnant", "operator": "!=", "answerBoolean": True},
    ]


def test_only_sure_codes_of_loinc_are_sent() -> None:
    sent = {name: item["code"][1:] for name, item in items_of().items() if item.get("code")}
    assert {name: codes[0]["code"] for name, codes in sent.items() if codes} == {
        "pain_0_10": "72514-3",
        "body_mass_kg": "29463-7",
    }


def test_every_code_of_ours_is_in_the_code_system(call: Call) -> None:
    concepts = ask(call, "/fhir/CodeSystem/psoas-risk").json()["concept"]
    listed = {concept["code"]: concept["display"] for concept in concepts}
    used = list(find_codings([put_form(MODEL, SCORING, release) for release in (R4, R5)]))
    assert len(used) > 200
    for coding in used:
        assert listed[coding["code"]] == coding.get("display", listed[coding["code"]])


def find_codings(part: Any) -> Iterator[dict[str, Any]]:
    """Every coding of our own code system."""
    if isinstance(part, dict):
        if part.get("system") == CODES:
            yield part
        for inner in part.values():
            yield from find_codings(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from find_codings(inner)


def test_every_operation_that_is_named_is_defined_just_so(call: Call) -> None:
    (rest,) = ask(call, "/fhir/metadata").json()["rest"]
    named = [(kind["type"], one) for kind in rest["resource"] for one in kind.get("operation", ())]
    named += [("", one) for one in rest["operation"]]
    assert {one["name"] for _, one in named} == {"assess", "bulk-assess"}
    for kind, one in named:
        defined = ask(call, f"/fhir{one['definition'].removeprefix(BASE)}").json()
        assert (defined["url"], defined["code"]) == (one["definition"], one["name"])
        assert defined.get("resource", [""]) == [kind]
        assert (defined["system"], defined["type"]) == (not kind, bool(kind))
        assert call("POST", f"/fhir/{kind}/${one['name']}".replace("//", "/")).status_code != 404


def test_every_code_that_outcomes_name_is_in_the_code_system(call: Call) -> None:
    listed = {
        one["code"] for one in ask(call, "/fhir/CodeSystem/psoas-risk-faults").json()["concept"]
    }
    assert listed == {*get_args(FaultCode), *MODEL.warnings, *OWN_CODES}
    answer = call("POST", "/fhir/QuestionnaireResponse/$assess", json={})
    (coding,) = answer.json()["issue"][0]["details"]["coding"]
    assert coding["system"] == FAULTS
    assert coding["code"] in listed


def test_a_copy_is_kept_until_it_is_another(call: Call) -> None:
    path = f"/fhir/Questionnaire/{PLAIN}"
    etag = ask(call, path).headers["etag"]
    assert ask(call, path, R4, **{"If-None-Match": etag}).status_code == 304
    assert ask(call, path, R5, **{"If-None-Match": etag}).status_code == 200
    assert "Accept, Accept-Language" in ask(call, path).headers["vary"]


def test_the_questionnaire_speaks_the_language_of_its_caller() -> None:
    call = caller(make_app(unreviewed_languages=("es",)))
    answer = ask(call, f"/fhir/Questionnaire/{PLAIN}", R4, **{"Accept-Language": "es"})
    spanish = load_languages()["es"]
    form = answer.json()
    assert answer.headers["content-language"].startswith("es")
    assert (form["language"], form["title"]) == ("es", spanish.title)
    assert find_in(form, "runs")["text"] == spanish.questions["runs"].ask
    assert form["url"] == QUESTIONNAIRES[PLAIN]


def test_questionnaires_are_found_by_name(call: Call) -> None:
    def find(url: str) -> list[str]:
        found = call("GET", "/fhir/Questionnaire", params={"url": url}).json()
        assert found["total"] == len(found.get("entry", ()))
        return [entry["resource"]["id"] for entry in found.get("entry", ())]

    for form, url in QUESTIONNAIRES.items():
        assert find(url) == [form]
        assert find(f"{url}|{MODEL.version}") == [form]
        assert find(f"{url}|another") == []
    short = ask(call, "/fhir/Questionnaire?_summary=true&_count=5").json()
    assert [entry["resource"]["id"] for entry in short["entry"]] == list(QUESTIONNAIRES)
    assert all("item" not in entry["resource"] for entry in short["entry"])


@pytest.mark.parametrize(
    "path",
    ["/fhir/Questionnaire/x", "/fhir/CodeSystem/x", "/fhir/OperationDefinition/x", "/fhir/Patient"],
)
def test_what_is_not_there_is_an_operation_outcome(call: Call, path: str) -> None:
    answer = ask(call, path)
    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["code"] == "not-found"


def test_the_same_model_gives_the_same_bytes() -> None:
    first, second = (
        ask(caller(make_app()), f"/fhir/Questionnaire/{SCORING}").content for _ in range(2)
    )
    assert first == second
