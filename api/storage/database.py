"""One database, SQLite or PostgreSQL: connections, transactions, and failures told as what they mean."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    NoSuchModuleError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, SQLModel

from api.storage.failures import StorageUnavailable, telling_failures
from api.storage.migrating import Schema
from rules.errors import Unusable

PATIENCE = 5
"""Seconds to wait for a lock, a connection or a server before giving up."""
SQLITE = "sqlite"
T = TypeVar("T")


class DatabaseAddressError(Unusable):
    """The address of the database cannot be used."""


def read_address(address: str) -> URL:
    """The address of a database, with the driver that is used for it.

    Raises:
        DatabaseAddressError: when it is none, or of a database that is not known here.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise DatabaseAddressError(
            [
                "PSOAS_DATABASE_URL: must look like postgresql://user:password@host/name or sqlite:///file"
            ]
        ) from None
    kind = url.get_backend_name() if url.drivername else ""
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind == SQLITE and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite+pysqlite")
    raise DatabaseAddressError(
        ["PSOAS_DATABASE_URL: must name a PostgreSQL database or a file of SQLite"]
    )


class Database:
    """A database whose tables are there and of the right version when it is used."""

    def __init__(
        self,
        url: URL,
        *,
        migrates: bool,
        greet: Callable[[Connection], None] = lambda connection: None,  # noqa: ARG005
        patience: float = PATIENCE,
    ) -> None:
        """Connects to nothing yet.

        With `migrates`, missing tables are made on first use; `greet` is called once they are there.
        """
        self.url = url
        self.is_sqlite = url.get_backend_name() == SQLITE
        self.schema = Schema(url)
        self._migrates, self._greet, self._patience = migrates, greet, patience
        self._ready = False
        self._lock = Lock()
        try:
            self._engine = _open(url, patience)
        except (NoSuchModuleError, ImportError) as error:
            raise DatabaseAddressError([f"PSOAS_DATABASE_URL: {error}"]) from None
        self._writing = self._engine.execution_options(writes=True)

    def prepare(self) -> None:
        """See that the tables are of this version.

        Raises:
            StorageUnavailable: when they are not, or the database cannot be reached.
        """
        if self._ready:
            return
        if not self._lock.acquire(timeout=self._patience):  # whoever has it may wait for a server
            raise StorageUnavailable("the database is not ready yet")
        try:
            with telling_failures():
                self._prepare()
        finally:
            self._lock.release()

    def _prepare(self) -> None:
        if self._ready:
            return
        if self._migrates:
            self.schema.upgrade(self._engine)
        else:
            self.schema.check(self._engine)
        self._greet_once()
        self._ready = True

    def _greet_once(self) -> None:
        for is_last in (False, True):
            try:
                with self._writing.begin() as connection:
                    self._greet(connection)
            except IntegrityError:  # another process began at the same moment
                if is_last:
                    raise
            else:
                return

    def migrate(self) -> str | None:
        """Bring the tables to the newest version; gives the version before.

        Raises:
            StorageUnavailable: when the database cannot be reached.
        """
        with telling_failures():
            return self.schema.upgrade(self._engine)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that reads."""
        self.prepare()
        with telling_failures(), Session(self._engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a transaction, which is committed at the end, or undone on an error.

        Raises:
            Conflict: when a row is there already.
            StorageUnavailable: when it cannot be done now.
        """
        self.prepare()
        with telling_failures(), self._writing.begin() as connection:
            yield connection

    def look_up(self, query: Callable[[Session], T]) -> T:
        """What a query finds; rows can be read after the session is gone.

        Raises:
            StorageUnavailable: when it cannot be found out now.
        """
        with self.reading() as session:
            found = query(session)
            session.expunge_all()
            return found

    def change(self, work: Callable[[Connection], T]) -> T:
        """Do something in one transaction, and give what came of it.

        Raises:
            StorageUnavailable: when it cannot be done now.
        """
        with self.writing() as connection:
            return work(connection)

    def ping(self) -> None:
        """See whether the database answers and its tables are of this version.

        Raises:
            StorageUnavailable: when not.
        """
        with self.reading() as session:
            session.connection().execute(text("SELECT 1"))

    def scrub(self) -> bool:
        """Take what was deleted out of the files that SQLite keeps beside the database; false if that must wait.

        Deleted rows are overwritten at once (`secure_delete`), but older pages stand in the
        write-ahead log until it is folded in.
        """
        if not self.is_sqlite:
            return True
        try:
            with closing(self._engine.raw_connection()) as connection:
                cursor = connection.cursor()
                (busy, _, _) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except (
            sqlite3.Error,
            PoolTimeout,
        ):  # what was deleted is deleted, whether this works or not
            return False
        return not busy

    def connect_raw(self) -> Any:
        """A connection of the driver itself, out of the pool; to be closed."""
        return self._engine.raw_connection()

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()


def _open(url: URL, patience: float) -> Engine:
    if url.get_backend_name() != SQLITE:
        return create_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=patience,
            connect_args=_limit_waiting(url, patience),
            hide_parameters=True,
        )
    engine = create_engine(
        url, pool_timeout=patience, connect_args={"timeout": patience}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin below, not behind our back
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that only turns out to write later cannot wait for another's lock.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _limit_waiting(url: URL, patience: float) -> Mapping[str, int | str]:
    """How libpq connects: it gives up a server that is gone without a word, and a lock that is not let go.

    What the address says itself is kept.
    """
    seconds = max(2, round(patience))
    limits: dict[str, int | str] = {
        "connect_timeout": seconds,
        "tcp_user_timeout": 1000 * seconds,
        "keepalives_idle": seconds,
        "keepalives_interval": seconds,
    }
    said = url.normalized_query
    options = (
        "-c timezone=UTC",
        f"-c lock_timeout={1000 * patience:.0f}",
        *said.get("options", ()),
    )
    kept = {name: value for name, value in limits.items() if name not in said}
    return {**kept, "options": " ".join(options)}


def lock_to_count(connection: Connection, table: type[SQLModel]) -> None:
    """Let nobody else add rows to a table until the transaction ends: else two could count at the same time."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time
        name = str(inspect(table).local_table)
        connection.execute(text(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE"))
