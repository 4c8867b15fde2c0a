"""Tables of what people ask of the dialogue itself: whether it helped, kept without anybody's identity, and what to delete."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.tables import Base, Id


class FeedbackRow(Base):
    """One answer to “did this help?”. No conversation, no contact, no hour: the day is all there is."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    helped: Mapped[str] = mapped_column(String(8))
    topic: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(3))


class RetractionRow(Base):
    """Messages to be deleted on the person's phone, by the provider's ids, until `done_at`."""

    __tablename__ = "retractions"
    __table_args__ = (Index("ix_retractions_conversation", "conversation_id", "done_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    external_ids: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
