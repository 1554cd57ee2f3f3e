"""Files of responses: taken in, assessed as `$assess` does, told by FHIR's asynchronous pattern, and taken away as files."""

import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from clinic import Clinic, make_key_text
from conftest import SOAK, many
from fhir_rules import find_breaches
from hypothesis import given
from hypothesis import strategies as st
from people import MODEL, sheets
from postgres import new_database
from responses import clients, put_response
from sending import STARTS, Sender, is_begun, migrated
from serving import serving
from test_fhir_assess import PACKAGES, URGENT, walk
from test_fhir_response import ASSESSOR, CANARY, DESK, RESPONSES

from api.batch.chunks import ROW
from api.batch.formats import RESPONSES as FORMAT
from api.batch.job import MOST_FRUITLESS
from api.batch.joining import Joining
from api.batch.ledger import Stopped
from api.batch.mapping import asked_in_batches
from api.batch.responses import MOST_ROWS, RESOURCES, AssessedLine
from api.batch.running import Order, score_file
from api.batch.scoring import Rules
from api.batch.segments import KEPT, Segments, name_files
from api.fhir.lines import OWN, LineAssessor, make_line_assessor
from rules.assessment import Sheet
from rules.rows import PREFIX, scored_columns

Storage = dict[str, Any]
Resource = dict[str, Any]
ADDRESS = "/fhir/$bulk-assess"
NDJSON = {"Content-Type": "application/fhir+ndjson"}
LINES = LineAssessor(MODEL, RESPONSES)
RULES = Rules.of(MODEL, LINES)
WARNED = Sheet({"sitting_hours_per_day": 1, "slouched_hours_per_day": 10})
FINE = [
    put_response(DESK, id="r-1", subject={"reference": "Patient/7"}),
    put_response(URGENT, id="r-2", subject={"reference": "Patient/8"}),
    put_response(WARNED, id="r-3"),
]
FAULTY = {
    **put_response(DESK, id="r-4"),
    "item": [{"linkId": "runs", "answer": [{"valueInteger": 7}]}],
}
MIXED = [*FINE, FAULTY]


@pytest.fixture
def clinic(storage: Storage) -> Clinic:
    return Clinic(storage)


@pytest.fixture
def desk(tmp_path: Path) -> Clinic:
    return Clinic({"data_dir": tmp_path / "data"})


def put_text(responses: list[Resource]) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in responses)


def send(clinic: Clinic, content: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return clinic.call("POST", ADDRESS, content=content, headers={**NDJSON, **named})


def place_of(sent: httpx.Response) -> str:
    """The path to ask how far it is."""
    assert sent.status_code == 202, sent.text
    return sent.headers["content-location"].removeprefix("http://test")


def name_batch(place: str) -> str:
    return f"/batches/{place.rpartition('/')[2]}"


def assess(clinic: Clinic, content: bytes, **headers: str) -> tuple[str, dict[str, Any]]:
    """The place and the manifest of a file that is assessed."""
    place = place_of(send(clinic, content, **headers))
    clinic.score_batches()
    told = clinic.call("GET", place)
    assert told.status_code == 200, told.text
    return place, told.json()


def read_files(clinic: Clinic, manifest: dict[str, Any]) -> dict[str, list[Resource]]:
    """The resources of each file, by the last step of its address; as many as the manifest says."""
    files = {}
    for one in (*manifest["output"], *manifest["error"]):
        got = clinic.call("GET", one["url"].removeprefix("http://test"))
        assert got.headers["content-type"] == "application/fhir+ndjson"
        lines = got.content.splitlines()
        assert len(lines) == one["count"]
        files[one["url"].rpartition("/")[2]] = [json.loads(line) for line in lines]
        assert {one["type"]} == {resource["resourceType"] for resource in map(json.loads, lines)}
    return files


# From the file to its results


def test_a_file_is_taken_in_assessed_and_taken_away(clinic: Clinic) -> None:
    sent = send(clinic, put_text(MIXED), Prefer="respond-async")
    place = place_of(sent)
    assert sent.headers["content-location"].startswith("http://test/fhir/bulk-status/")
    assert sent.headers["preference-applied"] == "respond-async"
    assert sent.headers["cache-control"] == "no-store"
    assert sent.json()["issue"][0]["severity"] == "information"
    waiting = clinic.call("GET", place)
    assert (waiting.status_code, waiting.content) == (202, b"")
    assert waiting.headers["x-progress"] == "waiting"
    assert int(waiting.headers["retry-after"]) > 0
    early = clinic.call("GET", place.replace("bulk-status", "bulk-output") + "/Flag")
    assert (early.status_code, early.json()["issue"][0]["code"]) == (409, "conflict")

    clinic.score_batches()
    told = clinic.call("GET", place)
    assert told.headers["content-type"] == "application/json"
    manifest = told.json()
    assert manifest["transactionTime"] == "2026-08-01T09:30:00.000Z"
    assert manifest["request"] == f"http://test{ADDRESS}"
    assert manifest["requiresAccessToken"] is True
    scales = 1 + len(MODEL.habits)
    assert {one["type"]: one["count"] for one in manifest["output"]} == {
        "Flag": 1,
        "RiskAssessment": 3,
        "Observation": 3 * (scales + 1),
    }
    files = read_files(clinic, manifest)
    assert [one["type"] for one in manifest["error"]] == ["OperationOutcome"] * len(
        manifest["error"]
    )
    (fault,) = files["errors"]
    assert fault["issue"][0]["expression"] == [
        "QuestionnaireResponse.item.where(linkId='runs').answer.value"
    ]
    assert fault["issue"][0]["diagnostics"] == "line 4"
    assert {line["issue"][0]["diagnostics"] for line in files["warnings"]} == {"line 3"}

    batch = name_batch(place)
    assert clinic.call("GET", batch).json()["format"] == "fhir"
    scores = [json.loads(line) for line in clinic.call("GET", f"{batch}/scores").text.splitlines()]
    assert [(one["response"], one["subject"]) for one in scores] == [
        ("r-1", "Patient/7"),
        ("r-2", "Patient/8"),
        ("r-3", None),
    ]
    assert scores[1][f"{PREFIX}safety_action"] == "emergency"
    rejects = clinic.call("GET", f"{batch}/rejects")
    assert json.loads(rejects.text) == {**FAULTY, ROW: 4, "psoas_problems": "runs: wrong_type"}
    summary = clinic.call("GET", f"{batch}/summary").json()
    assert summary["resources"] == {name: len(lines) for name, lines in files.items()}
    entries = clinic.call("GET", "/audit").json()["items"]
    assert Counter(one["action"] for one in entries)["batch_read"] == len(files) + 2


def test_what_is_wrong_can_be_corrected_and_sent_again(desk: Clinic) -> None:
    place, _ = assess(desk, put_text(MIXED))
    rejected = desk.call("GET", f"{name_batch(place)}/rejects").text
    again = rejected.replace('"valueInteger":7', '"valueBoolean":false')
    assert again != rejected
    place, manifest = assess(desk, again.encode(), Content_Type="application/x-ndjson")
    assert manifest["error"] == []
    (scored,) = desk.call("GET", f"{name_batch(place)}/scores").text.splitlines()
    assert (json.loads(scored)["response"], json.loads(scored)["runs"]) == ("r-4", False)


def test_rejects_stay_as_they_came_however_often_they_are_sent(desk: Clinic) -> None:
    lines = [
        orjson.dumps(FAULTY).decode(),
        "nonsense",
        "[1]",
        '"text"',
        '{"resourceType": "Patient"}',
    ]
    content = "\n".join(lines)
    for _ in range(2):
        place, manifest = assess(desk, content.encode())
        assert manifest["output"] == []
        rejects = desk.call("GET", f"{name_batch(place)}/rejects").text
        found = [json.loads(line) for line in rejects.splitlines()]
        assert [one[ROW] for one in found] == [1, 2, 3, 4, 5]
        assert rejects.startswith(lines[0].removesuffix("}"))
        assert [one.get("psoas_malformed") for one in found] == [None, *lines[1:4], None]
        content = rejects


def test_lines_that_are_no_object_come_back_the_same_when_they_are_sent_again(
    tmp_path: Path,
) -> None:
    nothing = ["{oops", "[1]", '{"a": 1, "a": 2}', "null"]
    lines = {"fhir": nothing, "ndjson": ['{"sitting_hours_per_day": 99}', *nothing]}
    for kind, sent in lines.items():
        source, rejects = tmp_path / "in", tmp_path / "rejects.ndjson"
        target = tmp_path / "scores.ndjson"
        order = Order(source, target, rejects, source_format=kind, may_replace=True)
        source.write_text("\n".join(sent))
        score_file(RULES, order)
        first = rejects.read_bytes()
        assert first.count(b'"psoas_row"') == first.count(b"\n") == len(sent)
        source.write_bytes(first)
        score_file(RULES, order)
        assert rejects.read_bytes() == first


def test_a_fault_names_its_line_behind_one_that_is_very_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.batch.responses.BLOCK", 20_000)
    good = orjson.dumps(put_response(DESK))
    source = tmp_path / "in"
    source.write_bytes(good + b"\n" + b"x" * 90_000 + b"\n\n" + good + b"\nnonsense")
    watched = Watched()
    order = Order(source, tmp_path / "scores.ndjson", source_format="fhir")
    score_file(Rules.of(MODEL, watched), order)
    assert watched.seen == [1, 2, 4, 5]
    told = map(json.loads, (tmp_path / "scores.rejects.ndjson").read_text().splitlines())
    assert [(one[ROW], one["psoas_problems"]) for one in told] == [
        (2, "line 2: malformed"),
        (4, "line 5: malformed"),
    ]


def test_however_short_lines_are_only_some_hundreds_are_assessed_at_a_time(
    tmp_path: Path,
) -> None:
    lines = 2 * MOST_ROWS + 1
    watched, asked = Watched(), list[int]()
    watched.began = asked.append
    folder = tmp_path / "parts"
    folder.mkdir()
    source = tmp_path / "in.gz"
    source.write_bytes(gzip.compress(b"1\n" * lines))
    order = Order(source, tmp_path / "scores.ndjson", source_format="fhir")
    went_on = list[int]()
    with closing(Segments(Rules.of(MODEL, watched), order, folder, None, lines)) as segments:
        segment = segments.score_next(lambda: went_on.append(len(watched.seen)))
    assert (segment.rejected, segment.is_last) == (lines, True)
    assert asked == [MOST_ROWS, MOST_ROWS, 1]
    assert len(went_on) == len(asked)
    told = (folder / "000001.errors.ndjson").read_bytes()
    assert len(told) < 300 * lines


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_rows_come_as_every_kind_of_file(desk: Clinic, kind: str, tmp_path: Path) -> None:
    place, _ = assess(desk, put_text(MIXED))
    for what, rows in (("scores", 3), ("rejects", 1)):
        got = desk.call("GET", f"{name_batch(place)}/{what}", params={"format": kind})
        assert got.status_code == 200, got.text
        file = tmp_path / f"{what}.{kind}"
        file.write_bytes(got.content)
        if kind == "csv":
            assert len(file.read_text("utf-8").splitlines()) == rows + 1
    refused = desk.call("GET", f"{name_batch(place)}/scores", params={"format": "fhir"})
    assert refused.status_code == 422


def test_a_download_goes_on_where_it_broke_off(desk: Clinic) -> None:
    _, manifest = assess(desk, put_text(MIXED))
    address = manifest["output"][-1]["url"].removeprefix("http://test")
    whole = desk.call("GET", address)
    part = {"Range": "bytes=10-", "If-Range": whole.headers["etag"]}
    got = desk.call("GET", address, headers=part)
    assert (got.status_code, got.content) == (206, whole.content[10:])
    known = desk.call("GET", address, headers={"If-None-Match": whole.headers["etag"]})
    assert known.status_code == 304
    beyond = desk.call("GET", address, headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.json()["resourceType"]) == (416, "OperationOutcome")


def test_lines_may_be_compressed_and_empty_ones_are_none(desk: Clinic) -> None:
    content = b"\xef\xbb\xbf\n" + b"\r\n\n".join(orjson.dumps(one) for one in MIXED)
    _, manifest = assess(desk, gzip.compress(content), Content_Encoding="gzip")
    (fault,) = read_files(desk, manifest)["errors"]
    assert fault["issue"][0]["diagnostics"] == "line 8"


# The same as elsewhere


def put_as_assess(response: Resource) -> list[Resource]:
    """What `$assess` gives for a response, without what else there is to tell."""
    result, _ = RESPONSES.put(response)
    assert result["resourceType"] == "Bundle"
    return [
        entry["resource"] | {"fullUrl": entry["fullUrl"]}
        for entry in result["entry"]
        if entry["resource"]["resourceType"] != "OperationOutcome"
    ]


def undo_names(resources: list[Resource]) -> list[Resource]:
    """Resources of files as they are called in a Bundle, where their response has an id."""
    text = json.dumps([{"fullUrl": f"urn:uuid:{one.pop('id')}", **one} for one in resources])
    return json.loads(re.sub(r'"reference": "Observation/', '"reference": "urn:uuid:', text))  # type: ignore[no-any-return]


@many(300)
@given(sheets(), clients)
def test_a_line_gives_what_assess_gives(sheet: Sheet, client: dict[str, bool]) -> None:
    response = put_response(sheet, client, id="r-1")
    told = LINES.assess(orjson.dumps(response), 1)
    assert told.problems == ""
    files = {
        what: [json.loads(line) for line in text.split("\n")]
        for what, text in told.resources.items()
    }
    found = [one for what in files if what != "warnings" for one in files[what]]
    own = put_as_assess(response)
    assert sorted(map(json.dumps, map(sort, undo_names(found)))) == sorted(
        map(json.dumps, map(sort, own))
    )


def sort(resource: Resource) -> Resource:
    return dict(sorted(resource.items()))


@many(100)
@given(st.lists(st.tuples(sheets(), clients), min_size=1, max_size=12))
def test_a_row_is_scored_as_assess_scores(
    tmp_path_factory: pytest.TempPathFactory, people: list[tuple[Sheet, dict[str, bool]]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    source, target = folder / "in", folder / "scores.ndjson"
    source.write_bytes(put_text([put_response(sheet, client) for sheet, client in people]))
    summary = score_file(RULES, Order(source, target, source_format="fhir"))
    assert (summary.scored, summary.rejected) == (len(people), 0)
    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    for (sheet, _), row in zip(people, rows, strict=True):
        own = ASSESSOR.assess(sheet)
        for name, one in (("index", own["index"]), *((one["id"], one) for one in own["habits"])):
            for part in ("score", "low", "high", "level"):
                assert row[f"{PREFIX}{name}_{part}"] == one[part], (name, part)
        assert row[f"{PREFIX}safety_action"] == own["safety"]["action"]
        assert row[f"{PREFIX}cleared"] == own["safety"]["cleared"]
    assert list(rows[0]) == [*OWN, *asked_in_batches(MODEL), ROW, *scored_columns(MODEL)]


BROKEN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@many(300)
@given(
    sheets(),
    st.sampled_from(["item", "status", "questionnaire", "id", "subject", "authored"]),
    BROKEN,
)
def test_a_line_is_refused_where_assess_refuses_and_only_there(
    sheet: Sheet, name: str, odd: object
) -> None:
    line = json.dumps({**put_response(sheet), name: odd}).encode()
    told = LINES.assess(line, 5)
    result, is_good = RESPONSES.put(json.loads(line))
    assert (told.problems == "") == is_good
    if not is_good:
        (outcome,) = map(json.loads, told.resources["errors"].split("\n"))
        assert [{**issue, "diagnostics": "line 5"} for issue in result["issue"]] == outcome["issue"]


def test_no_question_is_called_like_a_column_of_ours() -> None:
    assert len(set(LINES.header)) == len(LINES.header)
    assert make_line_assessor(MODEL).header == LINES.header


# What FHIR asks of files


@pytest.mark.parametrize("release", PACKAGES)
def test_every_line_fits_the_models_and_invariants_of_fhir(desk: Clinic, release: str) -> None:
    pytest.importorskip("fhir.resources", reason="fhir.resources is not installed")
    _, manifest = assess(desk, put_text([*MIXED, {}]) + b"nonsense")
    for lines in read_files(desk, manifest).values():
        for one in lines:
            kind = one["resourceType"]
            module = import_module(f"{PACKAGES[release]}.{kind.lower()}")
            again = json.loads(
                getattr(module, kind).model_validate_json(json.dumps(one)).model_dump_json()
            )
            assert sum(1 for _ in walk(again)) == sum(1 for _ in walk(one))
            assert find_breaches(one) == []


def test_every_name_is_told_apart_and_every_reference_leads_over_the_files(desk: Clinic) -> None:
    anonymous = put_response(URGENT)
    _, manifest = assess(desk, put_text([*FINE, anonymous, anonymous]))
    files = read_files(desk, manifest)
    own = [one for what in ("Flag", "RiskAssessment", "Observation") for one in files[what]]
    names = [f"{one['resourceType']}/{one['id']}" for one in own]
    assert len(set(names)) == len(names)
    led = [part["reference"] for part in walk(files["RiskAssessment"]) if "reference" in part]
    assert not [name for name in led if name.startswith("urn:")]
    seen = {name for name in led if name.startswith("Observation/")}
    assert seen <= set(names)
    assert len(seen) == 5 * (1 + len(MODEL.habits))
    _, manifest = assess(desk, put_text([*FINE, anonymous, anonymous]))
    assert read_files(desk, manifest) == files


# What cannot be done


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {}, 422),
        (b" \n\n", {}, 422),
        (put_text(MIXED), {"Content_Type": "application/fhir+json"}, 415),
        (put_text(MIXED), {"Content_Type": "text/csv"}, 415),
        (put_text(MIXED), {"Content_Encoding": "br"}, 415),
        (put_text(MIXED), {"Content_Digest": "sha-256=:AAAA:"}, 422),
    ],
)
def test_what_cannot_be_used_is_refused_at_once_and_leaves_nothing(
    desk: Clinic, content: bytes, headers: dict[str, str], status: int
) -> None:
    refused = send(desk, content, **headers)
    assert refused.status_code == status
    assert refused.json()["resourceType"] == "OperationOutcome"
    assert desk.call("GET", "/batches").json()["items"] == []


@pytest.mark.parametrize("name", ["mapping", "sheet", "colour"])
def test_what_files_of_responses_do_not_have_is_refused(desk: Clinic, name: str) -> None:
    refused = desk.call(
        "POST", ADDRESS, params={name: "x"}, content=put_text(MIXED), headers=NDJSON
    )
    assert (refused.status_code, refused.json()["resourceType"]) == (422, "OperationOutcome")
    assert desk.call("GET", "/batches").json()["items"] == []


def test_files_of_responses_are_sent_to_fhir_alone(desk: Clinic) -> None:
    assert desk.call("POST", "/batches", content=put_text(FINE), headers=NDJSON).status_code == 415
    rows = desk.batch("sitting_hours_per_day\n9\n")
    assert "resources" not in desk.call("GET", f"{rows}/summary").json()
    for path in ("bulk-status/{}", "bulk-output/{}/Flag"):
        address = f"/fhir/{path.format(rows.rpartition('/')[2])}"
        assert desk.call("GET", address).status_code == 404
    assert desk.call("DELETE", f"/fhir/bulk-status/{rows.rpartition('/')[2]}").status_code == 404
    assert desk.call("GET", rows).status_code == 200


def test_what_is_erased_or_of_another_tenant_is_not_there(clinic: Clinic) -> None:
    place, manifest = assess(clinic, put_text(MIXED))
    files = [one["url"].removeprefix("http://test") for one in manifest["output"]]
    other = clinic.neighbour()
    for address in (place, *files):
        for key in (other.key, ""):
            answer = clinic.call("GET", address, key)
            assert answer.status_code == (404 if key else 401)
            assert answer.json()["resourceType"] == "OperationOutcome"
    assert other.call("DELETE", place).status_code == 404
    erased = clinic.call("DELETE", place)
    assert (erased.status_code, erased.json()["issue"][0]["severity"]) == (202, "information")
    for address in (place, *files, place + "x"):
        assert clinic.call("GET", address).json()["issue"][0]["code"] == "not-found"
    assert clinic.call("DELETE", place).status_code == 404
    assert not any(clinic.app.state.parts.batches.spool.folder.rglob("*"))


def test_a_key_for_something_else_is_not_enough(desk: Clinic) -> None:
    key = make_key_text(desk.storage, desk.tenant, "records")
    refused = desk.call("POST", ADDRESS, key, content=put_text(FINE), headers=NDJSON)
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (403, "forbidden")


def test_a_file_that_fails_is_told_so(desk: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("api.batch.job.Segments.score_next", fail)
    place = place_of(send(desk, put_text(FINE)))
    for _ in range(MOST_FRUITLESS):
        with pytest.raises(Stopped):
            desk.score_batches()
        assert desk.call("GET", place).status_code == 202
    desk.score_batches()
    told = desk.call("GET", place)
    assert (told.status_code, told.json()["issue"][0]["code"]) == (422, "processing")
    assert CANARY not in told.text


def test_nothing_that_was_sent_is_repeated_in_errors_and_logs(
    tmp_path: Path, log: io.BytesIO
) -> None:
    desk = Clinic({"data_dir": tmp_path / "data"}, log=log)
    odd = {
        **FAULTY,
        "status": CANARY,
        "item": [{"linkId": CANARY, "answer": [{"valueString": CANARY}]}],
    }
    _, manifest = assess(desk, put_text([odd]) + CANARY.encode())
    assert CANARY not in json.dumps([manifest, read_files(desk, manifest)])
    logged = log.getvalue().decode()
    assert "bulk-assess" in logged
    assert CANARY not in logged


# Whatever happens meanwhile


class Watched:
    """Assesses lines, and remembers which."""

    def __init__(self) -> None:
        self.header = LINES.header
        self.seen: list[int] = []
        self.began: Callable[[int], object] = lambda _: None
        """Called with the number of lines."""

    def assess_all(self, lines: Sequence[tuple[int, bytes]]) -> Sequence[AssessedLine]:
        self.began(len(lines))
        self.seen += [number for number, _ in lines]
        return LINES.assess_all(lines)


@pytest.mark.parametrize("block", [3_000, 60_000])
def test_a_run_that_goes_on_gives_the_same_and_assesses_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    content = put_text(name_all(20)) + b"\n\nnonsense\n"
    once = score_in_segments(tmp_path / "once", content, 10_000)
    assert once.keys() == {f"{what}.ndjson" for what in (*KEPT, *RESOURCES)}
    monkeypatch.setattr("api.batch.responses.BLOCK", block)
    assert score_in_segments(tmp_path / "again", content, 7) == once


def name_all(times: int) -> list[Resource]:
    """The same people so many times, in responses of their own."""
    return [{**one, "id": f"{one['id']}-{turn}"} for turn in range(times) for one in MIXED]


def score_in_segments(folder: Path, content: bytes, rows: int) -> dict[str, bytes]:
    """The files that come of responses where each segment is scored by a run of its own."""
    (folder / "parts").mkdir(parents=True)
    (folder / "input.fhir").write_bytes(content)
    order = Order(
        folder / "input.fhir",
        folder / "scores.ndjson",
        folder / "rejects.ndjson",
        source_format="fhir",
    )
    watched = Watched()
    rules = Rules.of(MODEL, watched)
    joining, last = Joining(rules, order, folder / "parts"), None
    while not (last and last.is_last):
        before = last.row if last else 0
        with closing(Segments(rules, order, folder / "parts", last, rows)) as segments:
            last = segments.score_next()
        assert min(watched.seen) > before
        watched.seen.clear()
        names = name_files(folder / "parts", last.number, FORMAT)
        assert {path.name for path in names} == {
            path.name for path in (folder / "parts").glob(f"{last.number:06d}.*")
        }
        joining.add(last)
    summary = joining.finish(1.0)
    files = {path.name: path.read_bytes() for path in folder.glob("*.ndjson")}
    assert summary.rows == summary.scored + summary.rejected
    for what in RESOURCES:
        assert files[f"{what}.ndjson"].count(b"\n") == summary.resources.get(what, 0)
    return files


HASTY = """
from functools import partialmethod
from api.batch import responses
from api.batch.runner import Pace, Runner
from api.batch.segments import Segments
responses.BLOCK = 20_000
Segments.__init__ = partialmethod(Segments.__init__, rows=100)
Runner.__init__ = partialmethod(Runner.__init__, pace=Pace(silence=1.0))
"""
"""Makes a process keep what it scored often, and take up soon what another one left without a word."""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_service_that_is_killed_goes_on_once_it_is_started_again(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    content = put_text(name_all(2_000 if SOAK else 400))
    expected = score_in_segments(tmp_path / "expected", content, 10**6)
    storage: Storage = {"data_dir": tmp_path / "data"}
    with ExitStack() as stack:
        if kind == "postgresql":
            address = stack.enter_context(new_database(request.getfixturevalue("postgres")))
            storage = migrated({**storage, "database_url": address})
        sender = stack.enter_context(closing(Sender(storage)))
        with serving(storage, tmp_path / "log", first=HASTY) as service:
            sent = sender.call(service, "POST", ADDRESS, content=content, headers=NDJSON)
            place = sent.headers["content-location"].removeprefix(service.address)
            batch = place.rpartition("/")[2]
            sender.wait(batch, is_begun, STARTS)
            told = sender.call(service, "GET", place)
            assert (told.status_code, told.headers["x-progress"][0].isdigit()) == (202, True)
            service.kill()
        assert sender.look(batch).state == "running"
        with serving(storage, tmp_path / "log", first=HASTY) as service:
            assert sender.wait_done(batch).takes == 2
            manifest = sender.call(service, "GET", place).json()
            for one in (*manifest["output"], *manifest["error"]):
                assert one["url"].startswith(service.address)
                got = sender.call(service, "GET", one["url"].removeprefix(service.address))
                assert got.content == expected[f"{one['url'].rpartition('/')[2]}.ndjson"]
            for what in KEPT:
                got = sender.call(service, "GET", f"/batches/{batch}/{what}")
                assert got.content == expected[f"{what}.ndjson"]
    logged = (tmp_path / "log").read_text()
    assert "Traceback" not in logged
    assert "r-1" not in logged
