"""Roles that one process has at a time, such as polling Telegram, with the place it has got to."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.tables import LeaseRow


async def hold(session: AsyncSession, name: str, holder: str, now: datetime, length: timedelta) -> int | None:
    """Take or renew a lease; the place it has got to, or None when another process holds it."""
    row = (await session.execute(select(LeaseRow).where(LeaseRow.name == name).with_for_update())).scalar_one_or_none()
    if row is None:
        session.add(LeaseRow(name=name, holder=holder, until=now + length, position=0))
        await session.flush()
        return 0
    if row.holder != holder and row.until > now:
        return None
    row.holder, row.until = holder, now + length
    return row.position


async def move(session: AsyncSession, name: str, holder: str, position: int) -> None:
    """Record how far the holder has got."""
    await session.execute(
        update(LeaseRow).where(LeaseRow.name == name, LeaseRow.holder == holder).values(position=position)
    )
