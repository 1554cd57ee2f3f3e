"""Batches and the mappings they are read with."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables of batches."""
    op.create_table(
        "mapping",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_index("mapping_of_tenant", "mapping", ["tenant", "id"])
    op.create_table(
        "batch",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("columns", sa.LargeBinary(), nullable=False),
        sa.Column("mapping", sa.LargeBinary(), nullable=False),
        sa.Column("sheet", sa.String(255)),
        sa.Column("reason", sa.String(1000)),
        sa.Column("rows_done", sa.BigInteger(), nullable=False),
        sa.Column("rows_rejected", sa.BigInteger(), nullable=False),
        sa.Column("share_done", sa.Float(), nullable=False),
        sa.Column("model_version", sa.String(64)),
        sa.Column("model_digest", sa.String(80)),
        sa.Column("started_at", _MOMENT),
        sa.Column("finished_at", _MOMENT),
        sa.Column("takes", sa.Integer(), nullable=False),
        sa.Column("fruitless", sa.Integer(), nullable=False),
        sa.Column("taken_at", _MOMENT),
        sa.Column("rows_when_taken", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", _MOMENT),
        sa.Column("beats", sa.BigInteger(), nullable=False),
    )
    op.create_index("batch_of_tenant", "batch", ["tenant", "id"])
    op.create_index("ix_batch_state", "batch", ["state"])
