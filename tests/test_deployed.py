"""What `examples/compose` sets up, here without containers: each part is ended by force in turn, and nothing is lost."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # it comes with what queues batches
from clinic import DESK, Clinic
from conftest import ROOT
from counting import PATIENTLY, counting
from postgres import new_database
from prometheus_client.parser import text_string_to_metric_families
from sending import SLOWLY, STARTS, People, Sender, Storage, is_begun, migrated, wait_until
from serving import Serving, serving, working
from sqlalchemy import text
from stores import Stored, answers, find_port
from test_spool_store_machines import (
    HASTY,
    assert_quiet,
    assert_same_stored,
    find_scoring,
    name_machine,
)

from api.cli import cli
from api.settings import Settings
from api.storing import open_database

pytest_plugins = ["sent_people"]
COMPOSE = ROOT / "examples" / "compose"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
LIMIT = 40
"""Requests a minute in these tests."""


# What the files say


def read_compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))
    return document


def test_the_compose_file_names_settings_commands_and_files_that_there_are() -> None:
    services = read_compose()["services"]
    own = {name: one for name, one in services.items() if one.get("image") == "psoas-risk:local"}
    assert own.keys() == {"api-1", "api-2", "worker-1", "worker-2", "migrate"}
    commands = {command.name or command.callback.__name__ for command in cli.registered_commands}  # type: ignore[union-attr]
    for one in own.values():
        named = {name for name in one["environment"] if name.startswith("PSOAS_")}
        assert {name.removeprefix("PSOAS_").lower() for name in named} <= set(Settings.model_fields)
        assert set(one.get("command", ())) <= commands
    for one in services.values():
        for volume in one.get("volumes", ()):
            place = volume.partition(":")[0]
            assert not place.startswith("./") or (COMPOSE / place).is_file(), place
        assert set(one.get("depends_on", ())) <= services.keys()


def test_the_example_of_an_environment_has_just_what_is_to_be_filled_in() -> None:
    wanted = set(re.findall(r"\$\{(\w+):\?\}", (COMPOSE / "compose.yaml").read_text("utf-8")))
    given = re.findall(r"^(\w+)=$", (COMPOSE / "example.env").read_text("utf-8"), re.MULTILINE)
    assert sorted(given) == sorted(wanted)


def test_alerts_ask_for_numbers_that_are_told(tmp_path: Path) -> None:
    clinic = Clinic({"data_dir": tmp_path, "rate_store": "redis://127.0.0.1:1/0"})
    clinic.call("POST", "/assess", json={"answers": DESK})
    told = set[str]()
    for family in text_string_to_metric_families(clinic.call("GET", "/metrics").text):
        told |= {family.name, *(sample.name for sample in family.samples)}
    (group,) = yaml.safe_load((COMPOSE / "alerts.yml").read_text("utf-8"))["groups"]
    asked = [re.findall(r"\b(?:psoas|http)_\w+", rule["expr"]) for rule in group["rules"]]
    known = {"http_response_status_code", "http_route"}
    assert {name for names in asked for name in names} - known <= told
    guide = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `(\w+)", guide, re.MULTILINE))
    families = {re.sub("_(bucket|count|sum|created)$", "", name) for name in told}
    assert listed == families


# What it does


class Fleet(NamedTuple):
    """Two serving processes behind a proxy, two workers, and what they share."""

    storage: Storage
    proxy: Serving
    """Where callers call."""
    services: list[Serving]
    workers: dict[int, subprocess.Popen[bytes]]
    folder: Path


@contextmanager
def proxying(services: list[Serving], folder: Path) -> Iterator[Serving]:
    """The proxy of the compose file, before these processes."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    port, said = find_port(), (COMPOSE / "nginx.conf").read_text("utf-8")
    for number, service in enumerate(services, 1):
        assert read_compose()["services"][f"api-{number}"]["networks"]["default"] == {
            "ipv4_address": f"172.28.0.1{number}"
        }
        said = said.replace(f"172.28.0.1{number}:8000", service.address.removeprefix("http://"))
    said = said.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/tmp/", f"{folder}/")  # noqa: S108
    (folder / "nginx.conf").write_text(said)
    whose = "user root; " if os.geteuid() == 0 else ""  # else it may not look into the folder
    command: list[str | Path] = [NGINX, "-c", folder / "nginx.conf", "-g", f"{whose}daemon off;"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(port))
            yield Serving(process, f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


@contextmanager
def deployed(
    postgres: str, folder: Path, store: Stored, rate_store: str, first: str = "", **changed: Any
) -> Iterator[Fleet]:
    """Everything, for as long as it is needed; each process has a data folder of its own.

    `first` is a program that the serving processes run before; `working_at` are the numbers of the workers.
    """
    working_at = changed.pop("working_at", ())
    with ExitStack() as stack:
        address = stack.enter_context(new_database(postgres))
        storage = migrated(
            {
                "data_dir": folder / "data",
                "database_url": address,
                "rate_store": rate_store,
                "trusted_proxies": "127.0.0.1",
                **store.settings,
                **changed,
            }
        )
        services = [
            stack.enter_context(
                serving(name_machine(storage, number), folder / f"log-{number}", first, jobs=False)
            )
            for number in (1, 2)
        ]
        workers = {
            number: stack.enter_context(
                working(name_machine(storage, number), folder / f"log-{number}", SLOWLY + HASTY)
            )
            for number in working_at
        }
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="psoas-nginx-")))
        proxy = stack.enter_context(proxying(services, place))
        yield Fleet(storage, proxy, services, workers, folder)


class Storing:
    """A caller that stores assessments one after the other, each until it is answered for good."""

    def __init__(self, fleet: Fleet, sender: Sender) -> None:
        self._fleet, self._sender = fleet, sender
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.stored: list[str] = []
        """The ids that were answered."""
        self.refused = Counter[int | str]()
        """How often it was answered otherwise, by status, and how often not at all."""

    def __enter__(self) -> "Storing":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for_more(self, count: int = 10) -> None:
        """Wait until so many more are stored."""
        wanted = len(self.stored) + count
        wait_until(lambda: len(self.stored) >= wanted, seconds=STARTS)

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            while not self._store(number) and not self._stop.is_set():
                time.sleep(0.05)

    def _store(self, number: int) -> bool:
        body = {"person": f"p-{number}", "answers": DESK}
        headers = {"Idempotency-Key": f"visit-{number}"}
        try:
            answer = self._sender.call(
                self._fleet.proxy, "POST", "/assessments", json=body, headers=headers
            )
        except httpx.TransportError as failure:
            self.refused[type(failure).__name__] += 1
            return False
        if answer.status_code == 201:
            self.stored.append(answer.json()["id"])
            return True
        self.refused[answer.status_code] += 1
        return False


def count_stored(storage: Storage) -> tuple[int, int]:
    """How many assessments are stored, and of how many people."""
    with closing(open_database(Settings(**storage))) as database, database.reading() as session:
        found = session.connection().execute(
            text("SELECT count(*), count(DISTINCT person) FROM assessment")
        )
        count, people = found.one()
        return int(count), int(people)


def test_any_part_may_be_lost(postgres: str, tmp_path: Path, some: People, store: Stored) -> None:
    with (
        counting() as limits,
        deployed(postgres, tmp_path, store, limits.address, working_at=(3, 4)) as fleet,
        closing(Sender(fleet.storage, "batch", "records")) as sender,
    ):
        sent = sender.send(fleet.proxy, some.file)
        with Storing(fleet, sender) as storing:
            sender.wait(sent, is_begun, STARTS)
            storing.wait_for_more()
            number, scoring = find_scoring(fleet.workers, fleet.storage)
            scoring.kill()
            scoring.wait()
            storing.wait_for_more()
            fleet.services[0].kill()
            storing.wait_for_more()
            limits.kill()
            storing.wait_for_more()
            log = tmp_path / "log-1"
            with serving_again(fleet, log):
                storing.wait_for_more()
                fleet.services[1].kill()
                storing.wait_for_more()
                store.server.halt()
                storing.wait_for_more()
                store.server.go_on()
                limits.start()
                storing.wait_for_more()
                sender.wait_done(sent, 90)
        assert len(storing.stored) == len(set(storing.stored)) >= 80
        assert count_stored(fleet.storage) == (len(storing.stored), len(storing.stored))
        assert sender.look(sent).takes >= 2
        with serving(name_machine(fleet.storage, 5), tmp_path / "log-5", jobs=False) as service:
            assert_same_stored(service, sender, sent, some, store)
        assert fleet.workers[({3, 4} - {number}).pop()].poll() is None
    assert_quiet(tmp_path)


@contextmanager
def serving_again(fleet: Fleet, log: Path) -> Iterator[None]:
    """The first serving process started anew, where the proxy looks for it."""
    port = int(fleet.services[0].address.rpartition(":")[2])
    storage = name_machine(fleet.storage, 1)
    with serving(storage, log, port=port, jobs=False):
        yield


def test_limits_hold_over_both_processes(postgres: str, tmp_path: Path, store: Stored) -> None:
    with (
        counting() as limits,
        deployed(
            postgres, tmp_path, store, limits.address, first=PATIENTLY, rate_per_address=LIMIT
        ) as fleet,
    ):
        asked = [
            httpx.post(f"{fleet.proxy.address}/assess", json={"answers": {}}).status_code
            for _ in range(LIMIT + 20)
        ]
        assert Counter(asked) == {200: LIMIT, 429: 20}
        told = [httpx.get(f"{service.address}/metrics").text for service in fleet.services]
        assert all('http_route="/assess"' in one for one in told)  # both had their share
        assert httpx.get(f"{fleet.proxy.address}/metrics").status_code == 404


def test_processes_go_on_while_the_tables_of_the_next_release_are_made(
    postgres: str, tmp_path: Path, store: Stored
) -> None:
    with (
        counting() as limits,
        deployed(postgres, tmp_path, store, limits.address) as fleet,
        closing(Sender(fleet.storage, "batch", "records")) as sender,
        Storing(fleet, sender) as storing,
        closing(open_database(Settings(**fleet.storage))) as database,
    ):
        storing.wait_for_more()
        with database.writing() as connection:
            connection.execute(text("ALTER TABLE assessment ADD COLUMN of_the_next TEXT"))
            connection.execute(text("CREATE TABLE of_the_next (id INTEGER)"))
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        storing.wait_for_more()
        assert not storing.refused
