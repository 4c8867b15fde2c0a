"""Browsers that signed in, and attempts that failed: sessions expire, rotate at sign-in, and are throttled before it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.accounts import Account
from bot.store.accounts import account_of
from bot.store.tables_accounts import AccountRow, SessionRow, SignInFailureRow

LONGEST = timedelta(hours=12)
IDLE = timedelta(minutes=45)
TO_ENROL = timedelta(minutes=20)
SEEN_EVERY = timedelta(minutes=1)
FAILURE_WINDOW = timedelta(minutes=15)
FAILURES_PER_NAME = 8
FAILURES_PER_NETWORK = 24
ENROL, FULL = "enrol", "full"


@dataclass(frozen=True, slots=True)
class Session:
    """A session found by its token; `stage` is `enrol` until the second factor is set up."""

    id: int
    account: Account
    csrf: str
    stage: str
    seen_at: datetime

    @property
    def is_full(self) -> bool:
        """Whether both factors were given."""
        return self.stage == FULL


async def start(session: AsyncSession, account_id: int, stage: str, now: datetime) -> str:
    """A new session with a fresh token, which is returned and kept nowhere: only its hash is stored."""
    token = secrets.token_urlsafe(32)
    session.add(
        SessionRow(
            account_id=account_id,
            token_hash=_hash(token),
            csrf=secrets.token_urlsafe(24),
            stage=stage,
            created_at=now,
            seen_at=now,
            expires_at=now + (LONGEST if stage == FULL else TO_ENROL),
        )
    )
    await session.flush()
    return token


async def find(session: AsyncSession, token: str, now: datetime) -> Session | None:
    """The session of a token, unless it ended, was idle too long, or its account was disabled."""
    query = (
        select(SessionRow, AccountRow)
        .join(AccountRow, AccountRow.id == SessionRow.account_id)
        .where(
            SessionRow.token_hash == _hash(token),
            SessionRow.expires_at > now,
            SessionRow.seen_at > now - IDLE,
            AccountRow.disabled_at.is_(None),
        )
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    row, account = found
    return Session(row.id, account_of(account), row.csrf, row.stage, row.seen_at)


async def touch(session: AsyncSession, session_id: int, now: datetime) -> None:
    """Somebody is there."""
    await session.execute(update(SessionRow).where(SessionRow.id == session_id).values(seen_at=now))


async def end(session: AsyncSession, token: str) -> None:
    """Sign out: the token is worth nothing any more."""
    await session.execute(delete(SessionRow).where(SessionRow.token_hash == _hash(token)))


async def end_all(session: AsyncSession, account_id: int) -> None:
    """End every session of an account."""
    await session.execute(delete(SessionRow).where(SessionRow.account_id == account_id))


async def is_throttled(session: AsyncSession, name_key: bytes, network_key: bytes, now: datetime) -> bool:
    """Whether too many attempts failed lately for this name or from this network address."""
    since = now - FAILURE_WINDOW
    for key, limit in ((name_key, FAILURES_PER_NAME), (network_key, FAILURES_PER_NETWORK)):
        query = select(func.count()).where(SignInFailureRow.key == key, SignInFailureRow.at > since)
        if (await session.execute(query)).scalar_one() >= limit:
            return True
    return False


async def record_failure(session: AsyncSession, name_key: bytes, network_key: bytes, now: datetime) -> None:
    """One attempt failed."""
    session.add_all([SignInFailureRow(key=name_key, at=now), SignInFailureRow(key=network_key, at=now)])
    await session.flush()


async def forget_failures(session: AsyncSession, name_key: bytes) -> None:
    """The right person came: their earlier slips count no more. The network's do."""
    await session.execute(delete(SignInFailureRow).where(SignInFailureRow.key == name_key))


def _hash(token: str) -> bytes:
    """256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()
