"""Tables of the guided report: the account in the making, sealed with its conversation's key, and the links that open it once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.tables import Base, Id


class ReportRow(Base):
    """What somebody wrote down with our questions. `heard` lists the inbound messages it was made of, by our ids.

    Without `handed_at` nobody of us was given it, and it goes a day after it was last touched.
    """

    __tablename__ = "reports"
    __table_args__ = (Index("ix_reports_touched", "handed_at", "touched_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), unique=True)
    body_sealed: Mapped[bytes]
    heard: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    handed_at: Mapped[datetime | None]


class PaperLinkRow(Base):
    """A link that opens the paper once; only the hash of its token is kept."""

    __tablename__ = "paper_links"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
