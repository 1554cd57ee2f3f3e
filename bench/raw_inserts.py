"""Inserts by the driver alone, of the rows that the service writes: same tables, same bytes, same pragmas."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from api.settings import Settings
from api.storage.moments import make_id
from api.storage.writer import Write
from api.storing import SQLITE_FILE, chance, now

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON")

Writes = Sequence[Write]
"""What is written for one request: the assessment and the audit entry."""


def renew(requests: Sequence[Writes]) -> list[Writes]:
    """The same rows with new ids."""
    return [
        [write._replace(row={**write.row, "id": make_id(now(), chance(74))}) for write in writes]
        for writes in requests
    ]


def insert_raw(settings: Settings, requests: Sequence[Writes], together: int, only: slice) -> float:
    """Insert the rows of so many requests a commit, by the driver alone."""
    is_sqlite = settings.database_url is None
    sign, put = ("?", put_for_sqlite) if is_sqlite else ("%s", list)
    ready = [
        [(word(write, sign), put(write.row.values())) for write in writes[only]]
        for writes in renew(requests)
    ]
    groups = [ready[first : first + together] for first in range(0, len(ready), together)]
    with closing(connect(settings)) as connection:
        start = time.perf_counter()
        for group in groups:
            connection.execute("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
            for rows in group:
                for statement, row in rows:
                    connection.execute(statement, row)
            connection.execute("COMMIT")
        return len(ready) / (time.perf_counter() - start)


def connect(settings: Settings) -> Any:
    """A connection of the driver, set up as the service does it."""
    if settings.database_url:
        address = settings.database_url.get_secret_value()
        return psycopg.connect(address, autocommit=True)
    connection = sqlite3.connect(settings.data_dir / SQLITE_FILE, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def word(write: Write, sign: str) -> str:
    """A write's statement for the driver."""
    names = ", ".join(write.row)
    signs = ", ".join([sign] * len(write.row))
    return f"INSERT INTO {write.statement.table} ({names}) VALUES ({signs})"  # noqa: S608


def put_for_sqlite(values: Iterable[object]) -> list[object]:
    """Ids and moments as SQLAlchemy puts them into SQLite."""
    return [
        value.hex
        if isinstance(value, UUID)
        else value.replace(tzinfo=None).isoformat(" ", "microseconds")
        if isinstance(value, datetime)
        else value
        for value in values
    ]
