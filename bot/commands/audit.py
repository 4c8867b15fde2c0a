"""`bot audit verify`: whether the audit log is as it was written. `bot audit show`: its newest rows."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from bot.config import Settings
from bot.store import audit
from bot.store.database import Database


def add_parser(subparsers: Any) -> None:
    """`bot audit`."""
    parser = subparsers.add_parser("audit", help="the audit log of the console")
    actions = parser.add_subparsers(dest="action", required=True, metavar="verify|show")
    verify = actions.add_parser("verify", help="check the chain; prints its length and head")
    verify.add_argument("--head", default="", help="a head noted earlier: must still be in the chain's past or present")
    actions.add_parser("show", help="the newest rows").add_argument("--count", type=int, default=50)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """1 when the chain is broken."""
    return asyncio.run(_run(options, settings))


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    database = Database(settings.database_url)
    try:
        async with database.read() as session:
            if options.action == "show":
                for entry in reversed(await audit.newest(session, options.count)):
                    fields = (
                        entry.at.isoformat(timespec="seconds"),
                        entry.actor,
                        entry.action,
                        entry.subject,
                        entry.why,
                    )
                    sys.stdout.write("\t".join(fields) + "\n")
                return 0
            verdict = await audit.verify(session)
            known = not options.head or await audit.holds(session, options.head)
    finally:
        await database.close()
    if verdict.broken_at is not None:
        sys.stderr.write(
            f"bot audit: the chain is broken at row {verdict.broken_at}: it was altered, or rows are missing\n"
        )
        return 1
    if not known:
        sys.stderr.write("bot audit: the head noted earlier is gone: the newest rows were cut off\n")
        return 1
    sys.stdout.write(f"{verdict.rows} rows, unbroken; head {verdict.head}\n")
    return 0
