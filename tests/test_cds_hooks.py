"""Cards beside a patient's record: short, calm, what safety calls for first, and nothing kept."""

import asyncio
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Call, caller, make_app
from hypothesis import given
from hypothesis import strategies as st
from people import CLEARED, MODEL, sheets
from responses import put_response
from test_fhir_response import ASSESSOR, CANARY, DESK, RESPONSES

from api.fhir.assessor import Assessed
from api.fhir.cards import (
    ABOUT_CARDS,
    ABOUT_SCORES,
    LONGEST_SUMMARY,
    PRESSING,
    CardWriter,
    Opened,
    put_services,
    shorten,
)
from api.fhir.prefetch import Found, Given, find_given, read_authored
from api.fhir.response import STATUSES
from rules.assessment import Sheet
from rules.explanation import fill_in
from rules.loading import PACKAGED_MODEL, load_languages
from rules.words import CardWords

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
GUIDES = "http://test/guides/"
SIGN = next(flag for flag in MODEL.safety.red_flags if flag.action == "emergency")
SIGNED = Sheet({}, red_flags={SIGN.id: True})
SAY = MODEL.words.cards


def ask(call: Call, answers: object, **more: Any) -> Any:
    """The cards for answers that are sent along."""
    response = call("POST", SERVICE, json={**HOOK, "prefetch": {"answers": answers}, **more})
    assert response.status_code == 200
    return response.json()["cards"]


def bundle(*resources: object) -> dict[str, Any]:
    """What a search gives."""
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def undated(text: str) -> str:
    """What a card says in a line whose answers have no date."""
    return dated(text, "")


def dated(text: str, date: str, say: CardWords = SAY) -> str:
    """What a card says in a line whose answers have a date."""
    return fill_in(say.dated if date else say.undated, date=date, text=text)


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
    assert first["summary"] == undated(SAY.actions[flag.action])
    assert MODEL.safety.actions[flag.action].text in first["detail"]
    assert flag.label in first["detail"]
    assert [card["indicator"] for card in others] == ["info"]


def test_where_every_sign_is_ruled_out_the_scores_stand_alone(call: Call) -> None:
    (card,) = ask(call, put_response(DESK._replace(**CLEARED)))
    own = ASSESSOR.assess(DESK._replace(**CLEARED))
    assert card["summary"] == undated(SAY.no_index)
    assert card["detail"].startswith(MODEL.words.cards.actions["none"])
    sitting = own["habits"][0]
    assert f"- {sitting['name']}: {sitting['score']:g} of 100, very high\n" in card["detail"]
    assert "- Slouching: no score yet\n" in card["detail"]


def test_what_is_not_cleared_is_said(call: Call) -> None:
    first, second = ask(call, put_response(DESK))
    assert first["summary"] == shorten(undated(MODEL.safety.not_cleared))
    assert MODEL.safety.not_cleared in first["detail"]
    assert MODEL.words.cards.actions["none"] not in second["detail"]


@given(sheets(), st.sampled_from(["", "2026-08-01"]))
def test_cards_are_as_cds_hooks_wants_them(sheet: Sheet, date: str) -> None:
    assessment = ASSESSOR.assess(sheet)
    assessed = Assessed(assessment, [], assessment["safety"])
    for model in LANGUAGES.values():
        answered = Given({}, "7", read_authored(date), is_finished=True)
        cards = CardWriter(model).put(assessed, answered, Opened("e", GUIDES))
        assert len({card["uuid"] for card in cards}) == len(cards)
        for card in cards:
            assert card.keys() == {"uuid", "summary", "indicator", "detail", "source", "links"}
            assert 0 < len(card["summary"]) < 140
            assert "{" not in card["summary"] + card["detail"]
            assert card["indicator"] in PRESSING
            label = f"{model.title} {model.version}"
            assert card["source"] == {"label": label, "url": GUIDES + ABOUT_SCORES}
            assert date in card["summary"]
            assert date in card["detail"]
        assert [card["links"][0]["url"] for card in cards[:-1]] == [GUIDES + ABOUT_CARDS] * (
            len(cards) - 1
        )
        assert cards[-1]["links"][0]["url"] == GUIDES + ABOUT_SCORES
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


def test_the_guides_that_cards_point_to_are_there(call: Call) -> None:
    cards = ask(call, put_response(DESK))
    links = {link["url"] for card in cards for link in (*card["links"], card["source"])}
    assert len(links) == 2
    for link in links:
        page, _, place = link.removeprefix("http://test").partition("#")
        response = call("GET", page)
        assert response.status_code == 200
        assert f'id="{place}"' in response.text or not place


def test_links_lead_to_the_address_at_which_the_service_was_asked(app: Any) -> None:
    transport = httpx.ASGITransport(app=app, root_path="/psoas")
    body = {**HOOK, "prefetch": {"answers": put_response(DESK)}}

    async def post() -> Any:
        async with httpx.AsyncClient(transport=transport, base_url="https://ehr.example") as client:
            return (await client.post(f"/psoas{SERVICE}", json=body)).json()

    (link,) = asyncio.run(post())["cards"][-1]["links"]
    assert link["url"] == "https://ehr.example/psoas/guides/understand-a-score"


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        {"resourceType": "Bundle", "type": "searchset", "total": 0},
        {"resourceType": "Bundle", "type": "searchset", "entry": []},
        bundle({"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}),
        put_response(SIGNED, status="entered-in-error"),
        bundle(put_response(SIGNED, status="entered-in-error")),
    ],
)
def test_without_answers_there_are_no_cards(call: Call, nothing: object) -> None:
    assert ask(call, nothing) == []


OLD, NEW = "2020-03-01T08:00:00Z", "2026-08-01T08:00:00Z"
HEALTHY = Sheet(DESK.answers, **CLEARED)


def test_of_several_responses_the_newest_is_used(call: Call) -> None:
    old, new = put_response(HEALTHY, authored=OLD), put_response(SIGNED, authored=NEW)
    alone = ask(call, new)
    assert alone[0]["indicator"] == "critical"
    for sent in ((old, new), (new, old), (put_response(HEALTHY), new)):
        assert ask(call, bundle(*sent)) == alone


def test_responses_of_the_same_age_are_used_as_they_come(call: Call) -> None:
    told: list[dict[str, Any]] = [{}, {"authored": NEW}]
    for more in told:
        first, second = put_response(HEALTHY, **more), put_response(SIGNED, **more)
        assert ask(call, bundle(first, second)) == ask(call, first)


@pytest.mark.parametrize(
    "better",
    [
        {"questionnaire": "http://elsewhere.example/Questionnaire/other"},
        {"status": "entered-in-error"},
        {"subject": {"reference": "Patient/other"}},
    ],
)
def test_what_is_no_answer_of_ours_hides_none(call: Call, better: dict[str, Any]) -> None:
    ours, newer = put_response(SIGNED, authored=OLD), put_response(HEALTHY, authored=NEW)
    assert ask(call, bundle({**newer, **better}, ours)) == ask(call, ours)


@pytest.mark.parametrize("status", ["in-progress", "stopped"])
def test_an_unfinished_response_hides_no_finished_one_and_no_sign(call: Call, status: str) -> None:
    finished = put_response(HEALTHY, authored=OLD)
    draft: dict[str, Any] = {"status": status, "authored": NEW}
    assert ask(call, bundle(put_response(HEALTHY, **draft), finished)) == ask(call, finished)
    signed = put_response(SIGNED, **draft)
    first, *others = ask(call, bundle(signed, finished))
    assert first["indicator"] == "critical"
    assert first["summary"] == dated(SAY.actions[SIGN.action], NEW[:10])
    assert SAY.not_finished in first["detail"]
    assert others == ask(call, finished)
    assert ask(call, bundle(finished, {**signed, "authored": "2019"})) == others
    assert first == ask(call, signed)[0]


def test_the_more_pressing_of_two_signs_comes_first(call: Call) -> None:
    review = next(flag for flag in MODEL.safety.red_flags if flag.action == "review")
    draft = put_response(Sheet({}, red_flags={review.id: True}), status="stopped", authored=NEW)
    cards = ask(call, bundle(draft, put_response(SIGNED, authored=OLD)))
    assert [card["indicator"] for card in cards] == ["critical", "warning", "info"]


def test_the_search_leaves_out_what_was_withdrawn_and_asks_for_more_than_one(call: Call) -> None:
    (service,) = call("GET", "/cds-services").json()["services"]
    address = httpx.URL(service["prefetch"]["answers"].replace("{{context.patientId}}", "e"))
    assert address.params["patient"] == "e"
    assert address.params["status"].split(",") == list(STATUSES)
    assert int(address.params["_count"]) > 1
    assert address.params["_sort"] == "-authored"


@pytest.mark.parametrize(
    ("authored", "date"),
    [
        ("2019-01-01T00:30:00+02:00", "2019-01-01"),
        ("2026-08-01T09:30:12.345678901Z", "2026-08-01"),
        ("2026-08-01", "2026-08-01"),
        ("2026-08", "2026-08"),
        ("2026", "2026"),
        ("2026-02-30T25:61:61Z", ""),
        ("2026-08-01T09:30:00+99:99", ""),
        ("0000", ""),
        ("\uff12026-08-01", ""),
        (CANARY, ""),
        (2026, ""),
        (None, ""),
    ],
)
def test_a_card_says_when_its_answers_were_given(call: Call, authored: object, date: str) -> None:
    cards = ask(call, put_response(SIGNED, authored=authored))
    assert [card["indicator"] for card in cards] == ["critical", "info"]
    for card in cards:
        assert card["summary"].startswith(dated("", date))
        assert (f" {date}." if date else SAY.no_date) in card["detail"]
    assert CANARY not in json.dumps(cards)


MOMENTS = st.datetimes(timezones=st.timezones().map(lambda _: UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)


@given(st.lists(MOMENTS, min_size=1, max_size=4), st.randoms())
def test_whatever_their_order_the_newest_is_found(times: list[datetime], chance: Any) -> None:
    sent = [put_response(DESK, authored=moment.isoformat()) for moment in times]
    chance.shuffle(sent)
    found = find_given(bundle(*sent), "e")
    assert found.given is not None
    assert found.given.when.moment == max(times)
    assert found.draft is None


@pytest.mark.parametrize(
    ("draft", "finished", "is_looked_at"),
    [
        ("2026-08-01", "2026-08-01T09:00:00Z", True),
        ("2026", "2026-08-01", True),
        ("2026-07", "2026-08-01", False),
        ("2026-08-01T08:00:00Z", "2026-08-01T09:00:00Z", False),
        ("2026-08-01T08:30:00-02:00", "2026-08-01T09:00:00Z", True),
        ("2026-08-01T08:00:00Z", "2026-08-01", True),
        (None, "2026-08-01", True),
        ("2026-08-01", None, True),
    ],
)
def test_a_draft_is_left_out_only_where_it_is_surely_older(
    draft: str | None, finished: str | None, is_looked_at: bool
) -> None:
    begun = put_response(SIGNED, status="in-progress", authored=draft)
    found = find_given(bundle(begun, put_response(DESK, authored=finished)), "e")
    assert (found.draft is not None) == is_looked_at


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/other",
        "https://ehr.example/fhir/Patient/other",
        "Patient/other/_history/2",
        "Person/e",
    ],
)
def test_answers_of_another_patient_are_not_shown(call: Call, reference: str) -> None:
    document = put_response(SIGNED, subject={"reference": reference})
    for sent in (document, bundle(document)):
        (card,) = ask(call, sent, context={"patientId": "e"})
        assert card["summary"] == SAY.of_another
        assert card["indicator"] == "warning"
        assert reference not in card["detail"]
        assert SIGN.label not in card["detail"]


@pytest.mark.parametrize(
    ("patient", "subject"),
    [
        ("e", {"reference": "Patient/e"}),
        ("e", {"reference": "https://ehr.example/fhir/Patient/e/_history/2"}),
        ("Patient/e", {"reference": "Patient/e"}),
        ("e", {"reference": "urn:uuid:4e0a3a1e-3283-4575-ab82-028d55fe2719"}),
        ("e", {"reference": "#contained"}),
        ("e", {"reference": "Patient?identifier=http://ids.example/Patient/5"}),
        ("e", {"identifier": {"value": "5"}}),
        ("e", {"reference": 5}),
        ("e", 5),
        ("", {"reference": "Patient/other"}),
    ],
)
def test_answers_are_shown_unless_they_are_known_to_be_of_another(
    call: Call, patient: str, subject: object
) -> None:
    (first, *_) = ask(call, put_response(SIGNED, subject=subject), context={"patientId": patient})
    assert first["indicator"] == "critical"


def test_cards_about_other_answers_have_other_names(call: Call) -> None:
    def name(patient: str = "a", **more: Any) -> str:
        context = {"patientId": patient}
        sent = {"answers": put_response(SIGNED, **more)}
        body = json.dumps({**HOOK, "context": context, "prefetch": sent})  # surrogates as \\u
        response = call("POST", SERVICE, content=body, headers={"Content-Type": "application/json"})
        (first, *_) = response.json()["cards"]
        uuid: str = first["uuid"]
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid)
        return uuid

    assert name(id="1", authored=OLD) == name(id="1", authored=OLD)
    names = [
        name(),
        name("b"),
        name("\ud800"),
        name(id="1"),
        name(id="1", authored=OLD),
        name(id="1", authored=OLD.replace("08:", "09:")),
    ]
    assert len(set(names)) == len(names)
    assert name(id="\ud800") == name()


@pytest.mark.parametrize("entry", [5, True, {}, "", CANARY, [5], [{"resource": CANARY}], [{}]])
def test_a_bundle_that_cannot_be_looked_into_gives_a_card_that_says_so(
    call: Call, entry: object
) -> None:
    (card,) = ask(call, {"resourceType": "Bundle", "entry": entry})
    assert card["summary"] == SAY.not_read
    assert "Bundle.entry" in card["detail"]
    assert CANARY not in json.dumps(card)


def test_a_bundle_of_the_largest_size_is_looked_into_in_time() -> None:
    moments = (datetime(2026, 8, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(20_000))
    sent = [
        {"resourceType": "QuestionnaireResponse", "authored": f"{one:%FT%TZ}"} for one in moments
    ]
    found = find_given(bundle(*sent), "e")
    assert found.given is not None
    assert found.given.document == sent[-1]


@pytest.mark.parametrize(
    ("fault", "reads_safety"),
    [
        ({"status": "entered-in-error"}, False),
        ({"questionnaire": "http://elsewhere.example/Questionnaire/other"}, False),
        ({"questionnaire": "http://psoas-risk.org/fhir/Questionnaire/psoas-risk|2020.1"}, True),
        ({"text": {"status": "generated", "div": "x" * 200_000}}, True),
        ({"status": CANARY}, True),
    ],
)
def test_a_sign_counts_if_the_answers_are_ours(
    call: Call, fault: dict[str, Any], reads_safety: bool
) -> None:
    cards = ask(call, put_response(SIGNED, **fault))
    assert any(card["indicator"] == "critical" for card in cards) == reads_safety
    assert all(card["summary"] == undated(SAY.not_read) for card in cards[reads_safety:])


YES, NO = {"valueBoolean": True}, {"valueBoolean": False}


@pytest.mark.parametrize(
    "items",
    [
        [{"linkId": SIGN.id, "answer": [YES]}, {"linkId": "runs", "answer": None}],
        [
            {"linkId": SIGN.id, "answer": [YES]},
            {"linkId": "runs", "answer": [NO], "modifierExtension": [{"url": "http://x.example"}]},
        ],
        [{"linkId": SIGN.id, "answer": [NO]}, {"linkId": SIGN.id, "answer": [YES]}],
        [{"linkId": SIGN.id, "answer": [YES]}, {"linkId": SIGN.id, "answer": [NO]}],
        [{"linkId": SIGN.id, "answer": [YES, YES]}],
        [{"linkId": SIGN.id, "answer": [NO, YES]}],
    ],
)
def test_a_sign_is_not_lost_to_a_fault_of_shape(call: Call, items: list[Any]) -> None:
    first, second = ask(call, {**put_response(Sheet({})), "item": items})
    assert first["indicator"] == "critical"
    assert SIGN.label in first["detail"]
    assert second["summary"] == undated(SAY.not_read)


@pytest.mark.parametrize("odd", [4, [], CANARY, {"resourceType": CANARY}, {"status": CANARY}])
def test_answers_that_do_not_fit_give_a_card_that_says_so(call: Call, odd: object) -> None:
    document = {**put_response(DESK), **odd} if isinstance(odd, dict) else odd
    *_, card = ask(call, document)
    assert card["summary"] in (SAY.not_read, undated(SAY.not_read))
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
    assert second["summary"] == undated(SAY.not_read)
    assert CANARY not in json.dumps([first, second])


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/hook", "/hookInstance", "/context"]),
        ({**HOOK, "hook": CANARY}, ["/hook"]),
        ({**HOOK, "context": {"patientId": 4}}, ["/context/patientId"]),
        ({**HOOK, "context": {"userId": "Practitioner/7"}}, ["/context/patientId"]),
        ({**HOOK, "context": {**HOOK["context"], "userId": 4}}, ["/context/userId"]),
        ({**HOOK, "hookInstance": 4}, ["/hookInstance"]),
        ({**HOOK, "prefetch": []}, ["/prefetch"]),
    ],
)
def test_a_call_that_is_none_is_refused(call: Call, body: Any, pointers: list[str]) -> None:
    response = call("POST", SERVICE, json=body)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json()["errors"]] == pointers
    assert CANARY not in response.text


FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": CANARY}]}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"prefetch": None},
        {"prefetch": {}},
        {"prefetch": {"patient": {"resourceType": "Patient"}}},
        {"prefetch": {"answers": FAILED}},
        {"prefetch": {"answers": {"resourceType": "OperationOutcome"}}},
        {"prefetch": {"answers": bundle(FAILED)}},
        {"prefetch": {"answers": bundle({"resourceType": "OperationOutcome"})}},
    ],
)
def test_answers_that_were_not_sent_along_are_asked_for(call: Call, more: dict[str, Any]) -> None:
    response = call("POST", SERVICE, json={**HOOK, **more})
    assert response.status_code == 412
    problem = response.json()
    assert problem["type"] == "urn:psoas-risk:problem:precondition-failed"
    assert "prefetch.answers" in problem["detail"]
    assert "errors" not in problem
    assert CANARY not in response.text


def test_answers_are_shown_though_the_search_had_something_to_tell(call: Call) -> None:
    own = put_response(SIGNED)
    assert ask(call, bundle(FAILED, own)) == ask(call, own)


def test_extensions_are_let_pass_wherever_cds_hooks_has_them(call: Call) -> None:
    extension = {"extension": {"com.example.ehr": {CANARY: True}}}
    body = {
        **HOOK,
        **extension,
        "context": {**HOOK["context"], **extension, "encounterId": "9"},
        "prefetch": {"answers": put_response(DESK), **extension},
    }
    response = call("POST", SERVICE, json=body)
    assert response.json()["cards"] == ask(call, put_response(DESK))
    told = {"feedback": [{"card": "x", "outcome": "accepted", **extension}], **extension}
    assert call("POST", f"{SERVICE}/feedback", json=told).status_code == 200


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
    body = {**HOOK, "prefetch": {"answers": put_response(DESK, authored=NEW)}}
    response = call("POST", SERVICE, json=body, headers={"Accept-Language": "es"})
    assert response.headers["content-language"] == "es, en"
    card, spanish = response.json()["cards"][-1], LANGUAGES["es"].words.cards
    assert card["summary"] == dated(spanish.no_index, NEW[:10], spanish)
    assert fill_in(spanish.date, date=NEW[:10]) in card["detail"]


def test_reasons_in_english_are_said_to_be_english() -> None:
    writer = CardWriter(LANGUAGES["es"])
    for sent in (4, put_response(DESK, status=CANARY)):
        found = find_given(sent, "e")
        shown = writer.put_found(found, RESPONSES.assess, Opened("e", GUIDES))
        assert shown.has_faults
        assert "inglés" in shown.cards[-1]["detail"]
    good = find_given(put_response(DESK), "e")
    assert not writer.put_found(good, RESPONSES.assess, Opened("e", GUIDES)).has_faults
    assert not writer.put_found(Found(), RESPONSES.assess, Opened("e", GUIDES)).has_faults


def test_a_reviewed_language_and_english_reasons_are_both_named(tmp_path: Path) -> None:
    folder = shutil.copytree(PACKAGED_MODEL, tmp_path / "model")
    language = folder / "translations" / "es" / "language.toml"
    language.write_text("translation_reviewed = true\n", "utf-8")
    told_in = load_languages(folder)["es"].language.told_in
    call = caller(make_app(model_dir=folder))
    for answers, told in ((DESK, set(told_in)), (CANARY, {*told_in, "en"})):
        sent = put_response(answers) if isinstance(answers, Sheet) else answers
        body = {**HOOK, "prefetch": {"answers": sent}}
        response = call("POST", SERVICE, json=body, headers={"Accept-Language": "es"})
        assert set(response.headers["content-language"].split(", ")) == told
