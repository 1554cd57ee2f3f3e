"""What tests of failing storage share: to store soon or be told why not, and to count what is whole."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
from clinic import DESK, Clinic

from api.settings import Settings
from api.storage.database import Database
from api.storing import open_database

Storage = dict[str, Any]
SOON = 8.0
"""Seconds after which an answer is too late, far more than what tests wait for."""
COUNTS = """SELECT (SELECT count(*) FROM assessment),
    (SELECT count(*) FROM audit WHERE action = 'store'),
    (SELECT count(*) FROM retry),
    (SELECT count(*) FROM retry JOIN assessment ON assessment.id = retry.assessment_id)"""


@contextmanager
def migrated(storage: Storage) -> Iterator[Storage]:
    """The same storage, with its tables."""
    with closing(open_database(Settings(**storage))) as database:
        database.migrate()
    yield storage


def count_rows(clinic: Clinic) -> int:
    """How many requests are stored; each with its entry in the trail and its key, or not at all."""
    database: Database = clinic.app.state.parts.database
    with database.reading() as session:
        stored, told, keys, kept = session.connection().exec_driver_sql(COUNTS).one()
    assert stored == told == keys == kept
    return int(stored)


def store(clinic: Clinic, number: int, answers: Any = DESK) -> httpx.Response:
    """Store an assessment with a key of its own, and be answered soon."""
    began = time.monotonic()
    answer = clinic.store(f"p-{number}", answers, Idempotency_Key=f"k-{number}")
    assert time.monotonic() - began < SOON
    return answer


def assert_problem(answer: httpx.Response, status: int, says: str = "") -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in answer.headers) == (status == 503)
    assert says in answer.json()["detail"]
