"""What tests share: the model, an app with fixed request ids, its log, and ways to call it."""

import asyncio
import gc
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import fastapi.dependencies.models
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from postgres import new_database
from postgres import serving as postgres_server
from stores import Gate, Stored, StoreServer, name_store, serving_store

from api.app import create_app
from api.fhir.lines import LineAssessor, make_line_assessor
from api.logs import open_log
from api.settings import Settings
from api.storing import open_database
from rules.assessment import Assessor
from rules.definitions import Model
from rules.loading import PACKAGED_MODEL, load_languages, load_model

ROOT = Path(__file__).parent.parent
Call = Callable[..., httpx.Response]

settings.register_profile("test", max_examples=150, deadline=None, derandomize=True)
settings.register_profile(
    "soak", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
SOAK = bool(os.environ.get("PSOAS_SOAK"))
settings.load_profile("soak" if SOAK else "test")


def many(people: int) -> settings:
    """Try so many generated people in `make soak`, and a tenth of them in `make test`."""
    return settings(max_examples=people if SOAK else people // 10)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make openapi` write example responses in place of comparing them."""
    parser.addoption("--write-examples", action="store_true", help="write example responses")


def pytest_collection_finish(session: pytest.Session) -> None:  # noqa: ARG001
    """Spare the garbage collector what was imported: it would look it through again at every app."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _read_rules_once() -> Iterator[None]:
    """The packaged rules, which every app needs and none changes, are read once."""
    packaged = load_languages()

    def load(folder: Path) -> dict[str, Model]:
        return packaged if folder == PACKAGED_MODEL else load_languages(folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.languages.load_languages", load)
        yield


@pytest.fixture(scope="session")
def model() -> Model:
    return load_model()


@pytest.fixture(scope="session")
def assessor(model: Model) -> Assessor:
    return Assessor(model)


@pytest.fixture
def log() -> io.BytesIO:
    """Everything the app of a test logs."""
    return io.BytesIO()


@pytest.fixture
def app(log: io.BytesIO) -> FastAPI:
    return make_app(log=log)


@cache
def read_lines() -> LineAssessor:
    """What assesses responses in files, made once."""
    return make_line_assessor(load_model())


_FOLDERS = tempfile.TemporaryDirectory(prefix="psoas-tests-")


async def know_no_name(host: str, port: int) -> list[str]:  # noqa: ARG001
    """Stands for a network in which no name is known; no test asks the real one."""
    raise OSError("no such name")


def make_app(log: io.BytesIO | None = None, **changed: Any) -> FastAPI:
    """An app with these settings, a log and a database of its own, and the same request id every time.

    `clock`, `chance` and `resolve` are handed on; unless told otherwise no name is known.
    """
    changed.setdefault("resolve", know_no_name)
    changed.setdefault("lines", read_lines())  # a process apart for each app would take long
    names = ("clock", "chance", "resolve", "lines")
    given = {name: changed.pop(name) for name in names if name in changed}
    changed.setdefault("data_dir", Path(tempfile.mkdtemp(dir=_FOLDERS.name)))
    changed.setdefault("rate_per_address", 0)
    changed.setdefault("jobs", False)  # one process has one runner; tests start it by themselves
    forget_apps()
    log = log or io.BytesIO()
    return create_app(
        Settings(**changed), log=open_log("info", log), new_id=lambda: "example", **given
    )


def forget_apps() -> None:
    """Let FastAPI forget the endpoints of earlier apps: it remembers thousands, and with them all that those apps hold."""
    for known in vars(fastapi.dependencies.models).values():
        if hasattr(known, "cache_clear"):
            known.cache_clear()


@pytest.fixture
def call(app: FastAPI) -> Call:
    return caller(app)


def caller(app: FastAPI) -> Call:
    """A function that sends one request to an app and gives its response."""

    def send(method: str, path: str, **options: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **options)

        with ThreadPoolExecutor(1) as apart:  # this thread may have a loop of its own: a browser's
            return apart.submit(asyncio.run, request()).result()

    return send


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data that nobody here wrote, which is not part of the project."""
    folder = os.environ.get("PSOAS_TEST_DATA")
    if not folder:
        pytest.skip("PSOAS_TEST_DATA is not set: the real data is not part of the project")
    return Path(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a real PostgreSQL server."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with postgres_server() as server:
        yield f"{server.address}/postgres"


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings for an empty database of each kind."""
    if request.param == "sqlite":
        yield {"data_dir": tmp_path / "data"}
        return
    with new_database(request.getfixturevalue("postgres")) as address:
        settings: dict[str, Any] = {"data_dir": tmp_path / "data", "database_url": address}
        database = open_database(Settings(**settings))
        database.migrate()
        database.close()
        yield settings


@pytest.fixture(scope="session")
def store_server() -> Iterator[StoreServer]:
    """A real server that speaks S3."""
    with serving_store() as server:
        yield server


@pytest.fixture
def store(store_server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """A new folder in the store, and in the environment how it is reached."""
    name_store(monkeypatch, store_server.address)
    return Stored.make(store_server)


@pytest.fixture
def gate(store: Stored, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """What stands before the store; it is open."""
    gate = Gate(store.server.port)
    gate.open()
    name_store(monkeypatch, f"http://127.0.0.1:{gate.port}")
    yield gate
    gate.shut()
