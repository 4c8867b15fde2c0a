"""Tables of delivery: the providers' rates shared by all processes, and people in danger whom a message did not reach."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.domain.messages import DeliveryStatus
from bot.store.tables import Base, Id, OutboundRow

_PARKED = OutboundRow.status == int(DeliveryStatus.PARKED)
Index("ix_outbound_parked", OutboundRow.conversation_id, sqlite_where=_PARKED, postgresql_where=_PARKED)


class RateRow(Base):
    """One bucket of a provider's rate: when it will be full again. Nobody's words, nobody's address."""

    __tablename__ = "rate_buckets"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    full_at: Mapped[datetime]


class DeliveryAlertRow(Base):
    """A message that did not reach somebody in danger, and how often people of ours were told."""

    __tablename__ = "delivery_alerts"
    __table_args__ = (Index("ix_delivery_alerts_open", "at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    outbound_id: Mapped[int] = mapped_column(Id)
    code: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    times_told: Mapped[int] = mapped_column(SmallInteger, default=0)
