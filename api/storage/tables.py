"""The tables. Every row of a tenant's says whose it is; times are in UTC, ids are UUIDs that sort by time."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Dialect, Index, LargeBinary
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

NAME = 64
"""Characters of a tenant's name, of a person's reference and of a key's id at most."""


class Utc(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone is not stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return (
            value
            if value is None
            else value.replace(tzinfo=UTC)
            if value.tzinfo is None
            else value.astimezone(UTC)
        )


class StoredAssessment(SQLModel, table=True):
    """What one person answered at one time, and what the rules of that time said."""

    __tablename__ = "assessment"
    __table_args__: Any = (
        Index("assessment_of_tenant", "tenant", "id"),
        Index("assessment_of_person", "tenant", "person", "id"),
    )

    id: UUID = Field(primary_key=True)
    tenant: str = Field(max_length=NAME)
    person: str = Field(max_length=NAME)
    created_at: datetime = Field(sa_type=Utc)
    request: bytes = Field(sa_type=LargeBinary)
    """What was sent, as JSON, without the person."""
    result: bytes = Field(sa_type=LargeBinary)
    """The assessment as JSON, as it was answered."""
    model_version: str = Field(max_length=NAME)
    model_digest: str = Field(max_length=80)
    index_level: str | None = Field(max_length=NAME)
    safety_action: str = Field(max_length=NAME)


class ApiKey(SQLModel, table=True):
    """A key: whose it is, what it may do, and a hash of its secret."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True, max_length=NAME)
    tenant: str = Field(max_length=NAME, index=True)
    name: str = Field(max_length=200)
    scopes: str = Field(max_length=200)
    """The names of the scopes with a blank between them, in the order of the alphabet."""
    secret_hash: bytes = Field(sa_type=LargeBinary)
    """SHA-256 of the secret, which has 256 bits of chance and so needs no slow hash."""
    created_at: datetime = Field(sa_type=Utc)
    expires_at: datetime | None = Field(sa_type=Utc)
    revoked_at: datetime | None = Field(sa_type=Utc)
    last_used_at: datetime | None = Field(sa_type=Utc)


class Retry(SQLModel, table=True):
    """A request that may be sent again: which key it came with, and what it stored."""

    __tablename__ = "retry"

    tenant: str = Field(primary_key=True, max_length=NAME)
    key: str = Field(primary_key=True, max_length=255)
    fingerprint: bytes = Field(sa_type=LargeBinary)
    """A keyed hash of the body; empty once what it stored was erased."""
    assessment_id: UUID | None = Field(index=True)
    """What it stored; none once that was erased."""
    batch_id: UUID | None = None
    """The batch that it sent, where it sent one; its row says what was sent."""
    created_at: datetime = Field(sa_type=Utc, index=True)


class AuditEntry(SQLModel, table=True):
    """Who did what when to whose records; never what they hold. Triggers refuse to change or delete one."""

    __tablename__ = "audit"
    __table_args__: Any = (Index("audit_of_tenant", "tenant", "id"),)

    id: UUID = Field(primary_key=True)
    tenant: str = Field(max_length=NAME)
    at: datetime = Field(sa_type=Utc)
    actor: str = Field(max_length=200)
    """`key:` and the key's id, `token:` and a keyed hash of the subject, or `service`."""
    action: str = Field(max_length=NAME)
    person_hash: str | None = Field(max_length=NAME)
    """A keyed hash of the person's reference, where one person is concerned."""
    records: int
    """How many assessments were concerned."""


class StoredMapping(SQLModel, table=True):
    """A mapping of a tenant's own columns to our questions, kept for its batches."""

    __tablename__ = "mapping"
    __table_args__: Any = (Index("mapping_of_tenant", "tenant", "id"),)

    id: UUID = Field(primary_key=True)
    tenant: str = Field(max_length=NAME)
    created_at: datetime = Field(sa_type=Utc)
    content: bytes = Field(sa_type=LargeBinary)
    """The document as it was sent, TOML in UTF-8."""


class StoredBatch(SQLModel, table=True):
    """A file that is scored as a whole: what was sent, and how far it is; its rows lie in the spool."""

    __tablename__ = "batch"
    __table_args__: Any = (Index("batch_of_tenant", "tenant", "id"),)

    id: UUID = Field(primary_key=True)
    tenant: str = Field(max_length=NAME)
    created_at: datetime = Field(sa_type=Utc)
    state: str = Field(max_length=16, index=True)
    format: str = Field(max_length=16)
    size: int = Field(sa_type=BigInteger)
    """Bytes of the file as it was sent."""
    sha256: str = Field(max_length=64)
    columns: bytes = Field(sa_type=LargeBinary)
    """What each column of the file is taken for, as JSON."""
    mapping: bytes = Field(sa_type=LargeBinary)
    """The mapping that it is read with; empty where there is none."""
    sheet: str | None = Field(default=None, max_length=255)
    """Which sheet of a spreadsheet is read; the first one unless named."""
    reason: str | None = Field(default=None, max_length=1000)
    """Why it failed, or what it waits for."""
    rows_done: int = Field(default=0, sa_type=BigInteger)
    rows_rejected: int = Field(default=0, sa_type=BigInteger)
    share_done: float = 0.0
    """How much of the file has been scored, from 0 to 1; 0 where that is not known."""
    model_version: str | None = Field(default=None, max_length=NAME)
    model_digest: str | None = Field(default=None, max_length=80)
    """The rules it is scored by; none before it was begun."""
    started_at: datetime | None = Field(default=None, sa_type=Utc)
    finished_at: datetime | None = Field(default=None, sa_type=Utc)
    takes: int = 0
    """How often a process took it up; only the one that did so last may write here."""
    fruitless: int = 0
    """How often in a row it was taken up since a row was scored."""
    taken_at: datetime | None = Field(default=None, sa_type=Utc)
    rows_when_taken: int = Field(default=0, sa_type=BigInteger)
    updated_at: datetime | None = Field(default=None, sa_type=Utc)
    """When rows were last scored."""
    beats: int = Field(default=0, sa_type=BigInteger)
    """Goes up while a process is working on it."""


class StoredWebhook(SQLModel, table=True):
    """An address that is told when a batch ends. Its secret is not here: it follows from the service's own."""

    __tablename__ = "webhook"
    __table_args__: Any = (Index("webhook_of_tenant", "tenant", "id"),)

    id: UUID = Field(primary_key=True)
    tenant: str = Field(max_length=NAME)
    created_at: datetime = Field(sa_type=Utc)
    url: str = Field(max_length=1000)
    events: str = Field(max_length=200)
    """What it is told of, with spaces between."""
    is_on: bool = True
    """Not any more once the address answered that it is gone."""
    takes: int = 0
    """How often a process took it up; what a delivery came to is for the one to write that did so last."""
    taken_until: datetime | None = Field(default=None, sa_type=Utc)
    """Until when that process has it for itself; none while nothing is being sent."""


class WebhookSecret(SQLModel, table=True):
    """That a webhook has a secret of this number; the secret itself is worked out when it is needed."""

    __tablename__ = "webhook_secret"

    webhook_id: UUID = Field(primary_key=True, foreign_key="webhook.id", ondelete="CASCADE")
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    tenant: str = Field(max_length=NAME)
    made_at: datetime = Field(sa_type=Utc)
    until: datetime | None = Field(default=None, sa_type=Utc)
    """Until when it signs beside a newer one; none for the newest."""


class Delivery(SQLModel, table=True):
    """What a webhook is to be told, written together with what it tells of, and how that went."""

    __tablename__ = "delivery"

    webhook_id: UUID = Field(primary_key=True, foreign_key="webhook.id", ondelete="CASCADE")
    message: str = Field(primary_key=True, max_length=NAME)
    """The name of the event, the same at every attempt and for every webhook."""
    tenant: str = Field(max_length=NAME)
    event: str = Field(max_length=NAME)
    batch_id: UUID | None = Field(
        default=None, foreign_key="batch.id", ondelete="CASCADE", index=True
    )
    created_at: datetime = Field(sa_type=Utc, index=True)
    body: bytes = Field(sa_type=LargeBinary)
    state: str = Field(default="waiting", max_length=16)
    attempts: int = 0
    attempted_at: datetime | None = Field(default=None, sa_type=Utc)
    status: int | None = None
    """What was answered at the last attempt; none where nothing was."""
    fault: str | None = Field(default=None, max_length=32)
    """Why nothing was answered."""
    next_at: datetime | None = Field(default=None, sa_type=Utc, index=True)
    """When it is to be tried next; none once it is delivered or given up."""


class Installation(SQLModel, table=True):
    """What belongs to the database as a whole, by name."""

    __tablename__ = "installation"

    name: str = Field(primary_key=True, max_length=NAME)
    value: bytes = Field(sa_type=LargeBinary)
