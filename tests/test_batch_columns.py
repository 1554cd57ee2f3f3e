"""A look at the columns of a file: what each is taken for, from its beginning, and nothing of it is kept."""

import asyncio
import base64
import gzip
import hashlib
import io
import json
import time
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from backports import zstd
from batches import RULES
from clinic import Clinic
from crowd import make_crowd, put_crowd, write_frame
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from api.batch.chunks import FileRefused
from api.batch.compression import unpack_beginning
from api.batch.formats import FORMATS
from api.batch.looking import Look, look_at
from api.batch.mapping import asked_in_batches
from api.looks import MOST_AT_ONCE, MOST_TEXT

PEOPLE = "name,sitting_hours_per_day,usual_siting_bout_minutes,minutes seated\nAda,9,90,540\n"
MAPPING = '[questions.sitting_hours_per_day]\ncolumn = "minutes seated"\nunit = "min/d"\n'
PACKED = [("gzip", gzip.compress), ("zstd", zstd.compress)]


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic({"data_dir": tmp_path / "data"})


def look(clinic: Clinic, content: bytes | str, kind: str = "csv", **options: Any) -> httpx.Response:
    """Look at the columns of a file."""
    content = content.encode() if isinstance(content, str) else content
    headers = {"Content-Type": FORMATS[kind].media_types[0], **options.pop("headers", {})}
    return clinic.call("POST", "/batches/columns", content=content, headers=headers, **options)


def kept(clinic: Clinic) -> list[Path]:
    """Every file of batches that is there."""
    folder = clinic.app.state.parts.batches.spool.folder
    return [path for path in folder.rglob("*") if path.is_file()]


def test_every_column_is_told_in_its_order_and_what_it_is_taken_for(clinic: Clinic) -> None:
    got = look(clinic, PEOPLE)
    assert got.status_code == 200, got.text
    assert got.headers["cache-control"] == "no-store"
    told = got.json()
    assert told["format"] == "csv"
    assert told["names"] == PEOPLE.partition("\n")[0].split(",")
    assert told["columns"]["recognised"] == ["sitting_hours_per_day"]
    assert told["columns"]["near"] == {"usual_siting_bout_minutes": "usual_sitting_bout_minutes"}
    assert told["columns"]["carried"] == ["name", "usual_siting_bout_minutes", "minutes seated"]
    asked = [*asked_in_batches(RULES.model)]
    assert told["unanswered"] == [name for name in asked if name != "sitting_hours_per_day"]
    assert told["sheets"] == []
    assert clinic.call("GET", "/batches").json()["items"] == []
    assert [entry["action"] for entry in clinic.call("GET", "/audit").json()["items"]] == []
    assert kept(clinic) == []


def test_columns_are_told_as_a_batch_tells_them(clinic: Clinic) -> None:
    crowd = put_crowd(make_crowd(20, seed=3)).rename({"runs": "Runs", "lumbar_support": "q12"})
    text = crowd.with_columns(psoas_row=1).write_csv()
    assert look(clinic, text).json()["columns"] == clinic.send(text).json()["columns"]


def test_a_mapping_is_looked_through(clinic: Clinic) -> None:
    toml = {"Content-Type": "application/toml"}
    mapping = clinic.call("POST", "/mappings", content=MAPPING, headers=toml).json()["id"]
    told = look(clinic, "minutes seated\n", params={"mapping": mapping}).json()
    assert told["columns"]["mapped"] == {"sitting_hours_per_day": ["minutes seated"]}
    assert "sitting_hours_per_day" not in told["unanswered"]
    without = look(clinic, "name\nAda\n", params={"mapping": mapping})
    assert without.status_code == 422
    assert "minutes seated (for sitting_hours_per_day)" in without.json()["detail"]
    other = look(clinic.neighbour(), "minutes seated\n", params={"mapping": mapping})
    for refused in (other, look(clinic, PEOPLE, params={"mapping": "none"})):
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/query/mapping"


def test_a_file_that_answers_nothing_is_no_error(clinic: Clinic) -> None:
    told = look(clinic, "\ufeffSEQN;PAD680\n1;540\n").json()
    assert told["names"] == told["columns"]["carried"] == ["SEQN", "PAD680"]
    assert told["unanswered"] == [*asked_in_batches(RULES.model)]


def test_columns_without_a_name_of_their_own_are_told_by_the_one_they_get(clinic: Clinic) -> None:
    told = look(clinic, "who,,who,psoas_row,runs\na,b,c,1,no\n").json()
    assert told["names"] == ["who", "column_2", "who_2", "psoas_row", "runs"]
    assert told["columns"]["renamed"] == {"column_2": "", "who_2": "who"}
    assert told["columns"]["replaced"] == ["psoas_row"]


@pytest.mark.parametrize("kind", list(FORMATS))
def test_every_kind_of_file_is_looked_at_and_leaves_nothing(
    clinic: Clinic, tmp_path: Path, kind: str
) -> None:
    crowd = put_crowd(make_crowd(30, seed=5))
    source = tmp_path / f"in.{kind}"
    write_frame(crowd, source)
    told = look(clinic, source.read_bytes(), kind).json()
    assert told["format"] == kind
    assert set(told["names"]) == set(crowd.columns)
    assert kept(clinic) == []


@pytest.mark.parametrize(("encoding", "pack"), PACKED)
def test_the_beginning_of_a_compressed_text_is_enough(
    clinic: Clinic, encoding: str, pack: Any
) -> None:
    # Names of chance cannot be packed small, so that half of the bytes end within the rows.
    noise = base64.b64encode(hashlib.shake_256(b"chance").digest(300_000)).decode()
    packed = pack((PEOPLE + f"{noise},8,60,480\n" * 3).encode())
    headers = {"Content-Encoding": encoding}
    for part in (packed, packed[: len(packed) // 2], packed + pack(b"Bob,8,60,480\n")):
        told = look(clinic, part, headers=headers).json()
        assert told["names"] == PEOPLE.partition("\n")[0].split(",")
    for part in (packed[:5], packed[:4] + b"\xff" * 40):
        refused = look(clinic, part, headers=headers)
        assert refused.status_code == 422
        assert refused.json()["errors"] == [
            {"pointer": "", "code": "malformed", "detail": "cannot be read"}
        ]


@pytest.mark.parametrize(("encoding", "pack"), PACKED)
def test_what_unpacks_to_far_more_is_unpacked_no_further_than_needed(
    encoding: str, pack: Any
) -> None:
    assert encoding
    assert len(unpack_beginning(pack(b"a" * 5_000_000), 1_000)) == 1_000
    parts = pack(b"name,runs\n") + pack(b"Ada,no\n")
    assert unpack_beginning(parts, 1_000) == b"name,runs\nAda,no\n"
    assert unpack_beginning(parts[:-3], 1_000).startswith(b"name,runs\n")
    with pytest.raises(FileRefused, match="Too little"):
        unpack_beginning(pack(b"a")[:4], 1_000)


@pytest.mark.parametrize(("encoding", "pack"), PACKED)
def test_parts_that_hold_nothing_cost_no_more_than_their_bytes(encoding: str, pack: Any) -> None:
    assert encoding
    nothing = pack(b"")
    packed = nothing * (MOST_TEXT // 2 // len(nothing)) + pack(b"name,runs\n")
    assert unpack_beginning(packed, 1_000) == b"name,runs\n"


def test_a_text_may_be_cut_off_within_a_row(clinic: Clinic) -> None:
    lines = "".join(json.dumps({"who": n, "runs": True}) + "\n" for n in range(9))
    assert look(clinic, lines[:-5], "ndjson").json()["names"] == ["who", "runs"]
    wide = PEOPLE.encode("utf-16")
    assert look(clinic, wide[:-3]).json()["names"][0] == "name"


def test_no_more_of_a_text_is_taken_than_was_said(clinic: Clinic) -> None:
    row = "Ada,9,90,540\n"
    whole = PEOPLE + row * (MOST_TEXT // len(row))
    refused = look(clinic, whole)
    assert refused.status_code == 413
    assert f"{MOST_TEXT:,}" in refused.json()["detail"]
    assert look(clinic, whole[:MOST_TEXT]).status_code == 200


def test_a_sheet_is_chosen_among_those_that_are_told(clinic: Clinic, tmp_path: Path) -> None:
    path = tmp_path / "two.xlsx"
    with Workbook(path) as book:
        for name, column in (("first", "runs"), ("second", "age_years")):
            book.add_worksheet(name).write_column(0, 0, [column, 1])
    first = look(clinic, path.read_bytes(), "xlsx").json()
    second = look(clinic, path.read_bytes(), "xlsx", params={"sheet": "second"}).json()
    assert first["sheets"] == second["sheets"] == ["first", "second"]
    assert (first["names"], second["names"]) == (["runs"], ["age_years"])
    missing = look(clinic, path.read_bytes(), "xlsx", params={"sheet": "third"})
    assert missing.status_code == 422
    assert kept(clinic) == []


@pytest.mark.parametrize("kind", list(FORMATS))
def test_what_cannot_be_read_is_told_without_what_stands_in_it(clinic: Clinic, kind: str) -> None:
    begins = FORMATS[kind].begins
    for content in (b"", begins + b"\x00canary\x00", b"%PDF-1.7 canary"):
        got = look(clinic, content, kind)
        if kind == "csv" and content:
            assert got.status_code == 200  # any line may be one of column names
            continue
        assert got.status_code == 422, content
        assert got.json()["errors"][0]["code"] == "malformed"
        assert "canary" not in got.text
        assert str(clinic.storage["data_dir"]) not in got.text
    assert kept(clinic) == []


def test_a_json_line_that_is_cut_off_names_no_column(clinic: Clinic) -> None:
    got = look(clinic, '{"canary": tr', "ndjson")
    assert got.status_code == 422
    assert "whole JSON object" in got.json()["detail"]
    assert "canary" not in got.text
    assert look(clinic, '{"runs": true}\n{"age_ye', "ndjson").json()["names"] == ["runs"]


def test_a_file_of_another_kind_than_said_is_refused(clinic: Clinic) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"runs": [True]}).write_parquet(buffer)
    assert "parquet" in look(clinic, buffer.getvalue()).json()["detail"]
    assert look(clinic, PEOPLE, headers={"Content-Type": "text/plain"}).status_code == 415
    packed = look(clinic, b"", "parquet", headers={"Content-Encoding": "gzip"})
    assert packed.status_code == 415


def test_a_key_with_the_right_scope_is_needed(clinic: Clinic) -> None:
    assert clinic.call("POST", "/batches/columns", "", content=PEOPLE).status_code == 401


def test_nothing_of_it_is_logged(tmp_path: Path) -> None:
    log = io.BytesIO()
    clinic = Clinic({"data_dir": tmp_path / "data"}, log=log)
    look(clinic, "canary,runs\ncanary,no\n")
    look(clinic, "canary", "xlsx")
    assert b"canary" not in log.getvalue()
    assert log.getvalue()


def test_an_upload_that_breaks_off_leaves_nothing(clinic: Clinic) -> None:
    app = clinic.app
    headers = {
        "content-type": FORMATS["parquet"].media_types[0],
        "authorization": f"Bearer {clinic.key}",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/batches/columns",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    messages = iter(
        [
            {"type": "http.request", "body": b"PAR1", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> Any:
        return next(messages)

    async def send(_: Any) -> None:
        """Nobody listens any more."""

    asyncio.run(app(scope, receive, send))
    assert next(messages, None) is None
    assert kept(clinic) == []


def test_whole_files_are_read_one_after_the_other(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO()
    with Workbook(content) as book:
        book.add_worksheet().write_row(0, 0, ["runs"])
    within: list[str] = []

    def look_slowly(*given: Any) -> Look:
        assert not within
        within.append("somebody")
        time.sleep(0.05)
        within.clear()
        return look_at(*given)

    monkeypatch.setattr("api.looks.look_at", look_slowly)
    headers = {
        "Content-Type": FORMATS["xlsx"].media_types[0],
        "Authorization": f"Bearer {clinic.key}",
    }

    async def look_at_once() -> list[int]:
        transport = httpx.ASGITransport(clinic.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            asked = [
                client.post("/batches/columns", content=content.getvalue(), headers=headers)
                for _ in range(MOST_AT_ONCE + 2)
            ]
            return sorted(answer.status_code for answer in await asyncio.gather(*asked))

    assert asyncio.run(look_at_once()) == [200] * MOST_AT_ONCE + [429, 429]
    assert look(clinic, content.getvalue(), "xlsx").status_code == 200
    assert kept(clinic) == []
