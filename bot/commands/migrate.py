"""`bot migrate`: bring the database to the newest schema."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from bot.config import Settings
from bot.store.database import Database
from bot.store.migrate import migrate


def add_parser(subparsers: Any) -> None:
    """`bot migrate`."""
    subparsers.add_parser("migrate", help="bring the database to the newest schema")


def run(_options: argparse.Namespace, settings: Settings) -> int:
    """Migrate and say where the database is now."""
    revision = asyncio.run(_migrate(settings))
    sys.stdout.write(f"database at revision {revision}\n")
    return 0


async def _migrate(settings: Settings) -> str:
    database = Database(settings.database_url)
    try:
        return await migrate(database)
    finally:
        await database.close()
