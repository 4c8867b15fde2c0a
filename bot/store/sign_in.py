"""One attempt to sign in, from the throttle to the session: what the door asks of the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.accounts import Account
from bot.store import accounts, audit, sessions
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.tables_accounts import AccountRow


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, where from, and the cookie they came with. Nothing of it may be logged."""

    name: str
    password: str
    code: str
    network: str
    old_token: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A door that opened: to the console (`full`) or to the setting up of the second factor (`enrol`)."""

    account: Account
    stage: str
    token: str


class ThrottledError(Exception):
    """Too many attempts failed lately for this name or from this network."""


async def sign_in(
    database: Database, keyring: Keyring, attempt: Attempt, now: datetime, *, allows_demo: bool
) -> Opened | None:
    """A new session, the old one ended; None when anything was wrong, which is never said. ThrottledError when too often."""
    name_key = keyring.lookup_hash("sign-in name", attempt.name.lower())
    network_key = keyring.lookup_hash("sign-in from", attempt.network)
    async with database.read() as session:
        if await sessions.is_throttled(session, name_key, network_key, now):
            raise ThrottledError
        row = await accounts.find(session, attempt.name)
    # Hashing takes a while and must not hold the database.
    matches = await accounts.is_password(row, attempt.password)
    async with database.write() as session:
        row = await accounts.find(session, attempt.name) if matches else None
        stage = await _stage(session, keyring, row, attempt.code, now, allows_demo=allows_demo)
        if row is None or not stage:
            await sessions.record_failure(session, name_key, network_key, now)
            await audit.append(session, now, "nobody", "sign_in_failed", f"name:{name_key.hex()[:12]}", "")
            return None
        await sessions.forget_failures(session, name_key)
        await sessions.end(session, attempt.old_token)
        token = await sessions.start(session, row.id, stage, now)
        await audit.append(session, now, f"account:{row.id}", "signed_in", f"account:{row.id}", stage)
        return Opened(accounts.account_of(row), stage, token)


async def _stage(
    session: AsyncSession, keyring: Keyring, row: AccountRow | None, code: str, now: datetime, *, allows_demo: bool
) -> str:
    """What a right password leads to: a session, the setting up of the second factor, or nothing."""
    if row is None or (row.is_demo and not allows_demo):
        return ""
    if row.enrolled_at is not None:
        return sessions.FULL if await accounts.use_second_factor(session, keyring, row, code, now) else ""
    if row.invited_until is None or row.invited_until < now:
        return ""
    await accounts.propose_second_factor(session, keyring, row)
    return sessions.ENROL
