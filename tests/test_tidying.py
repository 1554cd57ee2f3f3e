"""Tidying: what is too old goes, what was erased leaves no trace, and no failure ends it."""

import asyncio
import io
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clinic import Clinic

from api.logs import open_log
from api.settings import Settings
from api.storage.failures import StorageUnavailable
from api.storing import Tidying

Storage = dict[str, Any]


def tidying(clinic: Clinic, days: int, log: io.BytesIO | None = None) -> Tidying:
    told = open_log("info", log or io.BytesIO())
    parts = clinic.app.state.parts
    settings = Settings(retention_days=days, batch_days=days)
    return Tidying(parts.records, parts.batches, parts.webhooks, settings, clinic.clock, told)


def test_years_of_retention_may_reach_back_before_all_ids(storage: Storage) -> None:
    clinic = Clinic(storage)
    clinic.store()
    assert asyncio.run(tidying(clinic, 36_500).tidy()) == 0
    assert len(clinic.call("GET", "/assessments").json()["items"]) == 1


def test_what_is_erased_while_somebody_reads_is_gone_after_tidying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's write-ahead log cannot be folded in while an older state of it is being read."""
    monkeypatch.setattr("api.storing.PATIENCE", 0.2)
    clinic = Clinic({"data_dir": tmp_path})
    clinic.store("canary-person")
    with closing(sqlite3.connect(tmp_path / "psoas.sqlite3", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM assessment").fetchone()
        assert clinic.call("DELETE", "/people/canary-person").status_code == 200
        assert find_traces(tmp_path) != []  # or there is nothing to show
    assert asyncio.run(tidying(clinic, 0).tidy()) == 0
    assert find_traces(tmp_path) == []


def find_traces(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if b"canary-person" in file.read_bytes()]


class Failing:
    """Records that cannot be tidied at first."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.tidied = asyncio.Event()

    async def expire(self, *_: datetime) -> int:
        if self.failures:
            raise self.failures.pop(0)
        self.tidied.set()
        return 0


@pytest.mark.parametrize("failure", [StorageUnavailable("away"), ValueError("canary")])
def test_a_failure_does_not_end_tidying(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.storing.TIDIED", 0.001)
    log = io.BytesIO()

    async def run() -> None:
        records = Failing(failure)
        log_to = open_log("info", log)
        tidies = Tidying(records, records, records, Settings(), lambda: datetime.now(UTC), log_to)  # type: ignore[arg-type]
        async with tidies.running():
            await asyncio.wait_for(records.tidied.wait(), 5)

    asyncio.run(run())
    assert b"not tidied" in log.getvalue()
    assert b"canary" not in log.getvalue()
