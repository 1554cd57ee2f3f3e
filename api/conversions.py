"""Results in another kind of file than was sent: made when they are first asked for, and kept."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import NamedTuple
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from structlog.typing import FilteringBoundLogger

from api.batch.chunks import FileRefused
from api.batch.formats import Format, find_usual
from api.batch.place import Place, Result
from api.batch.running import score_file, tell_refusal
from api.batch.scoring import Rules
from api.batch.spool import Spool
from api.batch.store import SpoolUnavailable, StoredFile
from api.batch.whole import FileBusy, has_no_room
from api.envelope import describe_failure
from api.problems import Refusal
from api.storage.tables import StoredBatch

PATIENCE = 10.0
"""Seconds that a caller waits for a file to be made; after that he is told to come back."""
COME_BACK = 5
"""Seconds after which he may."""
MOST_TOLD = 1_000
"""Failures that are remembered until somebody asks."""
NO_SUCH = "There is no such batch."


class Wanted(NamedTuple):
    """A batch, as a kind of file."""

    batch: UUID
    kind: str


class Ended(BaseException):
    """A conversion that nobody needs any more: the batch was erased, or the process ends."""


class Conversions:
    """Makes results in any kind of file, one at a time, by scoring what was sent once more by the same rules."""

    def __init__(
        self,
        rules: Rules,
        spool: Spool,
        log: FilteringBoundLogger,
        give_way: Callable[[], None] = lambda: None,
        patience: float = PATIENCE,
    ) -> None:
        """`give_way` is called once in the thread that makes them."""
        self.rules, self.spool, self._log = rules, spool, log
        self._patience, self._ending = patience, Event()
        self._thread = ThreadPoolExecutor(1, "psoas-conversion", give_way)
        self._making: dict[Wanted, Future[None]] = {}
        self._failed: dict[Wanted, Refusal] = {}

    async def find(
        self, batch: StoredBatch, what: Result, kind: Format | None
    ) -> tuple[Path | StoredFile, Format]:
        """The file of a result, as a kind of file; as that which was sent unless told otherwise.

        Raises:
            Refusal: 404 where it is gone, 409 where it cannot be of this kind, or the rules are no
                longer those by which it was scored, 503 while it is being made, 507 where there is
                no room.
            SpoolUnavailable: where it lies elsewhere and cannot be had now.
        """
        kind = kind or find_usual(batch.format)
        found = await run_in_threadpool(self.spool.find_result, batch, what, kind)
        if found is None:
            await self._wait(batch, kind)
            found = await run_in_threadpool(self.spool.find_result, batch, what, kind)
        if found is None:
            raise Refusal(404, NO_SUCH)
        return found, kind

    async def _wait(self, batch: StoredBatch, kind: Format) -> None:
        if batch.model_digest != self.rules.model.digest:
            raise Refusal(
                409,
                f"The rules have changed since this batch was scored, so it is only there as {batch.format}. "
                "Sent again it is scored by the rules of today.",
            )
        wanted = Wanted(batch.id, kind.name)
        making = self._making.get(wanted)
        if making is None and wanted not in self._failed:
            making = self._thread.submit(self._make, wanted, batch, kind)
            self._making[wanted] = making
            making.add_done_callback(lambda _: self._making.pop(wanted, None))
        if making:
            await asyncio.wait([asyncio.wrap_future(making)], timeout=self._patience)
            if not making.done():
                raise Refusal(
                    503,
                    f"The file is being made as {kind.name}; please ask again in a moment.",
                    headers={"Retry-After": str(COME_BACK)},
                )
        if failed := self._failed.pop(wanted, None):
            raise failed

    def _make(self, wanted: Wanted, batch: StoredBatch, kind: Format) -> None:
        with self.spool.working(batch) as place:
            refusal = self._try(place, kind)
            if refusal is None:
                return
            with suppress(SpoolUnavailable):
                if not place.is_wanted():
                    refusal = Refusal(404, NO_SUCH)
        if len(self._failed) < MOST_TOLD:
            self._failed[wanted] = refusal

    def _try(self, place: Place, kind: Format) -> Refusal | None:
        """Make the files of a kind and keep them; gives what is to be told where that does not come about."""
        order = place.order(kind, self.rules.model)

        def go_on(_: object) -> None:
            if self._ending.is_set() or not place.is_wanted():
                raise Ended

        try:
            place.prepare()
            score_file(self.rules, order, go_on, go_on)
            place.keep_results(kind)
        except (FileBusy, SpoolUnavailable):  # another process is making it; or it cannot be kept
            return Refusal(503, headers={"Retry-After": str(COME_BACK)})
        except FileRefused as refused:
            return Refusal(409, tell_refusal(refused, order))
        except BaseException as failure:  # noqa: BLE001  # told to whoever asks
            if has_no_room(failure):
                return Refusal(507, "There is no room for the file at the moment.")
            if not isinstance(failure, Ended):
                self._log.error("conversion failed", **describe_failure(failure))
            return Refusal(500)
        return None

    def close(self) -> None:
        """End what is being made; it is made anew when it is asked for again."""
        self._ending.set()
        self._thread.shutdown(cancel_futures=True)
