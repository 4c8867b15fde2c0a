"""Alembic's environment: works on the connection it is given."""

from alembic import context
from sqlalchemy import create_engine

from bot.store import (  # noqa: F401 - their tables belong to the schema
    tables_accounts,
    tables_console,
    tables_delivery,
    tables_people,
    tables_report,
    tables_words,
)
from bot.store.tables import Base

connection = context.config.attributes.get("connection")
if connection is None:
    # Only for `alembic revision --autogenerate` while developing, on an empty database in memory.
    connection = create_engine(context.get_x_argument(as_dictionary=True).get("url", "sqlite://")).connect()

context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
