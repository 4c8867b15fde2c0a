"""Safeguarding holds: a report for a child's protection rests on these words, so two people keep them for a while (P12, P21)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store import audit
from bot.store.handover import record
from bot.store.tables_accounts import HoldRow

LONGEST = timedelta(days=365)


class HoldReason(StrEnum):
    """What the report is."""

    CRIP = "crip"
    PROSECUTOR = "prosecutor"
    COURT_ORDER = "court_order"


class SamePersonError(Exception):
    """One person alone cannot keep somebody's words."""


async def hold(
    session: AsyncSession,
    conversation_id: int,
    by: int,
    second: int,
    reason: HoldReason,
    length: timedelta,
    now: datetime,
) -> None:
    """Keep a conversation for `length`, a year at most; decided by two different people and audited."""
    if by == second:
        raise SamePersonError
    session.add(
        HoldRow(
            conversation_id=conversation_id,
            reason=reason,
            decided_by=f"account:{by}",
            seconded_by=f"account:{second}",
            created_at=now,
            until=now + min(length, LONGEST),
        )
    )
    await session.flush()
    record(session, conversation_id, now, f"account:{by}", "held", reason)
    await audit.append(session, now, f"account:{by}", "held", f"conversation:{conversation_id}", f"{reason}+{second}")


async def release(session: AsyncSession, conversation_id: int, by: int, now: datetime) -> bool:
    """The report is closed: retention applies again. False when nothing was held."""
    current = (HoldRow.conversation_id == conversation_id) & (HoldRow.until > now)
    ended = await session.execute(update(HoldRow).where(current).values(until=now))
    if not ended.rowcount:  # type: ignore[attr-defined]
        return False
    await audit.append(session, now, f"account:{by}", "hold_released", f"conversation:{conversation_id}", "")
    return True
