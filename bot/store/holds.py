"""Safeguarding holds: a report for a child's protection rests on these words, so two people keep them for a while (P12, P21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store import audit
from bot.store.handover import record
from bot.store.tables import ContactRow, ConversationRow
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


@dataclass(frozen=True, slots=True)
class Held:
    """A hold as supervisors see it. `erasure_asked_at`: the person asked to erase meanwhile, and was told of the hold."""

    conversation_id: int
    alias: str
    reason: str
    decided_by: int
    seconded_by: int
    since: datetime
    until: datetime
    erasure_asked_at: datetime | None


async def current(session: AsyncSession, now: datetime) -> tuple[Held, ...]:
    """Every hold that holds now, the one that ends first at the top."""
    query = (
        select(HoldRow, ContactRow.alias)
        .join(ConversationRow, ConversationRow.id == HoldRow.conversation_id)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(HoldRow.until > now)
        .order_by(HoldRow.until)
    )
    return tuple(
        Held(
            row.conversation_id,
            alias,
            row.reason,
            int(row.decided_by.removeprefix("account:")),
            int(row.seconded_by.removeprefix("account:")),
            row.created_at,
            row.until,
            row.erasure_asked_at,
        )
        for row, alias in (await session.execute(query)).all()
    )


async def release(session: AsyncSession, conversation_id: int, by: int, now: datetime, why: str = "") -> bool:
    """The report is closed: retention applies again. False when nothing was held."""
    current = (HoldRow.conversation_id == conversation_id) & (HoldRow.until > now)
    ended = await session.execute(update(HoldRow).where(current).values(until=now))
    if not ended.rowcount:  # type: ignore[attr-defined]
        return False
    record(session, conversation_id, now, f"account:{by}", "hold_released", why)
    await audit.append(session, now, f"account:{by}", "hold_released", f"conversation:{conversation_id}", why)
    return True
