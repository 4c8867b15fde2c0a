"""The tables of the people who answer: volunteers on duty, who holds whom, notes, endings, follow-ups, the rota.

What anybody wrote stands only in sealed columns, with the conversation's key, so that erasing it erases them too.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.tables import Base, Id


def _conversation() -> Mapped[int]:
    return mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))


class VolunteerRow(Base):
    """An account as the queue sees it: on duty or not, seen when, how much of the hard ones this shift, where to alert."""

    __tablename__ = "volunteers"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(60))
    role: Mapped[str] = mapped_column(String(12))
    languages: Mapped[str] = mapped_column(String(40), default="")
    skills: Mapped[str] = mapped_column(String(200), default="")
    on_duty_since: Mapped[datetime | None]
    on_duty_until: Mapped[datetime | None]
    seen_at: Mapped[datetime]
    capacity: Mapped[int] = mapped_column(SmallInteger, default=3)
    high_taken: Mapped[int] = mapped_column(SmallInteger, default=0)
    cool_until: Mapped[datetime | None]
    debrief_due: Mapped[bool] = mapped_column(default=False)
    debrief_asked_at: Mapped[datetime | None]
    alert_chat_sealed: Mapped[bytes | None]
    alert_code: Mapped[str | None] = mapped_column(String(40))
    alert_code_until: Mapped[datetime | None]


class AssignmentRow(Base):
    """A volunteer held a conversation from one moment to another; the lease lives as long as `seen_at` is renewed."""

    __tablename__ = "assignments"
    __table_args__ = (
        Index("ix_assignments_conversation", "conversation_id", "ended_at"),
        Index("ix_assignments_volunteer", "volunteer_id", "ended_at"),
        Index("ix_assignments_open", "ended_at", "seen_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = _conversation()
    volunteer_id: Mapped[int] = mapped_column(Id)
    risk: Mapped[int] = mapped_column(SmallInteger)
    claimed_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    how: Mapped[str] = mapped_column(String(16), default="")


class NoteRow(Base):
    """An internal note, a whisper of a supervisor, or the note of a transfer: never shown to the person."""

    __tablename__ = "conversation_notes"
    __table_args__ = (Index("ix_notes_conversation", "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = _conversation()
    at: Mapped[datetime]
    author_id: Mapped[int] = mapped_column(Id)
    author: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(12))
    body_sealed: Mapped[bytes]


class DraftRow(Base):
    """What a volunteer has typed and not sent, so that a reload or a closed window loses nothing."""

    __tablename__ = "drafts"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    volunteer_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    body_sealed: Mapped[bytes]
    updated_at: Mapped[datetime]


class DispositionRow(Base):
    """How a conversation with a volunteer ended: coded outcome, referral given and taken up, alert made, feedback."""

    __tablename__ = "dispositions"
    __table_args__ = (Index("ix_dispositions_conversation", "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = _conversation()
    at: Mapped[datetime]
    volunteer_id: Mapped[int] = mapped_column(Id)
    outcome: Mapped[str] = mapped_column(String(16))
    referral: Mapped[str] = mapped_column(String(60))
    referral_taken: Mapped[str] = mapped_column(String(8))
    alert_made: Mapped[bool] = mapped_column(default=False)
    feedback: Mapped[int | None] = mapped_column(SmallInteger)


class FollowUpRow(Base):
    """A message agreed on for later: due when, asked by whom, what became of it."""

    __tablename__ = "follow_ups"
    __table_args__ = (Index("ix_follow_ups_due", "done_at", "due_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = _conversation()
    due_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(12))
    done_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(String(16), default="")


class HelpCallRow(Base):
    """A volunteer calls for a supervisor."""

    __tablename__ = "help_calls"
    __table_args__ = (Index("ix_help_calls_open", "answered_at", "at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    conversation_id: Mapped[int] = _conversation()
    volunteer_id: Mapped[int] = mapped_column(Id)
    why: Mapped[str] = mapped_column(String(24))
    at: Mapped[datetime]
    alerted_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[int | None] = mapped_column(Id)


class RotaRow(Base):
    """A weekly shift, in minutes since midnight on the team's clock. Monday is 0."""

    __tablename__ = "rota"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    volunteer_id: Mapped[int | None] = mapped_column(Id)
    weekday: Mapped[int] = mapped_column(SmallInteger)
    start_minute: Mapped[int] = mapped_column(Integer)
    end_minute: Mapped[int] = mapped_column(Integer)


class ShiftChangeRow(Base):
    """An exception to the rota: a shift added or taken out."""

    __tablename__ = "shift_changes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    volunteer_id: Mapped[int | None] = mapped_column(Id)
    is_added: Mapped[bool]
    start: Mapped[datetime]
    end: Mapped[datetime]


class ClosureRow(Base):
    """An exceptional closure; without an end it is the pause of intake."""

    __tablename__ = "closures"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    start: Mapped[datetime]
    end: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(120))
    made_by: Mapped[int] = mapped_column(Id)
    cancelled_at: Mapped[datetime | None]


class PhraseRow(Base):
    """A phrase suggested to volunteers, with the reason to use it; to be adapted, never sent without a look."""

    __tablename__ = "phrases"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    language: Mapped[str] = mapped_column(String(3))
    text: Mapped[str] = mapped_column(String(600))
    why: Mapped[str] = mapped_column(String(200))
    removed_at: Mapped[datetime | None]
