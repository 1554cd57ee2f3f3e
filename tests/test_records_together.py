"""Requests that are sent to two processes at the same moment under one Idempotency-Key: stored once, answered alike."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from clinic import DESK, make_key_text
from conftest import SOAK
from serving import serving

ROUNDS = 200 if SOAK else 25
SHARED_SECRET = "s" * 32
Answers = Sequence[httpx.Response]


async def send_rounds(addresses: Sequence[str], key: str) -> list[Answers]:
    """In each round the same to every process at once, under a key of the round."""
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:

        def send(address: str, number: int) -> Any:
            return client.post(
                f"{address}/assessments",
                json={"person": f"p-{number}", "answers": DESK},
                headers={"Idempotency-Key": f"k-{number}"},
            )

        return [
            await asyncio.gather(*[send(address, number) for address in addresses])
            for number in range(ROUNDS)
        ]


def test_two_processes_store_once_what_both_get_at_the_same_moment(
    storage: dict[str, Any], tmp_path: Path
) -> None:
    storage["secret"] = SHARED_SECRET
    key, log = make_key_text(storage, "clinic"), tmp_path / "log"
    with ExitStack() as stack:
        services = [stack.enter_context(serving(storage, log, jobs=False)) for _ in range(2)]
        rounds = asyncio.run(send_rounds([service.address for service in services], key))
        told = httpx.get(
            f"{services[0].address}/assessments",
            params={"limit": 200},
            headers={"Authorization": f"Bearer {key}"},
        ).json()
    replayed = 0
    for one, other in rounds:
        assert one.status_code == other.status_code == 201
        assert one.content == other.content
        assert one.headers["location"] == other.headers["location"]
        replayed += sum("idempotency-replayed" in answer.headers for answer in (one, other))
    assert replayed == ROUNDS  # of each two one stored and the other told it again
    assert sorted(item["person"] for item in told["items"]) == sorted(
        f"p-{number}" for number in range(ROUNDS)
    )
    assert b"Traceback" not in log.read_bytes()
