"""Two tenants in one service: whatever one asks for, nothing of the other is found, changed or told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from clinic import BETTER, DESK, Clinic
from conftest import make_app
from responses import put_response

from api.document import describe
from rules.assessment import Sheet

DOCUMENT = json.loads(describe(make_app()))
CANARY = "canary-4711"
"""The reference of the other tenant's person."""


def protected() -> Iterator[Any]:
    """Every operation that needs a key, as the document has it; a new one is walked by itself too."""
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            if operation.get("security"):
                yield pytest.param(method.upper(), path, operation, id=operation["operationId"])


SENT = f"person,sitting_hours_per_day\n{CANARY},9\n{CANARY},99\n"
"""A batch of the other tenant's."""
RESPONSES = json.dumps(put_response(Sheet(DESK), subject={"reference": f"Patient/{CANARY}"}))
"""A file of responses of the other tenant's."""
ADDRESS = "https://clinic.example/psoas"
MAPPING = '[questions.sitting_hours_per_day]\ncolumn = "hours"\n'


@pytest.fixture
def clinics(storage: dict[str, Any]) -> tuple[Clinic, Clinic]:
    """A tenant with records, and another without."""
    clinic = Clinic(storage)
    for answers in (DESK, BETTER):
        clinic.store(CANARY, answers, Idempotency_Key=f"k-{answers['sitting_hours_per_day']}")
        clinic.clock.move(days=1)
    return clinic, clinic.neighbour()


def snapshot(clinic: Clinic) -> Any:
    """Everything that a tenant has."""
    batches = clinic.call("GET", "/batches").json()["items"]
    results = [clinic.call("GET", f"/batches/{one['id']}/scores").text for one in batches]
    webhooks = clinic.call("GET", "/webhooks").json()["items"]
    return clinic.call("GET", f"/people/{CANARY}/export").json(), batches, results, webhooks


def store_something(clinic: Clinic, path: str) -> str:
    """What lies at an address, stored for a tenant if need be; gives its id."""
    if path.startswith("/batches"):
        return clinic.batch(SENT).rpartition("/")[2]
    if path.startswith("/fhir/bulk-"):
        headers = {"Content-Type": "application/fhir+ndjson"}
        sent = clinic.call("POST", "/fhir/$bulk-assess", content=RESPONSES, headers=headers)
        clinic.score_batches()
        return sent.headers["content-location"].rpartition("/")[2]
    if path.startswith("/webhooks"):
        return str(clinic.call("POST", "/webhooks", json={"url": ADDRESS}).json()["id"])
    if path.startswith("/mappings"):
        headers = {"Content-Type": "application/toml"}
        kept = clinic.call("POST", "/mappings", content=MAPPING, headers=headers)
        return str(kept.json()["id"])
    return str(clinic.call("GET", "/assessments", params={"limit": 1}).json()["items"][0]["id"])


def make_body(operation: dict[str, Any]) -> dict[str, Any]:
    """A body that an operation takes."""
    kinds = operation.get("requestBody", {}).get("content", {})
    if not kinds:
        return {}
    if "application/json" in kinds:
        if operation["operationId"] == "store_webhook":
            return {"json": {"url": ADDRESS}}
        return {"json": {"person": "p", "answers": {}}}
    kind = next(iter(kinds))
    content = MAPPING if kind == "application/toml" else "sitting_hours_per_day\n9\n"
    return {"content": content, "headers": {"Content-Type": kind}}


def queries(operation: dict[str, Any], known: dict[str, str]) -> Iterator[dict[str, str]]:
    """No query, and one for every parameter with a value that would find the other tenant's records."""
    yield {}
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query" and parameter["name"] in known:
            yield {parameter["name"]: known[parameter["name"]]}


@pytest.mark.parametrize(("method", "path", "operation"), list(protected()))
def test_nothing_of_another_tenant_is_found(
    clinics: tuple[Clinic, Clinic], method: str, path: str, operation: dict[str, Any]
) -> None:
    clinic, other = clinics
    wanted = store_something(clinic, path)
    before = snapshot(clinic)
    page = clinic.call("GET", "/assessments", params={"limit": 1}).json()
    item = page["items"][0]
    known = {
        "id": wanted,
        "person": CANARY,
        "cursor": page["next_cursor"],
        "output": "Observation",
        "level": "low",
        "safety_action": "none",
        "model_version": item["model_version"],
    }
    place = path.format(**known)
    body = make_body(operation)
    for query in queries(operation, known):
        own = clinic.call(method, place, params=query, **body) if method == "GET" else None
        response = other.call(method, place, params=query, **body)
        if place != path:
            assert response.status_code == 404, response.text
            assert own is None or own.status_code == 200
        else:
            assert response.status_code in (200, 201, 202)
        assert CANARY not in response.text
        assert wanted not in response.text
        assert clinic.key.split("_")[1] not in response.text  # who did something is told, too
    assert snapshot(clinic) == before


def test_the_same_person_of_two_tenants_is_two_people(clinics: tuple[Clinic, Clinic]) -> None:
    clinic, other = clinics
    other.store(CANARY, {})
    assert len(other.call("GET", f"/people/{CANARY}/trend").json()["points"]) == 1
    hashes = {
        entry["person_hash"]
        for one in clinics
        for entry in one.call("GET", "/audit", params={"action": "store"}).json()["items"]
    }
    assert len(hashes) == 2
    assert other.call("DELETE", f"/people/{CANARY}").json() == {"erased": 1}
    assert len(snapshot(clinic)[0]["assessments"]) == 2
    assert other.call("GET", "/audit", params={"person": CANARY}).json()["items"]
