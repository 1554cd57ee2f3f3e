"""How alembic runs the steps: on the connection it is given, in one transaction."""

from alembic import context
from sqlmodel import SQLModel

from api.storage import tables as _  # noqa: F401  # the tables are known once they are imported

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    compare_type=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
