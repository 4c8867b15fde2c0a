"""Where volunteers want to be alerted, and which of those who wait somebody has been alerted about."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.domain.handover import Choice
from bot.domain.risk import RiskLevel
from bot.store.crypto import Keyring
from bot.store.tables import ConversationRow, EscalationRow
from bot.store.tables_accounts import AccountRow
from bot.store.tables_people import VolunteerRow

CODE_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A volunteer who asked for alerts. `chat` must not be logged."""

    volunteer_id: int
    role: str
    language: str
    languages: frozenset[str]
    is_on_duty: bool
    chat: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Somebody who waits, and how often an alert about them has gone out."""

    escalation_id: int
    conversation_id: int
    risk: RiskLevel
    language: str
    waiting_since: datetime
    alerted_at: datetime | None
    alerts: int
    told_at: datetime | None
    choice: str


def place_of_chat(volunteer_id: int) -> str:
    """Where a volunteer's own chat is sealed for."""
    return f"volunteers.alert:{volunteer_id}"


async def new_code(session: AsyncSession, volunteer_id: int, now: datetime) -> str:
    """A code to send to the bot from the chat where the alerts shall come."""
    row = await session.get_one(VolunteerRow, volunteer_id)
    row.alert_code, row.alert_code_until = f"alert-{secrets.token_hex(8)}", now + CODE_LIFE
    return row.alert_code


async def enrol(session: AsyncSession, keyring: Keyring, code: str, chat: str, now: datetime) -> VolunteerRow | None:
    """The volunteer whose code this is, who gets alerts in `chat` from now on."""
    query = select(VolunteerRow).where(VolunteerRow.alert_code == code, VolunteerRow.alert_code_until > now)
    row = (await session.execute(query)).scalar_one_or_none()
    if row is not None:
        row.alert_chat_sealed = keyring.seal_address(chat, place_of_chat(row.id))
        row.alert_code = row.alert_code_until = None
    return row


async def forget(session: AsyncSession, volunteer_id: int) -> None:
    """No more alerts."""
    row = await session.get_one(VolunteerRow, volunteer_id)
    row.alert_chat_sealed = None


async def is_enrolled(session: AsyncSession, volunteer_id: int) -> bool:
    """Whether this volunteer asked for alerts."""
    row = await session.get(VolunteerRow, volunteer_id)
    return row is not None and row.alert_chat_sealed is not None


async def recipients(session: AsyncSession, keyring: Keyring) -> list[Recipient]:
    """Everybody who asked for alerts, except who may no longer sign in."""
    query = (
        select(VolunteerRow)
        .outerjoin(AccountRow, AccountRow.id == VolunteerRow.id)
        .where(VolunteerRow.alert_chat_sealed.is_not(None), AccountRow.disabled_at.is_(None))
    )
    found = []
    for row in (await session.execute(query)).scalars():
        assert row.alert_chat_sealed is not None  # noqa: S101 - the query says so
        chat = keyring.open_address(row.alert_chat_sealed, place_of_chat(row.id))
        languages = [language for language in row.languages.split(",") if language]
        language = "fr" if not languages or "fr" in languages else languages[0]
        is_on_duty = row.on_duty_since is not None
        found.append(Recipient(row.id, row.role, language, frozenset(languages), is_on_duty, chat))
    return found


async def unanswered(session: AsyncSession) -> list[Unanswered]:
    """Everybody who waits for a person now, except who asked to be written to later."""
    query = (
        select(EscalationRow)
        .join(ConversationRow, ConversationRow.id == EscalationRow.conversation_id)
        .where(
            EscalationRow.closed_at.is_(None),
            ConversationRow.mode == Mode.WAITING,
            EscalationRow.choice != Choice.WRITE_BACK,
        )
    )
    return [
        Unanswered(
            row.id,
            row.conversation_id,
            RiskLevel(row.risk),
            row.language,
            row.waiting_since,
            row.alerted_at,
            row.alerts,
            row.told_at,
            row.choice,
        )
        for row in (await session.execute(query)).scalars()
    ]


async def mark_alerted(session: AsyncSession, escalation_id: int, now: datetime) -> None:
    """One alert more."""
    row = await session.get_one(EscalationRow, escalation_id)
    row.alerted_at, row.alerts = now, row.alerts + 1


async def mark_told(session: AsyncSession, escalation_id: int, now: datetime) -> None:
    """The person was told their place again."""
    row = await session.get_one(EscalationRow, escalation_id)
    row.told_at = now
