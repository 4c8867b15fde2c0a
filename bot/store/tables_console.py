"""The tables of what supervisors decide in the console, and of what each volunteer chose for themselves there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.tables import Base, Id


class DecisionRow(Base):
    """Something two people decide about a conversation: asked by one, confirmed or not by another. Codes, never a word."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_conversation", "conversation_id", "id"),
        Index("ix_decisions_open", "decided_at", "made_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8))
    what: Mapped[str] = mapped_column(String(24))
    told: Mapped[str] = mapped_column(String(12), default="")
    days: Mapped[int | None] = mapped_column(SmallInteger)
    asked_by: Mapped[int] = mapped_column(Id)
    asked_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(Id)
    decided_at: Mapped[datetime | None]
    is_agreed: Mapped[bool | None]
    made_by: Mapped[int | None] = mapped_column(Id)
    made_at: Mapped[datetime | None]


class DebriefRow(Base):
    """A volunteer asked to talk after a hard conversation; what came of it is sealed."""

    __tablename__ = "debriefs"
    __table_args__ = (Index("ix_debriefs_open", "done_at", "asked_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteers.id", ondelete="CASCADE"))
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[int | None] = mapped_column(Id)
    note_sealed: Mapped[bytes | None]


class ChoiceRow(Base):
    """What a volunteer chose for their own console: sound or not, notifications of the browser or not."""

    __tablename__ = "console_choices"

    volunteer_id: Mapped[int] = mapped_column(
        ForeignKey("volunteers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    is_muted: Mapped[bool] = mapped_column(default=False)
    wants_notices: Mapped[bool] = mapped_column(default=False)
