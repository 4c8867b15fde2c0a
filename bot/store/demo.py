"""The demonstration accounts of a development installation; they never exist where real people can reach us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.accounts import Role
from bot.store import accounts
from bot.store.crypto import Keyring
from bot.store.tables_accounts import AccountRow

PASSWORD = "demo-demo-demo"
NAMES = {"demo": Role.SUPERVISOR, "demo-volunteer": Role.VOLUNTEER, "demo-admin": Role.ADMIN}


@dataclass(frozen=True, slots=True)
class Demo:
    """What the sign-in page of a development installation shows."""

    name: str
    role: Role
    password: str
    code: str


async def make(session: AsyncSession, keyring: Keyring, now: datetime) -> bool:
    """Make the demonstration accounts if there is no account at all."""
    if (await session.execute(select(func.count()).select_from(AccountRow))).scalar_one():
        return False
    for name, role in NAMES.items():
        row = AccountRow(
            name=name,
            role=role,
            languages="ar,en,fr",
            skills="",
            password_hash=await accounts.hash_password(PASSWORD),
            totp_step=0,
            is_demo=True,
            enrolled_at=now,
            created_at=now,
        )
        session.add(row)
        await session.flush()
        row.totp_sealed = keyring.seal_secret(pyotp.random_base32(), accounts.place_of_second_factor(row.id))
    await session.flush()
    return True


async def end(session: AsyncSession, now: datetime) -> int:
    """Disable every demonstration account; how many there were."""
    rows = await session.execute(select(AccountRow.id).where(AccountRow.is_demo, AccountRow.disabled_at.is_(None)))
    found = list(rows.scalars())
    for account_id in found:
        await accounts.disable(session, account_id, now)
    return len(found)


async def shown(session: AsyncSession, keyring: Keyring, now: datetime) -> tuple[Demo, ...]:
    """The demonstration accounts with a code that works now."""
    query = select(AccountRow).where(AccountRow.is_demo, AccountRow.disabled_at.is_(None)).order_by(AccountRow.id)
    return tuple(_demo(row, keyring, now) for row in (await session.execute(query)).scalars())


def _demo(row: AccountRow, keyring: Keyring, now: datetime) -> Demo:
    secret = keyring.open_secret(row.totp_sealed or b"", accounts.place_of_second_factor(row.id))
    # The oldest step that was not used yet, so that several people can sign in within half a minute.
    current = int(now.timestamp()) // accounts.TOTP_SECONDS
    step = next((step for step in (current - 1, current, current + 1) if step > row.totp_step), current + 1)
    return Demo(
        row.name, Role(row.role), PASSWORD, pyotp.TOTP(secret, interval=accounts.TOTP_SECONDS).generate_otp(step)
    )
