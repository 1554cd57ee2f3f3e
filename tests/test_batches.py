"""Batches: a file taken in whole, how far it is, its results as any kind of file, and nothing left when it is erased."""

import asyncio
import base64
import gzip
import hashlib
import io
import json
import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import polars as pl
import pytest
from backports import zstd
from batches import RULES
from clinic import Clinic, make_key_text
from crowd import make_crowd, put_crowd, write_frame
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from api.batch.formats import FORMATS
from api.batch.job import MOST_FRUITLESS
from api.batch.ledger import Stopped
from api.batch.running import Order, score_file
from api.batch.segments import Segments
from api.conversions import Conversions

Storage = dict[str, Any]
PEOPLE = "name,sitting_hours_per_day,runs,colour\nAda,9,no,red\nBob,99,no,blue\nCyd,,perhaps,\n"
MAPPING = """
[questions.sitting_hours_per_day]
column = "minutes seated"
unit = "min/d"
"""
TOML = {"Content-Type": "application/toml"}


@pytest.fixture
def clinic(storage: Storage) -> Clinic:
    return Clinic(storage)


@pytest.fixture
def desk(tmp_path: Path) -> Clinic:
    """A clinic with an embedded database, where it makes no difference which it is."""
    return Clinic({"data_dir": tmp_path / "data"})


def spool_of(clinic: Clinic) -> list[str]:
    """Every file in the spool, by its path there."""
    folder = clinic.app.state.parts.batches.spool.folder
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def keep_mapping(clinic: Clinic, text: str = MAPPING) -> str:
    kept = clinic.call("POST", "/mappings", content=text, headers=TOML)
    assert kept.status_code == 201, kept.text
    return str(kept.json()["id"])


# From the file to its results


def test_a_file_is_taken_in_scored_and_taken_away(clinic: Clinic) -> None:
    sent = clinic.send(PEOPLE)
    assert sent.status_code == 202
    batch = sent.json()
    assert sent.headers["location"] == f"/batches/{batch['id']}"
    assert sent.headers["cache-control"] == "no-store"
    assert batch["state"] == "waiting"
    assert batch["sha256"] == hashlib.sha256(PEOPLE.encode()).hexdigest()
    assert batch["size_bytes"] == len(PEOPLE)
    assert batch["columns"]["recognised"] == ["sitting_hours_per_day", "runs"]
    assert batch["columns"]["carried"] == ["name", "colour"]
    place = sent.headers["location"]
    for result in ("scores", "rejects", "summary"):
        early = clinic.call("GET", f"{place}/{result}")
        assert early.status_code == 409
        assert early.headers["retry-after"]

    clinic.score_batches()
    batch = clinic.call("GET", place).json()
    assert (batch["state"], batch["reason"], batch["share_done"]) == ("done", None, 1.0)
    assert (batch["rows_done"], batch["rows_rejected"]) == (3, 2)
    assert batch["model_version"] == RULES.model.version
    scores = clinic.call("GET", f"{place}/scores")
    assert scores.headers["content-type"] == "text/csv; charset=utf-8"
    assert scores.headers["content-disposition"].endswith(f'"scores-{batch["id"]}.csv"')
    assert scores.text.splitlines()[1].startswith("Ada,9,no,red,1,")
    rejects = clinic.call("GET", f"{place}/rejects").text.splitlines()
    assert rejects[0] == "name,sitting_hours_per_day,runs,colour,psoas_row,psoas_problems"
    assert rejects[1:] == [
        "Bob,99,no,blue,2,sitting_hours_per_day: out_of_range",
        "Cyd,,perhaps,,3,runs: not_an_option",
    ] or rejects[1:] == [
        "Bob,99,no,blue,2,sitting_hours_per_day: out_of_range",
        "Cyd,,perhaps,,3,runs: wrong_type",
    ]
    summary = clinic.call("GET", f"{place}/summary").json()
    assert (summary["rows"], summary["scored"], summary["rejected"]) == (3, 1, 2)
    assert summary["levels"]["prolonged_sitting"] == {"high": 1}
    assert summary["problems"]["sitting_hours_per_day: out_of_range"] == 1


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet", "xlsx"])
def test_every_kind_of_file_comes_back_as_every_kind(
    desk: Clinic, tmp_path: Path, kind: str
) -> None:
    crowd = put_crowd(make_crowd(120, seed=5))
    source = tmp_path / f"in.{kind}"
    write_frame(crowd, source)
    place = desk.batch(source.read_bytes(), kind)
    for target in FORMATS:
        out = tmp_path / f"out.{target}"
        score_file(RULES, Order(source, out))
        for what, expected in (("scores", out), ("rejects", tmp_path / f"out.rejects.{target}")):
            got = desk.call("GET", f"{place}/{what}", params={"format": target})
            assert got.status_code == 200, got.text
            if target == "xlsx":
                assert pl.read_excel(io.BytesIO(got.content)).equals(pl.read_excel(expected))
            else:
                assert got.content == expected.read_bytes()


def test_accept_chooses_the_kind_and_what_was_sent_is_usual(desk: Clinic) -> None:
    place = desk.batch(PEOPLE)
    kinds = {
        "": "text/csv; charset=utf-8",
        "*/*": "text/csv; charset=utf-8",
        "application/x-ndjson, text/csv;q=0.5": "application/x-ndjson",
        "text/csv;q=0.5, application/x-ndjson;q=0.8": "application/x-ndjson",
        "application/x-ndjson;q=0.0, text/csv;q=0.1": "text/csv; charset=utf-8",
        "application/vnd.apache.parquet": "application/vnd.apache.parquet",
    }
    for accept, expected in kinds.items():
        got = desk.call("GET", f"{place}/scores", headers={"Accept": accept})
        assert got.headers["content-type"] == expected
    refused = desk.call("GET", f"{place}/scores", params={"format": "docx"})
    assert refused.json()["errors"][0]["pointer"] == "/query/format"


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_text_may_be_compressed(desk: Clinic, encoding: str, pack: Any) -> None:
    plain = desk.batch(PEOPLE)
    packed = desk.batch(pack(PEOPLE.encode()), headers={"Content-Encoding": encoding})
    one, other = (desk.call("GET", f"{place}/scores").text for place in (plain, packed))
    assert one == other


def test_a_mapping_is_kept_and_read_with(clinic: Clinic) -> None:
    mapping = keep_mapping(clinic)
    assert clinic.call("GET", f"/mappings/{mapping}").json()["toml"] == MAPPING
    sent = clinic.send("minutes seated\n540\n", params={"mapping": mapping})
    assert sent.json()["columns"]["mapped"] == {"sitting_hours_per_day": ["minutes seated"]}
    assert clinic.call("DELETE", f"/mappings/{mapping}").status_code == 204
    assert clinic.call("GET", f"/mappings/{mapping}").status_code == 404
    clinic.score_batches()
    summary = clinic.call("GET", f"{sent.headers['location']}/summary").json()
    assert summary["levels"]["prolonged_sitting"] == {"high": 1}


def test_every_fault_of_a_mapping_is_told_with_its_place(desk: Clinic) -> None:
    text = '[questions.nope]\ncolumn = "a"\n[questions.runs]\n'
    refused = desk.call("POST", "/mappings", content=text, headers=TOML)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [
        "/questions/nope",
        "/questions/runs",
    ]
    for content, status in (("[", 422), (b"\xff\xfe", 400), ("x" * 70_000, 413)):
        assert desk.call("POST", "/mappings", content=content, headers=TOML).status_code == status
    assert desk.call("POST", "/mappings", json={}).status_code == 415


def test_a_sheet_is_chosen_by_its_name(desk: Clinic, tmp_path: Path) -> None:
    path = tmp_path / "two.xlsx"
    with Workbook(path) as book:
        for name, hours in (("first", 1), ("second", 9)):
            sheet = book.add_worksheet(name)
            sheet.write_column(0, 0, ["sitting_hours_per_day", hours])
    place = desk.batch(path.read_bytes(), "xlsx", params={"sheet": "second"})
    scores = desk.call("GET", f"{place}/scores", params={"format": "ndjson"}).json()
    assert scores["sitting_hours_per_day"] == 9
    missing = desk.send(path.read_bytes(), "xlsx", params={"sheet": "third"})
    assert missing.status_code == 422


def test_prefer_makes_a_batch_of_many_people_at_once(clinic: Clinic) -> None:
    rows = [{"sitting_hours_per_day": 9, "who": "Ada"}, {"sitting_hours_per_day": 99}]
    prefer = {"Prefer": "wait=5, respond-async"}
    made = clinic.call("POST", "/assess/batch", json=rows, headers=prefer)
    assert made.status_code == 202
    assert made.headers["preference-applied"] == "respond-async"
    clinic.score_batches()
    scores = clinic.call("GET", f"{made.headers['location']}/scores").text.splitlines()
    assert [json.loads(line)["who"] for line in scores] == ["Ada"]
    for key in ("", None):
        here = clinic.call(
            "POST", "/assess/batch", key, json=rows, headers={} if key is None else prefer
        )
        assert here.status_code == 200
        assert len(here.json()) == 2


# Downloads


def test_a_download_goes_on_where_it_broke_off(desk: Clinic) -> None:
    place = desk.batch(PEOPLE)
    whole = desk.call("GET", f"{place}/scores")
    tag = whole.headers["etag"]
    part = {"Range": "bytes=10-19", "If-Range": tag}
    got = desk.call("GET", f"{place}/scores", headers=part)
    assert got.status_code == 206
    assert got.content == whole.content[10:20]
    assert got.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    other = desk.call("GET", f"{place}/scores", headers={**part, "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, whole.content)
    known = desk.call("GET", f"{place}/scores", headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")
    head = desk.call("HEAD", f"{place}/scores")
    assert (head.headers["content-length"], head.content) == (str(len(whole.content)), b"")
    unknown = desk.call("GET", f"{place}/scores", headers={"Range": "lines=1-2"})
    assert (unknown.status_code, unknown.content) == (200, whole.content)
    for wanted in ("bytes=999999-", "bytes=20-10"):
        refused = desk.call("GET", f"{place}/scores", headers={"Range": wanted})
        assert refused.status_code == 416
        assert refused.headers["content-type"] == "application/problem+json"


def test_another_kind_is_made_once_and_is_waited_for(
    desk: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = desk.batch(PEOPLE)
    conversions: Conversions = desk.app.state.parts.batches._conversions
    monkeypatch.setattr(conversions, "_patience", 0.0)
    monkeypatch.setattr("api.conversions.score_file", wait_for(gate := Event()))
    for _ in range(2):
        early = desk.call("GET", f"{place}/scores", params={"format": "parquet"})
        assert early.status_code == 503
        assert early.headers["retry-after"]
    assert len(conversions._making) == 1
    gate.set()
    monkeypatch.setattr(conversions, "_patience", 10.0)
    got = desk.call("GET", f"{place}/scores", params={"format": "parquet"})
    assert pl.read_parquet(io.BytesIO(got.content)).height == 1


def wait_for(gate: Any) -> Any:
    """`score_file`, which waits."""

    def score(*given: Any) -> Any:
        gate.wait(30)
        return score_file(*given)

    return score


# What cannot be taken in


@pytest.mark.parametrize(
    ("content", "options", "status"),
    [
        ("colour\nred\n", {}, 422),
        ("", {}, 422),
        (PEOPLE, {"headers": {"Content-Type": "text/html"}}, 415),
        (PEOPLE, {"headers": {"Content-Encoding": "br"}}, 415),
        (PEOPLE, {"params": {"mapping": "nonsense"}}, 422),
        (PEOPLE, {"params": {"mapping": "0198a0b2-8c00-7000-8000-000000000001"}}, 422),
        (PEOPLE, {"params": {"colour": "red"}}, 422),
        (PEOPLE, {"headers": {"Content-Digest": "sha-256=:AAAA:"}}, 422),
        (
            PEOPLE,
            {"headers": {"Content-Digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"}},
            422,
        ),
        ("\x1f\x8bnonsense", {}, 422),
        ("PK\x03\x04nonsense", {}, 422),
    ],
)
def test_what_cannot_be_scored_is_refused_at_once_and_leaves_nothing(
    desk: Clinic, content: str, options: dict[str, Any], status: int
) -> None:
    refused = desk.send(content.encode("latin-1"), **options)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    if status == 422:
        assert refused.json()["errors"]
    assert "psoas-tests" not in refused.text
    assert "input." not in refused.text
    assert desk.call("GET", "/batches").json()["items"] == []
    assert spool_of(desk) == []


def test_the_right_digest_is_accepted(desk: Clinic) -> None:
    digest = base64.b64encode(hashlib.sha256(PEOPLE.encode()).digest()).decode()
    sent = desk.send(PEOPLE, headers={"Content-Digest": f"md5=:AA==:, sha-256=:{digest}:"})
    assert sent.status_code == 202


def test_a_file_that_turns_out_to_be_bad_fails_with_a_reason(
    desk: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.batch.delimited.BLOCK", 1 << 16)
    rows = gzip.compress(("sitting_hours_per_day\n" + "9\n" * 200_000).encode())
    sent = desk.send(rows[:-50], headers={"Content-Encoding": "gzip"})
    assert sent.status_code == 202
    desk.score_batches()
    place = sent.headers["location"]
    batch = desk.call("GET", place).json()
    assert batch["state"] == "failed"
    assert "compressed" in batch["reason"] or "damaged" in batch["reason"]
    gone = desk.call("GET", f"{place}/scores")
    assert gone.status_code == 409
    assert batch["reason"] in gone.json()["detail"]
    assert [path for path in spool_of(desk) if "scores." in path and "parts" not in path] == []


def test_a_failure_of_ours_is_told_without_what_it_said(
    desk: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("canary-4711 answered 9")

    monkeypatch.setattr("api.batch.job.Segments.score_next", fail)
    place = desk.send(PEOPLE).headers["location"]
    for _ in range(MOST_FRUITLESS):
        with pytest.raises(Stopped):
            desk.score_batches()
        assert "again" in desk.call("GET", place).json()["reason"]
    desk.score_batches()
    batch = desk.call("GET", place).json()
    assert batch["state"] == "failed"
    assert "canary" not in json.dumps(batch)


def test_a_part_that_was_lost_is_scored_again(
    desk: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after the power went: the run is known to have kept it, and it is not there."""
    rows = "\n".join(f"{hours % 30}" for hours in range(3_000))
    text = f"sitting_hours_per_day\n{rows}\n"
    expected = desk.call("GET", f"{desk.batch(text)}/scores").text
    monkeypatch.setattr("api.batch.delimited.BLOCK", 1_000)
    monkeypatch.setattr("api.batch.job.Segments", partial(Segments, rows=500))
    lost: list[str] = []

    def lose(work: Callable[[], Any]) -> Any:
        """Keep a result, and lose a file the first time that there are several."""
        done = work()
        parts = sorted(desk.app.state.parts.batches.spool.folder.glob("*/parts-*/*.scores.csv"))
        if len(parts) == 3 and not lost:
            lost.append(parts[1].name)
            parts[1].unlink()
        return done

    sent = desk.send(text)
    desk.score_batches(lose)
    assert lost
    assert desk.call("GET", f"{sent.headers['location']}/scores").text == expected


def test_a_tenant_may_have_so_many_that_are_not_finished(storage: Storage) -> None:
    clinic = Clinic(storage, batches_per_tenant=2)
    assert [clinic.send(PEOPLE).status_code for _ in range(3)] == [202, 202, 429]
    assert clinic.send(PEOPLE).headers["retry-after"]
    assert clinic.neighbour().send(PEOPLE).status_code == 202
    assert len(spool_of(clinic)) == 3
    clinic.score_batches()
    assert clinic.send(PEOPLE).status_code == 202


def test_the_number_is_kept_to_by_requests_at_the_same_time(storage: Storage) -> None:
    clinic = Clinic(storage, batches_per_tenant=2)

    async def send_all() -> list[int]:
        transport = httpx.ASGITransport(clinic.app)
        headers = {"Authorization": f"Bearer {clinic.key}", "Content-Type": "text/csv"}
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            sent = [client.post("/batches", content=PEOPLE, headers=headers) for _ in range(8)]
            return [response.status_code for response in await asyncio.gather(*sent)]

    assert sorted(asyncio.run(send_all())) == [202, 202, *[429] * 6]
    assert len(spool_of(clinic)) == 2


# Lists, rights, erasure


def test_batches_are_listed_newest_first_and_by_state(clinic: Clinic) -> None:
    done = clinic.batch(PEOPLE)
    waiting = []
    for _ in range(2):
        clinic.clock.move(minutes=1)
        waiting.append(clinic.send(PEOPLE).headers["location"])
    page = clinic.call("GET", "/batches", params={"limit": 2}).json()
    assert [f"/batches/{one['id']}" for one in page["items"]] == waiting[::-1]
    rest = clinic.call("GET", "/batches", params={"cursor": page["next_cursor"]}).json()
    assert [f"/batches/{one['id']}" for one in rest["items"]] == [done]
    found = clinic.call("GET", "/batches", params={"state": "done"}).json()["items"]
    assert [f"/batches/{one['id']}" for one in found] == [done]


def test_without_the_scope_nothing_of_it_is_open(desk: Clinic) -> None:
    key = make_key_text(desk.storage, desk.tenant, "records", "assess", "admin")
    place = desk.batch(PEOPLE)
    for method, path in (("GET", "/batches"), ("GET", place), ("DELETE", place)):
        assert desk.call(method, path, key).status_code == 403
        assert desk.call(method, path, "").status_code == 401
    assert desk.call("GET", place).status_code == 200


def test_erasing_leaves_nothing(clinic: Clinic) -> None:
    place = clinic.batch(PEOPLE)
    clinic.call("GET", f"{place}/scores", params={"format": "xlsx"})
    assert len(spool_of(clinic)) == 6
    assert clinic.call("DELETE", place).status_code == 204
    assert spool_of(clinic) == []
    for path in (place, f"{place}/scores", f"{place}/summary"):
        assert clinic.call("GET", path).status_code == 404
    assert clinic.call("DELETE", place).status_code == 404
    actions = [entry["action"] for entry in clinic.call("GET", "/audit").json()["items"]]
    assert sorted(actions) == ["batch_erase", "batch_read", "batch_send"]


def test_what_is_too_old_goes_and_what_belongs_to_nobody(storage: Storage) -> None:
    clinic = Clinic(storage)
    batches = clinic.app.state.parts.batches
    old = clinic.batch(PEOPLE)
    clinic.clock.move(days=3)
    new = clinic.batch(PEOPLE)
    left = batches.spool.folder / "0198a0b2-8c00-7000-8000-00000000000f"
    left.mkdir()
    (left / ".input.csv.part").write_text("half")
    assert batches.expire(clinic.clock.moment - timedelta(days=1)) == 1
    assert left.exists()  # somebody may be sending it
    for path in (left, *left.iterdir()):
        os.utime(path, (0, 0))
    assert batches.expire(clinic.clock.moment - timedelta(days=1)) == 0
    assert not left.exists()
    assert clinic.call("GET", old).status_code == 404
    assert clinic.call("GET", f"{new}/scores").status_code == 200
    assert all(path.startswith(new.rpartition("/")[2]) for path in spool_of(clinic))


def test_no_answer_is_told_by_the_log_or_the_database(storage: Storage, log: io.BytesIO) -> None:
    clinic = Clinic(storage, log=log)
    place = clinic.batch("who,sitting_hours_per_day\ncanary-4711,7.123456\ncanary-4711,77.123456\n")
    clinic.call("GET", f"{place}/scores")
    clinic.call("DELETE", place)
    assert b"canary" not in log.getvalue()
    assert b"7.123456" not in log.getvalue()
