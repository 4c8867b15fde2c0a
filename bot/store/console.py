"""What the console's pages read: the queue, a conversation with its whole transcript, the board. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.domain.messages import DeliveryStatus
from bot.domain.risk import Reason, RiskLevel
from bot.store import casework
from bot.store.casework import Note
from bot.store.crypto import Keyring
from bot.store.sealed import open_inbound, open_outbound
from bot.store.tables import ActionRow, ContactRow, ConversationRow, EscalationRow, InboundRow, OutboundRow
from bot.store.tables_people import DispositionRow, VolunteerRow

SHOWN = 200
QUEUE_SHOWN = 200
PASSAGE = frozenset({Mode.WAITING.value, Mode.VOLUNTEER.value, Mode.BOT.value, Mode.CLOSED.value})


@dataclass(frozen=True, slots=True)
class Card:
    """A conversation in a list: who, how urgent and why, since when. `quote` is the sentence that raised it."""

    id: int
    alias: str
    channel: str
    language: str
    country: str
    age_band: str | None
    risk: RiskLevel
    since: datetime
    reason: str
    rule: str
    quote: str
    choice: str
    is_back: bool
    volunteer_id: int | None
    last_inbound_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript: `who` is contact, bot, system, volunteer, or action (then `text` is its code)."""

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
class View:
    """A conversation as a page shows it."""

    card: Card
    mode: Mode
    version: int
    risk_since: datetime | None
    is_reachable: bool
    lines: tuple[Line, ...]
    reasons: tuple[tuple[str, Reason], ...]
    said: tuple[str, ...]
    notes: tuple[Note, ...]
    draft: str
    earlier: tuple[tuple[int, datetime, RiskLevel], ...]


async def queue(session: AsyncSession, keyring: Keyring) -> list[Card]:
    """Everybody who waits, the gravest first, those who come back before the others."""
    query = (
        select(EscalationRow, ConversationRow, ContactRow)
        .join(ConversationRow, ConversationRow.id == EscalationRow.conversation_id)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(EscalationRow.closed_at.is_(None), ConversationRow.mode == Mode.WAITING)
        .order_by(EscalationRow.risk.desc(), EscalationRow.is_back.desc(), EscalationRow.waiting_since)
        .limit(QUEUE_SHOWN)
    )
    rows = (await session.execute(query)).all()
    worst = await _worst(session, [row.id for _, row, _ in rows])
    cards = []
    for waiting, row, contact in rows:
        cards.append(_card(keyring, row, contact, worst.get(row.id), waiting))
    return cards


async def held_by(session: AsyncSession, keyring: Keyring, volunteer_id: int | None = None) -> list[Card]:
    """The conversations a volunteer holds; everybody's when None."""
    query = (
        select(ConversationRow, ContactRow)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(ConversationRow.mode == Mode.VOLUNTEER)
        .order_by(ConversationRow.risk.desc(), ConversationRow.id)
    )
    if volunteer_id is not None:
        query = query.where(ConversationRow.volunteer_id == volunteer_id)
    rows = (await session.execute(query)).all()
    worst = await _worst(session, [row.id for row, _ in rows])
    return [_card(keyring, row, contact, worst.get(row.id), None) for row, contact in rows]


async def _worst(session: AsyncSession, ids: list[int]) -> dict[int, InboundRow]:
    """The newest of the gravest messages of each conversation."""
    if not ids:
        return {}
    ranked = select(
        InboundRow.id,
        func.row_number()
        .over(partition_by=InboundRow.conversation_id, order_by=(InboundRow.risk.desc(), InboundRow.id.desc()))
        .label("place"),
    ).where(InboundRow.conversation_id.in_(ids), InboundRow.risk > 0)
    first = ranked.subquery()
    query = select(InboundRow).join(first, first.c.id == InboundRow.id).where(first.c.place == 1)
    return {row.conversation_id: row for row in (await session.execute(query)).scalars()}


def _card(
    keyring: Keyring,
    row: ConversationRow,
    contact: ContactRow,
    worst: InboundRow | None,
    waiting: EscalationRow | None,
) -> Card:
    quote, rule = "", ""
    if worst is not None:
        message = open_inbound(keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}"), worst)
        reasons = sorted(message.assessment.reasons, key=lambda one: -one.risk)
        rule = reasons[0].rule if reasons else ""
        quote = message.text[:160]
    return Card(
        id=row.id,
        alias=contact.alias,
        channel=contact.channel,
        language=row.language,
        country=contact.country,
        age_band=contact.age_band,
        risk=RiskLevel(max(row.risk, waiting.risk if waiting else 0)),
        since=waiting.waiting_since if waiting else row.risk_since or row.started_at,
        reason=waiting.reason if waiting else "",
        rule=rule,
        quote=quote,
        choice=waiting.choice if waiting else "",
        is_back=bool(waiting and waiting.is_back),
        volunteer_id=row.volunteer_id,
        last_inbound_at=row.last_inbound_at,
    )


async def view(session: AsyncSession, keyring: Keyring, conversation_id: int, reader_id: int) -> View | None:
    """A conversation with everything a volunteer needs to know; None when there is none."""
    query = (
        select(ConversationRow, ContactRow)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(ConversationRow.id == conversation_id)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    row, contact = found
    key = keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}")
    inbound = select(InboundRow).where(InboundRow.conversation_id == row.id).order_by(InboundRow.id.desc()).limit(SHOWN)
    lines: list[Line] = []
    reasons: list[tuple[str, Reason]] = []
    for item in reversed((await session.execute(inbound)).scalars().all()):
        message = open_inbound(key, item)
        verdict = message.assessment.reasons
        raising = [reason for reason in verdict if reason.risk >= RiskLevel.CONCERN]
        reasons += [(f"i{item.id}", reason) for reason in raising]
        lines.append(
            Line(
                f"i{item.id}",
                "contact",
                message.text,
                item.received_at,
                RiskLevel(item.risk),
                tuple(dict.fromkeys(reason.rule for reason in raising)),
                kind=item.kind,
            )
        )
    said = await _outbound_lines(session, key, row.id, lines)
    lines += await _action_lines(session, row.id)
    waiting_query = select(EscalationRow).where(
        EscalationRow.conversation_id == row.id, EscalationRow.closed_at.is_(None)
    )
    waiting = (await session.execute(waiting_query)).scalars().first()
    worst = (await _worst(session, [row.id])).get(row.id)
    return View(
        card=_card(keyring, row, contact, worst, waiting),
        mode=Mode(row.mode),
        version=row.version,
        risk_since=row.risk_since,
        is_reachable=contact.is_reachable and contact.stopped_at is None,
        lines=tuple(sorted(lines, key=lambda line: line.at)),
        reasons=tuple(sorted(reasons, key=lambda one: -one[1].risk)[:4]),
        said=said,
        notes=tuple(await casework.notes(session, key, row.id)),
        draft=await casework.draft(session, key, row.id, reader_id),
        earlier=await _earlier(session, row),
    )


async def _outbound_lines(session: AsyncSession, key: Any, conversation_id: int, lines: list[Line]) -> tuple[str, ...]:
    query = select(OutboundRow).where(
        OutboundRow.conversation_id == conversation_id, OutboundRow.status != DeliveryStatus.WITHDRAWN
    )
    keys: list[str] = []
    for sent in reversed((await session.execute(query.order_by(OutboundRow.id.desc()).limit(SHOWN))).scalars().all()):
        body = open_outbound(key, sent)
        status = DeliveryStatus(sent.status)
        lines.append(
            Line(
                f"o{sent.id}",
                sent.author,
                body.text,
                sent.accepted_at or sent.created_at,
                status=status,
                error=sent.error_code or "",
            )
        )
        keys.append(sent.key)
    return tuple(dict.fromkeys(keys))


async def _action_lines(session: AsyncSession, conversation_id: int) -> list[Line]:
    """What changed hands, as lines between the messages; who opened what stays in the log."""
    query = select(ActionRow).where(ActionRow.conversation_id == conversation_id).order_by(ActionRow.id)
    found = (await session.execute(query)).scalars()
    shown = PASSAGE | {"escalated", "raised"}
    return [Line(f"a{row.id}", "action", row.action, row.at, kind=row.why) for row in found if row.action in shown]


async def _earlier(session: AsyncSession, row: ConversationRow) -> tuple[tuple[int, datetime, RiskLevel], ...]:
    query = (
        select(ConversationRow.id, ConversationRow.started_at, ConversationRow.risk)
        .where(ConversationRow.contact_id == row.contact_id, ConversationRow.id < row.id)
        .order_by(ConversationRow.id.desc())
        .limit(10)
    )
    return tuple((id_, at, RiskLevel(risk)) for id_, at, risk in (await session.execute(query)).all())


async def names(session: AsyncSession) -> dict[int, str]:
    """Who is who among the volunteers."""
    rows = (await session.execute(select(VolunteerRow.id, VolunteerRow.name))).all()
    return {row[0]: row[1] for row in rows}


async def to_review(session: AsyncSession, keyring: Keyring, now: datetime) -> list[Card]:
    """Every imminent case of the last days that no supervisor has reviewed yet (R25: within 24 h), oldest first."""
    reviewed = select(ActionRow.conversation_id).where(ActionRow.action == "reviewed")
    query = (
        select(ConversationRow, ContactRow)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(
            ConversationRow.risk == RiskLevel.IMMINENT,
            ConversationRow.risk_since > now - timedelta(days=14),
            ConversationRow.id.not_in(reviewed),
        )
        .order_by(ConversationRow.risk_since)
        .limit(100)
    )
    rows = (await session.execute(query)).all()
    worst = await _worst(session, [row.id for row, _ in rows])
    return [_card(keyring, row, contact, worst.get(row.id), None) for row, contact in rows]


async def ended_since(session: AsyncSession, since: datetime) -> dict[str, int]:
    """How conversations with volunteers ended, counted."""
    query = select(DispositionRow.outcome, func.count()).where(DispositionRow.at > since)
    rows = (await session.execute(query.group_by(DispositionRow.outcome))).all()
    return {row[0]: row[1] for row in rows}


Pulse = frozenset[tuple[str, int, int, int]]


async def pulse(session: AsyncSession) -> Pulse:
    """The newest rows that a page may show, with their state: what differs between two readings has changed."""
    found: set[tuple[str, int, int, int]] = set()
    inbound = select(InboundRow.id, InboundRow.conversation_id).order_by(InboundRow.id.desc()).limit(100)
    found |= {("i", id_, conversation, 0) for id_, conversation in (await session.execute(inbound)).all()}
    outbound = select(OutboundRow.id, OutboundRow.conversation_id, OutboundRow.status)
    sent = (await session.execute(outbound.order_by(OutboundRow.id.desc()).limit(200))).all()
    found |= {("o", id_, conversation, status) for id_, conversation, status in sent}
    actions = select(ActionRow.id, ActionRow.conversation_id).order_by(ActionRow.id.desc()).limit(100)
    found |= {("a", id_, conversation, 0) for id_, conversation in (await session.execute(actions)).all()}
    return frozenset(found)
