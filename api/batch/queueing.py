"""The queue of batches and what is kept of each run, which are DBOS's, by its public calls and nowhere else."""

import logging
import secrets
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy.engine import URL
from structlog.typing import FilteringBoundLogger

QUEUE = "batches"
WORKFLOW = "score_batch"
APPLICATION = "psoas"
SCHEMA = "dbos"
QUEUE_FILE = ".queue.sqlite3"
"""How the name ends of a file of SQLite that is the queue of the database beside it."""
ENDED = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})


class Run(NamedTuple):
    """What the queue knows of a batch."""

    status: str
    version: str | None
    """The rules by which it is scored."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED

    @property
    def is_taken(self) -> bool:
        """Whether a process took it from the queue."""
        return self.status == "PENDING"


class BatchQueue:
    """The queue, of which this process takes so many batches at a time."""

    def __init__(self, database: URL, version: str, log: FilteringBoundLogger) -> None:
        """Of the batches in a database, to be scored by rules of a version; connects to nothing yet."""
        self._url, self._version, self._log = queue_url(database), version, log
        self._client: DBOSClient | None = None

    def open(self, score: Callable[[UUID], None], at_once: int, seconds: float) -> None:
        """Connect, look so often whether there is work, and do it: `score` is called in threads of its own."""
        prepare_file(self._url)
        forward_log(self._log)
        DBOS(config=configure(self._url, self._version))

        @DBOS.workflow(name=WORKFLOW)
        def score_batch(id: str) -> None:
            score(UUID(id))

        try:
            DBOS.listen_queues([QUEUE])
            DBOS.launch()
            DBOS.register_queue(
                QUEUE,
                worker_concurrency=at_once,
                polling_interval_sec=seconds,
                on_conflict="always_update",
            )
            self._client = open_client(self._url)
        except BaseException:
            DBOS.destroy(destroy_registry=True)
            raise

    @property
    def is_open(self) -> bool:
        """Whether it is connected."""
        return self._client is not None

    @property
    def _asked(self) -> DBOSClient:
        """What looks into the queue and changes it, once it is open."""
        if self._client is None:
            raise RuntimeError("the queue is not open")
        return self._client

    def list_runs(self) -> Mapping[UUID, Run]:
        """All runs that the queue knows of, by batch."""
        listed = self._asked.list_workflows(name=WORKFLOW, load_input=False, load_output=False)
        return {UUID(one.workflow_id): Run(one.status, one.app_version) for one in listed}

    def enqueue(self, id: UUID) -> None:
        """Put a batch into the queue; one that is there already stays as it is."""
        self._asked.enqueue(
            {
                "workflow_name": WORKFLOW,
                "queue_name": QUEUE,
                "workflow_id": str(id),
                "app_version": self._version,
            },
            str(id),
        )

    def resume(self, id: UUID) -> None:
        """Put a batch back into the queue, to go on behind what is kept of it."""
        self._asked.resume_workflow(str(id), queue_name=QUEUE)

    def forget(self, id: UUID) -> None:
        """Forget a run and all that is kept of it."""
        self._asked.delete_workflow(str(id))

    def close(self, seconds: int, left: Collection[UUID]) -> None:
        """Take nothing more, wait so long for runs that are about to end, and put back what is left of them."""
        if self._client is None:
            return
        # A second is needed even by a run that is over, to write that down.
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=max(seconds, 1))
        for batch in left:
            with suppress(Exception):  # else it is taken up after a while of silence
                self.resume(batch)
        self._client.destroy()
        self._client = None


def keep_result(work: Callable[[], list[Any] | None]) -> list[Any] | None:
    """Do some work of a run once, and keep what it gives: a run that goes on has it without doing it again."""
    return DBOS.run_step({"name": "score_segment"}, work)


def open_client(url: URL) -> DBOSClient:
    """What looks into the queue; when that is away it says so."""
    return DBOSClient(
        system_database_url=url.render_as_string(hide_password=False),
        dbos_system_schema=SCHEMA,
        serializer=DBOSPortableJSONSerializer(),
        application_name=APPLICATION,
        system_database_pool_size=2,
        lazy=True,
        retry_connection_errors=False,
    )


def queue_url(database: URL) -> URL:
    """Where the queue is: beside a file of SQLite, or in the same PostgreSQL database in a schema of its own."""
    if database.database and is_file(database):
        return URL.create("sqlite", database=str(Path(database.database).with_suffix(QUEUE_FILE)))
    return database.set(drivername="postgresql")


def is_file(url: URL) -> bool:
    """Whether the queue is a file of SQLite."""
    return url.get_backend_name() == "sqlite"


def prepare_file(url: URL) -> None:
    """Make a file of SQLite that only its owner may read, and in which readers do not wait for writers."""
    if is_file(url):
        path = Path(str(url.database))
        path.touch(mode=0o600)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


def migrate_queue(database: URL, log: FilteringBoundLogger) -> None:
    """Bring the queue's tables to the version of this release."""
    url = queue_url(database)
    prepare_file(url)
    forward_log(log)
    DBOS.migrate(url.render_as_string(hide_password=False), schema=SCHEMA)


def configure(url: URL, version: str) -> DBOSConfig:
    """How DBOS runs here: quiet, with a name that no other process has, and with nothing pickled."""
    return {
        "name": APPLICATION,
        "system_database_url": url.render_as_string(hide_password=False),
        "dbos_system_schema": SCHEMA,
        "sys_db_pool_size": 5,
        "executor_id": secrets.token_hex(16),
        "application_version": version,
        "serializer": DBOSPortableJSONSerializer(),
        "use_listen_notify": False,
        "run_migrations": is_file(url),
        "log_level": "WARNING",
        "enable_otlp": False,
    }


class Forwarding(logging.Handler):
    """Tells in our log that DBOS had something to say, and where; its words may hold anything."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of a record."""
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        where = f"{record.filename}:{record.lineno}"
        tell = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        tell("queue", where=where, error=error)


def forward_log(log: FilteringBoundLogger) -> None:
    """Let DBOS log through ours alone."""
    logger = logging.getLogger("dbos")
    logger.propagate = False
    logger.handlers = [Forwarding(log)]
