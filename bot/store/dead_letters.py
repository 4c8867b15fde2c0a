"""Dead letters: messages of ours that no provider took or delivered, and trying them once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.messages import DeliveryStatus
from bot.domain.risk import RiskLevel
from bot.store.tables import ContactRow, ConversationRow, OutboundRow


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that failed for good. Neither its words nor its address are here."""

    outbound_id: int
    conversation_id: int
    alias: str
    channel: str
    key: str
    code: str
    risk: RiskLevel
    attempts: int
    created_at: datetime


async def dead_letters(session: AsyncSession, most: int = 100) -> tuple[DeadLetter, ...]:
    """The newest failures, those of people in danger first."""
    query = (
        select(OutboundRow, ConversationRow.risk, ContactRow.alias)
        .join(ConversationRow, ConversationRow.id == OutboundRow.conversation_id)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(OutboundRow.status == DeliveryStatus.FAILED)
        .order_by(ConversationRow.risk.desc(), OutboundRow.id.desc())
        .limit(most)
    )
    return tuple(
        DeadLetter(
            outbound_id=row.id,
            conversation_id=row.conversation_id,
            alias=alias,
            channel=row.channel,
            key=row.key,
            code=row.error_code or "",
            risk=RiskLevel(risk),
            attempts=row.attempts,
            created_at=row.created_at,
        )
        for row, risk, alias in (await session.execute(query)).all()
    )


async def count_parked(session: AsyncSession) -> int:
    """How many messages wait for the person to write."""
    query = select(func.count()).select_from(OutboundRow).where(OutboundRow.status == DeliveryStatus.PARKED)
    return int((await session.execute(query)).scalar_one())


async def replay(session: AsyncSession, outbound_id: int, now: datetime) -> int | None:
    """Queue a failed message once more, now; its conversation, or None when it is not a dead letter."""
    query = select(OutboundRow).where(OutboundRow.id == outbound_id, OutboundRow.status == DeliveryStatus.FAILED)
    row = (await session.execute(query.with_for_update())).scalars().first()
    if row is None:
        return None
    row.status, row.attempts, row.due_at, row.external_id = DeliveryStatus.QUEUED, 0, now, None
    await session.flush()
    return row.conversation_id
