"""Batches without room, and with a database that is away or locked: they wait, say so, and go on by themselves."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from batches import RULES
from disks import small_disk
from postgres import new_database
from postgres import serving as serving_postgres
from sending import (
    SLOWLY,
    SOON,
    People,
    Sender,
    assert_assesses,
    assert_not_there_yet,
    assert_problem,
    assert_same,
    get_when_made,
    is_begun,
    list_batches,
    list_spool,
    migrated,
    wait_until,
)
from serving import serving
from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped]

from api.batch.running import Order, score_file
from api.batch.sheet_writer import SheetWriter

pytest_plugins = ["sent_people"]


# No room


def test_a_file_that_there_is_no_room_for_is_refused_and_nothing_of_it_stays(
    tmp_path: Path, some: People, few: People
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with (
        small_disk(data / "batches", "8m"),
        closing(Sender({"data_dir": data})) as sender,
        serving(sender.storage, tmp_path / "log") as service,
    ):
        headers = {"Content-Type": "text/csv"}
        content = some.file.read_bytes()
        answer = sender.call(service, "POST", "/batches", content=content, headers=headers)
        assert_problem(answer, 507, "nothing of it was kept")
        assert list_spool(sender) == []
        assert list_batches(service, sender) == []
        sent = sender.send(service, few.file)
        sender.wait_done(sent)
        assert_same(service, sender, sent, few)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_batch_whose_results_find_no_room_waits_for_it(
    tmp_path: Path, some: People, kind: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    content, media_type = some.file.read_bytes(), "text/csv"
    scores = some.scores.read_bytes()
    if kind == "parquet":
        content, scores = make_parquet(tmp_path, some)
        media_type = "application/vnd.apache.parquet"
    with (
        small_disk(data / "batches", "120m") as disk,
        closing(Sender({"data_dir": data})) as sender,
        serving(sender.storage, tmp_path / "log", first=SLOWLY) as service,
    ):
        filler = disk.folder / "filler"
        filler.write_bytes(bytes(120 * 2**20 - len(content) - len(scores)))
        headers = {"Content-Type": media_type}
        answer = sender.call(service, "POST", "/batches", content=content, headers=headers)
        assert answer.status_code == 202, answer.text
        sent = answer.json()["id"]
        sender.wait(sent, lambda row: row.reason is not None, 40)
        told = sender.call(service, "GET", f"/batches/{sent}").json()
        assert told["state"] == "running"
        assert "no room" in told["reason"]
        assert_not_there_yet(service, sender, sent)
        kept = {path.suffix for path in sender.folder(sent).iterdir() if path.is_file()}
        assert kept <= {f".{kind}", ".part"}
        assert not list(sender.folder(sent).glob("scores*"))
        assert_assesses(service)
        filler.unlink()
        row = sender.wait_done(sent)
        assert sender.call(service, "GET", f"/batches/{sent}/scores").content == scores
        assert (row.takes, row.reason) == (1, None)
    assert "Traceback" not in (tmp_path / "log").read_text()


def make_parquet(folder: Path, people: People) -> tuple[bytes, bytes]:
    """The people as a typed file, and their scores."""
    read = pl.read_csv(people.file, infer_schema_length=None, ignore_errors=True)
    read.write_parquet(folder / "in.parquet")
    target = folder / "scores.parquet"
    score_file(RULES, Order(folder / "in.parquet", target))
    return (folder / "in.parquet").read_bytes(), target.read_bytes()


def test_no_file_of_a_sheet_stays_open_that_there_is_no_room_for(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", "300k"),
        (tmp_path / "disk" / "out.xlsx").open("wb") as stream,
    ):
        sheet = SheetWriter(stream, ["a", "b"])
        rows = pl.DataFrame({"a": ["x" * 1000] * 500, "b": [1] * 500})
        with pytest.raises(OSError, match="No space left"):
            sheet.write(rows)
        with pytest.raises(FileCreateError, match="No space left"):
            sheet.stop()
        opened = [
            str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()
        ]
        assert [name for name in opened if str(tmp_path) in name] == [stream.name]


def test_another_kind_of_file_that_there_is_no_room_for_can_be_had_later(
    tmp_path: Path, few: People
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with (
        small_disk(data / "batches", "8m") as disk,
        closing(Sender({"data_dir": data})) as sender,
        serving(sender.storage, tmp_path / "log") as service,
    ):
        sent = sender.send(service, few.file)
        sender.wait_done(sent)
        wait_until(lambda: not any(sender.folder(sent).glob("parts-*")))
        disk.fill()
        for kind in ("ndjson", "parquet", "xlsx"):
            path = f"/batches/{sent}/scores?format={kind}"
            assert_problem(get_when_made(service, sender, path), 507)
        assert_same(service, sender, sent, few)
        disk.empty()
        answer = get_when_made(service, sender, f"/batches/{sent}/scores?format=parquet")
        expected = tmp_path / "expected.parquet"
        score_file(RULES, Order(few.file, expected))
        assert answer.content == expected.read_bytes()
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_batch_that_is_erased_while_it_is_made_into_another_kind_of_file_is_gone(
    tmp_path: Path, some: People
) -> None:
    with (
        closing(Sender({"data_dir": tmp_path / "data"})) as sender,
        serving(sender.storage, tmp_path / "log", first=SLOWLY) as service,
        ThreadPoolExecutor(1) as pool,
    ):
        sent = sender.send(service, some.file)
        sender.wait_done(sent)
        path = f"/batches/{sent}/scores?format=ndjson"
        asked = pool.submit(sender.call, service, "GET", path)
        wait_until(lambda: any(sender.folder(sent).glob(".scores.ndjson.part")))
        assert sender.call(service, "DELETE", f"/batches/{sent}").status_code == 204
        assert_problem(asked.result(), 404)
        assert list_spool(sender) == []


# The database is away, or somebody holds a lock


def test_a_batch_outlives_a_server_that_is_away(tmp_path: Path, some: People) -> None:
    with serving_postgres() as server, new_database(f"{server.address}/postgres") as address:
        storage = migrated({"data_dir": tmp_path / "data", "database_url": address})
        with (
            closing(Sender(storage)) as sender,
            serving(storage, tmp_path / "log", first=SLOWLY) as service,
        ):
            sent = sender.send(service, some.file)
            sender.wait(sent, is_begun, 30)
            server.stop()
            end = time.monotonic() + 6
            while time.monotonic() < end:
                began = time.monotonic()
                assert_problem(sender.call(service, "GET", f"/batches/{sent}"), 503)
                assert time.monotonic() - began < SOON
                assert_assesses(service)
            server.start()
            sender.wait_done(sent)
            assert_same(service, sender, sent, some)
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("file", ["psoas.sqlite3", "psoas.queue.sqlite3"])
def test_a_batch_outlives_a_lock(tmp_path: Path, some: People, file: str) -> None:
    data = tmp_path / "data"
    with (
        closing(Sender({"data_dir": data})) as sender,
        serving(sender.storage, tmp_path / "log", first=SLOWLY) as service,
    ):
        sent = sender.send(service, some.file)
        sender.wait(sent, is_begun, 30)
        with closing(sqlite3.connect(data / file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            end = time.monotonic() + 8
            while time.monotonic() < end:
                answer = sender.call(service, "GET", f"/batches/{sent}")  # reading needs no lock
                assert answer.json()["state"] == "running"
                assert_assesses(service)
                time.sleep(0.2)
            other.execute("ROLLBACK")
        sender.wait_done(sent)
        assert_same(service, sender, sent, some)
    assert "Traceback" not in (tmp_path / "log").read_text()
