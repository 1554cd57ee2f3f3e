"""Stored assessments: kept as they were answered, found, listed, compared, exported and erased; on each database."""

import asyncio
import csv
import io
import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from clinic import BETTER, DESK, Clinic
from people import MODEL
from sqlalchemy import update
from sqlmodel import col

from api.storage.tables import StoredAssessment

Storage = dict[str, Any]


@pytest.fixture
def clinic(storage: Storage) -> Clinic:
    return Clinic(storage)


def test_what_was_answered_is_kept_with_what_was_said(clinic: Clinic) -> None:
    sent = {
        "person": "p-1",
        "answers": DESK,
        "red_flags": {"saddle_numbness": False},
        "symptoms": {"pain_0_10": 3, "pain_sites": ["low_back"]},
    }
    stored = clinic.call("POST", "/assessments", json=sent)
    assert stored.status_code == 201
    body = stored.json()
    assert stored.headers["location"] == f"/assessments/{body['id']}"
    assert stored.headers["cache-control"] == "no-store"
    assert body["person"] == "p-1"
    assert body["created_at"] == "2026-08-01T09:30:00.000Z"
    without_person = {name: value for name, value in sent.items() if name != "person"}
    assert body["assessment"] == clinic.call("POST", "/assess", json=without_person).json()
    found = clinic.call("GET", stored.headers["location"])
    assert found.status_code == 200
    assert found.json() == {**body, "request": without_person}


def test_an_id_is_a_uuid_of_its_moment(clinic: Clinic) -> None:
    first = clinic.store().json()["id"]
    clinic.clock.move(milliseconds=1)
    second = clinic.store().json()["id"]
    assert first < second
    assert first[14] == second[14] == "7"
    milliseconds = int(first.replace("-", "")[:12], 16)
    assert milliseconds == 1785576600000  # 2026-08-01 09:30 UTC


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"answers": {}}, "/person", "missing"),
        ({"person": "Anna Maria", "answers": {}}, "/person", "malformed"),
        ({"person": "p" * 65, "answers": {}}, "/person", "malformed"),
        ({"person": "", "answers": {}}, "/person", "malformed"),
        ({"person": "p\n", "answers": {}}, "/person", "malformed"),
        ({"person": 7, "answers": {}}, "/person", "wrong_type"),
        ({"person": "p", "answers": {"runs": 1}}, "/answers/runs", "wrong_type"),
        ({"person": "p", "answers": {}, "name": "x"}, "/name", "unknown_field"),
    ],
)
def test_what_cannot_be_used_is_not_stored(
    clinic: Clinic, body: Any, pointer: str, code: str
) -> None:
    response = clinic.call("POST", "/assessments", json=body)
    assert response.status_code == 422
    assert [(e["pointer"], e["code"]) for e in response.json()["errors"]] == [(pointer, code)]
    assert "Anna" not in response.text
    assert clinic.call("GET", "/assessments").json() == {"items": [], "next_cursor": None}


def test_pages_hold_everything_once_the_newest_first(clinic: Clinic) -> None:
    ids = []
    for number in range(7):
        clinic.clock.move(minutes=1)
        ids.append(clinic.store(f"p-{number % 2}").json()["id"])
    seen, cursor, pages = [], None, 0
    while True:
        query = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = clinic.call("GET", "/assessments", params=query).json()
        seen += [item["id"] for item in page["items"]]
        pages += 1
        cursor = page["next_cursor"]
        if cursor is None:
            break
        clinic.clock.move(minutes=1)
        clinic.store("late")  # what comes meanwhile does not shift the pages
    assert seen == ids[::-1]
    assert pages == 3


def test_filters(clinic: Clinic) -> None:
    old = clinic.store("p-1").json()
    clinic.clock.move(days=1)
    flagged = {"person": "p-2", "answers": BETTER, "red_flags": {"saddle_numbness": True}}
    new = clinic.call("POST", "/assessments", json=flagged).json()

    def ids(**query: str) -> list[str]:
        response = clinic.call("GET", "/assessments", params=query)
        assert response.status_code == 200, response.text
        return [item["id"] for item in response.json()["items"]]

    assert ids() == [new["id"], old["id"]]
    assert ids(person="p-1") == [old["id"]]
    assert ids(person="p-3") == []
    assert ids(since="2026-08-02T00:00:00Z") == [new["id"]]
    assert ids(since="2026-08-01T09:30:00Z", until="2026-08-02T09:30:00+00:00") == [old["id"]]
    assert ids(safety_action="emergency") == [new["id"]]
    assert ids(model_version=MODEL.version) == [new["id"], old["id"]]
    assert ids(model_version="1999.1") == []
    assert ids(level="very_high") == []


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/assessments", {"limit": "0"}, "out_of_range"),
        ("/assessments", {"limit": "201"}, "out_of_range"),
        ("/assessments", {"limit": "canary"}, "wrong_type"),
        ("/assessments", {"cursor": "canary"}, "malformed"),
        ("/assessments", {"cursor": "!!!!AAAAAAAAAAAAAAAAAAAAAA"}, "malformed"),
        ("/assessments", {"since": "canary"}, "malformed"),
        ("/assessments", {"since": "0"}, "malformed"),
        ("/assessments", {"since": "2026-08-01"}, "malformed"),
        ("/assessments", {"until": "2026-08-01T00:00:00"}, "malformed"),
        ("/assessments", {"level": "canary"}, "not_an_option"),
        ("/assessments", {"safety_action": "canary"}, "not_an_option"),
        ("/assessments", {"persn": "canary"}, "unknown_field"),
        ("/assessments", {"person": "can ary"}, "malformed"),
        ("/assessments", {"model_version": "a\0b"}, "malformed"),
        ("/audit", {"action": "canary"}, "not_an_option"),
        ("/audit", {"frm": "canary"}, "unknown_field"),
        ("/people/p-1/export", {"format": "canary"}, "not_an_option"),
        ("/people/p-1/export", {"fromat": "csv"}, "unknown_field"),
    ],
)
def test_a_query_that_cannot_be_used(
    clinic: Clinic, path: str, query: dict[str, str], code: str
) -> None:
    response = clinic.call("GET", path, params=query)
    assert response.status_code == 422
    (fault,) = response.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (f"/query/{next(iter(query))}", code)
    assert "canary" not in response.text


def test_an_address_tells_all_of_its_methods(clinic: Clinic) -> None:
    stored = clinic.store().headers["location"]
    assert clinic.call("PUT", "/assessments").headers["allow"] == "GET, HEAD, POST"
    assert clinic.call("PUT", stored).headers["allow"] == "DELETE, GET, HEAD"
    assert clinic.call("GET", "/people/p-1").headers["allow"] == "DELETE"


# Requests that are sent again


def test_the_same_key_and_body_store_once(clinic: Clinic) -> None:
    first = clinic.store(Idempotency_Key="k-1")
    clinic.clock.move(hours=1)
    again = clinic.store(Idempotency_Key="k-1")
    assert again.status_code == first.status_code == 201
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(clinic.call("GET", "/assessments").json()["items"]) == 1


def test_the_order_of_fields_is_not_another_body(clinic: Clinic) -> None:
    key = {"Idempotency-Key": "k-1", "Content-Type": "application/json"}
    bodies = [
        '{"person": "p", "answers": {"runs": false, "knee_pillow": true}}',
        '{"answers": {"knee_pillow":true,"runs":false}, "person": "p"}',
    ]
    answers = [clinic.call("POST", "/assessments", content=b, headers=key) for b in bodies]
    assert answers[0].content == answers[1].content


def test_the_same_key_with_another_body_is_refused(clinic: Clinic) -> None:
    clinic.store(Idempotency_Key="k-1")
    for other in (
        clinic.store("p-2", Idempotency_Key="k-1"),
        clinic.store(answers={}, Idempotency_Key="k-1"),
    ):
        assert other.status_code == 422
        (fault,) = other.json()["errors"]
        assert fault["pointer"] == "/header/Idempotency-Key"
        assert fault["code"] == "contradiction"
    assert len(clinic.call("GET", "/assessments").json()["items"]) == 1


def test_another_tenant_may_have_the_same_key(clinic: Clinic) -> None:
    first = clinic.store(Idempotency_Key="k-1").json()["id"]
    second = clinic.neighbour().store(Idempotency_Key="k-1")
    assert second.status_code == 201
    assert second.json()["id"] != first


def test_a_request_that_is_in_progress_is_a_conflict(clinic: Clinic) -> None:
    headers = {"Authorization": f"Bearer {clinic.key}", "Idempotency-Key": "k-1"}
    body = {"person": "p", "answers": DESK}

    async def send_all() -> list[httpx.Response]:
        transport = httpx.ASGITransport(clinic.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            sends = (client.post("/assessments", json=body, headers=headers) for _ in range(8))
            return await asyncio.gather(*sends)

    answers = asyncio.run(send_all())
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 201
    assert set(statuses) == {201, 409}
    for answer in answers:
        if answer.status_code == 409:
            assert answer.headers["retry-after"] == "1"
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert len(clinic.call("GET", "/assessments").json()["items"]) == 1


def test_two_processes_with_the_same_key_store_once(clinic: Clinic) -> None:
    """Each process knows only its own requests in progress; the database decides."""
    other = Clinic(clinic.storage, clock=clinic.clock)
    headers = {"Authorization": f"Bearer {clinic.key}"}

    async def send_all() -> list[httpx.Response]:
        clients = [
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
            for app in (clinic.app, other.app)
        ]
        sends = [
            client.post(
                "/assessments",
                json={"person": "p", "answers": DESK},
                headers={**headers, "Idempotency-Key": f"k-{number}"},
            )
            for number in range(20)
            for client in clients
        ]
        return await asyncio.gather(*sends)

    answers = asyncio.run(send_all())
    assert {answer.status_code for answer in answers} == {201}
    for one, two in zip(answers[::2], answers[1::2], strict=True):
        assert one.content == two.content
    items = clinic.call("GET", "/assessments", params={"limit": 200}).json()["items"]
    assert len(items) == 20


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\x7f", "é".encode()])
def test_a_key_that_cannot_be_one_is_refused(clinic: Clinic, key: str | bytes) -> None:
    body = {"person": "p", "answers": {}}
    response = clinic.call("POST", "/assessments", json=body, headers={"Idempotency-Key": key})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"


def test_what_a_key_stored_is_not_stored_again_after_erasure(clinic: Clinic) -> None:
    place = clinic.store(Idempotency_Key="k-1").headers["location"]
    assert clinic.call("DELETE", place).status_code == 204
    assert clinic.store(Idempotency_Key="k-1").status_code == 409
    assert clinic.call("GET", "/assessments").json()["items"] == []


# Change over time


def test_a_trend_tells_what_changed(clinic: Clinic) -> None:
    first = clinic.store(answers=DESK).json()["id"]
    clinic.clock.move(days=30)
    second = clinic.store(answers=BETTER).json()["id"]
    trend = clinic.call("GET", "/people/p-1/trend").json()
    assert [point["assessment_id"] for point in trend["points"]] == [first, second]
    (change,) = trend["changes"]
    assert trend["overall"] == change
    assert (change["from_id"], change["to_id"]) == (first, second)
    sitting = change["habits"][0]
    assert sitting["id"] == "prolonged_sitting"
    then = [point["habits"][0]["then"]["score"] for point in trend["points"]]
    assert sitting["difference"] == sitting["answers_changed"] == pytest.approx(then[1] - then[0])
    assert sitting["model_changed"] == 0
    assert sitting["direction"] == "lower"
    slouching = change["habits"][1]
    assert slouching["difference"] is None
    assert slouching["direction"] == "no_change_shown"
    assert "do not show a change" in slouching["text"]
    assert trend["model"]["digest"] == MODEL.digest


def test_one_assessment_is_no_change(clinic: Clinic) -> None:
    clinic.store()
    trend = clinic.call("GET", "/people/p-1/trend").json()
    assert trend["changes"] == []
    assert trend["overall"] is None


def test_other_rules_are_told_from_other_habits(clinic: Clinic) -> None:
    """The first assessment is made to be of older rules, which gave ten points more and asked other things."""
    first = clinic.store(answers=DESK).json()
    clinic.clock.move(days=30)
    clinic.store(answers=DESK)
    old = json.loads(json.dumps(first["assessment"]))
    old["model"] |= {"version": "2020.1", "digest": "sha256:before"}
    old["habits"][0]["score"] += 10
    old["habits"] = old["habits"][:4]
    request = {"answers": {**DESK, "cigarettes_per_day": 3, "sitting_hours_per_day": 23}}
    change_stored(clinic, first["id"], old, request)
    trend = clinic.call("GET", "/people/p-1/trend").json()
    then = trend["points"][0]
    assert then["model_version"] == "2020.1"
    assert sorted(then["left_out"]) == [
        "/answers/cigarettes_per_day",
        "/answers/sitting_hours_per_day",
    ]
    assert then["habits"][4]["then"] is None

    change_stored(clinic, first["id"], old, {"answers": DESK})
    (change,) = clinic.call("GET", "/people/p-1/trend").json()["changes"]
    sitting = change["habits"][0]
    assert sitting["difference"] == sitting["model_changed"] == -10
    assert sitting["answers_changed"] == 0
    assert sitting["direction"] == "no_change_shown" or sitting["direction"] == "unchanged"
    assert "rules were revised" in sitting["text"]
    running = change["habits"][4]
    assert running["difference"] is None
    assert running["direction"] == "unchanged"


def test_answers_that_no_longer_fit_are_left_out(clinic: Clinic) -> None:
    """Whatever is wrong with old answers under new rules, the person's trend is told."""
    stored = clinic.store(answers={**DESK, "knee_pillow": None}).json()
    assert clinic.call("GET", f"/assessments/{stored['id']}").json()["request"] == {"answers": DESK}
    request = {
        "answers": {**DESK, "gone": None, "runs": "maybe"},
        "symptoms": {"pain_sites": ["tail", "wing", "low_back"], "pain_0_10": 3},
        "moods": {"today": 1},
    }
    change_stored(clinic, stored["id"], stored["assessment"], request)
    trend = clinic.call("GET", "/people/p-1/trend")
    assert trend.status_code == 200
    (point,) = trend.json()["points"]
    left_out = ["/answers/gone", "/answers/runs", "/moods", "/symptoms/pain_sites"]
    assert sorted(point["left_out"]) == left_out


def test_between_assessments_of_the_same_rules_only_answers_changed(clinic: Clinic) -> None:
    """Both were told by rules of before, which gave ten points more for much sitting."""
    for answers in (DESK, BETTER):
        stored = clinic.store(answers=answers).json()
        old = stored["assessment"]
        old["model"]["digest"] = "sha256:before"
        if answers is DESK:
            for end in ("score", "low", "high"):
                old["habits"][0][end] += 10
        change_stored(clinic, stored["id"], old, {"answers": answers})
        clinic.clock.move(days=1)
    (change,) = clinic.call("GET", "/people/p-1/trend").json()["changes"]
    sitting = change["habits"][0]
    assert sitting["difference"] == sitting["answers_changed"]
    assert sitting["model_changed"] == 0
    assert "rules" not in sitting["text"]


def change_stored(clinic: Clinic, id: str, result: Any, request: Any) -> None:
    """Make a stored assessment say something else, as if it were of another time."""
    with clinic.app.state.parts.database.writing() as connection:
        connection.execute(
            update(StoredAssessment)
            .where(col(StoredAssessment.id) == UUID(id))
            .values(
                result=json.dumps(result).encode(),
                request=json.dumps(request).encode(),
                model_version=result["model"]["version"],
            )
        )


# Export and erasure


def test_an_export_holds_everything(clinic: Clinic) -> None:
    bodies = [clinic.store(answers=DESK).json()]
    clinic.clock.move(days=1)
    bodies.append(clinic.store(answers=BETTER).json())
    clinic.store("p-2")
    export = clinic.call("GET", "/people/p-1/export")
    assert export.headers["content-disposition"] == "attachment; filename=p-1.json"
    assert export.json() == {
        "person": "p-1",
        "assessments": [
            {**body, "request": {"answers": answers}}
            for body, answers in zip(bodies, (DESK, BETTER), strict=True)
        ],
    }


def test_an_export_as_csv_scores_again_to_the_same(clinic: Clinic) -> None:
    answers = {**DESK, "screen_position": "at_eye_level"}
    body = {
        "person": "p-1",
        "answers": answers,
        "symptoms": {"pain_sites": ["low_back", "groin"]},
    }
    assert clinic.call("POST", "/assessments", json=body).status_code == 201
    export = clinic.call("GET", "/people/p-1/export", params={"format": "csv"})
    assert export.headers["content-type"] == "text/csv; charset=utf-8"
    again = clinic.call(
        "POST", "/assess/batch", content=export.content, headers={"Content-Type": "text/csv"}
    )
    (exported,) = csv.DictReader(io.StringIO(export.text))
    (scored,) = csv.DictReader(io.StringIO(again.text))
    assert scored["psoas_status"] == "scored", scored["psoas_problems"]
    names = [name for name in exported if name.startswith("psoas_")]
    assert len(names) == 27
    for name in names:
        assert scored[name] == exported[name], name
    assert exported["sitting_hours_per_day"] in ("9", "9.0")


def test_erasing_a_person_leaves_the_others(clinic: Clinic) -> None:
    for person in ("p-1", "p-2", "p-1"):
        clinic.store(person)
    erased = clinic.call("DELETE", "/people/p-1")
    assert erased.status_code == 200
    assert erased.json() == {"erased": 2}
    (left,) = clinic.call("GET", "/assessments").json()["items"]
    assert left["person"] == "p-2"
    for method, path in (("DELETE", ""), ("GET", "/trend"), ("GET", "/export")):
        assert clinic.call(method, f"/people/p-1{path}").status_code == 404


def test_what_is_not_there_is_not_found(clinic: Clinic) -> None:
    for name in ("canary", "0198a0b2-8c00-7000-8000-000000000001"):
        for method in ("GET", "DELETE"):
            response = clinic.call(method, f"/assessments/{name}")
            assert response.status_code == 404
            assert "canary" not in response.text
    assert clinic.call("GET", "/people/a b/trend").status_code == 422


# Who may


@pytest.mark.parametrize("key", ["", "psoas_x", "canary", "psoas_0123456789abcdef_" + "0" * 64])
def test_without_a_key_that_works_nothing_stored_is_told(clinic: Clinic, key: str) -> None:
    clinic.store()
    for path in ("/assessments", "/people/p-1/export", "/audit"):
        response = clinic.call("GET", path, key=key)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["content-type"] == "application/problem+json"
        assert "canary" not in response.text
    assert (
        clinic.call(
            "POST", "/assessments", key=key, json={"person": "p", "answers": {}}
        ).status_code
        == 401
    )
    assert len(clinic.call("GET", "/assessments").json()["items"]) == 1
