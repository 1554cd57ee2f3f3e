"""Limits that several processes share in a Redis, and what happens to them when it is away."""

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from clinic import make_key_text
from conftest import make_app
from counting import PASSWORD, PATIENTLY, Counting, ask, ask_all, counting
from fastapi import FastAPI
from limits import RateLimitItem
from peers import PEER
from pydantic import ValidationError
from serving import serving

from api import rates
from api.rates import Together
from api.settings import Settings, SettingsError, read_settings

ALONE = b"limits are counted by each process for itself"
TOGETHER = b"limits are counted together again"
Storage = dict[str, Any]
Use = Callable[[list[FastAPI]], Awaitable[None]]


@pytest.fixture(scope="module")
def redis() -> Iterator[Counting]:
    with counting() as server:
        yield server


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for Redis however busy this machine is: what is counted together is the question, not how fast."""
    monkeypatch.setattr(rates, "PATIENCE", 30.0)


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    """Settings for a database of SQLite, which processes may share."""
    return {"data_dir": tmp_path / "data"}


def use(apps: list[FastAPI], work: Use) -> None:
    """Use apps in one event loop, and have them let go of their connections."""

    async def begin_and_end() -> None:
        async with AsyncExitStack() as stack:
            for app in apps:
                await stack.enter_async_context(app.router.lifespan_context(app))
            await work(apps)

    asyncio.run(begin_and_end())


# Together


@pytest.mark.usefixtures("patient")
def test_two_processes_share_one_limit_to_the_last_request(
    redis: Counting, folder: Storage
) -> None:
    log = io.BytesIO()
    limits = {"rate_per_address": 10, "rate_per_key": 15, "rate_store": redis.address}
    apps = [make_app(log, **folder, **limits) for _ in range(2)]
    key = make_key_text(folder, "clinic")

    async def work(apps: list[FastAPI]) -> None:
        redis.asked.flushdb()
        assert await ask_all(apps, 40, PEER) == [200] * 10 + [429] * 30
        assert await ask_all(apps, 2, "203.0.113.8", key) == [200, 200]  # each gets to know the key
        assert await ask_all(apps, 40, "203.0.113.9", key) == [200] * 13 + [429] * 27
        assert await ask_all(apps, 12, "203.0.113.10") == [200] * 10 + [429] * 2

    use(apps, work)
    assert ALONE not in log.getvalue()


@pytest.mark.usefixtures("patient")
def test_callers_are_told_how_they_stand_with_all_processes(
    redis: Counting, folder: Storage
) -> None:
    apps = [make_app(**folder, rate_per_address=3, rate_store=redis.address) for _ in range(2)]

    async def work(apps: list[FastAPI]) -> None:
        redis.asked.flushdb()
        answers = [await ask(apps[number % 2], PEER) for number in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        for answer, left in zip(answers, (2, 1, 0, 0), strict=True):
            assert answer.headers["ratelimit-policy"] == '"minute";q=3;w=60'
            assert answer.headers["ratelimit"].startswith(f'"minute";r={left};t=')
            assert 58 <= int(answer.headers["ratelimit"].rpartition("=")[2]) <= 60
        seconds = answers[3].headers["retry-after"]
        assert answers[3].headers["ratelimit"] == f'"minute";r=0;t={seconds}'

    use(apps, work)


@pytest.mark.usefixtures("patient")
def test_the_next_minute_is_a_new_one(redis: Counting, folder: Storage) -> None:
    apps = [make_app(**folder, rate_per_address=1, rate_store=redis.address) for _ in range(2)]

    async def work(apps: list[FastAPI]) -> None:
        redis.asked.flushdb()
        assert await ask_all(apps, 4, PEER) == [200, 429, 429, 429]
        (name,) = redis.read_all()
        redis.asked.pexpire(name, 1)  # nobody waits a minute for a test
        await asyncio.sleep(0.02)
        assert await ask_all(apps, 4, PEER) == [200, 429, 429, 429]

    use(apps, work)


@pytest.mark.usefixtures("patient")
def test_nothing_in_redis_tells_who_called(redis: Counting, folder: Storage) -> None:
    apps = [make_app(**folder, rate_per_address=9, rate_per_key=9, rate_store=redis.address)]
    key = make_key_text(folder, "clinic")
    other = {**folder, "secret": "s" * 32, "data_dir": folder["data_dir"].with_name("other")}
    others = [make_app(**other, rate_per_address=9, rate_store=redis.address)]

    async def work(apps: list[FastAPI]) -> None:
        await ask(apps[0], PEER, key)
        await ask(apps[0], "2001:db8:1:2::5")

    redis.asked.flushdb()
    use(apps, work)
    held = redis.read_all()
    assert sorted(held.values()) == ["1", "1", "1"]  # two addresses and a key
    told = repr(held)
    for canary in (PEER, "2001", "db8", key, *key.split("_")[1:], "clinic"):
        assert canary not in told
    assert all(0 < redis.asked.ttl(name) <= 60 for name in held)

    async def come_again(apps: list[FastAPI]) -> None:
        await ask(apps[0], "2001:db8:1:2::5")

    use(others, come_again)
    assert len(redis.read_all()) == 4  # under another secret the same address has another name


# Away, slow, full


def test_a_redis_that_is_held_up_costs_a_moment_once(
    redis: Counting, folder: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "PATIENCE", 1.0)  # however busy this machine is, all begin to wait
    monkeypatch.setattr(rates, "ASKED_AGAIN", 2.0)
    asked: list[str] = []
    hit = Together._hit

    def note(self: Together, limit: RateLimitItem, name: str) -> Any:
        asked.append(name)
        return hit(self, limit, name)

    monkeypatch.setattr(Together, "_hit", note)
    log = io.BytesIO()
    apps = [make_app(log, **folder, rate_per_address=5, rate_store=redis.address)]

    async def work(apps: list[FastAPI]) -> None:
        redis.asked.flushdb()
        assert await ask_all(apps, 3, PEER) == [200] * 3
        with redis.holding_up():
            start = time.perf_counter()
            assert await ask_all(apps, 40, PEER) == [200] * 2 + [429] * 38  # it counted here, too
            assert time.perf_counter() - start < 10 * rates.PATIENCE  # all waited at the same time
            assert len(asked) == 43
            assert await ask_all(apps, 5, "203.0.113.8") == [200] * 5
            assert len(asked) == 43
            await asyncio.sleep(2)
            assert await ask_all(apps, 5, "203.0.113.8") == [429] * 5
            assert len(asked) == 44  # one of them looked whether it is back
        assert log.getvalue().count(ALONE) == 1
        await asyncio.sleep(2)
        assert await ask_all(apps, 1, "203.0.113.9") == [200]
        assert log.getvalue().count(TOGETHER) == 1

    use(apps, work)


def test_a_full_redis_is_done_without(
    redis: Counting, folder: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "ASKED_AGAIN", 0.1)
    log = io.BytesIO()
    apps = [make_app(log, **folder, rate_per_address=2, rate_store=redis.address)]

    async def work(apps: list[FastAPI]) -> None:
        redis.asked.flushdb()
        with redis.filling_up():
            assert await ask_all(apps, 4, PEER) == [200, 200, 429, 429]
        assert redis.read_all() == {}
        await asyncio.sleep(0.1)
        assert await ask_all(apps, 1, "203.0.113.9") == [200]
        assert len(redis.read_all()) == 1

    use(apps, work)
    assert log.getvalue().count(ALONE) == log.getvalue().count(TOGETHER) == 1


@pytest.mark.parametrize(
    "address",
    ["redis://:canary-of-a-password@127.0.0.1:1", "unix:///nowhere?password=canary-of-a-password"],
)
def test_a_service_starts_and_is_ready_without_its_redis(folder: Storage, address: str) -> None:
    log = io.BytesIO()
    apps = [make_app(log, **folder, rate_per_address=2, rate_store=address)]

    async def work(apps: list[FastAPI]) -> None:
        assert await ask_all(apps, 3, PEER) == [200, 200, 429]
        transport = httpx.ASGITransport(apps[0])
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            ready = await client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["status"] == "ready"

    use(apps, work)
    assert log.getvalue().count(ALONE) == 1
    assert PASSWORD.encode() not in log.getvalue()


def test_processes_count_for_themselves_while_redis_is_killed_and_together_when_it_is_back(
    redis: Counting, folder: Storage, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    limits: Storage = {
        "rate_per_address": 20,
        "rate_store": redis.address,
        "trusted_proxies": "127.0.0.1",
    }
    with ExitStack() as stack:
        services = [
            stack.enter_context(serving(folder, log, PATIENTLY, jobs=False, **limits))
            for _ in range(2)
        ]
        clients = [stack.enter_context(httpx.Client(base_url=s.address)) for s in services]
        assert call_in_turn(clients, 40, "198.51.100.1") == 20
        assert call_in_turn(clients, 10, "198.51.100.2") == 10
        redis.kill()
        start = time.perf_counter()
        # Of the first two each process has counted half of what came before.
        for peer, more in (("198.51.100.1", 0), ("198.51.100.2", 30), ("198.51.100.3", 40)):
            assert call_in_turn(clients, 60, peer) == more
        assert (time.perf_counter() - start) / 180 < 0.05
        redis.start()
        wait_for(log, TOGETHER, clients)
        assert call_in_turn(clients, 40, "198.51.100.4") == 20
    told = log.read_bytes()
    assert told.count(ALONE) == told.count(TOGETHER) == 2  # once in each process
    assert PASSWORD.encode() not in told
    assert b"198.51.100" not in told
    assert b"Traceback" not in told


def call_in_turn(clients: list[httpx.Client], times: int, peer: str) -> int:
    """How many of so many requests, sent to each process in turn, are let in."""
    headers = {"X-Forwarded-For": peer}
    turns = [clients[number % len(clients)] for number in range(times)]
    answers = [client.get("/model/psoas", headers=headers).status_code for client in turns]
    assert set(answers) <= {200, 429}
    return answers.count(200)


def wait_for(log: Path, words: bytes, clients: list[httpx.Client]) -> None:
    """Call until each process has said something."""
    until = time.monotonic() + 20
    while log.read_bytes().count(words) < len(clients):
        assert time.monotonic() < until
        call_in_turn(clients, 2, "198.51.100.9")
        time.sleep(0.1)


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        "",
        f"http://:{PASSWORD}@h",
        f"redis://:{PASSWORD}@h:port",
        f"redis://:{PASSWORD}/@h",
        f"redis://:{PASSWORD}@h?db=first",
        f"redis://:{PASSWORD}@h?unknown=1",
    ],
)
def test_what_is_no_address_of_a_redis_is_refused_and_not_repeated(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(rate_store=address)
    monkeypatch.setenv("PSOAS_RATE_STORE", address)
    with pytest.raises(
        SettingsError, match=r"PSOAS_RATE_STORE: .*must be an address such as"
    ) as told:
        read_settings()
    for error in (refused.value, told.value):
        assert PASSWORD not in str(error)


@pytest.mark.parametrize(
    "address",
    ["redis://h", "redis://h:6379/2", "rediss://user:word@h:6380", "unix:///run/redis.sock"],
)
def test_addresses_of_every_kind_are_taken_and_not_shown(address: str) -> None:
    settings = Settings(rate_store=address)
    assert settings.rate_store is not None
    assert settings.rate_store.get_secret_value() == address
    assert address not in repr(settings)
