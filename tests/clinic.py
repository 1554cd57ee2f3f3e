"""A clinic in tests: an app on a database of its own, keys of tenants, and people whose answers are stored."""

import io
import secrets
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import httpx
from conftest import Call, caller, make_app
from fastapi import FastAPI

from api.batch.formats import FORMATS
from api.batch.job import Job, Keep
from api.batch.ledger import Ledger
from api.callers import RIGHTS
from api.keys import make_key
from api.logs import open_log
from api.settings import Settings
from api.storage.api_keys import add_key
from api.storage.batches import list_signs
from api.storing import open_database

DESK = {"sitting_hours_per_day": 9, "usual_sitting_bout_minutes": 90, "runs": False}
"""Answers of somebody at a desk."""
BETTER = {"sitting_hours_per_day": 5, "usual_sitting_bout_minutes": 20, "runs": False}
"""The same person later."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 8, 1, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        """Move it on."""
        self.moment += timedelta(**by)


def make_key_text(storage: dict[str, Any], tenant: str, *rights: str, **changed: Any) -> str:
    """A key in a database."""
    chance = changed.pop("chance", secrets.randbits)
    wanted = {"tenant": tenant, "name": "", "rights": rights or ("records",), "expires_at": None}
    new = make_key(chance, datetime(2026, 1, 1, tzinfo=UTC), **{**wanted, **changed})
    with closing(open_database(Settings(**storage))) as database, database.writing() as connection:
        add_key(connection, new.row)
    return new.text


class Clinic:
    """An app with one tenant's key, and ways to call it with that key."""

    def __init__(self, storage: dict[str, Any], tenant: str = "clinic", **changed: Any) -> None:
        self.storage, self.tenant = storage, tenant
        self.clock = changed.pop("clock", Clock())
        self.app: FastAPI = changed.pop("app", None) or make_app(
            **{"clock": self.clock, **storage, **changed}
        )
        chance = changed.get("chance", secrets.randbits)
        self.key = make_key_text(storage, tenant, *RIGHTS, chance=chance)
        self._call: Call = caller(self.app)

    def call(
        self, method: str, path: str, key: str | None = None, **options: Any
    ) -> httpx.Response:
        """Send a request with the clinic's key, or another one; an empty one sends none."""
        key = self.key if key is None else key
        headers = {
            **options.pop("headers", {}),
            **({"Authorization": f"Bearer {key}"} if key else {}),
        }
        return self._call(method, path, headers=headers, **options)

    def store(
        self, person: str = "p-1", answers: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Store what a person answered."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"person": person, "answers": DESK if answers is None else answers}
        return self.call("POST", "/assessments", json=body, headers=named)

    def send(self, content: bytes | str, kind: str = "csv", **options: Any) -> httpx.Response:
        """Send a file as a batch."""
        content = content.encode() if isinstance(content, str) else content
        headers = {"Content-Type": FORMATS[kind].media_types[0], **options.pop("headers", {})}
        return self.call("POST", "/batches", content=content, headers=headers, **options)

    def score_batches(self, keep: Keep = lambda work: work()) -> None:
        """Score the batches that wait, here and now, as a worker does."""
        parts, log = self.app.state.parts, open_log("error", io.BytesIO())
        spool = parts.batches.spool
        ledger = Ledger(parts.database, parts.model, self.clock, Event(), log)
        for waiting in parts.database.look_up(list_signs):
            batch = ledger.take(waiting)
            assert batch is not None
            Job(parts.rules, spool, ledger, log, batch).run(keep)

    def batch(self, content: bytes | str, kind: str = "csv", **options: Any) -> str:
        """The address of a batch that is finished."""
        sent = self.send(content, kind, **options)
        assert sent.status_code == 202, sent.text
        self.score_batches()
        return sent.headers["location"]

    def neighbour(self, tenant: str = "other") -> "Clinic":
        """Another tenant of the same app."""
        return Clinic(self.storage, tenant, app=self.app, clock=self.clock)
