"""Accounts of the console: passwords hashed with argon2id, a second factor sealed, recovery codes that work once."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.accounts import Account, Role
from bot.store.crypto import Keyring
from bot.store.tables_accounts import AccountRow, RecoveryCodeRow, SessionRow

INVITATION = timedelta(days=7)
RECOVERY_CODES = 10
TOTP_SECONDS = 30
MIN_PASSWORD = 12
_hasher = PasswordHasher()
_hashing = asyncio.Semaphore(2)
# Verified when no such account exists, so that the time taken tells nobody which names do.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class NameTakenError(Exception):
    """An account of that name exists already."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as administrators see it."""

    account: Account
    is_enrolled: bool
    is_disabled: bool
    is_demo: bool


async def add(
    session: AsyncSession,
    name: str,
    role: Role,
    now: datetime,
    languages: frozenset[str] = frozenset(),
    skills: frozenset[str] = frozenset(),
) -> tuple[Account, str]:
    """A new account and its first password, which works for seven days and only to set up the second factor."""
    if await _by_name(session, name) is not None:
        raise NameTakenError(name)
    password = secret_words()
    row = AccountRow(
        name=name,
        role=role,
        languages=",".join(sorted(languages)),
        skills=",".join(sorted(skills)),
        password_hash=await hash_password(password),
        totp_step=0,
        is_demo=False,
        invited_until=now + INVITATION,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    return account_of(row), password


async def invite_again(session: AsyncSession, account_id: int, now: datetime) -> str | None:
    """A new first password for somebody who lost everything; their second factor and sessions end. None when unknown."""
    row = await session.get(AccountRow, account_id)
    if row is None or row.disabled_at is not None:
        return None
    password = secret_words()
    row.password_hash = await hash_password(password)
    row.totp_sealed, row.enrolled_at, row.invited_until = None, None, now + INVITATION
    await session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == account_id))
    await session.execute(delete(SessionRow).where(SessionRow.account_id == account_id))
    return password


async def enrol(
    session: AsyncSession, account_id: int, password_hash: str, step: int, now: datetime
) -> tuple[str, ...]:
    """The second factor was shown to work: set the password, end other sessions; the recovery codes, shown this once."""
    row = await session.get_one(AccountRow, account_id)
    row.password_hash = password_hash
    row.totp_step, row.enrolled_at, row.invited_until = step, now, None
    codes = tuple(secret_words(2) for _ in range(RECOVERY_CODES))
    await session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == account_id))
    await session.execute(delete(SessionRow).where(SessionRow.account_id == account_id))
    session.add_all(RecoveryCodeRow(account_id=account_id, code_hash=_code_hash(code)) for code in codes)
    await session.flush()
    return codes


async def propose_second_factor(session: AsyncSession, keyring: Keyring, row: AccountRow) -> None:
    """A fresh secret for somebody about to set up their second factor."""
    row.totp_sealed = keyring.seal_secret(pyotp.random_base32(), place_of_second_factor(row.id))
    await session.flush()


async def second_factor(session: AsyncSession, keyring: Keyring, account_id: int) -> str:
    """The secret of the second factor, for enrolment's page alone."""
    row = await session.get_one(AccountRow, account_id)
    if row.totp_sealed is None:
        raise LookupError("no second factor was proposed")
    return keyring.open_secret(row.totp_sealed, place_of_second_factor(account_id))


async def is_enrolling(session: AsyncSession, account_id: int) -> bool:
    """Whether the second factor is being set up: once it works it is never shown again, whoever asks."""
    row = await session.get_one(AccountRow, account_id)
    return row.enrolled_at is None and row.totp_sealed is not None


def place_of_second_factor(account_id: int) -> str:
    """Where the sealed secret belongs."""
    return f"accounts.totp:{account_id}"


async def disable(session: AsyncSession, account_id: int, now: datetime) -> bool:
    """End an account and every session of it; False when there is none that is active."""
    row = await session.get(AccountRow, account_id)
    if row is None or row.disabled_at is not None:
        return False
    row.disabled_at, row.totp_sealed, row.password_hash = now, None, ""
    await session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == account_id))
    await session.execute(delete(SessionRow).where(SessionRow.account_id == account_id))
    return True


async def find(session: AsyncSession, name: str) -> AccountRow | None:
    """The active account of that name."""
    row = await _by_name(session, name)
    return None if row is None or row.disabled_at is not None else row


async def every(session: AsyncSession) -> tuple[Listed, ...]:
    """Every account, by name."""
    rows = (await session.execute(select(AccountRow).order_by(AccountRow.name))).scalars()
    return tuple(
        Listed(account_of(row), row.enrolled_at is not None, row.disabled_at is not None, row.is_demo) for row in rows
    )


async def count_demo(session: AsyncSession) -> int:
    """How many active accounts are demonstrations."""
    query = select(func.count()).where(AccountRow.is_demo, AccountRow.disabled_at.is_(None))
    return int((await session.execute(query)).scalar_one())


def account_of(row: AccountRow) -> Account:
    """The value the flows and pages work with."""
    languages = frozenset(filter(None, row.languages.split(",")))
    return Account(row.id, row.name, Role(row.role), languages, frozenset(filter(None, row.skills.split(","))))


async def hash_password(password: str) -> str:
    """An argon2id hash, made beside the event loop, two at a time: each takes 64 MiB."""
    async with _hashing:
        return await asyncio.to_thread(_hasher.hash, password)


async def is_password(row: AccountRow | None, password: str) -> bool:
    """Whether the password is the account's; takes as long when there is no account."""
    stored = row.password_hash if row is not None and row.password_hash else _NOBODY
    async with _hashing:
        matches = await asyncio.to_thread(_matches, stored, password)
    return matches and row is not None and bool(row.password_hash)


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """The step of time `code` belongs to (now, or one before or after for clocks that drift); None when it is wrong."""
    totp = pyotp.TOTP(secret, interval=TOTP_SECONDS)
    current = int(now.timestamp()) // TOTP_SECONDS
    steps = (current, current - 1, current + 1)
    return next((step for step in steps if secrets.compare_digest(totp.generate_otp(step), code)), None)


async def use_second_factor(session: AsyncSession, keyring: Keyring, row: AccountRow, code: str, now: datetime) -> bool:
    """Accept a code of the authenticator, never the same or an older one twice, or a recovery code, once."""
    if row.totp_sealed is None:
        return False
    code = "".join(code.split()).lower()
    step = totp_step(keyring.open_secret(row.totp_sealed, place_of_second_factor(row.id)), code, now)
    if step is not None:
        taken = update(AccountRow).where(AccountRow.id == row.id, AccountRow.totp_step < step).values(totp_step=step)
        return bool((await session.execute(taken)).rowcount)  # type: ignore[attr-defined]
    unused = (
        (RecoveryCodeRow.account_id == row.id)
        & (RecoveryCodeRow.code_hash == _code_hash(code))
        & RecoveryCodeRow.used_at.is_(None)
    )
    used = await session.execute(update(RecoveryCodeRow).where(unused).values(used_at=now))
    return bool(used.rowcount)  # type: ignore[attr-defined]


def secret_words(groups: int = 4) -> str:
    """A secret that can be read aloud and typed: groups of five characters, 25 bits each."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(groups))


def _code_hash(code: str) -> bytes:
    """Recovery codes are random enough (50 bits, ten at most, throttled) for a plain hash."""
    return hashlib.sha256(code.encode()).digest()


async def _by_name(session: AsyncSession, name: str) -> AccountRow | None:
    query = select(AccountRow).where(AccountRow.name == name)
    return (await session.execute(query)).scalar_one_or_none()
