"""Brings a database to the newest schema. Migrations live beside this module and run one after the other."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.store import tables_accounts, tables_console, tables_delivery, tables_people, tables_report, tables_words
from bot.store.database import Database

TABLE_MODULES = (tables_accounts, tables_console, tables_delivery, tables_people, tables_report, tables_words)
"""Modules of tables beside bot.store.tables, imported so that the metadata knows them all."""
MIGRATIONS = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def migrate(database: Database) -> str:
    """Run every migration not yet run; the revision reached."""

    def upgrade(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.engine.begin() as connection:
        await connection.run_sync(upgrade)
    return newest_revision()


async def current_revision(database: Database) -> str | None:
    """The revision the database is at; None when it has no schema yet."""
    async with database.engine.begin() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def newest_revision() -> str:
    """The newest revision there is."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())
