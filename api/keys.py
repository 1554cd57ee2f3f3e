"""Keys: made, shown once, kept as a hash, and recognised."""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from api.callers import Caller
from api.storage.api_keys import find_key, touch_key
from api.storage.database import Database
from api.storage.failures import StorageUnavailable
from api.storage.tables import ApiKey
from api.storage.writer import Writer

_KEY = re.compile(r"psoas_([0-9a-f]{16})_([0-9a-f]{64})")
REMEMBERED = timedelta(seconds=5)
"""How long a key that was looked up is taken to be as it was; a revoked one works no longer than that."""
TOUCHED = timedelta(minutes=1)
"""How often it is written down that a key is in use."""
MOST_REMEMBERED = 10_000


class NewKey(NamedTuple):
    """A key just made."""

    text: str
    """The key as its owner gets it; it cannot be shown again."""
    row: ApiKey


def make_key(
    chance: Callable[[int], int],
    now: datetime,
    *,
    tenant: str,
    name: str,
    rights: Iterable[str],
    expires_at: datetime | None,
) -> NewKey:
    """A key with an id of 64 bits and a secret of 256; `chance` gives so many bits of it."""
    name_of_key, secret = f"{chance(64):016x}", f"{chance(256):064x}"
    row = ApiKey(
        id=name_of_key,
        tenant=tenant,
        name=name,
        scopes=" ".join(sorted(rights)),
        secret_hash=hash_secret(secret),
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    return NewKey(f"psoas_{name_of_key}_{secret}", row)


def hash_secret(secret: str) -> bytes:
    """A secret, told from others without being known."""
    return hashlib.sha256(secret.encode()).digest()


def works(key: ApiKey, now: datetime) -> bool:
    """Whether a key is neither revoked nor expired."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


class _Remembered(NamedTuple):
    caller: Caller
    until: datetime


class KeyRing:
    """Recognises the keys of a database."""

    def __init__(self, database: Database, writer: Writer, clock: Callable[[], datetime]) -> None:
        self._database, self._writer, self._clock = database, writer, clock
        self._remembered: dict[bytes, _Remembered] = {}

    def recall(self, text: str) -> Caller | None:
        """Whose key this is, if it was looked up a moment ago."""
        found = self._remembered.get(hash_secret(text))
        return found.caller if found and self._clock() < found.until else None

    async def find(self, text: str) -> Caller | None:
        """Whose key this is; none where it is no key, or one that does not work.

        Raises:
            StorageUnavailable: when it cannot be looked up.
        """
        match = _KEY.fullmatch(text)
        if match is None:
            return None
        now = self._clock()
        key = await run_in_threadpool(self._look_up, match[1])
        expected = key.secret_hash if key else bytes(32)  # as long as for a key that there is
        if (
            not hmac.compare_digest(expected, hash_secret(match[2]))
            or key is None
            or not works(key, now)
        ):
            return None
        caller = Caller(key.tenant, frozenset(key.scopes.split()), f"key:{key.id}")
        is_first = self.recall(text) is None  # of those that came at the same time
        self._remember(text, caller, min(now + REMEMBERED, key.expires_at or now + REMEMBERED))
        if is_first and (key.last_used_at is None or now - key.last_used_at >= TOUCHED):
            await self._touch(key.id, now)
        return caller

    def _remember(self, text: str, caller: Caller, until: datetime) -> None:
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[hash_secret(text)] = _Remembered(caller, until)

    def _look_up(self, id: str) -> ApiKey | None:
        with self._database.reading() as session:
            return find_key(session, id)

    async def _touch(self, id: str, now: datetime) -> None:
        try:
            await self._writer.write([touch_key(id, now)])
        except StorageUnavailable:
            return  # a key may be used all the same
