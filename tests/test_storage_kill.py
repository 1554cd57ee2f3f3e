"""A service that is killed while it writes: what it acknowledged is there, whole, and once."""

import asyncio
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from clinic import DESK, make_key_text
from conftest import SOAK
from serving import Serving, serving

Storage = dict[str, Any]
CLIENTS = 8
BEGUN = 3 * CLIENTS
"""Requests after which a service may be killed."""


class Sent:
    """A request that was sent, and the answer to it where there was one."""

    def __init__(self, person: str, key: str | None) -> None:
        self.person, self.key = person, key
        self.answer: bytes | None = None

    async def send(self, client: httpx.AsyncClient) -> httpx.Response:
        body = {"person": self.person, "answers": {**DESK, "sitting_hours_per_day": 7.5}}
        headers = {"Idempotency-Key": self.key} if self.key else {}
        return await client.post("/assessments", json=body, headers=headers)


async def write_until_killed(
    service: Serving, key: str, name: str, chance: random.Random
) -> list[Sent]:
    """What several clients sent until the service was gone."""
    sent: list[Sent] = []
    begun = asyncio.Event()

    async def keep_storing(number: int) -> None:
        async with client_of(service, key) as client:
            for turn in range(100_000):
                person = f"{name}-{number}-{turn}"
                one = Sent(person, f"k-{person}" if chance.random() < 0.6 else None)
                sent.append(one)
                try:
                    answer = await one.send(client)
                except httpx.TransportError:
                    return
                assert answer.status_code == 201, answer.text
                one.answer = answer.content
                if len(sent) > BEGUN:
                    begun.set()

    tasks = [asyncio.create_task(keep_storing(number)) for number in range(CLIENTS)]
    waiting = asyncio.create_task(begun.wait())
    await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(chance.uniform(0.02, 0.6))
    service.kill()
    await asyncio.gather(*tasks)
    return sent


def client_of(service: Serving, key: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=service.address, headers=headers, timeout=30)


async def list_all(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """All that is stored, page by page."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await client.get("/assessments", params={"limit": 200, **cursor})).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


async def look_through(service: Serving, key: str, sent: list[Sent]) -> None:
    """See that all that was acknowledged is there, that all that is there is whole, and none of it twice."""
    acknowledged = {one.person: one.answer for one in sent if one.answer}
    async with client_of(service, key) as client:
        listed = {item["person"]: item["id"] for item in await list_all(client)}
        assert acknowledged.keys() <= listed.keys() <= {one.person for one in sent}
        for person, name in listed.items():
            found = await client.get(f"/assessments/{name}")
            assert found.status_code == 200
            body = found.json()
            assert body.pop("request")["answers"]["sitting_hours_per_day"] == 7.5
            assert body["assessment"]["habits"]
            if person in acknowledged:
                assert httpx.Response(200, content=acknowledged[person]).json() == body
        for one in (one for one in sent if one.key):
            first, second = await one.send(client), await one.send(client)
            assert first.status_code == second.status_code == 201
            assert first.content == second.content
            assert one.answer in (None, first.content)
            if one.person in listed:
                assert first.json()["id"] == listed[one.person]
        persons = [item["person"] for item in await list_all(client)]
        assert len(persons) == len(set(persons))
        assert set(persons) == listed.keys() | {one.person for one in sent if one.key}
        stored = 0
        cursor: dict[str, Any] = {"action": "store", "limit": 200}
        while cursor.get("cursor", "") is not None:
            page = (await client.get("/audit", params=cursor)).json()
            stored += len(page["items"])
            cursor["cursor"] = page["next_cursor"]
        assert stored == len(persons)


@pytest.mark.parametrize("seed", range(20 if SOAK else 2))
def test_what_was_acknowledged_survives_a_kill(storage: Storage, tmp_path: Path, seed: int) -> None:
    """Every second time the service is of two processes; in `make soak` a second kill follows the first."""
    chance = random.Random(seed)  # noqa: S311  # the same moments every time
    key, log = make_key_text(storage, "clinic", "records", "admin"), tmp_path / "log"
    sent: list[Sent] = []
    for name in ("first", "second") if SOAK else ("first",):
        with serving(storage, log, workers=1 + seed % 2) as service:
            sent += asyncio.run(write_until_killed(service, key, name, chance))
    with serving(storage, log) as service:
        asyncio.run(look_through(service, key, sent))
    assert "Traceback" not in log.read_text()
