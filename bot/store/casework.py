"""What a volunteer's work leaves beside the messages: notes and whispers, drafts, endings, follow-ups, calls for help."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.accounts import Account
from bot.store.crypto import DataKey
from bot.store.tables import ConversationRow
from bot.store.tables_people import DispositionRow, DraftRow, FollowUpRow, HelpCallRow, NoteRow


@dataclass(frozen=True, slots=True)
class Note:
    """An internal note (`note`), a supervisor's whisper (`whisper`), or what was passed on (`transfer`)."""

    at: datetime
    author: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended: coded outcome, the service referred to, whether it was taken up, whether authorities were alerted."""

    outcome: str
    referral: str = ""
    referral_taken: str = "unknown"
    alert_made: bool = False


@dataclass(frozen=True, slots=True)
class DueFollowUp:
    """A follow-up whose time has come."""

    id: int
    conversation_id: int
    asked_by: str


@dataclass(frozen=True, slots=True)
class HelpCall:
    """A volunteer waiting for a supervisor."""

    id: int
    conversation_id: int
    volunteer_id: int
    why: str
    at: datetime
    alerted_at: datetime | None


def add_note(
    session: AsyncSession, key: DataKey, conversation_id: int, author: Account, kind: str, text: str, now: datetime
) -> None:
    """Keep a note, sealed with the conversation's key."""
    session.add(
        NoteRow(
            conversation_id=conversation_id,
            at=now,
            author_id=author.id,
            author=author.name,
            kind=kind,
            body_sealed=key.seal(text, f"notes.body:{conversation_id}"),
        )
    )


async def notes(session: AsyncSession, key: DataKey, conversation_id: int) -> list[Note]:
    """The notes of a conversation, oldest first."""
    query = select(NoteRow).where(NoteRow.conversation_id == conversation_id).order_by(NoteRow.id)
    return [
        Note(row.at, row.author, row.kind, key.open(row.body_sealed, f"notes.body:{conversation_id}"))
        for row in (await session.execute(query)).scalars()
    ]


async def save_draft(
    session: AsyncSession, key: DataKey, conversation_id: int, volunteer_id: int, text: str, now: datetime
) -> None:
    """Keep what is typed; an empty draft is forgotten."""
    mine = (DraftRow.conversation_id == conversation_id) & (DraftRow.volunteer_id == volunteer_id)
    await session.execute(delete(DraftRow).where(mine))
    if text:
        sealed = key.seal(text, f"drafts.body:{conversation_id}/{volunteer_id}")
        session.add(
            DraftRow(conversation_id=conversation_id, volunteer_id=volunteer_id, body_sealed=sealed, updated_at=now)
        )


async def draft(session: AsyncSession, key: DataKey, conversation_id: int, volunteer_id: int) -> str:
    """What was typed and not sent."""
    row = await session.get(DraftRow, (conversation_id, volunteer_id))
    return key.open(row.body_sealed, f"drafts.body:{conversation_id}/{volunteer_id}") if row is not None else ""


def record_ending(
    session: AsyncSession, conversation_id: int, volunteer_id: int, ending: Ending, now: datetime
) -> None:
    """Keep how it ended."""
    session.add(
        DispositionRow(
            conversation_id=conversation_id,
            at=now,
            volunteer_id=volunteer_id,
            outcome=ending.outcome,
            referral=ending.referral,
            referral_taken=ending.referral_taken,
            alert_made=ending.alert_made,
        )
    )


async def endings(session: AsyncSession, conversation_id: int) -> list[DispositionRow]:
    """How it ended, each time, oldest first."""
    query = select(DispositionRow).where(DispositionRow.conversation_id == conversation_id)
    return list((await session.execute(query.order_by(DispositionRow.id))).scalars())


async def record_feedback_of(session: AsyncSession, contact_id: int, feedback: int) -> None:
    """What a person said of the last conversation they had with one of us."""
    query = (
        select(DispositionRow)
        .join(ConversationRow, ConversationRow.id == DispositionRow.conversation_id)
        .where(ConversationRow.contact_id == contact_id)
        .order_by(DispositionRow.id.desc())
        .limit(1)
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is not None:
        row.feedback = feedback


def plan_follow_up(session: AsyncSession, conversation_id: int, due: datetime, asked_by: str) -> None:
    """Agree on a message for later."""
    session.add(FollowUpRow(conversation_id=conversation_id, due_at=due, asked_by=asked_by, result=""))


async def due_follow_ups(session: AsyncSession, now: datetime) -> list[DueFollowUp]:
    """Follow-ups whose time has come."""
    query = select(FollowUpRow).where(FollowUpRow.done_at.is_(None), FollowUpRow.due_at <= now)
    rows = (await session.execute(query.order_by(FollowUpRow.due_at).limit(20))).scalars()
    return [DueFollowUp(row.id, row.conversation_id, row.asked_by) for row in rows]


async def settle_follow_up(session: AsyncSession, follow_up_id: int, result: str, now: datetime) -> None:
    """Sent, or not, and why."""
    row = await session.get_one(FollowUpRow, follow_up_id)
    row.done_at, row.result = now, result


async def call_supervisor(
    session: AsyncSession, conversation_id: int, volunteer_id: int, why: str, now: datetime
) -> None:
    """Call for a supervisor; a call that is open already stays one."""
    query = select(HelpCallRow.id).where(
        HelpCallRow.conversation_id == conversation_id, HelpCallRow.answered_at.is_(None), HelpCallRow.why == why
    )
    if (await session.execute(query)).first() is None:
        session.add(HelpCallRow(conversation_id=conversation_id, volunteer_id=volunteer_id, why=why, at=now))
        await session.flush()


async def help_calls(session: AsyncSession) -> list[HelpCall]:
    """Everybody waiting for a supervisor, oldest first."""
    query = select(HelpCallRow).where(HelpCallRow.answered_at.is_(None)).order_by(HelpCallRow.at)
    rows = (await session.execute(query)).scalars()
    return [HelpCall(row.id, row.conversation_id, row.volunteer_id, row.why, row.at, row.alerted_at) for row in rows]


async def mark_called_out(session: AsyncSession, call_id: int, now: datetime) -> None:
    """The supervisors' phones were told."""
    row = await session.get_one(HelpCallRow, call_id)
    row.alerted_at = now


async def answer_calls(session: AsyncSession, conversation_id: int, supervisor_id: int, now: datetime) -> None:
    """A supervisor is there."""
    calls = (HelpCallRow.conversation_id == conversation_id) & HelpCallRow.answered_at.is_(None)
    await session.execute(update(HelpCallRow).where(calls).values(answered_at=now, answered_by=supervisor_id))
