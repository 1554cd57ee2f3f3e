"""Files that are sent again under the same Idempotency-Key: one batch is made of them, and told again."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from clinic import Clinic, make_key_text
from conftest import SOAK
from serving import serving

Storage = dict[str, Any]
FILE = "sitting_hours_per_day,runs\n9,no\n4,yes\n"
OTHER = "sitting_hours_per_day,runs\n9,no\n"
ROUNDS = 100 if SOAK else 15
KEY = {"Idempotency-Key": "k-1"}


@pytest.fixture
def clinic(storage: Storage) -> Clinic:
    return Clinic(storage)


def count_batches(clinic: Clinic) -> int:
    return len(clinic.call("GET", "/batches").json()["items"])


def list_folders(clinic: Clinic) -> list[str]:
    return [path.name for path in (clinic.storage["data_dir"] / "batches").iterdir()]


def test_the_same_file_under_the_same_key_is_one_batch(clinic: Clinic) -> None:
    first = clinic.send(FILE, headers=KEY)
    again = clinic.send(FILE, headers=KEY)
    assert first.status_code == again.status_code == 202
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert count_batches(clinic) == 1
    assert list_folders(clinic) == [first.json()["id"]]
    clinic.score_batches()
    later = clinic.send(FILE, headers=KEY)
    assert later.json()["state"] == "done"  # how far it is by now
    assert later.json()["id"] == first.json()["id"]
    sent = [e for e in clinic.call("GET", "/audit").json()["items"] if e["action"] == "batch_send"]
    assert len(sent) == 1


def test_without_a_key_or_with_another_one_it_is_another_batch(clinic: Clinic) -> None:
    answers = [
        clinic.send(FILE),
        clinic.send(FILE),
        clinic.send(FILE, headers=KEY),
        clinic.send(FILE, headers={"Idempotency-Key": "k-2"}),
        clinic.neighbour().send(FILE, headers=KEY),
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 5


def test_something_else_under_the_same_key_is_refused(clinic: Clinic) -> None:
    first = clinic.send(FILE, headers=KEY)
    lines = '{"sitting_hours_per_day": 9}\n'
    for other in (
        clinic.send(OTHER, headers=KEY),
        clinic.send(lines, "ndjson", headers=KEY),
        clinic.send(FILE, headers=KEY, params={"sheet": "x"}),
        clinic.store(Idempotency_Key="k-1"),
    ):
        assert other.status_code == 422, other.text
        (fault,) = other.json()["errors"]
        assert fault["pointer"] == "/header/Idempotency-Key"
        assert fault["code"] == "contradiction"
    assert clinic.store(Idempotency_Key="k-2").status_code == 201
    assert clinic.send(FILE, headers={"Idempotency-Key": "k-2"}).status_code == 422
    assert count_batches(clinic) == 1
    assert list_folders(clinic) == [first.json()["id"]]


def test_what_was_refused_may_be_sent_again_corrected(clinic: Clinic) -> None:
    assert clinic.send("nothing,we,know\n1,2,3\n", headers=KEY).status_code == 422
    assert clinic.send(FILE, headers=KEY).status_code == 202


def test_what_was_erased_is_not_made_again(clinic: Clinic) -> None:
    place = clinic.send(FILE, headers=KEY).headers["location"]
    assert clinic.call("DELETE", place).status_code == 204
    assert clinic.send(FILE, headers=KEY).status_code == 409
    assert count_batches(clinic) == 0
    assert list_folders(clinic) == []


def test_one_that_is_sent_again_is_not_one_too_many(storage: Storage) -> None:
    clinic = Clinic(storage, batches_per_tenant=1)
    first = clinic.send(FILE, headers=KEY)
    assert clinic.send(FILE).status_code == 429
    assert clinic.send(FILE, headers=KEY).json()["id"] == first.json()["id"]


def test_one_that_is_sent_again_takes_room_while_it_comes(tmp_path: Path) -> None:
    clinic = Clinic({"data_dir": tmp_path, "batches_per_tenant": 1})
    assert clinic.send(FILE, headers=KEY).status_code == 202
    clinic.app.state.parts.batches._coming["clinic"] += 1  # another one is on its way
    assert clinic.send(FILE, headers=KEY).status_code == 429


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_a_key_that_cannot_be_one_is_refused(clinic: Clinic, key: str) -> None:
    refused = clinic.send(FILE, headers={"Idempotency-Key": key})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"


async def send_rounds(addresses: Sequence[str], key: str) -> list[Sequence[httpx.Response]]:
    """In each round the same file to every process at once, under a key of the round."""
    head = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
    async with httpx.AsyncClient(headers=head, timeout=30) as client:
        return [
            await asyncio.gather(
                *[
                    client.post(
                        f"{address}/batches",
                        content=FILE,
                        headers={"Idempotency-Key": f"k-{number}"},
                    )
                    for address in addresses
                ]
            )
            for number in range(ROUNDS)
        ]


def test_two_processes_make_one_batch_of_what_both_get_at_the_same_moment(
    storage: Storage, tmp_path: Path
) -> None:
    storage["secret"] = "s" * 32
    key, log = make_key_text(storage, "clinic", "batch"), tmp_path / "log"
    with ExitStack() as stack:
        services = [
            stack.enter_context(serving(storage, log, jobs=False, batches_per_tenant=ROUNDS + 1))
            for _ in range(2)
        ]
        rounds = asyncio.run(send_rounds([service.address for service in services], key))
    for answers in rounds:
        assert [answer.status_code for answer in answers] == [202, 202]
        assert len({answer.content for answer in answers}) == 1
        assert len([a for a in answers if "idempotency-replayed" in a.headers]) == 1
    folders = [path.name for path in (storage["data_dir"] / "batches").iterdir()]
    assert sorted(folders) == sorted({answers[0].json()["id"] for answers in rounds})
    assert b"Traceback" not in log.read_bytes()
