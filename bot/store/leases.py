"""Leases: roles that one process has at a time, such as polling Telegram; and the lanes and outboxes workers have claimed.

A lease is short, and renewed every second by who lives: what a dead worker held is free within five seconds.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.inbox import LaneClaim
from bot.store.moments import moment, now_of
from bot.store.outbox import OutboxClaim
from bot.store.tables import ConversationRow, LeaseRow

RESTS = timedelta(seconds=15)
"""A conversation whose work failed by a fault of ours is left alone this long, so that it takes nobody else's time."""
Claim = LaneClaim | OutboxClaim


async def hold(session: AsyncSession, name: str, holder: str, now: datetime, length: timedelta) -> int | None:
    """Take or renew a lease; the place it has got to, or None when another process holds it."""
    now = await now_of(session, now)
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


async def let_go(session: AsyncSession, name: str, holder: str, now: datetime) -> None:
    """Give a role back, for another process to take at once."""
    mine = update(LeaseRow).where(LeaseRow.name == name, LeaseRow.holder == holder)
    await session.execute(mine.values(until=moment(session, now)))


async def set_ahead(
    session: AsyncSession, claims: Collection[Claim], now: datetime, ahead: timedelta | None
) -> frozenset[Claim]:
    """Let claims end `ahead` of now, or now when None; those that were still ours.

    A claim somebody took over is left alone. So is a row that a transaction has locked now: many are renewed in one
    statement, which must not wait for any of them, and the next beat comes within the second.
    """
    until = None if ahead is None else moment(session, now, ahead)
    done: set[Claim] = set()
    for kind, fence, column in (
        (LaneClaim, ConversationRow.lane_fence, ConversationRow.lane_until),
        (OutboxClaim, ConversationRow.outbox_fence, ConversationRow.outbox_until),
    ):
        ids = [(claim.conversation_id, claim.fence) for claim in claims if isinstance(claim, kind)]
        if ids:
            held = select(ConversationRow.id).where(tuple_(ConversationRow.id, fence).in_(ids), column.is_not(None))
            free = ConversationRow.id.in_(held.with_for_update(skip_locked=True))
            query = update(ConversationRow).where(free).values({column: until}).returning(ConversationRow.id, fence)
            rows = await session.execute(query.execution_options(synchronize_session=False))
            done |= {kind(id_, number) for id_, number in rows}
    return frozenset(done)


async def free_all(session: AsyncSession) -> None:
    """Where one process has the database to itself, whatever was held before it started is held by nobody."""
    values = {ConversationRow.lane_until: None, ConversationRow.outbox_until: None}
    held = ConversationRow.lane_until.is_not(None) | ConversationRow.outbox_until.is_not(None)
    await session.execute(
        update(ConversationRow).where(held).values(values).execution_options(synchronize_session=False)
    )
