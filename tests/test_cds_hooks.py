"""Cards beside a patient's record: short, calm, what safety calls for first, and nothing kept."""

import json
import re
from typing import Any

import pytest
from conftest import Call, caller, make_app
from hypothesis import given
from people import CLEARED, MODEL, sheets
from responses import drop_empty, put_response
from test_fhir_response import ASSESSOR, CANARY, DESK

from api.fhir.cards import LONGEST_SUMMARY, CardWriter, put_services, shorten
from rules.assessment import Sheet
from rules.loading import load_languages

SERVICE = "/cds-services/psoas-habits"
HOOK: dict[str, Any] = {
    "hook": "patient-view",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"userId": "Practitioner/7", "patientId": "p-0042"},
}
LANGUAGES = load_languages()
INDICATORS = {
    "none": "info",
    "review": "warning",
    "same_day": "critical",
    "emergency": "critical",
}
GUIDE = "http://test/guides/understand-a-score"


def ask(call: Call, answers: object, **more: Any) -> Any:
    """The cards for answers that are sent along."""
    response = call("POST", SERVICE, json={**HOOK, "prefetch": {"answers": answers}, **more})
    assert response.status_code == 200
    return response.json()["cards"]


def test_the_service_is_found_by_its_id(call: Call) -> None:
    response = call("GET", "/cds-services")
    (service,) = response.json()["services"]
    assert service["id"] == SERVICE.rpartition("/")[2]
    assert service["hook"] == "patient-view"
    assert "{{context.patientId}}" in service["prefetch"]["answers"]
    assert response.json() == put_services(MODEL)
    again = call("GET", "/cds-services", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("flag", MODEL.safety.red_flags, ids=lambda flag: flag.id)
def test_a_red_flag_comes_first_and_presses_as_it_should(call: Call, flag: Any) -> None:
    first, *others = ask(call, put_response(Sheet({}, red_flags={flag.id: True})))
    assert first["indicator"] == INDICATORS[flag.action]
    assert first["summary"] == MODEL.words.cards.actions[flag.action]
    assert MODEL.safety.actions[flag.action].text in first["detail"]
    assert flag.label in first["detail"]
    assert [card["indicator"] for card in others] == ["info"]


def test_where_every_sign_is_ruled_out_the_scores_stand_alone(call: Call) -> None:
    (card,) = ask(call, put_response(DESK._replace(**CLEARED)))
    own = ASSESSOR.assess(DESK._replace(**CLEARED))
    assert card["summary"] == MODEL.words.cards.no_index
    assert card["detail"].startswith(MODEL.words.cards.actions["none"])
    sitting = own["habits"][0]
    assert f"- {sitting['name']}: {sitting['score']:g} of 100, very high\n" in card["detail"]
    assert "- Slouching: no score yet\n" in card["detail"]


def test_what_is_not_cleared_is_said(call: Call) -> None:
    first, second = ask(call, put_response(DESK))
    assert first["summary"] == MODEL.safety.not_cleared
    assert MODEL.words.cards.actions["none"] not in second["detail"]


@given(sheets())
def test_cards_are_as_cds_hooks_wants_them(sheet: Sheet) -> None:
    assessment = ASSESSOR.assess(drop_empty(sheet))
    for model in LANGUAGES.values():
        cards = CardWriter(model).put(assessment, GUIDE)
        assert len({card["uuid"] for card in cards}) == len(cards)
        for card in cards:
            assert 0 < len(card["summary"]) < 140
            assert "{" not in card["summary"] + card["detail"]
            assert card["indicator"] in ("info", "warning", "critical")
            assert card["source"] == {"label": f"{model.title} {model.version}", "url": GUIDE}
            assert card["links"][0]["url"] == GUIDE
        assert cards[0]["indicator"] == INDICATORS[assessment["safety"]["action"]]
        index = assessment["index"]["score"]
        if index is not None:
            assert f"{index:g}" in cards[-1]["summary"].split()


def test_a_long_summary_is_cut_between_words() -> None:
    assert shorten("a" * LONGEST_SUMMARY) == "a" * LONGEST_SUMMARY
    cut = shorten("word " * 60)
    assert len(cut) <= LONGEST_SUMMARY
    assert re.fullmatch(r"(word )+word…", cut)


def test_drafts_warn_in_english() -> None:
    spanish = LANGUAGES["es"].words.cards
    assert spanish.actions == MODEL.words.cards.actions
    assert spanish.scores != MODEL.words.cards.scores


def test_the_guide_that_cards_point_to_is_there(call: Call) -> None:
    (card, *_) = ask(call, put_response(DESK))
    address = card["links"][0]["url"].removeprefix("http://test")
    assert call("GET", address).status_code == 200


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        {"resourceType": "Bundle", "type": "searchset", "total": 0},
        {"resourceType": "Bundle", "type": "searchset", "entry": []},
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "OperationOutcome"}}]},
    ],
)
def test_without_answers_there_are_no_cards(call: Call, nothing: object) -> None:
    assert ask(call, nothing) == []


def test_a_search_gives_its_first_response(call: Call) -> None:
    entries = [{"resource": put_response(DESK)}, {"resource": put_response(Sheet({}))}]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    assert ask(call, bundle) == ask(call, put_response(DESK))


@pytest.mark.parametrize("odd", [4, [], CANARY, {"resourceType": CANARY}, {"status": CANARY}])
def test_answers_that_do_not_fit_give_a_card_that_says_so(call: Call, odd: object) -> None:
    document = {**put_response(DESK), **odd} if isinstance(odd, dict) else odd
    (card,) = ask(call, document)
    assert card["summary"] == MODEL.words.cards.not_read
    assert card["indicator"] == "info"
    assert "QuestionnaireResponse" in card["detail"]
    assert CANARY not in json.dumps(card)


def test_a_sign_is_not_lost_to_a_fault_elsewhere(call: Call) -> None:
    flag = MODEL.safety.red_flags[0]
    document = put_response(DESK._replace(red_flags={flag.id: True}))
    document["item"].append({"linkId": CANARY, "answer": [{"valueString": CANARY}]})
    first, second = ask(call, document)
    assert first["indicator"] == INDICATORS[flag.action]
    assert flag.label in first["detail"]
    assert second["summary"] == MODEL.words.cards.not_read
    assert CANARY not in json.dumps([first, second])


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/hook", "/hookInstance", "/context"]),
        ({**HOOK, "hook": CANARY}, ["/hook"]),
        ({**HOOK, "context": {"patientId": 4}}, ["/context/patientId"]),
        (HOOK, ["/prefetch/answers"]),
        ({**HOOK, "prefetch": {}}, ["/prefetch/answers"]),
    ],
)
def test_a_call_that_is_none_is_refused(call: Call, body: Any, pointers: list[str]) -> None:
    response = call("POST", SERVICE, json=body)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json()["errors"]] == pointers
    assert CANARY not in response.text


def test_what_a_caller_adds_is_let_pass_and_never_used(call: Call, log: Any) -> None:
    token = {"access_token": CANARY, "token_type": "Bearer", "scope": "patient/*.read"}
    more = {"fhirServer": f"https://{CANARY}.example", "fhirAuthorization": token}
    assert ask(call, put_response(DESK), **more) == ask(call, put_response(DESK))
    assert CANARY not in log.getvalue().decode()


def test_feedback_is_taken_and_not_kept(call: Call, log: Any) -> None:
    outcome = {"card": "4e0a3a1e-3283-4575-ab82-028d55fe2719", "outcome": "overridden"}
    reason = {"overrideReasons": [{"userComment": CANARY}]}
    response = call("POST", f"{SERVICE}/feedback", json={"feedback": [{**outcome, **reason}]})
    assert (response.status_code, response.content) == (200, b"")
    assert CANARY not in log.getvalue().decode()
    wrong: object
    for wrong in ({}, {"feedback": []}, {"feedback": [4]}, []):
        assert call("POST", f"{SERVICE}/feedback", json=wrong).status_code == 422


@pytest.mark.parametrize("path", ["/cds-services/other", "/cds-services/other/feedback"])
def test_there_is_no_other_service(call: Call, path: str) -> None:
    assert call("POST", path, json=HOOK).status_code == 404


def test_cards_come_in_the_language_that_is_preferred() -> None:
    call = caller(make_app(unreviewed_languages=("es",)))
    body = {**HOOK, "prefetch": {"answers": put_response(DESK)}}
    response = call("POST", SERVICE, json=body, headers={"Accept-Language": "es"})
    assert response.headers["content-language"] == "es, en"
    assert response.json()["cards"][-1]["summary"] == LANGUAGES["es"].words.cards.no_index
