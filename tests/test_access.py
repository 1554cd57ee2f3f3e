"""Who may come in: scopes, services that are not public, pages of other origins, and a log without secrets."""

import io
import json
from pathlib import Path
from typing import Any

import issuer
import pytest
from clinic import DESK, Clinic, make_key_text
from conftest import make_app
from peers import send

Storage = dict[str, Any]
UNKNOWN = "psoas_0123456789abcdef_" + "0" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    """Settings for a database of SQLite; who may come in does not depend on the kind."""
    return {"data_dir": tmp_path / "data"}


# Scopes


def test_a_key_opens_only_what_its_scopes_say(folder: Storage) -> None:
    clinic = Clinic(folder)
    clinic.store()
    stored = [("GET", "/assessments"), ("POST", "/assessments"), ("GET", "/people/p-1/trend")]
    stored += [("GET", "/people/p-1/export"), ("DELETE", "/people/p-1")]
    stored += [(method, "/assessments/canary") for method in ("GET", "DELETE")]
    others = make_key_text(folder, "clinic", "admin", "assess", "batch")
    for method, path in stored:
        response = clinic.call(method, path, others)
        assert (path, response.status_code) == (path, 403)
        assert response.headers["content-type"] == "application/problem+json"
        assert "records" in response.json()["detail"]
    records = make_key_text(folder, "clinic", "records")
    refused = clinic.call("GET", "/audit", records)
    assert refused.status_code == 403
    assert "admin" in refused.json()["detail"]
    assert clinic.call("GET", "/audit", others).status_code == 200
    assert len(clinic.call("GET", "/assessments", records).json()["items"]) == 1


def test_a_method_that_an_address_does_not_have_is_told_without_a_key(folder: Storage) -> None:
    for public in (True, False):
        app = make_app(**folder, public=public)
        for method, path in (("PUT", "/assessments"), ("POST", "/audit"), ("GET", "/assess/batch")):
            assert send(app, method, path).status_code == 405
        assert send(app, "HEAD", "/audit").status_code == 401


def test_a_key_that_does_not_work_is_refused_on_public_addresses_too(folder: Storage) -> None:
    app = make_app(**folder)
    for sent in (f"Bearer {UNKNOWN}", "Bearer x", "Bearer", "Basic YTpi", "", "bearer  "):
        response = send(app, "GET", "/model", headers={"Authorization": sent})
        assert (sent, response.status_code) == (sent, 401)
        assert response.headers["www-authenticate"] == "Bearer"
    assert send(app, "GET", "/healthz", UNKNOWN).status_code == 200


def test_bearer_may_be_written_in_any_case(folder: Storage) -> None:
    clinic = Clinic(folder)
    for way in ("bearer", "BEARER", "Bearer "):
        headers = {"Authorization": f"{way} {clinic.key}"}
        assert clinic.call("GET", "/assessments", "", headers=headers).status_code == 200


def test_with_a_key_more_people_may_be_assessed_at_once(folder: Storage) -> None:
    clinic = Clinic(folder, batch_people=2)
    body = [{"sitting_hours_per_day": 9}] * 3
    assert clinic.call("POST", "/assess/batch", "", json=body).status_code == 413
    assert len(clinic.call("POST", "/assess/batch", json=body).json()) == 3


# Services that are not public

OPEN = ["/", "/openapi.json", "/healthz", "/readyz"]
CLOSED = [
    *[("POST", "/assess"), ("POST", "/assess/what-if"), ("POST", "/assess/batch")],
    *[("GET", path) for path in ("/questionnaire", "/model", "/model/habits/heavy_running")],
    *[("GET", path) for path in ("/model/sources", "/model/safety", "/model/psoas", "/routines")],
]


def test_a_service_that_is_not_public_needs_a_key_for_all_but_the_way_in(folder: Storage) -> None:
    clinic = Clinic(folder, public=False)
    wrong = make_key_text(folder, "clinic", "records", "admin", "batch")
    right = make_key_text(folder, "clinic", "assess")
    for method, path in CLOSED:
        body: Any = {"json": {"answers": {}}} if method == "POST" else {}
        assert (path, clinic.call(method, path, "", **body).status_code) == (path, 401)
        assert (path, clinic.call(method, path, wrong, **body).status_code) == (path, 403)
        assert clinic.call(method, path, right, **body).status_code in (200, 422), path
    for path in OPEN:
        assert (path, clinic.call("GET", path, "").status_code) == (path, 200)
    assert clinic.call("GET", "/assessments", right).status_code == 403
    assert clinic.call("GET", "/assessments", wrong).status_code == 200


def test_the_document_says_which_operations_need_a_key(folder: Storage) -> None:
    for public in (True, False):
        document = send(make_app(**folder, public=public), "GET", "/openapi.json").json()
        told = {
            f"{method} {path}": operation.get("security")
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }
        free = {name for name, security in told.items() if not security}
        assert free >= {"get /healthz", "get /readyz"}
        assert ("post /assess" in free, "get /model" in free) == (public, public)
        assert told["get /assessments"] == [{"bearer": ["records"]}]
        assert told["get /audit"] == [{"bearer": ["admin"]}]
        if not public:
            assert free == {"get /healthz", "get /readyz", "get /routines/{id}/drawing"}
            assert told["post /assess"] == [{"bearer": ["assess"]}]
            assert {"401", "403"} <= set(document["paths"]["/assess"]["post"]["responses"])


# Pages of other origins, and the log


def test_pages_of_other_origins_can_read_refusals(folder: Storage) -> None:
    origin = {"Origin": "https://app.example"}
    app = make_app(**folder, cors_origins="https://app.example", rate_per_address=2)
    asking = {**origin, "Access-Control-Request-Method": "DELETE"}
    asking["Access-Control-Request-Headers"] = "authorization, idempotency-key, content-type"
    allowed = send(app, "OPTIONS", "/assessments/x", headers=asking)
    assert allowed.status_code == 200
    assert "DELETE" in allowed.headers["access-control-allow-methods"]
    for name in ("Authorization", "Idempotency-Key"):
        assert name in allowed.headers["access-control-allow-headers"]
    answers = [
        *(send(app, "GET", "/assessments", key, headers=origin) for key in ("", UNKNOWN, "")),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert "Retry-After" in answer.headers["access-control-expose-headers"]


def test_the_log_names_routes_and_nobodys_secrets(tmp_path: Path, folder: Storage) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(issuer.put_keys(issuer.KEYS))
    log = io.BytesIO()
    issuers = issuer.write_issuers(tmp_path, str(keys))
    app = make_app(log, **folder, issuers=issuers, public=False, rate_per_address=60)
    key, token = make_key_text(folder, "clinic", name="canary"), issuer.make_token()
    for sent in (
        key,
        token,
        f"psoas_canary_{key[-64:]}",
        issuer.make_token(kid="canary"),
        "canary",
        "",
    ):
        body = {"person": "canary", "answers": DESK, "canary": 1}
        send(app, "POST", "/assessments", sent, json=body)
        send(app, "POST", "/assessments", sent, json={"person": "canary", "answers": DESK})
        for path in ("trend", "export?format=canary", "canary"):
            send(app, "GET", f"/people/canary/{path}", sent)
        send(app, "GET", "/assessments?person=canary&cursor=canary", sent)
        send(app, "GET", "/canary", sent)
        send(app, "DELETE", "/people/canary", sent)
    told = log.getvalue().decode()
    assert "canary" not in told
    for part in (*key.split("_")[1:], *token.split(".")):
        assert part not in told
    lines = [json.loads(line) for line in told.splitlines()]
    assert {line["event"] for line in lines} == {"request"}
    assert {line["status"] for line in lines} >= {200, 201, 401, 404, 422}
    routes = {line["route"] for line in lines if line["status"] == 200}
    assert routes == {"/people/{person}/trend", "/people/{person}"}
