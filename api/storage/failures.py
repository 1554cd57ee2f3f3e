"""What can go wrong with a database, told as what it means; the drivers' own messages may hold rows and are dropped."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.storage.migrating import SchemaBehind

DISK_FULL = "53100"
LOCKED = "55P03"
CLASHES = ("40001", "40P01")
"""PostgreSQL's codes for a full disk, for a lock not got in time, and for transactions in each other's way
(its manual, appendix A)."""
SQLITE_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
"""SQLite's codes where there is no room for a page, or for the index of its write-ahead log."""
FULL = "the database has no room left"
BUSY = "the database is busy"


class StorageUnavailable(Exception):
    """The database cannot be reached or is busy; what was asked for was not done, or is not known to be done."""


class Clash(StorageUnavailable):
    """Two transactions were in each other's way and this one was undone; it may be tried again at once."""


class StorageFull(StorageUnavailable):
    """The database has no room left."""


class Conflict(Exception):
    """There is such a row already."""


class Misfit(Exception):
    """A row that the database does not take; whoever made it is at fault, not the database."""


@contextmanager
def telling_failures() -> Iterator[None]:
    """Tell the errors of the drivers as what they mean here; their messages may hold rows and are dropped."""
    try:
        yield
    except IntegrityError:
        raise Conflict from None
    except DataError:
        raise Misfit from None
    except PoolTimeout:
        raise StorageUnavailable("every connection to the database is in use") from None
    except SchemaBehind as error:
        raise StorageUnavailable(str(error)) from None
    except DBAPIError as error:
        raise _name_failure(error.orig) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(FULL) from None
        reason = error.strerror or type(error).__name__
        raise StorageUnavailable(f"the database cannot be reached ({reason})") from None


def _name_failure(cause: BaseException | None) -> StorageUnavailable:
    """What an error of a driver means."""
    code = getattr(cause, "sqlstate", None)
    of_sqlite = getattr(cause, "sqlite_errorcode", 0)
    if code == DISK_FULL or of_sqlite in SQLITE_NO_ROOM:
        return StorageFull(FULL)
    if code in CLASHES:
        return Clash(BUSY)
    if code == LOCKED or of_sqlite & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageUnavailable(BUSY)
    return StorageUnavailable(f"the database does not answer as it should ({type(cause).__name__})")
