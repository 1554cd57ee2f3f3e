"""Storage that fails: a server that is away, a lock that is held; told, survived, nothing half-done."""

import asyncio
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import psycopg
import pytest
from clinic import BETTER, DESK, Clinic
from conftest import caller, make_app
from failing import SOON, Storage, assert_problem, count_rows, migrated, store
from postgres import Server, new_database
from postgres import serving as serving_postgres


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long in these tests."""
    monkeypatch.setattr("api.storing.PATIENCE", 0.3)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of PostgreSQL that nobody else needs."""
    with serving_postgres() as server:
        yield server


@pytest.fixture
def elsewhere(server: Server, tmp_path: Any) -> Iterator[Storage]:
    """Settings for a database of that server, which is on again afterwards."""
    with new_database(f"{server.address}/postgres") as address:
        storage = {"data_dir": tmp_path / "data", "database_url": address}
        with migrated(storage):
            yield storage
        server.stop()
        server.start()


def assert_away(clinic: Clinic, place: str) -> None:
    """Nothing stored can be reached, which is told soon; people are assessed all the same."""
    for method, path in (
        *(("GET", path) for path in (place, "/assessments", "/people/p-1/trend", "/audit")),
        *(("DELETE", path) for path in (place, "/people/p-1")),
    ):
        began = time.monotonic()
        assert_problem(clinic.call(method, path), 503)
        assert time.monotonic() - began < SOON
    assert_problem(store(clinic, 1), 503)
    assert clinic.call("GET", "/readyz").json()["storage"] == "unavailable"
    assert clinic.call("POST", "/assess", key="", json={"answers": DESK}).status_code == 200


# The server is away


def test_a_server_that_was_away_needs_no_restart_of_the_service(
    server: Server, elsewhere: Storage
) -> None:
    clinic = Clinic(elsewhere)
    first = store(clinic, 1)
    server.stop()
    assert_away(clinic, first.headers["location"])  # the key is remembered
    clinic.clock.move(seconds=6)
    assert_away(clinic, first.headers["location"])  # the key cannot be looked up
    server.start()
    assert clinic.call("GET", "/readyz").json()["storage"] == "ready"
    assert store(clinic, 1).content == first.content
    assert clinic.call("GET", first.headers["location"]).status_code == 200
    assert store(clinic, 2).status_code == 201
    assert count_rows(clinic) == 2


def test_a_restart_of_the_server_that_nobody_noticed_fails_nothing(
    server: Server, elsewhere: Storage
) -> None:
    clinic = Clinic(elsewhere)
    assert store(clinic, 1).status_code == 201
    server.stop()
    server.start()
    assert store(clinic, 2).status_code == 201
    assert count_rows(clinic) == 2


def test_a_server_that_is_away_when_the_service_starts(server: Server, elsewhere: Storage) -> None:
    before = Clinic(elsewhere)
    first = store(before, 1)
    server.stop()
    clinic = Clinic.__new__(Clinic)
    clinic.clock, clinic.key, clinic.app = before.clock, before.key, make_app(**elsewhere)
    clinic._call = caller(clinic.app)
    assert_away(clinic, first.headers["location"])
    server.start()
    assert store(clinic, 1).content == first.content
    assert count_rows(clinic) == 1


def test_a_server_that_goes_while_much_is_written(server: Server, elsewhere: Storage) -> None:
    clinic = Clinic(elsewhere)
    stored: dict[int, bytes] = {}
    refused = threading.Event()

    def keep_storing(first: int) -> None:
        for number in range(first, first + 10_000):
            answer = store(clinic, number)
            if answer.status_code == 503:
                return refused.set()
            stored[number] = answer.content
        return None

    threads = [threading.Thread(target=keep_storing, args=(n * 10_000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    while len(stored) < 20:
        time.sleep(0.01)
    server.stop()
    for thread in threads:
        thread.join()
    server.start()
    assert refused.is_set()
    assert len(stored) <= count_rows(clinic) <= len(stored) + len(threads)
    for number, content in list(stored.items())[::10]:
        assert store(clinic, number).content == content


def test_a_server_that_never_answers_keeps_nobody_long(tmp_path: Any) -> None:
    """Nobody waits for all who asked before."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(50)
        address = f"postgresql://psoas@127.0.0.1:{deaf.getsockname()[1]}/psoas"
        app = make_app(data_dir=tmp_path, database_url=address)

        async def ask_all() -> list[Any]:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                answers = await asyncio.gather(*(client.get("/readyz") for _ in range(8)))
            return [answer.json() for answer in answers]

        began = time.monotonic()
        answers = asyncio.run(ask_all())
        assert time.monotonic() - began < SOON
    assert [answer["storage"] for answer in answers] == ["unavailable"] * 8


# Somebody holds a lock


@pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_locked_file(tmp_path: Any, how: str) -> None:
    clinic = Clinic({"data_dir": tmp_path})
    store(clinic, 1)
    with closing(sqlite3.connect(tmp_path / "psoas.sqlite3", isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        assert_problem(store(clinic, 2, BETTER), 503)
        assert count_rows(clinic) == 1  # reading needs no lock
        assert clinic.call("GET", "/readyz").json()["storage"] == "ready"
        clinic.clock.move(minutes=2)  # the key is looked up again, and its use cannot be noted
        assert clinic.call("GET", "/readyz").status_code == 200
        assert_problem(clinic.call("DELETE", "/people/p-1"), 503)
        other.execute("ROLLBACK")
    assert store(clinic, 2, BETTER).status_code == 201
    assert count_rows(clinic) == 2


def test_a_locked_table(elsewhere: Storage) -> None:
    clinic = Clinic(elsewhere)
    store(clinic, 1)
    with psycopg.connect(elsewhere["database_url"]) as other:
        other.execute("LOCK TABLE assessment IN ACCESS EXCLUSIVE MODE")
        assert_problem(store(clinic, 2), 503)
        assert_problem(clinic.call("GET", "/assessments"), 503)
        assert_problem(clinic.call("DELETE", "/people/p-1"), 503)
        other.rollback()
    assert store(clinic, 2).status_code == 201
    assert count_rows(clinic) == 2
