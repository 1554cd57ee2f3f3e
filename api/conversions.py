"""Results in another kind of file than was sent: made when they are first asked for, and kept."""

from collections.abc import Hashable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillWorking
from pathlib import Path
from threading import Lock, Thread

from api.batch.chunks import FileRefused
from api.batch.formats import FORMATS, Format
from api.batch.job import has_no_room, tell_refusal
from api.batch.running import score_file
from api.batch.scoring import Rules
from api.batch.spool import Result, Spool
from api.batch.whole import FileBusy
from api.problems import Refusal
from api.storage.tables import StoredBatch

PATIENCE = 10.0
"""Seconds that a caller waits for a file to be made; after that he is told to come back."""
COME_BACK = 5
"""Seconds after which he may."""


class Conversions:
    """Makes results in any kind of file, by scoring what was sent once more by the same rules."""

    def __init__(self, rules: Rules, spool: Spool, patience: float = PATIENCE) -> None:
        self._rules, self._spool, self._patience = rules, spool, patience
        self._lock = Lock()
        self._making: dict[Hashable, Future[None]] = {}

    def find(self, batch: StoredBatch, what: Result, kind: Format | None) -> tuple[Path, Format]:
        """The file of a result, as a kind of file; as that which was sent unless told otherwise.

        Raises:
            Refusal: 409 where the rules are no longer those by which it was scored, 422 where it
                cannot be of this kind, 503 while it is being made, 507 where there is no room.
        """
        kind = kind or FORMATS[batch.format]
        path = self._spool.result(batch.id, what, kind)
        if not path.exists():
            self._wait(batch, kind)
        return path, kind

    def _wait(self, batch: StoredBatch, kind: Format) -> None:
        if batch.model_digest != self._rules.model.digest:
            raise Refusal(
                409,
                f"The rules have changed since this batch was scored, so it is only there as {batch.format}. "
                "Sent again it is scored by the rules of today.",
            )
        name = (batch.id, kind.name)
        try:
            self._begin(name, batch, kind).result(self._patience)
        except (StillWorking, FileBusy):
            raise Refusal(
                503,
                f"The file is being made as {kind.name}; please ask again in a moment.",
                headers={"Retry-After": str(COME_BACK)},
            ) from None
        except Exception as failure:  # noqa: BLE001  # told as what it means, or raised again
            self._forget(name)
            raise self._tell(failure, batch, kind) from None

    def _tell(self, failure: Exception, batch: StoredBatch, kind: Format) -> Exception:
        """What is answered when a file could not be made."""
        if not self._spool.of(batch.id).exists():  # it was erased meanwhile
            return Refusal(404, "There is no such batch.")
        if has_no_room(failure):
            return Refusal(507, "There is no room for the file at the moment.")
        if isinstance(failure, FileRefused):
            order = self._spool.order(batch, kind, self._rules.model)
            return Refusal(409, tell_refusal(failure, order))
        return failure

    def _begin(self, name: Hashable, batch: StoredBatch, kind: Format) -> Future[None]:
        """Begin to make a file, unless that was begun before."""
        with self._lock:
            future = self._making.get(name)
            if future is None:
                future = self._making[name] = Future()
                work = (name, batch, kind, future)
                Thread(target=self._make, args=work, name="psoas-conversion", daemon=True).start()
            return future

    def _make(
        self, name: Hashable, batch: StoredBatch, kind: Format, future: "Future[None]"
    ) -> None:
        try:
            score_file(self._rules, self._spool.order(batch, kind, self._rules.model))
        except Exception as failure:  # noqa: BLE001  # told to whoever asks next
            future.set_exception(failure)
        except BaseException:
            future.set_exception(ConversionFailed())
            raise
        else:
            future.set_result(None)
            self._forget(name)

    def _forget(self, name: Hashable) -> None:
        with self._lock:
            self._making.pop(name, None)


class ConversionFailed(Exception):
    """The engine gave up altogether."""
