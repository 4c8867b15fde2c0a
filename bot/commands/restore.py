"""`bot restore FILE`: fill a new database from what `bot backup` wrote."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import sys
from pathlib import Path
from typing import Any

from bot.config import Settings
from bot.store.backup import BackupError, load
from bot.store.database import Database
from bot.store.migrate import migrate


def add_parser(subparsers: Any) -> None:
    """`bot restore`."""
    parser = subparsers.add_parser("restore", help="fill a new database from a backup")
    parser.add_argument("file", type=Path, help="what `bot backup` wrote")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Fill an empty database; 1 when the file is no backup or the database is not empty."""
    try:
        count = asyncio.run(_restore(settings, options.file))
    except (BackupError, OSError, EOFError) as error:
        sys.stderr.write(f"bot restore: {error}\n")
        return 1
    sys.stdout.write(f"{count} rows restored\n")
    return 0


async def _restore(settings: Settings, file: Path) -> int:
    database = Database(settings.database_url)
    try:
        await migrate(database)
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            return await load(database, lines)
    finally:
        await database.close()
