"""The tables. Words and addresses stand only in sealed columns (`*_sealed`); everything else is what running the helpline needs.

Times are UTC. Risk is the number of a RiskLevel, status that of a DeliveryStatus.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
Id = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime, also on SQLite, which keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: it would be read with another clock."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("expected an aware datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give SQLite's naive UTC back its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Declarative base with constraint names that migrations can refer to."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime(), bytes: LargeBinary()}


class ContactRow(Base):
    """The pseudonymous person behind an address of a channel."""

    __tablename__ = "contacts"
    __table_args__ = (UniqueConstraint("channel", "address_hash"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    address_hash: Mapped[bytes]
    address_sealed: Mapped[bytes]
    alias: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(3))
    language_is_chosen: Mapped[bool] = mapped_column(default=False)
    country: Mapped[str] = mapped_column(String(2))
    age_band: Mapped[str | None] = mapped_column(String(8))
    is_discreet: Mapped[bool] = mapped_column(default=False)
    is_reachable: Mapped[bool] = mapped_column(default=True)
    stopped_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_inbound_at: Mapped[datetime]


class ConversationRow(Base):
    """A thread with one contact: its owner, its risk, its lane (who is answering it now), and the engine's state."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index("ix_conversations_due", "due_at", "pending_risk"),
        Index("ix_conversations_contact", "contact_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    key_wrapped: Mapped[bytes]
    version: Mapped[int] = mapped_column(default=0)
    mode: Mapped[str] = mapped_column(String(12))
    volunteer_id: Mapped[int | None] = mapped_column(Id)
    risk: Mapped[int] = mapped_column(SmallInteger, default=0)
    risk_since: Mapped[datetime | None]
    language: Mapped[str] = mapped_column(String(3))
    turns: Mapped[int] = mapped_column(default=0)
    not_understood: Mapped[int] = mapped_column(SmallInteger, default=0)
    recent_risks: Mapped[str] = mapped_column(String(16), default="")
    state_sealed: Mapped[bytes | None]
    started_at: Mapped[datetime]
    last_inbound_at: Mapped[datetime]
    pending_since: Mapped[datetime | None]
    pending_risk: Mapped[int] = mapped_column(SmallInteger, default=0)
    due_at: Mapped[datetime | None]
    lane_until: Mapped[datetime | None]
    lane_fence: Mapped[int] = mapped_column(default=0)
    outbox_until: Mapped[datetime | None]
    outbox_fence: Mapped[int] = mapped_column(default=0)


class InboundRow(Base):
    """One message received, once: the provider's id is unique per channel for ever."""

    __tablename__ = "inbound_messages"
    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        Index("ix_inbound_pending", "conversation_id", "answered_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(96))
    kind: Mapped[str] = mapped_column(String(12))
    text_sealed: Mapped[bytes | None]
    risk: Mapped[int] = mapped_column(SmallInteger)
    verdict_sealed: Mapped[bytes | None]
    received_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]


class OutboundRow(Base):
    """One message from us. `turn` and `position` make it unique, so that a turn answered twice is stored once."""

    __tablename__ = "outbound_messages"
    __table_args__ = (
        UniqueConstraint("conversation_id", "turn", "position"),
        Index("ix_outbound_due", "status", "due_at"),
        Index("ix_outbound_external", "channel", "external_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(16))
    turn: Mapped[int]
    position: Mapped[int] = mapped_column(SmallInteger)
    author: Mapped[str] = mapped_column(String(12))
    key: Mapped[str] = mapped_column(String(80))
    body_sealed: Mapped[bytes]
    is_urgent: Mapped[bool] = mapped_column(default=False)
    status: Mapped[int] = mapped_column(SmallInteger)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    due_at: Mapped[datetime]
    external_id: Mapped[str | None] = mapped_column(String(96))
    error_code: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]


class ReceiptRow(Base):
    """Delivery news that came before the send was known to have been accepted; applied when it is."""

    __tablename__ = "early_receipts"
    __table_args__ = (Index("ix_early_receipts_external", "channel", "external_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(96))
    status: Mapped[int] = mapped_column(SmallInteger)
    error_code: Mapped[str] = mapped_column(String(40))
    received_at: Mapped[datetime]


class EscalationRow(Base):
    """Somebody waits for a person: how urgent, why, in what language, since when. Open until `closed_at`."""

    __tablename__ = "escalations"
    __table_args__ = (Index("ix_escalations_open", "closed_at", "risk", "waiting_since"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(String(24))
    risk: Mapped[int] = mapped_column(SmallInteger)
    language: Mapped[str] = mapped_column(String(3))
    country: Mapped[str] = mapped_column(String(2))
    waiting_since: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]
    needs: Mapped[str] = mapped_column(String(60), default="")
    is_back: Mapped[bool] = mapped_column(default=False)
    choice: Mapped[str] = mapped_column(String(12), default="")
    told_at: Mapped[datetime | None]
    alerted_at: Mapped[datetime | None]
    alerts: Mapped[int] = mapped_column(SmallInteger, default=0)


class ActionRow(Base):
    """What happened to a conversation, one appended row per change: who, when, what, why. Never a word of a message."""

    __tablename__ = "conversation_actions"
    __table_args__ = (Index("ix_actions_conversation", "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(24))
    why: Mapped[str] = mapped_column(String(120))


class LeaseRow(Base):
    """A role only one process may have at a time, such as polling Telegram, with the place it has got to."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime]
    position: Mapped[int] = mapped_column(BigInteger, default=0)
