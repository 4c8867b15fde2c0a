"""Whether we helped, told with one tap and kept without identity."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.inbox import OpenThread
from bot.store.tables_words import FeedbackRow


def record(session: AsyncSession, opened: OpenThread, helped: str, topic: str, now: datetime) -> None:
    """Keep an answer (`yes`, `some` or `no`) with the day, the topic and the language, and nothing of the person."""
    session.add(FeedbackRow(day=now.date(), helped=helped, topic=topic, language=opened.row.language))
