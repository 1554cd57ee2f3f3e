"""How the service tells those who watch it how it is doing."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from clinic import DESK, Clinic
from conftest import Call, caller, make_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from sending import wait_until
from serving import serving

from api.endpoints.operations import Ping
from api.metrics import Watched

DURATION = "http_server_request_duration_seconds"


def read(told: httpx.Response) -> dict[tuple[str, tuple[str, ...]], float]:
    """What was told, by name and the values of its labels in the order of their names."""
    assert told.status_code == 200
    assert told.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(told.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_method_route_and_status(call: Call) -> None:
    for sitting in (9, 90):
        call("POST", "/assess", json={"answers": {"sitting_hours_per_day": sitting}})
    call("GET", "/routines/psoas_self_massage")
    call("GET", "/nowhere")
    call("BREW", "/assess")
    found = read(call("GET", "/metrics"))
    for labels in (
        ("POST", "200", "/assess"),
        ("POST", "422", "/assess"),
        ("GET", "200", "/routines/{id}"),
        ("GET", "404", ""),
        ("_OTHER", "405", "/assess"),
    ):
        assert found[f"{DURATION}_count", labels] == 1, labels


def test_the_rules_that_are_served_are_named(call: Call) -> None:
    served = call("GET", "/model").json()
    assert read(call("GET", "/metrics"))["psoas_model_info", (served["digest"], served["version"])]


def test_nothing_of_anybody_is_told(storage: dict[str, Any]) -> None:
    clinic = Clinic(storage, "canary-clinic")
    clinic.store("p-canary")
    clinic.call("GET", "/people/p-canary/trend")
    clinic.call("GET", "/people/p-canary/canary")
    clinic.call("POST", "/assess", json={"answers": {**DESK, "canary": 987654}})
    clinic.send("sitting_hours_per_day,canary\n9,987654\n")
    told = clinic.call("GET", "/metrics", key="").text
    assert "/people/{person}/trend" in told
    assert not re.search("canary|987654|sitting_hours|saddle", told)


def test_how_batches_stand_is_told_of_all_tenants(storage: dict[str, Any]) -> None:
    clinic = Clinic(storage)
    clinic.batch("sitting_hours_per_day\n9\n")
    clinic.send("sitting_hours_per_day\n9\n")
    clinic.clock.move(seconds=40)
    clinic.neighbour().send("sitting_hours_per_day\n9\n")
    clinic.clock.move(seconds=2)
    found = read(clinic.call("GET", "/metrics", key=""))
    states = {values[0]: n for (name, values), n in found.items() if name == "psoas_batches"}
    assert states == {"waiting": 2, "running": 0, "done": 1, "failed": 0}
    assert found["psoas_batch_waiting_seconds", ()] == 42
    assert found["psoas_batch_silent_seconds", ()] == 0
    assert found["psoas_delivery_due_seconds", ()] == 0
    assert found["psoas_storage_up", ()] == 1
    assert not any(name == "psoas_rate_store_up" for name, _ in found)


def test_messages_that_nobody_sends_are_told(storage: dict[str, Any]) -> None:
    clinic = Clinic(storage)
    clinic.call("POST", "/webhooks", json={"url": "https://clinic.example/hook"})
    clinic.batch("sitting_hours_per_day\n9\n")
    clinic.clock.move(seconds=7)
    found = read(clinic.call("GET", "/metrics", key=""))
    states = {values[0]: n for (name, values), n in found.items() if name == "psoas_deliveries"}
    assert states == {"waiting": 1, "delivered": 0, "given_up": 0}
    assert found["psoas_delivery_due_seconds", ()] == 7


def test_it_is_told_whether_limits_are_counted_together() -> None:
    settings: dict[str, Any] = {"rate_per_address": 9, "rate_store": "redis://127.0.0.1:1/0"}
    call = caller(make_app(**settings))
    assert read(call("GET", "/metrics"))["psoas_rate_store_up", ()] == 1  # nobody was counted yet
    call = caller(make_app(**settings))
    call("GET", "/model/psoas")
    assert read(call("GET", "/metrics"))["psoas_rate_store_up", ()] == 0


def test_whoever_asks_without_end_does_not_hold_the_database(storage: dict[str, Any]) -> None:
    clinic = Clinic(storage)
    clinic.call("GET", "/metrics", key="")
    clinic.send("sitting_hours_per_day\n9\n")
    found = read(clinic.call("GET", "/metrics", key=""))
    assert found["psoas_batches", ("waiting",)] == 0  # as it was a moment ago


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "psoas.sqlite3").write_bytes(b"no database" * 1000)
    found = read(caller(make_app(data_dir=tmp_path))("GET", "/metrics"))
    assert found["psoas_storage_up", ()] == 0
    assert not any(name == "psoas_batches" for name, _ in found)


def test_it_can_be_switched_off_and_is_never_limited() -> None:
    assert caller(make_app(metrics=False))("GET", "/metrics").status_code == 404
    call = caller(make_app(rate_per_address=1))
    assert [call("GET", "/metrics").status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_behind_one_address_count_together(tmp_path: Path, workers: int) -> None:
    storage: dict[str, Any] = {"data_dir": tmp_path, "jobs": False, "workers": workers}
    with serving(storage, tmp_path / "log") as service:
        for _ in range(30):  # a connection each, so that both get some
            httpx.post(f"{service.address}/assess", json={"answers": {}})
        found = read(httpx.get(f"{service.address}/metrics"))
    told = [n for (name, at), n in found.items() if name == f"{DURATION}_count" and "/assess" in at]
    assert told == [30]


def test_one_looks_at_a_time_and_others_get_what_is_known() -> None:
    looks, goes_on = Counter[str](), Event()

    def look() -> Iterator[Metric]:
        looks["begun"] += 1
        if looks["begun"] > 1:
            goes_on.wait()
        yield GaugeMetricFamily("looks", "How often", value=looks["begun"])

    def read_value() -> float:
        (family,) = watched.collect()
        return float(family.samples[0].value)

    watched = Watched(look)
    assert read_value() == 1
    watched._until = 0.0  # what was found is no longer fresh
    with ThreadPoolExecutor(1) as apart:
        slow = apart.submit(read_value)
        wait_until(lambda: looks["begun"] == 2)
        assert [read_value() for _ in range(20)] == [1] * 20
        goes_on.set()
        assert slow.result() == 2
    assert looks["begun"] == 2


def test_whoever_asks_meanwhile_whether_it_is_ready_gets_the_same_answer() -> None:
    asked, goes_on = Counter[str](), Event()

    def ping() -> None:
        asked["database"] += 1
        goes_on.wait()

    async def ask_all() -> list[bool]:
        one = Ping(ping)
        asking = [asyncio.create_task(one.ask()) for _ in range(50)]
        await asyncio.sleep(0.05)
        goes_on.set()
        return await asyncio.gather(*asking)

    assert asyncio.run(ask_all()) == [True] * 50
    assert asked["database"] == 1
