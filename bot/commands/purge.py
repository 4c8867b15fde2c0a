"""`bot purge`: retention now, rather than within the minute; and old backup files, when told where they are."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.config import Settings
from bot.domain.retention import BACKUPS_KEPT
from bot.store import retention
from bot.store.crypto import Keyring
from bot.store.database import Database

SUFFIXES = (".sqlite", ".dump", ".sql", ".gz", ".zst", ".age", ".gpg")


def add_parser(subparsers: Any) -> None:
    """`bot purge`."""
    parser = subparsers.add_parser("purge", help="apply retention now")
    parser.add_argument("--backups", type=Path, help="also delete backup files of this folder older than 14 days")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Purge and say what went."""
    if options.backups is not None and not options.backups.is_dir():
        sys.stderr.write("bot purge: --backups: expected a folder\n")
        return 2
    report = asyncio.run(_purge(settings))
    if options.backups is not None:
        report["backups"] = purge_backups(options.backups, datetime.now(UTC))
    for name, count in report.items():
        if count:
            sys.stdout.write(f"{name}: {count}\n")
    if not any(report.values()):
        sys.stdout.write("nothing had outlived its time\n")
    return 0


def purge_backups(folder: Path, now: datetime) -> int:
    """Delete backup files that are too old; how many."""
    removed = 0
    for path in sorted(folder.iterdir()):
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if path.is_file() and path.suffix in SUFFIXES and now - changed > BACKUPS_KEPT:
            path.unlink()
            removed += 1
    return removed


async def _purge(settings: Settings) -> dict[str, int]:
    database = Database(settings.database_url)
    try:
        deletes = settings.has_whatsapp and settings.twilio_delete_messages
        return await retention.sweep(database, Keyring(settings.keys), datetime.now(UTC), at_provider=deletes)
    finally:
        await database.close()
