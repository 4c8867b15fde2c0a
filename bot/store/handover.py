"""The passage to a person: the queue row, who owns a conversation, and the action log of every change."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.domain.risk import RiskLevel
from bot.store.inbox import OpenThread
from bot.store.tables import ActionRow, EscalationRow


async def escalate(session: AsyncSession, opened: OpenThread, reason: str, risk: RiskLevel, now: datetime) -> None:
    """Put a conversation in the queue; one that waits already keeps its place, and what is written meanwhile can only raise it."""
    query = select(EscalationRow).where(
        EscalationRow.conversation_id == opened.row.id, EscalationRow.closed_at.is_(None)
    )
    waiting = (await session.execute(query.with_for_update())).scalars().first()
    risk = max(risk, RiskLevel(opened.row.risk))
    if waiting is not None:
        if risk > waiting.risk:
            waiting.risk = risk
            record(session, opened.row.id, now, "bot", "raised", risk.word)
        return
    session.add(
        EscalationRow(
            conversation_id=opened.row.id,
            reason=reason,
            risk=risk,
            language=opened.row.language,
            country=opened.contact.country,
            waiting_since=now,
        )
    )
    if Mode(opened.row.mode) is Mode.BOT:
        opened.row.mode = Mode.WAITING
        opened.row.version += 1
    record(session, opened.row.id, now, "bot", "escalated", reason)


def record(session: AsyncSession, conversation_id: int, now: datetime, actor: str, action: str, why: str) -> None:
    """Append one action; `why` is a code, never a word of a message."""
    session.add(ActionRow(conversation_id=conversation_id, at=now, actor=actor, action=action, why=why))
