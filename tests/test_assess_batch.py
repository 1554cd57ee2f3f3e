"""Many people in one request: the same rows out in their order, each as /assess says it, none lost."""

import asyncio
import csv
import gzip
import io
import json
import time
from typing import Any

import httpx
import pytest
from batches import RULES
from conftest import Call, caller, make_app
from crowd import make_crowd, put_crowd

HOURS = "sitting_hours_per_day"
JSON, LINES, CSV = "application/json", "application/x-ndjson", "text/csv"


def post(call: Call, content: bytes | str, kind: str = JSON) -> httpx.Response:
    """Send a batch."""
    return call("POST", "/assess/batch", content=content, headers={"Content-Type": kind})


@pytest.mark.parametrize("people", [1, 40, 700])
def test_each_row_says_what_the_rules_say(call: Call, people: int) -> None:
    """Few rows are scored by one carrier and many by the other; nobody could tell."""
    crowd = make_crowd(people, seed=people)
    expected = [RULES.rows.score_person(person) for person in crowd]
    got = post(call, json.dumps(crowd)).json()
    assert [{name: row[name] for name in RULES.rows.names} for row in got] == expected
    for row, person in zip(got, crowd, strict=True):
        assert {name: row[name] for name in person} == person
        assert (row["psoas_status"], row["psoas_problems"]) == ("scored", None)
    assert [row["psoas_row"] for row in got] == list(range(1, people + 1))
    lines = post(call, "\n".join(map(json.dumps, crowd)), LINES).text.splitlines()
    assert [json.loads(line) for line in lines] == got
    text = post(call, put_crowd(crowd).write_csv(), CSV).text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for name in RULES.rows.names:
        assert [row[name] for row in rows] == [put_cell(row[name]) for row in expected], name


def put_cell(value: Any) -> str:
    """A value as it stands in a cell."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def test_one_bad_person_never_fails_the_others(call: Call) -> None:
    rows: list[Any] = [{HOURS: 8}, {HOURS: 99, "runs": "x"}, 5, None, [], {}, {"id": 7, HOURS: 4}]
    got = post(call, json.dumps(rows)).json()
    assert [row["psoas_row"] for row in got] == list(range(1, 8))
    assert [row["psoas_problems"] for row in got] == [
        None,
        f"{HOURS}: out_of_range; runs: wrong_type",
        "line 3: malformed",
        "line 4: malformed",
        "line 5: malformed",
        None,
        None,
    ]
    assert {row["psoas_status"] for row in got} == {"scored", "rejected"}
    assert got[1]["psoas_index_low"] is None
    text = post(call, f"id,{HOURS}\n1,99\n2,4,5\n3,4\n", CSV).text
    rows_of = list(csv.DictReader(io.StringIO(text)))
    assert [row["psoas_problems"] for row in rows_of] == [
        f"{HOURS}: out_of_range",
        "line 3: malformed",
        "",
    ]


def test_keys_that_stand_twice_and_odd_signs(call: Call) -> None:
    body = '[{"%s": 4, "%s": 5}, {"\\ud800": "\\udfff", "%s": 4}, {"%s": NaN}]'.replace("%s", HOURS)
    got = post(call, body).json()
    assert [row["psoas_problems"] for row in got][0::2] == [
        f"{HOURS}: malformed",
        f"{HOURS}: out_of_range",
    ]
    assert got[1]["psoas_row"] == 2


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("", JSON, 400),
        ("[", JSON, 400),
        (b"\xff\xfe[", JSON, 400),
        ("[" * 100_000, JSON, 400),
        ("{}", JSON, 422),
        ('"text"', JSON, 422),
        ('[{"id": 1}]', JSON, 422),
        ("id\n1\n", CSV, 422),
        ("[]", "text/plain", 415),
        ("[]", "application/xml", 415),
        (f"{HOURS}\n" + "4\n" * 1001, CSV, 413),
        ("[" + "{}," * 1000 + "{}]", JSON, 413),
        ('[{"x": ' + "[" * 900 + "]" * 900 + "}]", JSON, 400),
        ("{" + ", ".join(f'"c{n}": 1' for n in range(2000)) + "}\n" + "{}\n" * 60_000, LINES, 413),
        (",".join(f"c{n}" for n in range(2000)) + "\n" + "x\n" * 100_000, CSV, 413),
        (gzip.compress(b"id,sitting_hours_per_day\n" + b"1,4\n" * 2_000_000), CSV, 422),
        ("sep=|\nid|sitting_hours_per_day\n1|4\n", CSV, 422),
        (b"sep=\xff\nid,x\n1,4\n", CSV, 422),
    ],
)
def test_what_cannot_be_used_is_a_problem(
    call: Call, content: bytes | str, kind: str, status: int
) -> None:
    response = post(call, content, kind)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert ("errors" in problem) == (status == 422)


def test_no_people_are_no_rows(call: Call) -> None:
    assert post(call, "[]").json() == []
    assert post(call, f"id,{HOURS}\n", CSV).text.startswith(f"id,{HOURS},psoas_row,")


def test_a_body_that_is_too_large_is_refused_before_it_is_read_whole(call: Call) -> None:
    response = post(call, b"[" + b" " * 17_000_000 + b"]")
    assert response.status_code == 413


def test_how_many_may_come_at_once_is_a_setting() -> None:
    rows = json.dumps([{HOURS: 4}] * 3)
    assert post(caller(make_app(batch_people=3)), rows).status_code == 200
    refused = post(caller(make_app(batch_people=2)), rows)
    assert refused.status_code == 413
    assert "At most 2 people" in refused.json()["detail"]


def test_no_answer_is_logged_or_told(log: io.BytesIO) -> None:
    call = caller(make_app(log))
    body = json.dumps([{HOURS: "canary-1", "canary-3": "canary-2"}])
    assert "canary-1" in post(call, body).text  # the caller's own row comes back to the caller
    for content, kind in (
        ('[{"canary-4": 1}]', JSON),
        ("canary-5,canary-6\n1,2\n", CSV),
        ("[canary", JSON),
    ):
        assert "canary" not in post(call, content, kind).text
    assert b"canary" not in log.getvalue()
    assert b'"/assess/batch"' in log.getvalue()


def test_a_formula_cannot_run_and_separators_stay(call: Call) -> None:
    text = post(call, f'note;{HOURS};runs\n=1+1;4;no\n"a;b";7,5;no\n', CSV).text
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert [row["note"] for row in rows] == ["'=1+1", "a;b"]
    assert [row["psoas_prolonged_sitting_score"] for row in rows] == ["0.0", "52.5"]


def test_others_are_answered_while_a_batch_is_scored() -> None:
    """The event loop stays free: a health check sent behind a batch does not wait for its end."""
    body = put_crowd(make_crowd(9000, seed=1)).write_csv()
    transport = httpx.ASGITransport(make_app(batch_people=10_000))

    async def both() -> tuple[float, float]:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            started = time.perf_counter()

            async def timed(request: Any) -> float:
                response = await request
                assert response.status_code == 200
                return time.perf_counter() - started

            batch = asyncio.create_task(
                timed(client.post("/assess/batch", content=body, headers={"Content-Type": CSV}))
            )
            await asyncio.sleep(0)
            health = await timed(client.get("/healthz"))
            return await batch, health

    batch, health = asyncio.run(both())
    assert health < batch
