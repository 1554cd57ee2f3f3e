"""The tables: made as the classes say, by as many processes as like, whole or not at all, and the trail unchangeable."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from clinic import DESK, Clinic
from conftest import caller, make_app
from postgres import new_database
from serving import name_settings, psoas
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.exc import DBAPIError, StatementError
from sqlmodel import SQLModel, select

from api.settings import Settings
from api.storage.audit import NewEntry, add_entry
from api.storage.database import Database
from api.storage.failures import StorageUnavailable
from api.storage.moments import first_id, make_id
from api.storage.tables import AuditEntry
from api.storage.writer import put_rows
from api.storing import open_database

Storage = dict[str, Any]
TABLES = {
    *("alembic_version", "api_key", "assessment", "audit", "batch", "delivery", "installation"),
    *("mapping", "retry", "webhook", "webhook_secret"),
}


@pytest.fixture
def database(storage: Storage) -> Iterator[Database]:
    """A database with its tables."""
    with closing(open_database(Settings(**storage))) as database:
        database.prepare()
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def nothing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """Settings for a database that has no tables yet."""
    if request.param == "sqlite":
        yield {"data_dir": tmp_path / "data"}
        return
    with new_database(request.getfixturevalue("postgres")) as address:
        yield {"data_dir": tmp_path / "data", "database_url": address}


def entry(at: datetime) -> NewEntry:
    return NewEntry(
        id=make_id(at.astimezone(UTC), 7) if at.tzinfo else UUID(int=7),
        tenant="canary",
        at=at,
        actor="service",
        action="read",
        person_hash=None,
        records=1,
    )


# As the classes say


def test_the_steps_make_what_the_classes_say(database: Database) -> None:
    """The same as `alembic check`: no step is missing."""
    with database.writing() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
        assert set(inspect(connection).get_table_names()) == TABLES


def test_a_column_that_no_step_makes_would_be_seen(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE api_key DROP COLUMN last_used_at"))
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        ((kind, _, table, _),) = compare_metadata(context, SQLModel.metadata)
    assert (kind, table) == ("add_column", "api_key")


# Made once, whole or not at all


def test_migrate_from_nothing_and_again(nothing: Storage) -> None:
    for words in ("they came from nothing", "they were there already"):
        done = psoas(nothing, "migrate")
        assert done.exit_code == 0, done.stderr
        assert words in done.stderr
        assert done.stdout == ""


WAITING = "import sys; from api.cli import main; print(flush=True); sys.stdin.readline(); main()"
"""The command, which waits for a word before it begins."""


def test_several_processes_migrate_at_once(nothing: Storage) -> None:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, "-c", WAITING, "migrate"]
    environment = name_settings(nothing)
    processes = [subprocess.Popen(command, env=environment, text=True, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    with (
        closing(open_database(Settings(**nothing))) as database,
        database.reading() as session,
    ):
        connection = session.connection()
        assert set(inspect(connection).get_table_names()) == TABLES
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_a_step_that_breaks_off_leaves_nothing(nothing: Storage) -> None:
    with closing(open_database(Settings(**nothing))) as database:
        breaks = True

        @event.listens_for(database._engine, "before_cursor_execute")
        def break_off(_: Connection, __: Any, statement: str, *___: Any) -> None:
            if breaks and "TRIGGER" in statement:
                raise OSError("the power went")

        with pytest.raises(StorageUnavailable):
            database.migrate()
        assert inspect(database._engine).get_table_names() == []
        breaks = False
        assert database.migrate() is None
        assert set(inspect(database._engine).get_table_names()) == TABLES


def test_tables_of_a_newer_release_are_told(storage: Storage) -> None:
    """After a release was taken back the database may be ahead of it."""
    with closing(open_database(Settings(**storage))) as database, database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    done = psoas(storage, "migrate")
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr
    assert "newer" in done.stderr
    call = caller(make_app(**storage))
    refused = call("GET", "/assessments", headers={"Authorization": f"Bearer {KEY}"})
    assert refused.status_code == 503
    assert "newer" in refused.json()["detail"]
    assert call("POST", "/assess", json={"answers": DESK}).status_code == 200


KEY = f"psoas_{'0' * 16}_{'0' * 64}"


def test_without_tables_postgresql_says_what_to_run(postgres: str, tmp_path: Path) -> None:
    with new_database(postgres) as address:
        storage: Storage = {"data_dir": tmp_path, "database_url": address}
        call = caller(make_app(**storage))
        headers = {"Authorization": f"Bearer {KEY}"}
        body = {"person": "p", "answers": DESK}
        refused = call("POST", "/assessments", json=body, headers=headers)
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert "run `psoas migrate`" in refused.json()["detail"]
        assert call("POST", "/assess", json={"answers": DESK}).status_code == 200
        assert call("GET", "/readyz").json()["storage"] == "unavailable"
        assert psoas(storage, "migrate").exit_code == 0
        assert call("GET", "/readyz").json()["storage"] == "ready"
        assert call("POST", "/assessments", json=body, headers=headers).status_code == 401


def test_what_was_stored_before_stays_when_tables_are_added(nothing: Storage) -> None:
    nothing["data_dir"].mkdir()
    with closing(open_database(Settings(**nothing))) as database:
        config = database.schema.config
        with database._engine.execution_options(writes=True).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            put_rows(connection, [add_entry(entry(datetime(2026, 8, 1, tzinfo=UTC)))])
            assert not inspect(connection).has_table("batch")
    assert psoas(nothing, "migrate").exit_code == 0
    with closing(open_database(Settings(**nothing))) as database, database.reading() as session:
        assert inspect(session.connection()).has_table("batch")
        assert [row.tenant for row in session.exec(select(AuditEntry))] == ["canary"]


# The trail stays as it is


@pytest.mark.parametrize(
    "words", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"]
)
def test_the_trail_cannot_be_changed(storage: Storage, words: str) -> None:
    clinic = Clinic(storage)
    clinic.store()
    database: Database = clinic.app.state.parts.database
    if database.is_sqlite and words.startswith("TRUNCATE"):
        pytest.skip("SQLite has no TRUNCATE")
    with (
        pytest.raises(DBAPIError, match="append-only"),
        database._writing.begin() as connection,
    ):
        connection.execute(text(words))
    (kept,) = clinic.call("GET", "/audit").json()["items"]
    assert kept["action"] == "store"


# Times


def test_a_moment_comes_back_in_utc(database: Database) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    at = datetime(2026, 8, 1, 1, 2, 3, 456789, east)
    with database.writing() as connection:
        put_rows(connection, [add_entry(entry(at))])
    with database.reading() as session:
        found = session.get(AuditEntry, make_id(at, 7))
    assert found is not None
    assert found.at == at
    assert found.at.tzinfo is UTC
    assert found.at.isoformat() == "2026-07-31T19:32:03.456789+00:00"


def test_a_moment_without_a_zone_is_refused_and_nothing_of_its_row_is_told(
    database: Database,
) -> None:
    naive = datetime(2026, 8, 1)  # noqa: DTZ001
    with pytest.raises(StatementError, match="without a zone") as refused, database.writing() as c:
        put_rows(c, [add_entry(entry(naive))])
    assert "canary" not in str(refused.value)
    with database.reading() as session:
        assert session.connection().execute(text("SELECT count(*) FROM audit")).scalar() == 0


def test_ids_of_moments_that_have_none() -> None:
    """Before 1970 there are no ids, so the first of all is meant."""
    assert first_id(datetime(1926, 1, 1, tzinfo=UTC)) == first_id(datetime(1970, 1, 1, tzinfo=UTC))
    assert first_id(datetime.max.replace(tzinfo=UTC)).version == 7


@pytest.mark.parametrize("since", ["1900-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_a_time_before_all_ids_may_be_asked_for(storage: Storage, since: str) -> None:
    clinic = Clinic(storage)
    clinic.store()
    found = clinic.call("GET", "/assessments", params={"since": since})
    assert len(found.json()["items"]) == 1
    assert clinic.call("GET", "/assessments", params={"until": since}).json()["items"] == []
