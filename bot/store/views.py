"""What the console's pages read of one conversation: the transcript, the context, what came before it. Reads only.

`enter` comes first: the page judges by it whether its reader may see the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.domain.handover import window_until
from bot.domain.messages import DeliveryStatus
from bot.domain.risk import Reason, RiskLevel
from bot.store import casework, decisions
from bot.store.casework import Note
from bot.store.console import Card, card_of, worst_of
from bot.store.crypto import DataKey, Keyring
from bot.store.decisions import Decision
from bot.store.sealed import open_inbound, open_outbound
from bot.store.tables import ActionRow, ContactRow, ConversationRow, EscalationRow, InboundRow, OutboundRow

SHOWN = 200
PASSAGE = frozenset({Mode.WAITING.value, Mode.VOLUNTEER.value, Mode.BOT.value, Mode.CLOSED.value})
REOPENING = "utter_window_write_back"
"""The key of the words that ask somebody to write again once WhatsApp's window has closed."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A conversation at hand, before it is known who may read it."""

    row: ConversationRow
    contact: ContactRow
    key: DataKey

    @property
    def mode(self) -> Mode:
        """Who it is with."""
        return Mode(self.row.mode)

    @property
    def volunteer_id(self) -> int | None:
        """Who holds it."""
        return self.row.volunteer_id


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript; `who` is contact, bot, system, volunteer, or action (then `text` is its code)."""

    anchor: str
    who: str
    text: str
    at: datetime
    risk: RiskLevel = RiskLevel.NONE
    rules: tuple[str, ...] = ()
    status: DeliveryStatus | None = None
    error: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything said, in order; what raised the risk, the gravest first; the keys of the words already said."""

    alias: str
    lines: tuple[Line, ...]
    reasons: tuple[tuple[str, Reason], ...]
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands between transcript and answer, and changes while one writes: whispers, decisions, WhatsApp's window.

    `reopened_at`: when the person was last asked to write again, if they have not since.
    """

    id: int
    is_reachable: bool
    window_until: datetime | None
    reopened_at: datetime | None
    whispers: tuple[Note, ...]
    alerts: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A conversation as a page shows it."""

    card: Card
    mode: Mode
    risk_since: datetime | None
    transcript: Transcript
    beside: Beside
    notes: tuple[Note, ...]
    draft: str
    earlier: tuple[tuple[int, datetime, RiskLevel], ...]


async def enter(session: AsyncSession, keyring: Keyring, conversation_id: int) -> Entered | None:
    """A conversation; None when there is none."""
    query = (
        select(ConversationRow, ContactRow)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(ConversationRow.id == conversation_id)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    row, contact = found
    return Entered(row, contact, keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}"))


async def view(session: AsyncSession, keyring: Keyring, entered: Entered, reader_id: int, now: datetime) -> View:
    """Everything a volunteer needs to know."""
    row = entered.row
    waiting_query = select(EscalationRow).where(
        EscalationRow.conversation_id == row.id, EscalationRow.closed_at.is_(None)
    )
    waiting = (await session.execute(waiting_query)).scalars().first()
    worst = (await worst_of(session, [row.id])).get(row.id)
    notes = tuple(await casework.notes(session, entered.key, row.id))
    return View(
        card=card_of(keyring, row, entered.contact, worst, waiting),
        mode=entered.mode,
        risk_since=row.risk_since,
        transcript=await transcript(session, entered),
        beside=await _beside(session, entered, notes, now),
        notes=notes,
        draft=await casework.draft(session, entered.key, row.id, reader_id),
        earlier=await _earlier(session, row),
    )


async def transcript(session: AsyncSession, entered: Entered) -> Transcript:
    """The bot's part, the volunteers' and the person's, with what changed hands between them."""
    row, lines, reasons = entered.row, list[Line](), list[tuple[str, Reason]]()
    inbound = select(InboundRow).where(InboundRow.conversation_id == row.id).order_by(InboundRow.id.desc()).limit(SHOWN)
    for item in reversed((await session.execute(inbound)).scalars().all()):
        message = open_inbound(entered.key, item)
        raising = [reason for reason in message.assessment.reasons if reason.risk >= RiskLevel.CONCERN]
        reasons += [(f"i{item.id}", reason) for reason in raising]
        rules = tuple(dict.fromkeys(reason.rule for reason in raising))
        risk = RiskLevel(item.risk)
        lines.append(
            Line(f"i{item.id}", "contact", message.text, item.received_at, risk, rules, kind=item.kind),
        )
    said = await _outbound_lines(session, entered, lines)
    lines += await _action_lines(session, row.id)
    return Transcript(
        entered.contact.alias,
        tuple(sorted(lines, key=lambda line: line.at)),
        tuple(sorted(reasons, key=lambda one: -one[1].risk)[:4]),
        said,
    )


async def _outbound_lines(session: AsyncSession, entered: Entered, lines: list[Line]) -> tuple[str, ...]:
    query = select(OutboundRow).where(
        OutboundRow.conversation_id == entered.row.id, OutboundRow.status != DeliveryStatus.WITHDRAWN
    )
    keys: list[str] = []
    for sent in reversed((await session.execute(query.order_by(OutboundRow.id.desc()).limit(SHOWN))).scalars().all()):
        text, at = open_outbound(entered.key, sent).text, sent.accepted_at or sent.created_at
        status, error = DeliveryStatus(sent.status), sent.error_code or ""
        lines.append(Line(f"o{sent.id}", sent.author, text, at, status=status, error=error))
        keys.append(sent.key)
    return tuple(dict.fromkeys(keys))


async def _action_lines(session: AsyncSession, conversation_id: int) -> list[Line]:
    """What changed hands, as lines between the messages; who opened what stays in the log."""
    shown = PASSAGE | {"escalated", "raised"}
    query = select(ActionRow).where(ActionRow.conversation_id == conversation_id, ActionRow.action.in_(shown))
    found = (await session.execute(query.order_by(ActionRow.id))).scalars()
    return [Line(f"a{row.id}", "action", row.action, row.at, kind=row.why) for row in found]


async def beside(session: AsyncSession, entered: Entered, now: datetime) -> Beside:
    """What changes while one writes."""
    return await _beside(session, entered, await casework.notes(session, entered.key, entered.row.id), now)


async def _beside(
    session: AsyncSession, entered: Entered, notes: tuple[Note, ...] | list[Note], now: datetime
) -> Beside:
    row, contact = entered.row, entered.contact
    until = window_until(contact.channel, row.last_inbound_at)
    asked = await decisions.of_conversation(session, row.id, now)
    return Beside(
        id=row.id,
        is_reachable=contact.is_reachable and contact.stopped_at is None,
        window_until=until,
        reopened_at=await reopened_at(session, row) if until is not None else None,
        whispers=tuple(note for note in notes if note.kind == "whisper"),
        alerts=tuple(one for one in asked if one.question.kind == "alert"),
    )


async def reopened_at(session: AsyncSession, row: ConversationRow) -> datetime | None:
    """When the person was asked to write again since their last message; None when they were not, or it did not go."""
    query = (
        select(OutboundRow.created_at)
        .where(
            OutboundRow.conversation_id == row.id,
            OutboundRow.key == REOPENING,
            OutboundRow.created_at > row.last_inbound_at,
            OutboundRow.status.not_in((DeliveryStatus.FAILED, DeliveryStatus.WITHDRAWN)),
        )
        .order_by(OutboundRow.id.desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def _earlier(session: AsyncSession, row: ConversationRow) -> tuple[tuple[int, datetime, RiskLevel], ...]:
    query = (
        select(ConversationRow.id, ConversationRow.started_at, ConversationRow.risk)
        .where(ConversationRow.contact_id == row.contact_id, ConversationRow.id < row.id)
        .order_by(ConversationRow.id.desc())
        .limit(10)
    )
    return tuple((id_, at, RiskLevel(risk)) for id_, at, risk in (await session.execute(query)).all())
