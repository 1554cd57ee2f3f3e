"""Webhooks as callers get them: addresses that are told when a batch ends, and the secrets that sign it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from api.callers import Caller
from api.problems import Refusal
from api.pseudonyms import Pseudonyms
from api.record_forms import put_moment
from api.storage import webhooks as stored
from api.storage.database import Database
from api.storage.deliveries import (
    PING,
    Event,
    add_ping,
    erase_old_deliveries,
    make_delivery,
)
from api.storage.moments import make_id
from api.storage.tables import StoredWebhook
from api.storage.webhooks import MOST_OLD, Standing, StillSigning
from api.storage.writer import put_rows
from api.trail import Action, Trail
from api.webhooks_addresses import Addresses, AddressRefused
from api.webhooks_sending import make_secret
from rules.errors import Fault

NO_SUCH = "There is no such webhook."
SWITCHED_OFF = (
    "This webhook is switched off, because its address answered that it is gone; "
    "please erase it and store it anew."
)
TOO_MANY_SIGN = (
    f"{MOST_OLD} secrets of before sign beside the newest one, each for its 24 hours; "
    "please renew it again after {0}, or store the webhook anew."
)
SIGNS_ON = timedelta(hours=24)
"""How long a secret signs beside the one that takes its place."""
KEPT_DELIVERIES = timedelta(days=30)
"""How long it can be seen how a delivery went; longer than any is tried."""


class NewSecret(NamedTuple):
    """A secret just made."""

    text: str
    """As its owner gets it; it is not shown again."""
    old_until: datetime | None
    """Until when those of before sign, too; none where there are none."""


class Webhooks:
    """The webhooks of all tenants; every call is for the tenant of its caller."""

    def __init__(
        self,
        database: Database,
        pseudonyms: Pseudonyms,
        addresses: Addresses,
        trail: Trail,
        clock: Callable[[], datetime],
        chance: Callable[[int], int],
        most: int,
    ) -> None:
        """A tenant may have `most`."""
        self._database, self._pseudonyms, self._addresses = database, pseudonyms, addresses
        self._trail, self._clock, self._chance, self._most = trail, clock, chance, most

    async def add(
        self, caller: Caller, url: str, events: Sequence[Event]
    ) -> tuple[Standing, NewSecret]:
        """Keep a webhook; gives how it stands, and its secret.

        Raises:
            Refusal: 409 when the tenant has too many, 422 when it may not lead there.
        """
        self._check(url)
        at = self._clock()
        new = StoredWebhook(
            id=make_id(at, self._chance(74)),
            tenant=caller.tenant,
            created_at=at,
            url=url,
            events=" ".join(events),
        )

        def add(connection: Connection) -> None:
            if not stored.add_webhook(connection, new, self._most):
                raise Refusal(409, f"At most {self._most} webhooks; please erase one first.")
            self._note(connection, caller, "webhook_store")

        await run_in_threadpool(self._database.change, add)
        return Standing(new, None, 0, None), NewSecret(self._make_secret(caller, new.id, 1), None)

    def _check(self, url: str) -> None:
        """See that a webhook may lead to an address; its name is looked up at each attempt and not now."""
        try:
            self._addresses.read(url)
        except AddressRefused as refused:
            raise Refusal(422, faults=[Fault("/url", "malformed", str(refused))]) from None

    def _make_secret(self, caller: Caller, id: UUID, number: int) -> str:
        return make_secret(self._pseudonyms, caller.tenant, id, number)

    def _note(self, connection: Connection, caller: Caller, action: Action) -> None:
        put_rows(connection, [self._trail.note(caller, action, None)])

    async def list(self, caller: Caller) -> Sequence[Standing]:
        """The tenant's webhooks and how each stands, the newest first."""
        now = self._clock()
        return await run_in_threadpool(
            self._database.look_up,
            lambda session: stored.list_webhooks(session, caller.tenant, now),
        )

    async def find(self, caller: Caller, id: UUID) -> Standing:
        """A webhook and how it stands.

        Raises:
            Refusal: 404 where the tenant has none of this id.
        """
        now = self._clock()
        found = await run_in_threadpool(
            self._database.look_up,
            lambda session: stored.find_webhook(session, caller.tenant, id, now),
        )
        if found is None:
            raise Refusal(404, NO_SUCH)
        return found

    async def renew_secret(self, caller: Caller, id: UUID) -> NewSecret:
        """Give a webhook a new secret; those of before sign beside it for a day.

        Raises:
            Refusal: 404 where the tenant has none of this id, 409 where too many of before sign still.
        """
        at = self._clock()
        until = at + SIGNS_ON

        def renew(connection: Connection) -> int:
            try:
                number = stored.renew_secret(connection, caller.tenant, id, at, until)
            except StillSigning as signing:
                raise Refusal(409, TOO_MANY_SIGN.format(put_moment(signing.until))) from None
            if number is None:
                raise Refusal(404, NO_SUCH)
            self._note(connection, caller, "webhook_secret")
            return number

        number = await run_in_threadpool(self._database.change, renew)
        return NewSecret(self._make_secret(caller, id, number), until)

    async def ping(self, caller: Caller, id: UUID) -> str:
        """Send a webhook a message that says nothing; gives its name.

        Raises:
            Refusal: 404 where the tenant has none of this id, 409 where it is switched off.
        """
        await self.find(caller, id)
        at = self._clock()
        message = f"msg_{make_id(at, self._chance(74)).hex}"
        data = {"webhook_id": str(id)}
        new = make_delivery(caller.tenant, id, PING, message, data, at)

        def ping(connection: Connection) -> str:
            waiting = add_ping(connection, new)
            if waiting is None:
                raise Refusal(409, SWITCHED_OFF)
            self._note(connection, caller, "webhook_ping")
            return waiting

        return await run_in_threadpool(self._database.change, ping)

    async def erase(self, caller: Caller, id: UUID) -> None:
        """Erase a webhook with what is still to be told to it.

        Raises:
            Refusal: 404 where the tenant has none of this id.
        """

        def erase() -> None:
            with self._database.writing() as connection:
                if not stored.erase_webhook(connection, caller.tenant, id):
                    raise Refusal(404, NO_SUCH)
                self._note(connection, caller, "webhook_erase")
            self._database.scrub()

        await run_in_threadpool(erase)

    def expire(self) -> None:
        """Erase how deliveries went that are long over."""
        before = self._clock() - KEPT_DELIVERIES
        self._database.change(lambda connection: erase_old_deliveries(connection, before))
