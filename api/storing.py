"""Puts together what stores: the database, the thread that writes to it, keys, tokens and records."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, insert, select
from sqlalchemy.engine import URL
from sqlmodel import col
from starlette.concurrency import run_in_threadpool
from structlog.typing import FilteringBoundLogger

from api.batch.scratch import Scratch
from api.batch.shared import SharedSpool
from api.batch.spool import Spool
from api.batch.store import Store
from api.batches import Batches
from api.keys import KeyRing
from api.pseudonyms import Pseudonyms, keep_secret
from api.records import Records
from api.settings import Settings
from api.storage.database import PATIENCE, Database, read_address
from api.storage.failures import StorageUnavailable
from api.storage.tables import Installation
from api.storage.writer import Writer
from api.tokens import Tokens, read_issuers
from api.trail import Trail
from api.webhooks import Webhooks
from api.webhooks_addresses import Addresses
from api.webhooks_delivery import Courier
from api.webhooks_sending import Sending

SQLITE_FILE = "psoas.sqlite3"
"""The embedded database, in the data folder."""
KEPT_RETRIES = timedelta(days=1)
"""How long a request may be sent again and is answered as before."""
MEGABYTE = 1_000_000
TIDIED = 3600
"""Seconds from one tidying up to the next."""


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def open_database(settings: Settings, pseudonyms: Pseudonyms | None = None) -> Database:
    """The database of the settings; it is not connected to yet.

    Raises:
        DatabaseAddressError: when its address cannot be used.
    """
    if settings.database_url is None:
        path = settings.data_dir.absolute() / SQLITE_FILE
        url = URL.create("sqlite+pysqlite", database=str(path))
    else:
        url = read_address(settings.database_url.get_secret_value())

    def greet(connection: Connection) -> None:
        if pseudonyms:
            agree(connection, pseudonyms.check)

    migrates = settings.database_url is None
    return Database(url, migrates=migrates, greet=greet, patience=PATIENCE)


def agree(connection: Connection, check: bytes) -> None:
    """See that the secret is the one with which the database was begun; the first process begins it.

    Raises:
        StorageUnavailable: when it is another.
    """
    found = connection.execute(
        select(col(Installation.value)).where(col(Installation.name) == "secret_check")
    ).scalar_one_or_none()
    if found is None:
        connection.execute(insert(Installation), [{"name": "secret_check", "value": check}])
    elif found != check:
        raise StorageUnavailable("PSOAS_SECRET is not the one with which the database was begun")


def open_pseudonyms(settings: Settings) -> Pseudonyms:
    """Keyed hashes under the secret of the settings, or of the data folder."""
    given = settings.secret
    if given is not None:
        return Pseudonyms(lambda: given.get_secret_value().encode())
    return Pseudonyms(lambda: keep_secret(settings.data_dir.absolute() / "secret"))


def open_spool(settings: Settings) -> Spool:
    """Where the files of batches lie: in the data folder, or in a store that other machines share."""
    largest = settings.batch_unpacked_mb * MEGABYTE
    folder = settings.data_dir.absolute()
    if settings.spool_url is None:
        return Spool(folder / "batches", largest)
    return SharedSpool(Store(settings.spool_url), Scratch(folder / "scratch"), largest)


def make_courier(
    database: Database,
    pseudonyms: Pseudonyms,
    addresses: Addresses,
    clock: Callable[[], datetime],
    chance: Callable[[int], int],
    log: FilteringBoundLogger,
) -> Courier:
    """What tells webhooks from a database; it is not started yet, and tells nothing where the secret is another."""
    sending, trail = Sending(addresses, pseudonyms), Trail(pseudonyms, clock, chance)

    def check(connection: Connection) -> None:
        agree(connection, pseudonyms.check)

    return Courier(database, check, sending, trail, clock, chance, log)


class Storing(NamedTuple):
    """What stores, put together."""

    database: Database
    writer: Writer
    keys: KeyRing
    tokens: Tokens | None
    pseudonyms: Pseudonyms

    @classmethod
    def open(cls, settings: Settings, clock: Callable[[], datetime]) -> "Storing":
        """What the settings say; nothing is connected to yet.

        Raises:
            DatabaseAddressError, IssuersError: when that cannot be used.
        """
        pseudonyms = open_pseudonyms(settings)
        database = open_database(settings, pseudonyms)
        writer = Writer(database)
        tokens = None
        if settings.issuers:
            tokens = Tokens(read_issuers(settings.issuers), pseudonyms, clock)
        return cls(database, writer, KeyRing(database, writer, clock), tokens, pseudonyms)

    def close(self) -> None:
        """Write what waits, and let go of the database."""
        self.writer.close()
        self.database.close()


class Tidying:
    """Erases what is older than the retention setting allows, now and then while the service runs."""

    def __init__(
        self,
        records: Records,
        batches: Batches,
        webhooks: Webhooks,
        settings: Settings,
        clock: Callable[[], datetime],
        log: FilteringBoundLogger,
    ) -> None:
        self._records, self._batches, self._webhooks = records, batches, webhooks
        self._settings, self._clock, self._log = settings, clock, log

    async def tidy(self) -> int:
        """Erase what is too old; gives how many assessments and batches that were."""
        erased = await self._records.expire(
            self._find_oldest(self._settings.retention_days), self._clock() - KEPT_RETRIES
        )
        await run_in_threadpool(self._webhooks.expire)
        oldest_batch = self._find_oldest(self._settings.batch_days)
        return erased + await run_in_threadpool(self._batches.expire, oldest_batch)

    def _find_oldest(self, days: int) -> datetime:
        """The moment before which everything goes; with 0 days nothing does."""
        return self._clock() - timedelta(days=days) if days else datetime.fromtimestamp(0, UTC)

    async def run(self) -> None:
        """Tidy for as long as the service runs."""
        while True:
            try:
                erased = await self.tidy()
                if erased:
                    self._log.info("expired", records=erased)
            except StorageUnavailable as unavailable:
                self._log.warning("not tidied", reason=str(unavailable))
            except Exception as failure:  # noqa: BLE001  # one that stays would end it for good, unnoticed
                self._log.error("not tidied", error=type(failure).__name__)
            await asyncio.sleep(TIDIED)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tidy beside what is done meanwhile."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


chance = secrets.randbits
"""So many bits of chance."""
