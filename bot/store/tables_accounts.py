"""The tables of who signs in, what they did, and what privacy has promised to do: accounts, audit, blocks, holds, deletions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.tables import Base, Id


class AccountRow(Base):
    """Somebody who may sign in. The password is an argon2id hash, the second factor's secret is sealed."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    role: Mapped[str] = mapped_column(String(12))
    languages: Mapped[str] = mapped_column(String(40), default="")
    skills: Mapped[str] = mapped_column(String(200), default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    totp_sealed: Mapped[bytes | None]
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)
    is_demo: Mapped[bool] = mapped_column(default=False)
    invited_until: Mapped[datetime | None]
    enrolled_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class RecoveryCodeRow(Base):
    """A code that stands in for a lost second factor, once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (Index("ix_recovery_codes_account", "account_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    code_hash: Mapped[bytes]
    used_at: Mapped[datetime | None]


class SessionRow(Base):
    """A browser that signed in. The token itself is only in its cookie; `stage` is `enrol` until the second factor is set."""

    __tablename__ = "console_sessions"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_console_sessions_account", "account_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes]
    csrf: Mapped[str] = mapped_column(String(64))
    stage: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SignInFailureRow(Base):
    """A failed attempt, by keyed hash of the name tried and of the network address it came from."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (Index("ix_sign_in_failures_key", "key", "at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[bytes]
    at: Mapped[datetime]


class AuditRow(Base):
    """One thing somebody did, chained to the one before. `through` marks the end of what retention removed."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_at", "at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    why: Mapped[str] = mapped_column(String(200))
    through: Mapped[int | None] = mapped_column(Id)
    previous: Mapped[bytes]
    hash: Mapped[bytes]


class RevealRequestRow(Base):
    """A supervisor asks to see an address; another decides; it can then be seen for a short while."""

    __tablename__ = "reveal_requests"
    __table_args__ = (Index("ix_reveal_requests_contact", "contact_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    asked_by: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    asked_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(24))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[datetime | None]
    is_granted: Mapped[bool | None]
    open_until: Mapped[datetime | None]


class BlockRow(Base):
    """A supervisor's decision that the bot stops playing along, for a while and for a reason; help is never blocked."""

    __tablename__ = "blocks"
    __table_args__ = (Index("ix_blocks_contact", "contact_id", "until"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(String(24))
    decided_by: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    until: Mapped[datetime]
    lifted_at: Mapped[datetime | None]


class HoldRow(Base):
    """A safeguarding report exists: this conversation is kept until then, whatever is asked (GDPR 17(3), P12)."""

    __tablename__ = "safeguarding_holds"
    __table_args__ = (Index("ix_safeguarding_holds_conversation", "conversation_id", "until"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(String(24))
    decided_by: Mapped[str] = mapped_column(String(40))
    seconded_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    until: Mapped[datetime]
    erasure_asked_at: Mapped[datetime | None]


class DeletionRow(Base):
    """Something to delete at a provider: best effort, and recorded. Holds the provider's id, never an address."""

    __tablename__ = "provider_deletions"
    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        Index("ix_provider_deletions_due", "done_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(96))
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(40))


class SeenDeliveryRow(Base):
    """A delivery whose message is gone: kept as a hash, so that an old signed request played again is still recognised."""

    __tablename__ = "seen_deliveries"
    __table_args__ = (UniqueConstraint("mark"), Index("ix_seen_deliveries_at", "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mark: Mapped[bytes]
    at: Mapped[datetime]


class DailyCountRow(Base):
    """How many conversations of a kind ended on a day: what is left of them. Shown only from ten up (P11)."""

    __tablename__ = "daily_counts"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    language: Mapped[str] = mapped_column(String(3), primary_key=True)
    risk: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    conversations: Mapped[int] = mapped_column(Integer, default=0)
