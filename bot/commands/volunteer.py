"""`bot volunteer add|list|disable`: who may sign in to the console."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

from bot.config import LANGUAGES, Settings
from bot.domain.accounts import Role
from bot.store import accounts, audit
from bot.store.accounts import NameTakenError
from bot.store.database import Database


def add_parser(subparsers: Any) -> None:
    """`bot volunteer`."""
    parser = subparsers.add_parser("volunteer", help="accounts of the console")
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|disable")
    add = actions.add_parser("add", help="a new account; prints its first password")
    add.add_argument("name")
    add.add_argument("--role", choices=[str(role) for role in Role], required=True)
    add.add_argument("--languages", default="fr", help="comma-separated, such as fr,ar")
    add.add_argument("--skills", default="", help="comma-separated, such as minors,sexual_violence")
    actions.add_parser("list", help="every account")
    actions.add_parser("disable", help="end an account and its sessions").add_argument("name")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Do it and say what was done."""
    return asyncio.run(_run(options, settings))


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    database = Database(settings.database_url)
    try:
        match options.action:
            case "add":
                return await _add(database, options, settings)
            case "disable":
                return await _disable(database, options.name)
            case _:
                return await _list(database)
    finally:
        await database.close()


async def _add(database: Database, options: argparse.Namespace, settings: Settings) -> int:
    name = options.name.strip()
    languages = _set(options.languages)
    if not 2 <= len(name) <= 60 or not languages <= set(LANGUAGES):
        sys.stderr.write(
            f"bot volunteer: expected a name of 2 to 60 characters and languages of {', '.join(LANGUAGES)}\n"
        )
        return 2
    now = datetime.now(UTC)
    try:
        async with database.write() as session:
            account, password = await accounts.add(
                session, name, Role(options.role), now, languages, _set(options.skills)
            )
            await audit.append(session, now, "command", "account_added", f"account:{account.id}", options.role)
    except NameTakenError:
        sys.stderr.write(f"bot volunteer: {name} exists already\n")
        return 1
    sys.stdout.write(
        f"{name} ({options.role}) may sign in at {settings.public_url}/console/sign-in\n"
        f"First password, for seven days and to set up the second factor only: {password}\n"
        "Give it by voice. It is not kept and will not be shown again.\n"
    )
    return 0


async def _disable(database: Database, name: str) -> int:
    now = datetime.now(UTC)
    async with database.write() as session:
        row = await accounts.find(session, name)
        if row is None:
            sys.stderr.write(f"bot volunteer: no active account called {name}\n")
            return 1
        await accounts.disable(session, row.id, now)
        await audit.append(session, now, "command", "account_disabled", f"account:{row.id}", "")
    sys.stdout.write(f"{name} can no longer sign in; open sessions ended\n")
    return 0


async def _list(database: Database) -> int:
    async with database.read() as session:
        listed = await accounts.every(session)
    for item in listed:
        state = "disabled" if item.is_disabled else "active" if item.is_enrolled else "invited"
        demo = "  DEMONSTRATION" if item.is_demo else ""
        languages = ",".join(sorted(item.account.languages))
        sys.stdout.write(f"{item.account.name:30}{item.account.role:12}{state:10}{languages}{demo}\n")
    return 0


def _set(text: str) -> frozenset[str]:
    return frozenset(item.strip() for item in text.split(",") if item.strip())
