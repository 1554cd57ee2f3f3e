"""Tells webhooks what is to be told, beside everything else that its process does, until it is stopped.

What waits stands in the database. Any number of processes share it: each takes up a webhook for a
while and has it alone, so what one is sending no other sends, and what one leaves behind when it dies
is taken up by another.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection
from structlog.typing import FilteringBoundLogger

from api.callers import service_of
from api.envelope import describe_failure
from api.storage.database import Database
from api.storage.deliveries import (
    Errand,
    Outcome,
    is_something_due,
    note_outcome,
    release_webhook,
    switch_off,
    take_due,
)
from api.storage.failures import StorageUnavailable
from api.storage.writer import put_rows
from api.trail import Trail
from api.webhooks_sending import PATIENCE, Attempt, Sending

PAUSES = tuple(
    timedelta(**pause)
    for pause in (
        {"seconds": 5},
        {"minutes": 5},
        {"minutes": 30},
        *({"hours": hours} for hours in (2, 5, 10, 14, 20, 24)),
    )
)
"""How long to wait after each attempt that failed, as Standard Webhooks has it; behind the last it is given up."""
SPREAD = 0.1
"""By how much of itself a pause is longer at most, so that those that failed together do not come back together."""
GONE = 410
"""The status by which an address says that it wants to be told nothing any more."""
AT_ONCE = 50
"""Webhooks that a process sends to at a time, each one message at a time."""
CHANCE_BITS = 32
T = TypeVar("T")


class DeliveryPace(NamedTuple):
    """How often those who send look, in seconds."""

    look: float = 1.0
    """From one look to the next where nothing happens."""
    lease: float = 4 * PATIENCE
    """How long a webhook is kept from others: far longer than an attempt takes, as clocks may differ."""
    leave: float = 3.0
    """How long a process that ends waits for the answers to what it sent."""


class Courier:
    """Takes up what is due and sends it, in a thread of its own."""

    def __init__(
        self,
        database: Database,
        agree: Callable[[Connection], None],
        sending: Sending,
        trail: Trail,
        clock: Callable[[], datetime],
        chance: Callable[[int], int],
        log: FilteringBoundLogger,
    ) -> None:
        """Connects to nothing yet; `agree` sees that this process would sign with the right secrets."""
        self._database, self._agree, self._sending, self._trail = database, agree, sending, trail
        self._clock, self._chance, self._log = clock, chance, log
        self.pace = DeliveryPace()
        self._stopping = Event()
        self._troubled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._storage_thread = ThreadPoolExecutor(1, "psoas-deliveries")
        self._thread = Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> None:
        """Begin; a database that is away is waited for."""
        logging.getLogger("httpcore").setLevel(logging.WARNING)  # it would tell addresses
        self._thread.start()

    def stop(self) -> None:
        """Wait a little for answers that are still to come, and leave the rest to others."""
        self._stopping.set()
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._changed.set)
        if self._thread.is_alive():
            self._thread.join(2 * self.pace.leave)
        self._storage_thread.shutdown(wait=False)

    # The loop

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        under_way: set[asyncio.Task[None]] = set()
        while not self._stopping.is_set():
            self._changed.clear()
            for errand in await self._take(AT_ONCE - len(under_way)):
                task = asyncio.create_task(self._carry(errand))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                task.add_done_callback(lambda _: self._changed.set())
            try:
                async with asyncio.timeout(self.pace.look):
                    await self._changed.wait()
            except TimeoutError:
                continue
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=self.pace.leave)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _take(self, most: int) -> list[Errand]:
        """What is to be sent now; nothing where the database is away."""
        try:
            found = await self._ask_storage(lambda: self._take_up(most)) if most else []
        except StorageUnavailable as unavailable:
            self._tell_trouble(reason=str(unavailable))
            return []
        except Exception as failure:  # noqa: BLE001  # the loop must live on
            self._tell_trouble(**describe_failure(failure))
            return []
        self._troubled = False
        return found

    def _take_up(self, most: int) -> list[Errand]:
        moment = self._clock()
        if not self._database.look_up(lambda session: is_something_due(session, moment)):
            return []
        until = moment + timedelta(seconds=self.pace.lease)
        with self._database.writing() as connection:
            self._agree(connection)
            return list(take_due(connection, moment, until, most))

    def _tell_trouble(self, **trouble: object) -> None:
        if not self._troubled:
            self._log.warning("webhooks wait", **trouble)
        self._troubled = True

    async def _ask_storage(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._storage_thread, work)

    # One delivery

    async def _carry(self, errand: Errand) -> None:
        """Send what was taken up, and note what came of it."""
        at = self._clock()
        try:
            attempt = await self._attempt(errand, at)
            outcome = choose_outcome(errand.attempts, attempt, (at, self._clock()), self._chance)
            self._tell(errand, outcome)
            await self._ask_storage(lambda: self._note(errand, outcome))
        except asyncio.CancelledError:
            await self._ask_storage(lambda: self._release(errand))
            raise
        except StorageUnavailable as unavailable:  # it is sent again, under the same name
            self._tell_trouble(reason=str(unavailable))
        except Exception as failure:  # noqa: BLE001  # one message must not end the others
            self._log_failure("webhook left", errand, failure)

    async def _attempt(self, errand: Errand, at: datetime) -> Attempt:
        """Send; what fails in a way that nobody thought of counts, too, so that it comes to an end."""
        try:
            return await self._sending.send(errand, at)
        except Exception as failure:  # noqa: BLE001
            self._log_failure("webhook failed", errand, failure)
            return Attempt(None, "no_connection")

    def _log_failure(self, event: str, errand: Errand, failure: Exception) -> None:
        self._log.error(event, webhook=str(errand.webhook), **describe_failure(failure))

    def _tell(self, errand: Errand, outcome: Outcome) -> None:
        self._log.info(
            "webhook",
            webhook=str(errand.webhook),
            message=errand.message,
            attempt=errand.attempts + 1,
            status=outcome.status,
            fault=outcome.fault,
            state=outcome.state,
        )

    def _release(self, errand: Errand) -> None:
        self._database.change(lambda connection: release_webhook(connection, errand))

    def _note(self, errand: Errand, outcome: Outcome) -> None:
        with self._database.writing() as connection:
            is_ours = note_outcome(connection, errand, outcome)
            if is_ours and outcome.status == GONE:
                switch_off(connection, errand.webhook)
                caller = service_of(errand.tenant)
                put_rows(connection, [self._trail.note(caller, "webhook_off", None)])


def choose_outcome(
    before: int,
    attempt: Attempt,
    times: tuple[datetime, datetime],
    chance: Callable[[int], int],
) -> Outcome:
    """What comes of an attempt, by how many there were before it and by the times of its beginning and its end.

    It is delivered, tried again later, or given up.
    """
    at, ended = times
    if attempt.is_taken:
        return Outcome(at, attempt.status, None, "delivered", None)
    if attempt.status == GONE or before >= len(PAUSES):
        return Outcome(at, attempt.status, attempt.fault, "given_up", None)
    longer = 1 + SPREAD * chance(CHANCE_BITS) / (1 << CHANCE_BITS)
    return Outcome(at, attempt.status, attempt.fault, "waiting", ended + PAUSES[before] * longer)
