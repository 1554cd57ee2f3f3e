"""Limits: counted by key or by address, told in every answer, and nobody steps around them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import issuer
import pytest
from clinic import Clinic, Clock, make_key_text
from conftest import make_app
from peers import PEER, send, statuses

from api.rates import Rates, name_address
from api.settings import Settings
from api.storage import api_keys

Storage = dict[str, Any]
UNKNOWN = "psoas_0123456789abcdef_" + "0" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    """Settings for a database of SQLite; who may come in does not depend on the kind."""
    return {"data_dir": tmp_path / "data"}


def test_an_address_may_call_so_often_and_is_told_how_it_stands(folder: Storage) -> None:
    app = make_app(**folder, rate_per_address=3)
    for left in (2, 1, 0):
        good = send(app, "GET", "/model")
        assert good.status_code == 200
        assert good.headers["ratelimit-policy"] == '"minute";q=3;w=60'
        assert good.headers["ratelimit"].startswith(f'"minute";r={left};t=')
    over = send(app, "GET", "/model")
    assert over.status_code == 429
    assert over.headers["content-type"] == "application/problem+json"
    assert over.json()["status"] == 429
    assert over.json()["request_id"] == over.headers["x-request-id"]
    seconds = int(over.headers["retry-after"])
    assert 50 <= seconds <= 60
    assert over.headers["ratelimit-policy"] == '"minute";q=3;w=60'
    assert over.headers["ratelimit"] == f'"minute";r=0;t={seconds}'
    assert statuses(app, 1, peer="203.0.113.8") == [200]
    for path in ("/healthz", "/readyz"):
        healthy = send(app, "GET", path)
        assert healthy.status_code == 200
        assert "ratelimit" not in healthy.headers


def test_what_is_refused_counts_too(folder: Storage) -> None:
    app = make_app(**folder, rate_per_address=3)
    paths = ("/assessments", "/nowhere", "/model/habits/x", "/model")
    assert [send(app, "GET", path).status_code for path in paths] == [401, 404, 404, 429]


def test_without_limits_nothing_is_counted(folder: Storage) -> None:
    clinic = Clinic(folder, rate_per_key=0)
    for key in (None, ""):
        response = clinic.call("GET", "/model", key)
        assert response.status_code == 200
        assert "ratelimit" not in response.headers


def test_each_key_is_counted_by_itself_wherever_it_comes_from(folder: Storage) -> None:
    app = make_app(**folder, rate_per_address=2, rate_per_key=3)
    one, other = make_key_text(folder, "clinic"), make_key_text(folder, "clinic")
    answers = [send(app, "GET", "/model", one, peer=f"10.0.0.{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"minute";q=3;w=60'
    assert int(answers[3].headers["retry-after"]) > 0
    assert statuses(app, 3, key=other) == [200] * 3
    assert statuses(app, 2) == [200, 429]  # of the address, the other key's first look-up counted


def test_keys_are_not_guessed_without_end(folder: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []
    find_key = api_keys.find_key

    def count(session: Any, id: str) -> Any:
        looked_up.append(id)
        return find_key(session, id)

    monkeypatch.setattr("api.keys.find_key", count)
    app = make_app(**folder, rate_per_address=3)
    guesses = [f"psoas_{number:016x}_{number:064x}" for number in range(10)]
    answers = [send(app, "GET", "/assessments", guess) for guess in guesses]
    assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 7
    assert len(looked_up) == 3
    assert answers[0].headers["ratelimit"].startswith('"minute";r=2;')


def test_a_key_that_worked_goes_on_working_whatever_its_neighbours_do(folder: Storage) -> None:
    clock = Clock()
    app = make_app(**folder, rate_per_address=2, clock=clock)
    key = make_key_text(folder, "clinic")
    assert statuses(app, 1, key=key) == [200]
    assert statuses(app, 3) == [200, 429, 429]
    for _ in range(3):
        assert statuses(app, 1, key=key) == [200]
        clock.move(seconds=10)  # it must be looked up again
    assert statuses(app, 1, key=UNKNOWN) == [429]


def test_a_key_that_no_longer_works_is_counted_by_its_address_again(folder: Storage) -> None:
    clock = Clock()
    app = make_app(**folder, rate_per_address=2, clock=clock)
    ends = datetime(2026, 8, 1, 9, 31, tzinfo=UTC)
    key = make_key_text(folder, "clinic", expires_at=ends)
    assert statuses(app, 5, key=key) == [200] * 5
    clock.move(minutes=1)
    assert statuses(app, 4, key=key) == [401, 401, 429, 429]


def test_a_token_is_counted_as_a_key_is(tmp_path: Path, folder: Storage) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(issuer.put_keys(issuer.KEYS))
    file = issuer.write_issuers(tmp_path, str(keys))
    app = make_app(**folder, rate_per_address=1, rate_per_key=3, issuers=file)
    assert statuses(app, 4, key=issuer.make_token()) == [200, 200, 200, 429]
    assert statuses(app, 1, key=issuer.make_token()) == [429]  # the same subject's next token
    assert statuses(app, 1, key=issuer.make_token(sub="other"), peer="10.0.0.1") == [200]


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:ff03:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("somewhere", "unknown"),
    ],
)
def test_an_address_is_counted_by_household(client: str, name: str) -> None:
    assert name_address((client, 1)) == name
    assert name_address(None) == "unknown"


def test_addresses_of_a_household_share_a_limit(folder: Storage) -> None:
    app = make_app(**folder, rate_per_address=1)
    peers = [
        "2001:db8::1",
        "2001:db8::ff00:0:0:2",
        "2001:db8:0:1::1",
        "::ffff:10.0.0.1",
        "10.0.0.1",
    ]
    assert [statuses(app, 1, peer=peer)[0] for peer in peers] == [200, 429, 200, 200, 429]


def test_the_next_minute_is_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = Rates(1, 0)
    moment = [1000.0]
    monkeypatch.setattr("limits.storage.memory.time.time", lambda: moment[0])
    counted = []
    for seconds in (0, 59, 2, 1):
        moment[0] += seconds
        standing = asyncio.run(rates.count("address", "a"))
        assert standing is not None
        counted.append(standing.allowed)
    assert counted == [True, False, True, False]
    assert asyncio.run(rates.count("key", "a")) is None


# Proxies


@pytest.mark.parametrize(
    ("trusted", "peer", "sent", "counted"),
    [
        ("", PEER, ["198.51.100.1"], PEER),
        ("10.0.0.0/8", PEER, ["198.51.100.1"], PEER),
        ("10.0.0.0/8", "10.9.8.7", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.0/8", "10.9.8.7", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.0/8", "10.9.8.7", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.0/8", "10.9.8.7", ["1.1.1.1, 198.51.100.1, 10.1.1.1"], "198.51.100.1"),
        ("10.0.0.0/8", "10.9.8.7", ["10.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.0/8, 192.0.2.1", "192.0.2.1", ["198.51.100.1, 10.1.1.1"], "198.51.100.1"),
        ("192.0.2.1", "192.0.2.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("192.0.2.1", "192.0.2.2", ["198.51.100.1"], "192.0.2.2"),
        ("2001:db8::/32", "2001:db8::5", ["[2001:db9::1]:80"], "2001:db9::/64"),
        ("10.0.0.0/8", "10.9.8.7", [], "10.9.8.7"),
        ("10.0.0.0/8", "10.9.8.7", ["198.51.100.1, canary"], "unknown"),
    ],
)
def test_only_trusted_proxies_say_who_calls(
    monkeypatch: pytest.MonkeyPatch,
    folder: Storage,
    trusted: str,
    peer: str,
    sent: list[str],
    counted: str,
) -> None:
    seen: list[str] = []
    count: Callable[..., Any] = Rates.count

    def watch(self: Rates, kind: str, name: str) -> Any:
        seen.append(name)
        return count(self, kind, name)

    monkeypatch.setattr(Rates, "count", watch)
    app = make_app(**folder, trusted_proxies=trusted, rate_per_address=9)
    headers = [("X-Forwarded-For", value) for value in sent]

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/model", headers=headers)

    assert asyncio.run(request()).status_code == 200
    assert seen == [counted]


@pytest.mark.parametrize(
    "trusted", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.1:80"]
)
def test_what_is_no_proxys_address_is_refused(trusted: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(trusted_proxies=("10.0.0.1", trusted))
