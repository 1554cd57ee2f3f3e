"""What is written into the audit trail: who did what when to whose records, and nothing that they hold."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from api.callers import Caller
from api.pseudonyms import Pseudonyms
from api.storage.audit import NewEntry, add_entry
from api.storage.moments import make_id
from api.storage.writer import Write

Action = Literal[
    "store", "read", "list", "trend", "export", "erase", "expire", "audit",
    "batch_send", "batch_read", "batch_erase", "batch_expire",
    "webhook_store", "webhook_erase", "webhook_secret", "webhook_ping", "webhook_off",
]  # fmt: skip
"""What the audit trail knows of; `expire` is what the retention setting erases."""


class Trail:
    """Makes the entries of the audit trail."""

    def __init__(
        self,
        pseudonyms: Pseudonyms,
        clock: Callable[[], datetime],
        chance: Callable[[int], int],
    ) -> None:
        self._pseudonyms, self._clock, self._chance = pseudonyms, clock, chance

    def note(self, caller: Caller, action: Action, person: str | None, records: int = 1) -> Write:
        """The write that says what a caller does to so many records, of one person or of several."""
        at = self._clock()
        entry = NewEntry(
            id=make_id(at, self._chance(74)),
            tenant=caller.tenant,
            at=at,
            actor=caller.actor,
            action=action,
            person_hash=self._pseudonyms.name_person(caller.tenant, person) if person else None,
            records=records,
        )
        return add_entry(entry)
