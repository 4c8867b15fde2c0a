"""`bot keys rotate`: seal everything with the first of SECRET_KEYS, so that the others can be taken out."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from datetime import UTC, datetime
from typing import Any

from bot.config import Settings
from bot.store import audit
from bot.store.crypto import Keyring, TamperedError
from bot.store.database import Database
from bot.store.rotation import count_old, rotate


def add_parser(subparsers: Any) -> None:
    """`bot keys`."""
    parser = subparsers.add_parser("keys", help="the secret keys")
    actions = parser.add_subparsers(dest="action", required=True, metavar="new|rotate")
    actions.add_parser("new", help="print a fresh key, to be put first in SECRET_KEYS")
    actions.add_parser("rotate", help="seal everything with the first key")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Rotate; 1 when something does not open with the keys there are."""
    if options.action == "new":
        sys.stdout.write(secrets.token_urlsafe(32) + "\n")
        return 0
    return asyncio.run(_rotate(settings))


async def _rotate(settings: Settings) -> int:
    database, keyring = Database(settings.database_url), Keyring(settings.keys)
    try:
        report = await rotate(database, keyring)
        async with database.write() as session:
            left = await count_old(session, keyring)
            await audit.append(
                session, datetime.now(UTC), "command", "keys_rotated", f"values:{sum(report.values())}", ""
            )
    except TamperedError as error:
        sys.stderr.write(f"bot keys: {error}: put the old key back behind the new one and try again\n")
        return 1
    finally:
        await database.close()
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.items())
    sys.stdout.write(f"sealed anew: {counts}; {left} left under an old key\n")
    if not left and len(settings.keys) > 1:
        sys.stdout.write(
            "The keys behind the first can be taken out of SECRET_KEYS, once every process has restarted.\n"
        )
    return 0
