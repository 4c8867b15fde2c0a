"""Blocks: a supervisor stops the bot from playing along, for a while and for a reason. Danger is always answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store import audit
from bot.store.tables import ContactRow, ConversationRow
from bot.store.tables_accounts import BlockRow

LONGEST = timedelta(days=30)


class BlockReason(StrEnum):
    """Why; never a word of what was written."""

    INSULTS = "insults"
    SEXUAL = "sexual"
    FLOOD = "flood"
    THREATS_TO_VOLUNTEERS = "threats_to_volunteers"
    DOXXING = "doxxing"


async def block(
    session: AsyncSession, conversation_id: int, by: int, reason: BlockReason, length: timedelta, now: datetime
) -> int:
    """Block the contact of a conversation for `length`, thirty days at most; the block's id."""
    conversation = await session.get_one(ConversationRow, conversation_id)
    row = BlockRow(
        contact_id=conversation.contact_id,
        reason=reason,
        decided_by=by,
        created_at=now,
        until=now + min(length, LONGEST),
    )
    session.add(row)
    await session.flush()
    await audit.append(session, now, f"account:{by}", "blocked", f"conversation:{conversation_id}", reason)
    return row.id


async def lift(session: AsyncSession, block_id: int, by: int, now: datetime) -> bool:
    """End a block early; False when it had ended."""
    current = (BlockRow.id == block_id) & BlockRow.lifted_at.is_(None) & (BlockRow.until > now)
    lifted = await session.execute(update(BlockRow).where(current).values(lifted_at=now))
    if not lifted.rowcount:  # type: ignore[attr-defined]
        return False
    await audit.append(session, now, f"account:{by}", "unblocked", f"block:{block_id}", "")
    return True


async def is_blocked(session: AsyncSession, contact_id: int, now: datetime) -> bool:
    """Whether a block holds now."""
    query = select(BlockRow.id).where(
        BlockRow.contact_id == contact_id, BlockRow.until > now, BlockRow.lifted_at.is_(None)
    )
    return (await session.execute(query.limit(1))).first() is not None


@dataclass(frozen=True, slots=True)
class Block:
    """A block that holds, as supervisors see it."""

    id: int
    alias: str
    reason: str
    until: datetime


async def current(session: AsyncSession, now: datetime) -> tuple[Block, ...]:
    """The blocks that hold, the first to end first."""
    query = (
        select(BlockRow, ContactRow.alias)
        .join(ContactRow, ContactRow.id == BlockRow.contact_id)
        .where(BlockRow.until > now, BlockRow.lifted_at.is_(None))
        .order_by(BlockRow.until)
    )
    return tuple(Block(row.id, alias, row.reason, row.until) for row, alias in (await session.execute(query)).all())
