"""What is due next, asked in one cheap statement: an idle worker looks once a second and does nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.delivery_alerts import LOOK_BACK
from bot.store.moments import moment
from bot.store.outbox import due_messages
from bot.store.tables import ConversationRow, EscalationRow
from bot.store.tables_delivery import DeliveryAlertRow
from bot.store.tables_people import AssignmentRow, FollowUpRow


@dataclass(frozen=True, slots=True)
class Due:
    """When the next free lane and the next message of a free conversation are due."""

    answer: datetime | None = None
    deliver: datetime | None = None


async def next_due(session: AsyncSession, now: datetime) -> Due:
    """Both, leases that ran out included."""
    free = or_(ConversationRow.lane_until.is_(None), ConversationRow.lane_until < moment(session, now))
    lanes = select(ConversationRow.due_at).where(ConversationRow.due_at.is_not(None), free)
    lane = lanes.order_by(ConversationRow.due_at).limit(1).scalar_subquery()
    message = due_messages(session, now).limit(1).scalar_subquery()
    answer, deliver = (await session.execute(select(lane, message))).one()
    return Due(answer, deliver)


async def is_anybody_watched(session: AsyncSession, now: datetime) -> bool:
    """Whether there is anybody for the watch to look after: somebody waits, is held, is to be written to, was not reached."""
    found = or_(
        exists().where(EscalationRow.closed_at.is_(None)),
        exists().where(AssignmentRow.ended_at.is_(None)),
        exists().where(FollowUpRow.done_at.is_(None), FollowUpRow.due_at <= now),
        exists().where(DeliveryAlertRow.at > now - LOOK_BACK),
    )
    return bool((await session.execute(select(literal(1)).where(found))).first())
