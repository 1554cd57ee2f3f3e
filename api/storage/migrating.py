"""The tables' versions: what is there, what this release needs, and the way from one to the other."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.engine import URL

_LOCK = 0x50534F4153
"""The number of the lock under which PostgreSQL's tables are changed: “PSOAS”."""


class SchemaBehind(Exception):
    """The tables are not of the version that this release needs."""


class Schema:
    """The tables of one database."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self.config = Config()
        self.config.set_main_option("script_location", str(files("api.storage") / "migrations"))
        steps = ScriptDirectory.from_config(self.config)
        self.newest = steps.get_current_head()
        self._known = {None, *(step.revision for step in steps.walk_revisions())}

    def current(self, engine: Engine) -> str | None:
        """The version that the tables have; none before there are any.

        Raises:
            SchemaBehind: when it is one that this release does not know.
        """
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        if found not in self._known:
            raise SchemaBehind("the database's tables are of a newer release than this one")
        return found

    def check(self, engine: Engine) -> None:
        """See that the tables are of the right version.

        Raises:
            SchemaBehind: when they are not.
        """
        if self.current(engine) != self.newest:
            raise SchemaBehind("the database's tables are of another version; run `psoas migrate`")

    def upgrade(self, engine: Engine) -> str | None:
        """Bring the tables to the newest version, each step whole or not at all; gives the version before.

        Raises:
            SchemaBehind: when they are of a version that this release does not know.
        """
        with self._alone():
            before = self.current(engine)
            if before != self.newest:
                with engine.execution_options(writes=True).begin() as connection:
                    self._run(connection)
        return before

    def _run(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":  # another process may be at it as well
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
        self.config.attributes["connection"] = connection
        try:
            command.upgrade(self.config, "head")
        finally:
            self.config.attributes.pop("connection")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process at a time makes the tables of a file; PostgreSQL sees to that by itself."""
        if self._url.get_backend_name() != "sqlite" or not self._url.database:
            yield
            return
        path = Path(self._url.database)
        make_private_folder(path.parent)
        with path.with_name(path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            path.touch(mode=0o600)
            yield


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may look into; one that is there stays as it is."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
