"""Backups: whole while writes go on, private, never over another file, and served again after restoring."""

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from clinic import DESK, Clinic, make_key_text
from conftest import caller, make_app
from disks import small_disk
from postgres import find_programs, new_database
from serving import psoas

Storage = dict[str, Any]


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's programs are found."""
    if found := find_programs():
        monkeypatch.setenv("PATH", f"{found}{os.pathsep}{os.environ['PATH']}")


@contextmanager
def restored(storage: Storage, copy: Path, postgres: Any, folder: Path) -> Iterator[Storage]:
    """A copy as a database of its own, with the secret it was begun with."""
    (folder / "data").mkdir(parents=True)
    shutil.copy(storage["data_dir"] / "secret", folder / "data" / "secret")
    if "database_url" not in storage:
        shutil.copy(copy, folder / "data" / "psoas.sqlite3")
        yield {"data_dir": folder / "data"}
        return
    with new_database(postgres()) as address:
        words = ["pg_restore", "--exit-on-error", "--no-owner", f"--dbname={address}", str(copy)]
        subprocess.run(words, check=True, capture_output=True)
        yield {"data_dir": folder / "data", "database_url": address}


def only(folder: Path, *names: str) -> bool:
    """Whether there is nothing else in a folder."""
    return sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_a_copy_made_while_writes_go_on_is_whole(
    storage: Storage, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    clinic = Clinic(storage)
    before = [clinic.store(f"before-{n}").json() for n in range(20)]
    stopped = threading.Event()
    meanwhile: list[Any] = []

    def keep_storing() -> None:
        while not stopped.is_set():
            meanwhile.append(clinic.store(f"meanwhile-{len(meanwhile)}"))
            stopped.wait(0.01)

    folder = tmp_path / "copies"
    folder.mkdir()
    thread = threading.Thread(target=keep_storing)
    thread.start()
    said: list[Any] = []
    while len(meanwhile) < 5 or len(said) < 3:
        said.append(psoas(storage, "backup", str(folder / f"{len(said)}")))
    stopped.set()
    thread.join()
    assert {done.exit_code for done in said} == {0}, said[0].stderr
    assert {done.stdout for done in said} == {""}
    assert {answer.status_code for answer in meanwhile} == {201}
    assert only(folder, *(f"{number}" for number in range(len(said))))
    assert (folder / "1").stat().st_mode & 0o777 == 0o600
    assert_serves_the_same(clinic, before, folder / "1", request, tmp_path / "restored")


def assert_serves_the_same(
    clinic: Clinic, before: list[Any], copy: Path, request: pytest.FixtureRequest, folder: Path
) -> None:
    """What was stored before a copy was made is in it, and all that is in it is whole and works."""
    with restored(
        clinic.storage, copy, lambda: request.getfixturevalue("postgres"), folder
    ) as storage:
        call = caller(make_app(**storage))
        headers = {"Authorization": f"Bearer {clinic.key}"}
        items = call("GET", "/assessments?limit=200", headers=headers).json()["items"]
        assert {body["id"] for body in before} <= {item["id"] for item in items}
        for item in items:
            kept = call("GET", f"/assessments/{item['id']}", headers=headers)
            assert kept.content == clinic.call("GET", f"/assessments/{item['id']}").content
        stored = call("GET", "/audit?action=store&limit=200", headers=headers).json()["items"]
        assert len(stored) == len(items)
        body = {"person": "new", "answers": DESK}
        assert call("POST", "/assessments", headers=headers, json=body).status_code == 201


def test_a_copy_of_sqlite_is_one_sound_file(tmp_path: Path) -> None:
    storage = {"data_dir": tmp_path / "data"}
    Clinic(storage).store()
    assert psoas(storage, "backup", str(tmp_path / "copy")).exit_code == 0
    with closing(sqlite3.connect(f"file:{tmp_path}/copy?mode=ro", uri=True)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert copy.execute("SELECT count(*) FROM assessment").fetchone() == (1,)
    assert only(tmp_path, "copy", "data")


@pytest.mark.parametrize("content", ["something else", None], ids=["file", "dangling link"])
def test_a_file_that_is_there_is_not_replaced(
    storage: Storage, tmp_path: Path, content: str | None
) -> None:
    make_key_text(storage, "clinic")
    folder = tmp_path / "copies"
    folder.mkdir()
    copy = folder / "copy"
    if content is None:
        copy.symlink_to("nowhere")
    else:
        copy.write_text(content)
    done = psoas(storage, "backup", str(copy))
    assert done.exit_code == 2
    assert "left as it is" in done.stderr
    assert copy.is_symlink() if content is None else copy.read_text() == content
    assert only(folder, "copy")


def test_a_copy_without_a_place(storage: Storage, tmp_path: Path) -> None:
    make_key_text(storage, "clinic")
    done = psoas(storage, "backup", str(tmp_path / "nowhere" / "copy"))
    assert done.exit_code == 2
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_copy_without_room(storage: Storage, tmp_path: Path) -> None:
    clinic = Clinic(storage)
    clinic.store()
    with small_disk(tmp_path / "disk", "8k") as disk:
        done = psoas(storage, "backup", str(disk.folder / "copy"))
        assert done.exit_code == 2
        assert "Traceback" not in done.stderr
        assert "full" in done.stderr or "No space left" in done.stderr
        assert only(disk.folder)


def test_a_copy_of_a_database_that_is_not_there_makes_none(tmp_path: Path) -> None:
    done = psoas({"data_dir": tmp_path / "data"}, "backup", str(tmp_path / "copy"))
    assert done.exit_code == 2
    assert "no database" in done.stderr
    assert only(tmp_path)


def test_a_copy_is_made_of_tables_of_another_release_as_they_are(
    storage: Storage, tmp_path: Path
) -> None:
    """Before the tables are migrated is when a copy is wanted most."""
    clinic = Clinic(storage)
    with clinic.app.state.parts.database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    clinic.app.state.parts.database.close()
    done = psoas(storage, "backup", str(tmp_path / "copy"))
    assert done.exit_code == 0, done.stderr
    with clinic.app.state.parts.database._engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert found == "0000"


# pg_dump

FAKE = """#!/bin/sh
for word in "$@"; do echo "word: $word"; done > "{log}"
echo "password: $PGPASSWORD" >> "{log}"
for word in "$@"; do case "$word" in --file=*) echo dump > "${{word#--file=}}";; esac; done
"""


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (
            "postgresql://me:pass%40canary@db.invalid:5433/psoas?sslmode=verify-full",
            {"user=me", "host=db.invalid", "port=5433", "dbname=psoas", "sslmode=verify-full"},
        ),
        ("postgresql://me@db.invalid?password=pass%40canary", {"user=me", "host=db.invalid"}),
        ("postgres:///psoas?host=/run&password=pass%40canary", {"host=/run", "dbname=psoas"}),
    ],
)
def test_the_password_is_no_word_of_the_command(
    tmp_path: Path, address: str, says: set[str]
) -> None:
    """Anyone on the machine can read the words of a process."""
    program, log = tmp_path / "bin" / "pg_dump", tmp_path / "log"
    program.parent.mkdir()
    program.write_text(FAKE.format(log=log))
    program.chmod(0o755)
    storage = {"data_dir": tmp_path / "data", "database_url": address}
    path = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    done = psoas(storage, "backup", str(tmp_path / "copy"), **path)
    assert done.exit_code == 0, done.stderr
    *words, apart = log.read_text().splitlines()
    assert apart == "password: pass@canary"
    assert not any("canary" in word for word in words)
    (where,) = (word for word in words if "--dbname=" in word)
    assert set(where.partition("--dbname=")[2].split()) == says
    assert "word: --no-password" in words


def test_without_pg_dump_it_is_told(tmp_path: Path) -> None:
    storage = {"data_dir": tmp_path, "database_url": "postgresql://me@db.invalid/psoas"}
    done = psoas(storage, "backup", str(tmp_path / "copy"), PATH=str(tmp_path))
    assert done.exit_code == 2
    assert "pg_dump is not installed" in done.stderr.lower()
    assert only(tmp_path)


def test_a_dump_that_fails_leaves_nothing(postgres: str, tmp_path: Path) -> None:
    with new_database(postgres) as address:
        gone = address
    storage = {"data_dir": tmp_path, "database_url": gone}
    done = psoas(storage, "backup", str(tmp_path / "copy"))
    assert done.exit_code == 2
    assert "does not exist" in done.stderr
    assert only(tmp_path)


def test_the_trail_of_a_copy_cannot_be_changed_either(postgres: str, tmp_path: Path) -> None:
    with new_database(postgres) as address:
        storage = {"data_dir": tmp_path / "data", "database_url": address}
        assert psoas(storage, "migrate").exit_code == 0
        Clinic(storage).store()
        assert psoas(storage, "backup", str(tmp_path / "copy")).exit_code == 0
        with (
            restored(storage, tmp_path / "copy", lambda: postgres, tmp_path / "again") as again,
            psycopg.connect(again["database_url"]) as connection,
            pytest.raises(psycopg.errors.RaiseException, match="append-only"),
        ):
            connection.execute("DELETE FROM audit")
