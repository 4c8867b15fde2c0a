"""`bot outbox list` and `bot outbox replay ID`: messages that could not be delivered, without their words or addresses."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

from bot.config import Settings
from bot.store.database import Database
from bot.store.dead_letters import DeadLetter, dead_letters, replay


def add_parser(subparsers: Any) -> None:
    """`bot outbox`."""
    parser = subparsers.add_parser("outbox", help="messages that could not be delivered")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="the newest, people in danger first")
    again = actions.add_parser("replay", help="try one again, now")
    again.add_argument("id", type=int, help="as `bot outbox list` gives it")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """List, or replay one; 1 when there is no such dead letter."""
    return asyncio.run(_replay(settings, options.id) if options.action == "replay" else _list(settings))


async def _list(settings: Settings) -> int:
    database = Database(settings.database_url)
    try:
        async with database.read() as session:
            found = await dead_letters(session)
    finally:
        await database.close()
    for letter in found:
        sys.stdout.write(_line(letter))
    sys.stdout.write(f"{len(found)} not delivered\n")
    return 0


def _line(letter: DeadLetter) -> str:
    columns = (
        str(letter.outbound_id),
        f"{letter.created_at:%Y-%m-%d %H:%M}",
        letter.risk.word,
        letter.alias,
        letter.channel,
        letter.key,
        f"code {letter.code or '–'}",
        f"{letter.attempts} attempts",
    )
    return "\t".join(columns) + "\n"


async def _replay(settings: Settings, outbound_id: int) -> int:
    database = Database(settings.database_url)
    try:
        async with database.write() as session:
            is_queued = await replay(session, outbound_id, datetime.now(UTC)) is not None
    finally:
        await database.close()
    if not is_queued:
        sys.stderr.write(f"bot outbox: {outbound_id} is not a message that failed\n")
        return 1
    sys.stdout.write(f"{outbound_id} is queued again\n")
    return 0
