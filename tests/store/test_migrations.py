"""Migrations, up from nothing on both databases."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.config import async_database_url
from bot.store.database import Database
from bot.store.migrate import current_revision, migrate, newest_revision
from bot.store.tables import Base


async def test_migrations_make_the_tables_the_code_expects(database_url: str) -> None:
    """The migrations and the tables never drift apart, on either database."""
    database = Database(async_database_url(database_url))
    await migrate(database)
    async with database.engine.begin() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), Base.metadata)
        )
    revision = await current_revision(database)
    await database.close()

    assert [] == differences
    assert newest_revision() == revision
