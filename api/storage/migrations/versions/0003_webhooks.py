"""Webhooks, their secrets' numbers, and what is to be delivered to them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables of webhooks."""
    op.create_table(
        "webhook",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("url", sa.String(1000), nullable=False),
        sa.Column("events", sa.String(200), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("takes", sa.Integer(), nullable=False),
        sa.Column("taken_until", _MOMENT),
    )
    op.create_index("webhook_of_tenant", "webhook", ["tenant", "id"])
    op.create_table(
        "webhook_secret",
        sa.Column(
            "webhook_id",
            sa.Uuid(),
            sa.ForeignKey("webhook.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT),
    )
    op.create_table(
        "delivery",
        sa.Column(
            "webhook_id",
            sa.Uuid(),
            sa.ForeignKey("webhook.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("message", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("batch_id", sa.Uuid(), sa.ForeignKey("batch.id", ondelete="CASCADE")),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", _MOMENT),
        sa.Column("status", sa.Integer()),
        sa.Column("fault", sa.String(32)),
        sa.Column("next_at", _MOMENT),
    )
    op.create_index("ix_delivery_batch_id", "delivery", ["batch_id"])
    op.create_index("ix_delivery_created_at", "delivery", ["created_at"])
    op.create_index("ix_delivery_next_at", "delivery", ["next_at"])
