"""Batches whose files lie in a store: the same answers as from a folder, and nothing left where it should not be."""

import errno
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import httpx
import polars as pl
import pytest
from clinic import Clinic
from crowd import make_crowd, put_crowd, write_frame
from stores import SECRET, Gate, Stored, StoreServer, list_scratch
from test_runner import running, wait_for

from api.batch.formats import FORMATS
from api.batch.job import Job
from api.batch.ledger import Ledger, Stopped
from api.batch.scratch import Scratch
from api.batch.shared import SharedSpool
from api.batch.spool import Spool
from api.batch.store import PIECE, SpoolUnavailable, Store, find_digest
from api.batch.whole import has_no_room
from api.batches import LEFT
from api.logs import open_log
from api.settings import Settings, SettingsError, read_settings
from api.storing import open_spool

Storage = dict[str, Any]
PEOPLE = "name,sitting_hours_per_day,runs\nAda,9,no\nBob,99,no\nCyd,4,perhaps\n"
KEPT = ["1/rejects.csv", "1/scores.csv", "1/summary.json", "input.csv", "received"]
"""What lies in the store of a batch that is done, once nobody needs more."""
MANY = "who,sitting_hours_per_day\n" + "".join(f"{row},{row % 30}\n" for row in range(3_000))
SOON = 6.0
"""Seconds within which it is told that the store is away."""


@pytest.fixture
def clinic(storage: Storage, store: Stored) -> Clinic:
    return Clinic({**storage, **store.settings})


@pytest.fixture
def desk(tmp_path: Path, store: Stored) -> Clinic:
    """A clinic with an embedded database, where it makes no difference which it is."""
    return Clinic({"data_dir": tmp_path / "data", **store.settings})


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make several segments of a thousand rows."""
    monkeypatch.setattr("api.batch.delimited.BLOCK", 1_000)
    monkeypatch.setattr("api.batch.segments.find_kept", lambda *_: 500)


# From the file to its results, and to nothing


def test_a_batch_goes_through_the_store_and_leaves_nothing_when_it_is_erased(
    clinic: Clinic, store: Stored
) -> None:
    data = clinic.storage["data_dir"]
    sent = clinic.send(PEOPLE)
    assert sent.status_code == 202, sent.text
    place = sent.headers["location"]
    assert store.list_names() == ["input.csv", "received"]
    assert clinic.call("GET", f"{place}/scores").status_code == 409
    clinic.score_batches()
    assert clinic.call("GET", place).json()["state"] == "done"
    assert store.list_names() == KEPT
    scores = clinic.call("GET", f"{place}/scores")
    assert scores.headers["content-disposition"].endswith(f'"scores-{place[9:]}.csv"')
    assert scores.text.splitlines()[1].startswith("Ada,9,no,1,")
    assert clinic.call("GET", f"{place}/rejects").text.count("\n") == 3
    assert clinic.call("GET", f"{place}/summary").json()["rows"] == 3
    made = clinic.call("GET", f"{place}/rejects", params={"format": "parquet"})
    assert pl.read_parquet(io.BytesIO(made.content)).height == 2
    assert store.list_names() == sorted([*KEPT, "1/rejects.parquet", "1/scores.parquet"])
    assert list_scratch(data) == []
    assert not (data / "batches").exists()
    assert clinic.call("DELETE", place).status_code == 204
    assert store.list_keys() == []
    for path in (place, f"{place}/scores", f"{place}/summary"):
        assert clinic.call("GET", path).status_code == 404


@pytest.mark.parametrize("kind", list(FORMATS))
def test_results_are_those_of_a_spool_in_a_folder(desk: Clinic, tmp_path: Path, kind: str) -> None:
    here = Clinic({"data_dir": tmp_path / "here"})
    source = tmp_path / f"in.{kind}"
    write_frame(put_crowd(make_crowd(120, seed=5)), source)
    places = [clinic.batch(source.read_bytes(), kind) for clinic in (desk, here)]
    for target in FORMATS:
        for what in ("scores", "rejects"):
            far, near = (
                clinic.call("GET", f"{place}/{what}", params={"format": target})
                for clinic, place in zip((desk, here), places, strict=True)
            )
            assert (far.status_code, near.status_code) == (200, 200), far.text
            if target == "xlsx":  # which holds the moment when it was made
                read_far, read_near = (pl.read_excel(io.BytesIO(x.content)) for x in (far, near))
                assert read_far.equals(read_near)
            else:
                assert far.content == near.content
            assert set(far.headers) == set(near.headers)


def test_a_download_goes_on_where_it_broke_off(
    desk: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.downloads.PIECE", 1_000)
    monkeypatch.setattr("api.downloads.BLOCK", 3_000)
    monkeypatch.setattr("api.downloads.Download.chunk_size", 700)
    place = desk.batch(MANY)
    whole = desk.call("GET", f"{place}/scores")
    assert len(whole.content) > 100_000
    tag = whole.headers["etag"]
    size = len(whole.content)
    for start, end in ((10, 20), (0, 1), (900, 45_000), (size - 5, size)):
        part = {"Range": f"bytes={start}-{end - 1}", "If-Range": tag}
        got = desk.call("GET", f"{place}/scores", headers=part)
        assert got.status_code == 206
        assert got.content == whole.content[start:end]
        assert got.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    several = desk.call("GET", f"{place}/scores", headers={"Range": "bytes=0-9,50000-59999"})
    assert several.headers["content-type"].startswith("multipart/byteranges")
    assert whole.content[:10] in several.content
    assert whole.content[50_000:60_000] in several.content
    other = {"Range": "bytes=10-19", "If-Range": '"other"'}
    assert desk.call("GET", f"{place}/scores", headers=other).content == whole.content
    known = desk.call("GET", f"{place}/scores", headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")
    head = desk.call("HEAD", f"{place}/scores")
    assert (head.headers["content-length"], head.content) == (str(size), b"")
    assert (
        desk.call("GET", f"{place}/scores", headers={"Range": "bytes=9999999-"}).status_code == 416
    )


def test_what_is_refused_or_only_looked_at_leaves_nothing(desk: Clinic, store: Stored) -> None:
    wrong = {"Content-Digest": f"sha-256=:{'A' * 43}=:"}
    for content, headers in (("colour\nred\n", {}), ("", {}), (PEOPLE, wrong)):
        assert desk.send(content, headers=headers).status_code == 422
    sheet = io.BytesIO()
    pl.DataFrame({"sitting_hours_per_day": [9]}).write_excel(sheet)
    kind = {"Content-Type": FORMATS["xlsx"].media_types[0]}
    looked = desk.call("POST", "/batches/columns", content=sheet.getvalue(), headers=kind)
    assert looked.json()["columns"]["recognised"] == ["sitting_hours_per_day"]
    assert store.list_keys() == []
    assert list_scratch(desk.storage["data_dir"]) == []


def test_one_batch_too_many_leaves_nothing(
    tmp_path: Path, store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Clinic({"data_dir": tmp_path / "data", **store.settings}, batches_per_tenant=1)
    monkeypatch.setattr("api.batches.Batches._check_room", wait_for_nothing)
    assert [desk.send(PEOPLE).status_code for _ in range(2)] == [202, 429]
    assert store.list_names() == ["input.csv", "received"]


async def wait_for_nothing(*_: Any, **__: Any) -> None:
    """Let two requests through that come at the same moment."""


# Runs that meet


def take(desk: Clinic, spool: Spool | None = None, told: io.BytesIO | None = None) -> Job:
    """A run over the one batch that there is, as by a worker of its own, on this machine or another."""
    parts, log = desk.app.state.parts, open_log("warning", told or io.BytesIO())
    ledger = Ledger(parts.database, parts.model, desk.clock, Event(), log)
    (one,) = [UUID(one["id"]) for one in desk.call("GET", "/batches").json()["items"]]
    batch = ledger.take(one)
    assert batch is not None
    return Job(parts.rules, spool or parts.batches.spool, ledger, log, batch)


class Leaving(BaseException):
    """Ends a run without a word."""


def send_again(desk: Clinic) -> tuple[bytes, str]:
    """What comes of a file that nobody disturbs, and the address of the same file sent once more."""
    expected = desk.call("GET", f"{desk.batch(MANY)}/scores").content
    for one in desk.call("GET", "/batches").json()["items"]:
        desk.call("DELETE", f"/batches/{one['id']}")
    return expected, desk.send(MANY).headers["location"]


def keep_three(desk: Clinic) -> list[Any]:
    """What a run keeps that leaves after three segments."""
    kept: list[Any] = []

    def keep(work: Any) -> Any:
        if len(kept) == 3:
            raise Leaving
        kept.append(work())
        return kept[-1]

    with pytest.raises(Leaving):
        take(desk).run(keep)
    return kept


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("segments", [0, 1, 3])
def test_a_run_that_lost_its_batch_spoils_nothing(
    desk: Clinic, store: Stored, segments: int
) -> None:
    expected, place = send_again(desk)
    first, done = take(desk), 0

    def score_until_lost(work: Any) -> Any:
        """Lose the batch to another run, which finishes it, before a segment is scored."""
        nonlocal done
        if done == segments:
            take(desk).run(lambda work: work())
        done += 1
        return work()

    with pytest.raises(Stopped):
        first.run(score_until_lost)
    assert desk.call("GET", f"{place}/scores").content == expected
    kept = [name for name in store.list_names() if "/parts-" not in name]
    assert kept == [name.replace("1/", "2/") for name in KEPT]


@pytest.mark.usefixtures("small_segments")
def test_another_machine_goes_on_from_the_segments_that_are_kept(
    desk: Clinic, tmp_path: Path, store: Stored
) -> None:
    expected, place = send_again(desk)
    kept = keep_three(desk)
    assert len([name for name in store.list_names() if name.endswith("counts.json")]) == 3
    elsewhere = tmp_path / "elsewhere"
    turn, scored = iter(kept), []

    def go_on(work: Any) -> Any:
        """Give what was kept, and score the rest."""
        known = next(turn, None)
        if known is None:
            scored.append(known := work())
        return known

    with closing(open_spool(Settings(data_dir=elsewhere, **store.settings))) as spool:
        take(desk, spool).run(go_on)
        assert list_scratch(elsewhere) == []
    assert scored[0][0] == 4
    assert desk.call("GET", f"{place}/scores").content == expected
    assert store.list_names() == [name.replace("1/", "2/") for name in KEPT]


@pytest.mark.usefixtures("small_segments")
def test_a_part_that_is_lost_in_the_store_is_scored_again(desk: Clinic, store: Stored) -> None:
    expected, place = send_again(desk)
    kept = keep_three(desk)
    (lost,) = [key for key in store.list_keys() if key.endswith("000002.scores.csv")]
    Store(store.url).erase([lost])
    turn = iter(kept)
    take(desk).run(lambda work: next(turn, None) or work())
    assert desk.call("GET", f"{place}/scores").content == expected


@pytest.mark.usefixtures("small_segments")
def test_a_batch_whose_bucket_is_gone_waits_and_is_not_taken_for_erased(
    desk: Clinic, store: Stored, log: io.BytesIO
) -> None:
    place = desk.send(MANY).headers["location"]
    job = take(desk, told=log)
    bucket = f"{store.server.address}/{store.url.split('/')[2]}"

    def lose_the_bucket(work: Any) -> Any:
        Store(store.url).erase(store.list_keys())
        httpx.delete(bucket).raise_for_status()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("api.batch.ledger.Ledger.pause", leave)
            return work()

    with pytest.raises(Leaving):
        job.run(lose_the_bucket)
    told = desk.call("GET", place).json()
    assert (told["state"], "goes on by itself" in told["reason"]) == ("running", True)
    assert b"no such bucket" in log.getvalue()


def leave(*_: Any) -> None:
    raise Leaving


@pytest.mark.usefixtures("small_segments")
def test_a_batch_that_is_erased_while_it_is_scored_is_gone(desk: Clinic, store: Stored) -> None:
    place = desk.send(MANY).headers["location"]
    numbers: list[Any] = []

    def keep(work: Any) -> Any:
        if len(numbers) == 2:
            assert desk.call("DELETE", place).status_code == 204
            assert store.list_keys() == []
        numbers.append(work())
        return numbers[-1]

    with pytest.raises(Stopped):
        take(desk).run(keep)
    assert store.list_keys() == []
    assert list_scratch(desk.storage["data_dir"]) == []


# What belongs to nobody


def test_what_belongs_to_no_batch_goes(desk: Clinic, store: Stored, tmp_path: Path) -> None:
    place = desk.batch(PEOPLE)
    batches, left = desk.app.state.parts.batches, str(uuid4())
    (half := tmp_path / "half").write_text("half")
    Store(store.url).put(f"{left}/input.csv", half)
    Store(store.url).put("not-of-a-batch/input.csv", half)
    assert batches.expire(datetime.fromtimestamp(0).astimezone()) == 0
    assert f"{left}/input.csv" in store.list_keys()  # somebody may be sending it
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.batches.LEFT", -60.0)
        batches.expire(datetime.fromtimestamp(0).astimezone())
    assert [key for key in store.list_keys() if not key.startswith(place[9:])] == [
        "not-of-a-batch/input.csv"
    ]
    assert desk.call("GET", f"{place}/scores").status_code == 200


def test_a_file_is_not_erased_while_it_is_taken_in_though_its_moment_is_long_ago(
    desk: Clinic, store: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"secret": store.settings["secret"], "spool_url": store.url}
    other = open_spool(Settings(data_dir=tmp_path / "other", **settings))

    def list_as_of_before(files: Store, folder: str | None = None, walk: Any = Store.walk) -> Any:
        """A clock that is apart, or an upload that took so long."""
        for one in walk(files, folder):
            yield one._replace(changed=one.changed - timedelta(hours=2))

    def note(files: Store, key: str, content: bytes, put: Any = Store.put_note) -> None:
        with closing(other):
            for one in other.list_left(LEFT):
                other.erase(one)
        put(files, key, content)

    monkeypatch.setattr("api.batch.shared.Store.walk", list_as_of_before)
    monkeypatch.setattr("api.batch.shared.Store.put_note", note)
    place = desk.send(PEOPLE).headers["location"]
    assert store.list_names() == ["input.csv", "received"]
    desk.score_batches()
    assert desk.call("GET", place).json()["state"] == "done"


def test_what_stays_as_it_is_for_long_enough_is_left(store: Stored, tmp_path: Path) -> None:
    (half := tmp_path / "half").write_text("half")
    files, left, soon = Store(store.url), uuid4(), 0.2
    with closing(SharedSpool(files, Scratch(tmp_path / "scratch"))) as spool:
        files.put(f"{left}/input.csv", half)
        assert spool.list_left(soon) == []
        time.sleep(1.5 * soon)
        assert spool.list_left(soon) == [left]
        files.put(f"{left}/1/parts-0/000001.counts.json", half)
        assert spool.list_left(soon) == []
        time.sleep(1.5 * soon)
        assert spool.list_left(soon) == [left]
        spool.erase(left)
        assert spool.list_left(-60.0) == []


def test_the_scratch_folder_of_a_process_that_is_gone_is_erased(tmp_path: Path) -> None:
    gone, other, mine = (Scratch(tmp_path / "scratch") for _ in range(3))
    for one in (gone, other):
        (one.open() / "canary").write_text("9")
    with closing(other), closing(mine), ExitStack() as stack:
        (copy := gone.folder.with_name("0123456789abcdef")).mkdir()
        (copy / "canary").write_text("9")
        gone.close()
        mine.open()
        assert (other.folder / "canary").exists()
        assert {path.name for path in (tmp_path / "scratch").iterdir()} == {
            other.folder.name,
            mine.folder.name,
        }
        lent = stack.enter_context(mine.lend())
        (lent / "canary").write_text("9")
        stack.close()
        assert list(mine.folder.iterdir()) == []
    assert list((tmp_path / "scratch").iterdir()) == []


# The store is away, slow, or gives something else


def test_what_is_fetched_is_what_was_kept(store: Stored, tmp_path: Path) -> None:
    kept, fetched = tmp_path / "kept", tmp_path / "fetched"
    kept.write_bytes(bytes(range(256)) * (3 * PIECE // 256) + b"end")
    files = Store(store.url)
    files.put("some/file", kept)
    files.fetch("some/file", fetched)
    assert fetched.read_bytes() == kept.read_bytes()
    kept.write_bytes(b"")
    files.put("some/empty", kept)
    files.fetch("some/empty", fetched)
    assert fetched.read_bytes() == b""
    with pytest.raises(FileNotFoundError):
        files.fetch("some/other", fetched)
    kept.write_bytes(b"as it is")
    files.put("some/file", kept, digest=find_digest(fetched))
    with pytest.raises(SpoolUnavailable, match="another file"):
        files.fetch("some/file", fetched)
    assert not fetched.exists()


def assert_away(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"]


def test_while_the_store_is_away_nothing_is_taken_in_given_or_half_done(
    tmp_path: Path, store: Stored, gate: Gate, log: io.BytesIO
) -> None:
    desk = Clinic({"data_dir": tmp_path / "data", **store.settings}, log=log)
    place = desk.batch(PEOPLE)
    assert desk.call("GET", "/readyz").json()["spool"] == "ready"
    gate.shut()
    began = time.monotonic()
    assert_away(desk.send(PEOPLE))
    for path in ("scores", "rejects", "summary", "scores?format=parquet"):
        assert_away(desk.call("GET", f"{place}/{path}"))
    assert_away(desk.call("DELETE", place))
    assert time.monotonic() - began < SOON
    ready = desk.call("GET", "/readyz").json()
    assert (ready["status"], ready["storage"], ready["spool"]) == ("ready", "ready", "unavailable")
    assert desk.call("POST", "/assess", json={"answers": {}}).status_code == 200
    assert len(desk.call("GET", "/batches").json()["items"]) == 1
    gate.open()
    assert desk.call("GET", "/readyz").json()["spool"] == "ready"
    assert desk.call("GET", f"{place}/scores").status_code == 200
    assert store.list_names() == KEPT
    assert list_scratch(desk.storage["data_dir"]) == []
    told = log.getvalue().decode()
    assert "store of files" in told
    for secret in (SECRET, store.url.split("/")[2], str(gate.port), place[9:]):
        assert secret not in told


def test_a_store_that_hangs_is_told_soon(desk: Clinic, store: Stored) -> None:
    store.server.halt()
    try:
        began = time.monotonic()
        assert desk.call("GET", "/readyz").json()["spool"] == "unavailable"
        assert_away(desk.send(PEOPLE))
        assert time.monotonic() - began < SOON
    finally:
        store.server.go_on()
    assert desk.send(PEOPLE).status_code == 202


def test_an_upload_that_cannot_be_kept_is_no_batch(
    desk: Clinic, store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise SpoolUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr("api.batch.shared.Store.put_note", fail)
        assert_away(desk.send(PEOPLE))
    assert desk.call("GET", "/batches").json()["items"] == []
    assert list_scratch(desk.storage["data_dir"]) == []
    monkeypatch.setattr("api.batches.LEFT", -60.0)
    desk.app.state.parts.batches.expire(datetime.fromtimestamp(0).astimezone())
    assert store.list_keys() == []


def test_what_was_kept_on_the_way_goes_later_where_the_store_is_away_just_then(
    desk: Clinic, store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [SpoolUnavailable("away")]

    def clear(spool: SharedSpool, id: UUID, clear: Any = SharedSpool.clear) -> None:
        if failures:
            raise failures.pop()
        clear(spool, id)

    monkeypatch.setattr("api.batch.shared.SharedSpool.clear", clear)
    place = desk.batch(PEOPLE)
    assert failures == []
    assert desk.call("GET", place).json()["state"] == "done"
    assert store.list_names() == KEPT


def test_a_bucket_that_is_not_there_is_a_store_that_is_away(tmp_path: Path, store: Stored) -> None:
    settings = {**store.settings, "spool_url": "s3://no-such-bucket/folder"}
    desk = Clinic({"data_dir": tmp_path / "data", **settings})
    assert desk.call("GET", "/readyz").json()["spool"] == "unavailable"
    assert_away(desk.send(PEOPLE))


@pytest.mark.parametrize("act", ["put", "put_note", "fetch", "read", "find", "erase", "walk"])
def test_a_bucket_that_is_not_there_is_told_whatever_is_asked_of_it(
    store: Stored, tmp_path: Path, act: str
) -> None:
    (file := tmp_path / "file").write_text("some")
    files = Store(store.url.replace("s3://", "s3://not-"))
    acts: dict[str, Callable[[], object]] = {
        "put": lambda: files.put("some/file", file),
        "put_note": lambda: files.put_note("some/note", b""),
        "fetch": lambda: files.fetch("some/file", file),
        "read": lambda: files.read("some/file"),
        "find": lambda: files.find("some/file"),
        "erase": lambda: files.erase(["some/file", "some/other"]),
        "walk": lambda: list(files.walk()),
    }
    with pytest.raises(SpoolUnavailable, match="has no such bucket"):
        acts[act]()


@contextmanager
def refusing(server: StoreServer) -> Iterator[None]:
    """Let the server know nobody for a while."""
    address = f"{server.address}/moto-api/reset-auth"
    httpx.post(address, content=b"0").raise_for_status()
    try:
        yield
    finally:
        httpx.post(address, content=b"inf").raise_for_status()


@pytest.mark.parametrize("act", ["find", "ping"])
def test_a_store_that_lets_nobody_in_and_one_that_is_not_reached_are_told_apart(
    store: Stored, gate: Gate, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr("api.batch.store.TRIES_AGAIN", 0)
    files = Store(store.url)

    def ask() -> None:
        if act == "find":
            files.find("some/file")
        files.ping()

    ask()
    with (
        refusing(store.server),
        pytest.raises(SpoolUnavailable, match="does not let this service in") as told,
    ):
        ask()
    assert SECRET not in str(told.value)
    gate.shut()
    with pytest.raises(SpoolUnavailable, match="is not reached") as told:
        ask()
    assert str(gate.port) not in str(told.value)


def test_a_batch_that_waits_for_want_of_a_bucket_says_so_in_the_log(
    tmp_path: Path, store: Stored
) -> None:
    settings = {**store.settings, "spool_url": "s3://no-such-bucket/folder"}
    with running(Clinic({"data_dir": tmp_path / "data", **settings})) as log:
        wait_for(lambda: b"batches wait" in log.getvalue())
    (line,) = [line for line in log.getvalue().splitlines() if b"batches wait" in line]
    assert json.loads(line)["reason"] == "the store of files has no such bucket"


def test_a_disk_that_fills_up_within_a_piece_is_told_as_such(
    store: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept := tmp_path / "kept").write_bytes(b"some bytes")
    files, room = Store(store.url), 4
    files.put("some/file", kept)

    def write(file: int, piece: memoryview, start: int, write: Any = os.pwrite) -> int:
        if start >= room:
            raise OSError(errno.ENOSPC, "full")
        return int(write(file, piece[: room - start], start))

    monkeypatch.setattr("api.batch.store.os.pwrite", write)
    with pytest.raises(OSError, match="full") as full:
        files.fetch("some/file", tmp_path / "fetched")
    assert has_no_room(full.value)
    assert not (tmp_path / "fetched").exists()
    room = 10
    files.fetch("some/file", tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == b"some bytes"


def test_what_is_no_address_of_a_store_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for wrong in (
        "canary",
        "s3://",
        "s3://canary:secret@bucket",
        "https://canary/a",
        "s3://canary/?a",
        "s3://canary/a/../b",
        "s3://canary/..",
        "s3://canary/./a",
    ):
        monkeypatch.setenv("PSOAS_SPOOL_URL", wrong)
        with pytest.raises(SettingsError) as refused:
            read_settings()
        assert "PSOAS_SPOOL_URL" in str(refused.value)
        assert "canary" not in str(refused.value)
    for fine in ("s3://bucket/some/folder", "s3://bucket/..a/b../.c/...", "s3://bucket/"):
        assert Settings(spool_url=fine).spool_url == fine
