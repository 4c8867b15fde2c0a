"""People in danger whom a message of ours did not reach, until it does or they write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.messages import DeliveryStatus
from bot.domain.risk import RiskLevel
from bot.store.tables import ConversationRow, OutboundRow
from bot.store.tables_delivery import DeliveryAlertRow

NOT_OUT = (DeliveryStatus.PARKED, DeliveryStatus.QUEUED, DeliveryStatus.RETRYING, DeliveryStatus.FAILED)
LOOK_BACK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class NotReached:
    """Somebody in danger, and how often people of ours were told that they are not reached."""

    id: int
    conversation_id: int
    risk: RiskLevel
    language: str
    told_at: datetime | None
    times_told: int


async def note(session: AsyncSession, conversation_id: int, outbound_id: int, code: str, now: datetime) -> None:
    """A message did not reach somebody in danger; one note for each conversation until they write."""
    known = select(DeliveryAlertRow.id).join(ConversationRow, ConversationRow.id == DeliveryAlertRow.conversation_id)
    known = known.where(
        DeliveryAlertRow.conversation_id == conversation_id, DeliveryAlertRow.at >= ConversationRow.last_inbound_at
    )
    if (await session.execute(known.limit(1))).first() is not None:
        return
    session.add(
        DeliveryAlertRow(conversation_id=conversation_id, outbound_id=outbound_id, code=code[:40], at=now, times_told=0)
    )
    await session.flush()


async def not_reached(session: AsyncSession, now: datetime, most_told: int) -> list[NotReached]:
    """Whoever is still not reached, and about whom people of ours were not told often enough."""
    query = (
        select(DeliveryAlertRow, ConversationRow.risk, ConversationRow.language)
        .join(ConversationRow, ConversationRow.id == DeliveryAlertRow.conversation_id)
        .join(OutboundRow, OutboundRow.id == DeliveryAlertRow.outbound_id)
        .where(
            DeliveryAlertRow.at > now - LOOK_BACK,
            DeliveryAlertRow.times_told < most_told,
            DeliveryAlertRow.at >= ConversationRow.last_inbound_at,
            OutboundRow.status.in_(NOT_OUT),
        )
    )
    return [
        NotReached(row.id, row.conversation_id, RiskLevel(risk), language, row.told_at, row.times_told)
        for row, risk, language in (await session.execute(query)).all()
    ]


async def mark_told(session: AsyncSession, alert_id: int, now: datetime) -> None:
    """People of ours were told once more."""
    row = await session.get_one(DeliveryAlertRow, alert_id)
    row.told_at, row.times_told = now, row.times_told + 1
