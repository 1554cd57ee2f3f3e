"""Our questionnaires in LHC-Forms: drawn without a fault, filled in, and the scores worked out there are ours."""

from typing import Any

import pytest
from browser import shoot
from browsing import chromium  # noqa: F401  # a fixture
from conftest import SOAK, Call
from fhir_rules import list_items
from forms import fill_in, list_answers, put_response, showing, take_response, work_out
from hypothesis import given, settings
from hypothesis import strategies as st
from people import MODEL, people, read_cases
from playwright.sync_api import Browser, Page, expect

from api.fhir.names import PLAIN, R4, R5, SCORING
from api.fhir.questionnaire import put_form
from rules.assessment import Assessor, Sheet
from rules.questions import NONE_OF_THESE
from rules.writing import name_score

CASES: dict[str, dict[str, Any]] = {
    case["name"]: {name: answer for name, answer in case["answers"].items() if answer is not None}
    for case in read_cases("worked_examples")
}
EXPECTED = {case["name"]: case for case in read_cases("worked_examples")}
ASSESSOR = Assessor(MODEL)
INDEX = name_score("index")
FORM, SCORED_FORM = (put_form(MODEL, form, R4) for form in (PLAIN, SCORING))
SCORED = [item for item in list_items(SCORED_FORM) if item.get("readOnly")]
PEOPLE = 2_000 if SOAK else 200
SYMPTOMS = {"pain_0_10": 3, "pain_sites": ["low_back", "groin"], "symptom_weeks": 5.5}
PLAN = {"minutes_per_day": 20, "equipment": ["chair", "mat"], "deep_pressure_opt_in": False}


def expect_scores(answers: dict[str, Any]) -> dict[str, float]:
    """Our own scores by the ids of their items; what has none is left out."""
    body: Any = ASSESSOR.assess(Sheet(answers))
    scores = {name_score(habit["id"]): habit["score"] for habit in body["habits"]}
    scores[INDEX] = body["index"]["score"]
    return {name: score for name, score in scores.items() if score is not None}


def split_scores(response: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """What a person answered, and what the form worked out."""
    found = list(list_answers(response["item"]))
    names = expect_scores(CASES["E01"])
    several = {"pain_sites", "equipment", "excluded_routine_ids"}
    answers: dict[str, Any] = {}
    for name, value in found:
        if name in several:
            answers.setdefault(name, []).append(value)
        elif name not in names:
            answers[name] = value
    return answers, {name: value for name, value in found if name in names}


@pytest.mark.parametrize("release", [R4, R5])
def test_what_a_person_answers_comes_out_of_the_form(chromium: Browser, release: str) -> None:  # noqa: F811
    answers = {
        "age_years": 44,
        "saddle_numbness": False,
        "pregnant": False,
        **SYMPTOMS,
        **CASES["E03"],
        **PLAN,
    }
    form = put_form(MODEL, PLAIN, R5 if release == R5 else R4)
    name = "R5" if release == R5 else "R4"
    with showing(chromium, form, name) as (page, seen):
        fill_in(page, answers)
        shoot(page, f"fhir-form-{name}")
        response = take_response(page, name)
        assert page.evaluate("LForms.Util.checkValidity()") is None
        assert seen.errors == []
        assert seen.foreign == []
    assert response["questionnaire"] == f"{form['url']}|{MODEL.version}"
    assert split_scores(response) == (answers, {})


@pytest.mark.parametrize("name", ["E01", "E03", "E07", "E08", "E09"])
def test_the_form_works_out_our_scores(chromium: Browser, name: str) -> None:  # noqa: F811
    with showing(chromium, SCORED_FORM) as (page, seen):
        fill_in(page, CASES[name])
        page.wait_for_timeout(500)  # the form works them out a moment after the last answer
        shoot(page, f"fhir-scores-{name}")
        answers, scores = split_scores(take_response(page))
        assert seen.errors == []
    assert answers == CASES[name]
    assert scores == expect_scores(CASES[name])
    told = EXPECTED[name]["index"][0]
    assert scores.get(INDEX, "none") == told
    assert (INDEX in scores) == (name != "E08")


def test_a_form_that_nobody_has_touched_says_nothing(chromium: Browser) -> None:  # noqa: F811
    with showing(chromium, SCORED_FORM) as (page, _):
        page.wait_for_timeout(500)
        assert "item" not in take_response(page)


def test_the_expressions_come_to_our_scores_for_everybody(chromium: Browser) -> None:  # noqa: F811
    crowd: list[dict[str, Any]] = []

    @settings(max_examples=PEOPLE // 20)
    @given(st.lists(people(), min_size=20, max_size=20))
    def gather(some: list[dict[str, Any]]) -> None:
        crowd.extend(some)

    gather()
    crowd += [{}, {"runs": False}, *CASES.values()]
    with showing(chromium, None) as (page, _):
        found = work_out(page, SCORED, [put_response(answers) for answers in crowd])
    for answers, scores in zip(crowd, found, strict=True):
        assert scores == expect_scores(answers), answers


def is_shown(page: Page, name: str) -> bool:
    return page.locator(f"[id='label-{name}/1/1'], [id='label-{name}/1/1/1']").is_visible()


def test_running_is_asked_about_until_somebody_says_that_they_do_not(chromium: Browser) -> None:  # noqa: F811
    with showing(chromium, FORM) as (page, _):
        assert is_shown(page, "running_km_per_week")
        fill_in(page, {"runs": True, "running_km_per_week": 12})
        assert is_shown(page, "running_km_per_week")
        fill_in(page, {"runs": False})
        expect(page.locator("[id='running_km_per_week/1/1']")).to_have_count(0)
        assert dict(list_answers(take_response(page)["item"])) == {"runs": False}


@pytest.mark.parametrize("beside", [[], ["chair"]])
def test_a_person_can_say_in_the_form_that_there_is_none_of_these(
    chromium: Browser,  # noqa: F811
    call: Call,
    beside: list[str],
) -> None:
    with showing(chromium, FORM) as (page, seen):
        fill_in(page, {"runs": False, "equipment": [NONE_OF_THESE, *beside]})
        shoot(page, "fhir-form-none")
        response = take_response(page)
        assert seen.errors == []
    answer = call("POST", "/fhir/QuestionnaireResponse/$assess", json=response)
    if beside:  # this renderer lets both be ticked
        (issue,) = answer.json()["issue"]
        assert issue["details"]["coding"][0]["code"] == "contradiction"
    else:
        assert answer.status_code == 200, answer.text


def test_the_form_says_only_what_the_most_urgent_answer_calls_for(chromium: Browser) -> None:  # noqa: F811
    flags = MODEL.safety.flags_by_action
    actions = [f"action_{action}" for action in ("review", "same_day", "emergency")]
    with showing(chromium, FORM) as (page, _):
        assert [name for name in actions if is_shown(page, name)] == []
        for action in actions:
            fill_in(page, {flags[action.removeprefix("action_")][0]: True})  # type: ignore[index]
            page.wait_for_timeout(300)
            assert [name for name in actions if is_shown(page, name)] == [action]
            text = MODEL.safety.actions[action.removeprefix("action_")].text  # type: ignore[index]
            assert text in page.inner_text("#form")


def test_a_number_out_of_bounds_is_pointed_out(chromium: Browser) -> None:  # noqa: F811
    with showing(chromium, FORM) as (page, _):
        fill_in(page, {"sitting_hours_per_day": 30})
        assert page.evaluate("LForms.Util.checkValidity()")


def test_what_comes_out_of_the_form_is_assessed(chromium: Browser, call: Call) -> None:  # noqa: F811
    with showing(chromium, SCORED_FORM) as (page, _):
        fill_in(page, CASES["E01"])
        page.wait_for_timeout(500)
        response = take_response(page)
    answer = call("POST", "/fhir/QuestionnaireResponse/$assess", json=response)
    assert answer.status_code == 200, answer.text
    scores = {
        name_score(seen["code"]["coding"][0]["code"]): seen["valueQuantity"]["value"]
        for entry in answer.json()["entry"]
        if "valueQuantity" in (seen := entry["resource"])
    }
    assert scores == expect_scores(CASES["E01"])
