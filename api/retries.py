"""Requests that are sent again under the same Idempotency-Key: what they stored is told again, and nothing stored twice."""

from collections.abc import Sequence

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from api.callers import Caller
from api.problems import Refusal
from api.storage.assessments import add_retry, find_retry
from api.storage.batches import find_batch
from api.storage.database import Database
from api.storage.tables import Retry, StoredBatch
from api.storage.writer import Write
from rules.errors import Fault

OTHER_BODY = "This Idempotency-Key came with another body before; please use a new one."
ERASED = "What this Idempotency-Key stored has been erased since."
SENT = ("format", "sha256", "mapping", "sheet")
"""What must be the same of two batches that the same request sent."""


def came_otherwise() -> Refusal:
    """That an Idempotency-Key came with another body before."""
    fault = Fault("/header/Idempotency-Key", "contradiction", "came with another body before")
    return Refusal(422, OTHER_BODY, [fault])


async def find_old_batch(
    database: Database, caller: Caller, key: str | None, sent: StoredBatch | None = None
) -> StoredBatch | None:
    """The batch that came with this key before; if it is known what is sent, then only the same.

    Raises:
        Refusal: 409 when it has been erased, 422 when it was something else.
        StorageUnavailable: when it cannot be looked up now.
    """
    if key is None:
        return None

    def find(session: Session) -> tuple[Retry | None, StoredBatch | None]:
        retry = find_retry(session, caller.tenant, key)
        kept = retry.batch_id if retry else None
        return retry, find_batch(session, caller.tenant, kept) if kept else None

    retry, old = await run_in_threadpool(database.look_up, find)
    if retry is None:
        return None
    if retry.batch_id is None:
        raise came_otherwise()
    if old is None:
        raise Refusal(409, ERASED)
    if sent and any(getattr(old, name) != getattr(sent, name) for name in SENT):
        raise came_otherwise()
    return old


def note_batch(batch: StoredBatch, key: str | None) -> Sequence[Write]:
    """The writes that remember under which key a batch came. What was sent stands in its own row."""
    if key is None:
        return ()
    retry = Retry(
        tenant=batch.tenant,
        key=key,
        fingerprint=b"",
        assessment_id=None,
        batch_id=batch.id,
        created_at=batch.created_at,
    )
    return (add_retry(retry),)
