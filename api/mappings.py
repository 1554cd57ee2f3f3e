"""Mappings as callers get them: checked when they are sent, kept for a tenant's batches, erased."""

import re
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from api.batch.mapping import MappingError, read_mapping
from api.callers import Caller
from api.problems import Refusal, point_at
from api.storage.database import Database
from api.storage.mappings import add_mapping, erase_mapping, find_mapping
from api.storage.moments import make_id
from api.storage.tables import StoredMapping
from rules.definitions import Model
from rules.errors import Fault

NO_SUCH = "There is no such mapping."
PLACE = re.compile(r"([\w.-]+)(?:: (unit|sql))?: (.+)", re.DOTALL)
"""A fault of a mapping with its place in it."""


class Mappings:
    """The mappings of all tenants; every call is for the tenant of its caller."""

    def __init__(
        self,
        database: Database,
        model: Model,
        clock: Callable[[], datetime],
        chance: Callable[[int], int],
    ) -> None:
        self._database, self._model = database, model
        self._clock, self._chance = clock, chance

    async def add(self, caller: Caller, content: bytes) -> StoredMapping:
        """Keep a mapping.

        Raises:
            Refusal: 400 when it is no text, 422 with every fault of it.
        """
        try:
            read_mapping(content.decode(), self._model)
        except UnicodeDecodeError:
            raise Refusal(400, "The body is not text in UTF-8.") from None
        except MappingError as error:
            raise Refusal(422, faults=list(map(point_out, error.problems))) from None
        at = self._clock()
        new = StoredMapping(
            id=make_id(at, self._chance(74)), tenant=caller.tenant, created_at=at, content=content
        )
        await run_in_threadpool(
            self._database.change, lambda connection: add_mapping(connection, new)
        )
        return new

    async def find(self, caller: Caller, id: UUID) -> StoredMapping:
        """A mapping.

        Raises:
            Refusal: 404 where the tenant has none of this id.
        """
        found = await run_in_threadpool(
            self._database.look_up, lambda session: find_mapping(session, caller.tenant, id)
        )
        if found is None:
            raise Refusal(404, NO_SUCH)
        return found

    async def erase(self, caller: Caller, id: UUID) -> None:
        """Erase a mapping; batches that were sent with it keep what they need of it.

        Raises:
            Refusal: 404 where the tenant has none of this id.
        """
        if not await run_in_threadpool(
            self._database.change, lambda connection: erase_mapping(connection, caller.tenant, id)
        ):
            raise Refusal(404, NO_SUCH)


def point_out(problem: str) -> Fault:
    """A fault of a mapping, pointed at where it says its place."""
    found = PLACE.fullmatch(problem)
    if found is None:
        return Fault("", "malformed", problem)
    *place, told = found.groups()
    steps = ".".join(step for step in place if step).split(".")
    return Fault(point_at(steps), "malformed", told)
