"""Erasing really erases; what is too old goes by itself; and the audit trail tells of both without saying whose."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from clinic import BETTER, DESK, Clinic, Clock
from psycopg import sql
from sqlalchemy import text

from api.logs import open_log
from api.settings import Settings
from api.storing import SQLITE_FILE, Tidying

CANARY = "canary-4711"
RARE = 7.123456
"""An answer whose digits stand nowhere else."""


def bytes_of(folder: Path) -> bytes:
    """Everything in the files of an embedded database."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob(f"{SQLITE_FILE}*")))


def store_canaries(clinic: Clinic, count: int = 5) -> None:
    for number in range(count):
        answers = {**DESK, "sitting_hours_per_day": RARE}
        stored = clinic.store(CANARY, answers, Idempotency_Key=f"key-{number}")
        assert stored.status_code == 201
        clinic.store(f"other-{number}", BETTER)


@pytest.mark.parametrize("one_by_one", [False, True])
def test_nothing_of_an_erased_person_is_left_in_the_files(tmp_path: Path, one_by_one: bool) -> None:
    clinic = Clinic({"data_dir": tmp_path})
    store_canaries(clinic)
    held = bytes_of(tmp_path)
    assert CANARY.encode() in held
    assert str(RARE).encode() in held
    if one_by_one:
        items = clinic.call("GET", "/assessments", params={"person": CANARY}).json()["items"]
        for item in items:
            assert clinic.call("DELETE", f"/assessments/{item['id']}").status_code == 204
    else:
        assert clinic.call("DELETE", f"/people/{CANARY}").json() == {"erased": 5}
    left = bytes_of(tmp_path)
    assert CANARY.encode() not in left
    assert str(RARE).encode() not in left
    assert b"other-3" in left


def test_a_reader_that_holds_up_the_cleaning_only_delays_it(tmp_path: Path) -> None:
    """A transaction that still reads keeps old pages in the log; the next tidying up takes them away."""
    clinic = Clinic({"data_dir": tmp_path})
    store_canaries(clinic)
    database = clinic.app.state.parts.database
    with database.reading() as session:
        session.connection().execute(text("SELECT count(*) FROM assessment")).scalar_one()
        assert clinic.call("DELETE", f"/people/{CANARY}").json() == {"erased": 5}
    asyncio.run(tidy(clinic, days=0))
    assert CANARY.encode() not in bytes_of(tmp_path)


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
def test_no_row_of_an_erased_person_is_left(storage: dict[str, Any]) -> None:
    clinic = Clinic(storage)
    store_canaries(clinic)
    assert clinic.call("DELETE", f"/people/{CANARY}").json() == {"erased": 5}
    with psycopg.connect(storage["database_url"]) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        held = [
            connection.execute(
                sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name))
            ).fetchall()
            for (name,) in tables
        ]
        (counted,) = connection.execute("SELECT count(*) FROM assessment").fetchone() or (None,)
        prints = connection.execute("SELECT fingerprint FROM retry").fetchall()
    assert len(held) >= 5
    assert CANARY not in str(held)
    assert str(RARE).encode().hex() not in str(held)  # as the database shows bytes
    assert counted == 5
    assert {bytes(value) for (value,) in prints} == {b""}


async def tidy(clinic: Clinic, days: int) -> int:
    parts, settings = clinic.app.state.parts, Settings(retention_days=days, batch_days=days)
    log = open_log("error")
    return await Tidying(
        parts.records, parts.batches, parts.webhooks, settings, clinic.clock, log
    ).tidy()


def test_what_is_too_old_goes_by_itself(storage: dict[str, Any]) -> None:
    clinic = Clinic(storage, clock=Clock())
    neighbour = clinic.neighbour()
    clinic.store("old")
    neighbour.store("old")
    clinic.clock.move(days=30)
    clinic.store("new")
    assert asyncio.run(tidy(clinic, days=0)) == 0
    assert asyncio.run(tidy(clinic, days=31)) == 0
    clinic.clock.move(hours=1)
    assert asyncio.run(tidy(clinic, days=30)) == 2
    (left,) = clinic.call("GET", "/assessments").json()["items"]
    assert left["person"] == "new"
    assert neighbour.call("GET", "/assessments").json()["items"] == []
    for one in (clinic, neighbour):
        (entry,) = one.call("GET", "/audit", params={"action": "expire"}).json()["items"]
        assert entry["actor"] == "service"
        assert entry["records"] == 1
        assert entry["person_hash"] is None


def test_a_request_may_be_sent_again_for_a_day(storage: dict[str, Any]) -> None:
    clinic = Clinic(storage)
    first = clinic.store(Idempotency_Key="k").json()["id"]
    clinic.clock.move(hours=23)
    asyncio.run(tidy(clinic, days=0))
    assert clinic.store(Idempotency_Key="k").json()["id"] == first
    clinic.clock.move(hours=2)
    asyncio.run(tidy(clinic, days=0))
    assert clinic.store(Idempotency_Key="k").json()["id"] != first


def test_every_action_is_in_the_audit_trail(storage: dict[str, Any]) -> None:
    clinic = Clinic(storage)
    place = clinic.store(CANARY).headers["location"]
    clinic.store(CANARY, Idempotency_Key="k")
    clinic.clock.move(seconds=1)
    clinic.store(CANARY, Idempotency_Key="k")  # what is told again is read
    done: list[tuple[str, int, bool]] = [("store", 1, True), ("store", 1, True), ("read", 1, True)]
    for method, path, action, records, of_one in (
        ("GET", place, "read", 1, True),
        ("GET", "/assessments", "list", 2, False),
        ("GET", f"/assessments?person={CANARY}", "list", 2, True),
        ("GET", f"/people/{CANARY}/trend", "trend", 2, True),
        ("GET", f"/people/{CANARY}/export", "export", 2, True),
        ("DELETE", place, "erase", 1, True),
        ("DELETE", f"/people/{CANARY}", "erase", 1, True),
        ("GET", "/audit", "audit", 0, False),
    ):
        clinic.clock.move(seconds=1)
        assert clinic.call(method, path).status_code in (200, 204)
        done.append((action, records, of_one))
    clinic.clock.move(seconds=1)
    response = clinic.call("GET", "/audit")
    items = response.json()["items"][::-1]
    assert [(i["action"], i["records"], i["person_hash"] is not None) for i in items] == done
    assert {item["actor"] for item in items} == {f"key:{clinic.key.split('_')[1]}"}
    assert CANARY not in response.text
    assert len({item["person_hash"] for item in items if item["person_hash"]}) == 1
    found = clinic.call("GET", "/audit", params={"person": CANARY, "action": "erase"}).json()
    assert len(found["items"]) == 2


def test_the_audit_trail_has_pages(storage: dict[str, Any]) -> None:
    clinic = Clinic(storage)
    for _ in range(5):
        clinic.clock.move(seconds=1)
        clinic.store()
    seen, cursor = [], None
    while True:
        query = {"limit": 2, "action": "store", **({"cursor": cursor} if cursor else {})}
        page = clinic.call("GET", "/audit", params=query).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_what_did_not_happen_is_not_in_the_trail(storage: dict[str, Any]) -> None:
    clinic = Clinic(storage)
    clinic.call("GET", f"/people/{CANARY}/trend")
    clinic.call("DELETE", f"/people/{CANARY}")
    clinic.call("GET", "/assessments/0198a0b2-8c00-7000-8000-000000000001")
    assert clinic.call("GET", "/audit").json()["items"] == []
