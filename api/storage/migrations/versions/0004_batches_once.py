"""Which batch a request sent that may be sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column of batches."""
    op.add_column("retry", sa.Column("batch_id", sa.Uuid()))
