"""The commands for what is stored: keys, migrations, backups."""

import os
import re
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL

from api.batch.queueing import migrate_queue
from api.callers import RIGHTS, TENANT
from api.keys import make_key, works
from api.logs import open_log
from api.record_forms import put_moment
from api.settings import read_settings
from api.storage.api_keys import add_key, list_keys, revoke_key
from api.storage.database import Database
from api.storage.failures import StorageUnavailable
from api.storing import now, open_database
from api.telling import INVALID, tell

keys = typer.Typer(
    help="Keys for what is stored: make, list, revoke.", no_args_is_help=True, add_completion=False
)
LONGEST_NAME = 200


@contextmanager
def using_database() -> Iterator[Database]:
    """The database of the settings; when it cannot be used that is told, not traced."""
    database = open_database(read_settings())
    try:
        yield database
    except StorageUnavailable as unavailable:
        said = str(unavailable)
        tell(f"{said[:1].upper()}{said[1:]}.")
        raise typer.Exit(INVALID) from None
    finally:
        database.close()


@keys.command("create")
def create_key(
    tenant: Annotated[
        str, typer.Option(help="Whose records it opens: lower-case letters, digits and -.")
    ],
    scopes: Annotated[
        str, typer.Option(help=f"What it may do, separated by commas: {', '.join(RIGHTS)}.")
    ],
    expires: Annotated[
        str | None, typer.Option(help="Until when: a date such as 2027-01-31, or days such as 90d.")
    ] = None,
    name: Annotated[str, typer.Option(help="What it is for; never the name of a patient.")] = "",
) -> None:
    """Make a key and print it: it is shown this once and kept only as a hash."""
    asked = list(dict.fromkeys(part.strip() for part in scopes.split(",") if part.strip()))
    faults = find_faults(tenant, asked, name)
    moment = now()
    until = None
    if expires is not None:
        until = read_expiry(expires, moment)
        if until is None:
            faults.append(
                "--expires must be a date to come, such as 2027-01-31, or days such as 90d"
            )
    if faults:
        for fault in faults:
            tell(fault)
        raise typer.Exit(INVALID)
    new = make_key(
        secrets.randbits, moment, tenant=tenant, name=name, rights=asked, expires_at=until
    )
    with using_database() as database, database.writing() as connection:
        add_key(connection, new.row)
    tell(
        f"Key {new.row.id} for {tenant} ({', '.join(asked)}). Keep it safe: it is not shown again."
    )
    print(new.text)


def find_faults(tenant: str, scopes: list[str], name: str) -> list[str]:
    """What is wrong with what a key is to be."""
    faults = []
    if not re.fullmatch(TENANT, tenant):
        faults.append("--tenant must be 1 to 64 lower-case letters, digits and -")
    if not scopes or set(scopes) - set(RIGHTS):
        faults.append(f"--scopes must be some of: {', '.join(RIGHTS)}")
    if len(name) > LONGEST_NAME or not name.isprintable():
        faults.append(f"--name may have {LONGEST_NAME} printable characters")
    return faults


def read_expiry(text: str, moment: datetime) -> datetime | None:
    """The moment a key ends, from a date or a number of days; none where it is neither or past."""
    try:
        if text.endswith("d"):
            until = moment + timedelta(days=int(text[:-1]))
        else:
            until = datetime.fromisoformat(text)
            until = until.astimezone(UTC) if until.tzinfo else until.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return until if until > moment else None


@keys.command("list")
def list_all_keys(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
) -> None:
    """List the keys: id, tenant, scopes, whether they work, when last used, what they are for."""
    with using_database() as database, database.reading() as session:
        moment = now()
        for key in list_keys(session, tenant):
            state = "works" if works(key, moment) else "revoked" if key.revoked_at else "expired"
            used = put_moment(key.last_used_at) if key.last_used_at else "never"
            until = put_moment(key.expires_at) if key.expires_at else "no end"
            print(key.id, key.tenant, key.scopes, state, until, used, key.name, sep="\t")


@keys.command("revoke")
def revoke(id: Annotated[str, typer.Argument(help="Id of the key.")]) -> None:
    """Revoke a key for good; running services refuse it five seconds later at the latest."""
    with using_database() as database, database.writing() as connection:
        tenant = revoke_key(connection, id, now())
    if tenant is None:
        tell("There is no such key, or it was revoked before.")
        raise typer.Exit(INVALID)
    tell(f"Key {id} of {tenant} is revoked.")


def migrate() -> None:
    """Bring the database's tables to the version of this release; each step whole or not at all."""
    with using_database() as database:
        before = database.migrate()
        migrate_queue(database.url, open_log("warning"))
        newest = database.schema.newest
        done = "were there already" if before == newest else f"came from {before or 'nothing'}"
        tell(f"The tables are of version {newest}; they {done}.")


def backup(
    file: Annotated[Path, typer.Argument(help="Where to; a file that is there is not replaced.")],
) -> None:
    """Copy the database while it is in use: SQLite as a database file, PostgreSQL by pg_dump.

    The files of batches, in the data folder or a store, are not in it. The copy is whole when it has its name, and only its owner may read it.
    """
    try:
        if os.path.lexists(file) or not copy_whole(file):
            tell("There is such a file already; it was left as it is.")
            raise typer.Exit(INVALID)
    except OSError as error:
        tell(f"The copy could not be written: {error.strerror}.")
        raise typer.Exit(INVALID) from None
    tell(f"{file.name} holds the database as it is now. The files of batches are not in it.")


def copy_whole(file: Path) -> bool:
    """Copy the database into a file that gets its name once it is whole; false if something has that name by then."""
    with TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
        beside = Path(folder) / "copy"
        beside.touch(mode=0o600)
        with using_database() as database:
            copy = copy_sqlite if database.is_sqlite else dump_postgresql
            copy(database, beside)
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        try:
            file.hardlink_to(beside)  # unlike renaming, this replaces nothing
        except FileExistsError:
            return False
        except OSError:  # not every file system knows links
            beside.rename(file)
        return True


def copy_sqlite(database: Database, target: Path) -> None:
    """Copy a database of SQLite by its own online backup, whatever its version, and see that the copy is sound."""
    if not Path(str(database.url.database)).exists():
        raise StorageUnavailable("there is no database yet")
    try:
        with closing(database.connect_raw()) as source, closing(sqlite3.connect(target)) as copy:
            source.driver_connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            (sound,) = copy.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:  # its message names no row
        raise StorageUnavailable(f"the copy could not be made ({error})") from None
    if sound != "ok":
        raise StorageUnavailable("the copy is not sound; the database may be damaged")


def dump_postgresql(database: Database, target: Path) -> None:
    """Copy a database of PostgreSQL by pg_dump, which must be of the server's version or newer."""
    program = shutil.which("pg_dump")
    if program is None:
        raise StorageUnavailable("pg_dump is not installed; it comes with PostgreSQL's client")
    reached, password = name_connection(database.url)
    done = subprocess.run(  # noqa: S603  # the words are ours; the password stays out of them
        [program, "--format=custom", "--no-password", f"--file={target}", f"--dbname={reached}"],
        env={**os.environ, **password},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[:1] or ["no reason given"]
        raise StorageUnavailable(f"pg_dump failed: {said[0]}")


def name_connection(url: URL) -> tuple[str, dict[str, str]]:
    """How PostgreSQL's own programs reach a database, as the service does: in words, and the password apart."""
    _, words = url.get_dialect()().create_connect_args(url)
    password = words.pop("password", None)
    try:
        told = make_conninfo(**words)
    except ProgrammingError:
        raise StorageUnavailable("PSOAS_DATABASE_URL has an option that is not known") from None
    return told, {} if password is None else {"PGPASSWORD": str(password)}
