"""`bot backup FILE`: every row, sealed as it stands, to a file. The keys are never in it."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import os
import sys
from pathlib import Path
from typing import Any

from bot.config import Settings
from bot.store.backup import dump
from bot.store.database import Database

SUFFIX = ".gz"


def add_parser(subparsers: Any) -> None:
    """`bot backup`."""
    parser = subparsers.add_parser("backup", help="write every row, sealed, to a file")
    parser.add_argument("file", type=Path, help="ends in .gz; `bot purge --backups` deletes it after 14 days")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Write the file, readable by its owner alone, whole or not at all."""
    file: Path = options.file
    if file.suffix != SUFFIX or not file.parent.is_dir():
        sys.stderr.write("bot backup: expected a file ending in .gz in a folder that exists\n")
        return 2
    lines = asyncio.run(_backup(settings, file))
    sys.stdout.write(f"{file}: {lines} lines. It opens nothing without SECRET_KEYS: keep those somewhere else.\n")
    return 0


async def _backup(settings: Settings, file: Path) -> int:
    database = Database(settings.database_url)
    unfinished = file.with_name(f".{file.name}.unfinished")
    count = 0
    try:
        with gzip.open(os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"), "wt") as out:
            async for line in dump(database):
                out.write(line + "\n")
                count += 1
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
        await database.close()
    return count
