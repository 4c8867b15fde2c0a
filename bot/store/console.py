"""What the console's lists read: the queue, who holds whom, what is to review, and what changed lately. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.domain.risk import RiskLevel
from bot.store.crypto import Keyring
from bot.store.sealed import open_inbound
from bot.store.tables import ActionRow, ContactRow, ConversationRow, EscalationRow, InboundRow, OutboundRow
from bot.store.tables_people import DispositionRow

QUEUE_SHOWN = 60
"""So many people of the queue are shown at first; nobody chooses among more. All of them on request."""
QUEUE_MOST = 500


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


async def queue(session: AsyncSession, keyring: Keyring, most: int = QUEUE_SHOWN) -> list[Card]:
    """Who waits, the gravest first, those who come back before the others."""
    query = (
        select(EscalationRow, ConversationRow, ContactRow)
        .join(ConversationRow, ConversationRow.id == EscalationRow.conversation_id)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(EscalationRow.closed_at.is_(None), ConversationRow.mode == Mode.WAITING)
        .order_by(EscalationRow.risk.desc(), EscalationRow.is_back.desc(), EscalationRow.waiting_since)
        .limit(most)
    )
    rows = (await session.execute(query)).all()
    worst = await worst_of(session, [row.id for _, row, _ in rows])
    cards = []
    for waiting, row, contact in rows:
        cards.append(card_of(keyring, row, contact, worst.get(row.id), waiting))
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
    worst = await worst_of(session, [row.id for row, _ in rows])
    return [card_of(keyring, row, contact, worst.get(row.id), None) for row, contact in rows]


async def fresh(session: AsyncSession, ids: list[int]) -> dict[int, int]:
    """How many messages each person wrote since somebody of the team last answered them."""
    if not ids:
        return {}
    answered = (
        select(OutboundRow.conversation_id, func.max(OutboundRow.created_at).label("at"))
        .where(OutboundRow.conversation_id.in_(ids), OutboundRow.author.in_(("volunteer", "system")))
        .group_by(OutboundRow.conversation_id)
        .subquery()
    )
    query = (
        select(InboundRow.conversation_id, func.count())
        .join(answered, answered.c.conversation_id == InboundRow.conversation_id)
        .where(InboundRow.received_at > answered.c.at)
        .group_by(InboundRow.conversation_id)
    )
    return {row[0]: row[1] for row in (await session.execute(query)).all()}


async def worst_of(session: AsyncSession, ids: list[int]) -> dict[int, InboundRow]:
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


def card_of(
    keyring: Keyring,
    row: ConversationRow,
    contact: ContactRow,
    worst: InboundRow | None,
    waiting: EscalationRow | None,
) -> Card:
    """A conversation as a list shows it."""
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
    worst = await worst_of(session, [row.id for row, _ in rows])
    return [card_of(keyring, row, contact, worst.get(row.id), None) for row, contact in rows]


async def ended_since(session: AsyncSession, since: datetime) -> dict[str, int]:
    """How conversations with volunteers ended, counted."""
    query = select(DispositionRow.outcome, func.count()).where(DispositionRow.at > since)
    rows = (await session.execute(query.group_by(DispositionRow.outcome))).all()
    return {row[0]: row[1] for row in rows}


async def count_by_risk(session: AsyncSession) -> dict[RiskLevel, int]:
    """How many wait at each risk, the gravest first."""
    query = (
        select(EscalationRow.risk, func.count())
        .join(ConversationRow, ConversationRow.id == EscalationRow.conversation_id)
        .where(EscalationRow.closed_at.is_(None), ConversationRow.mode == Mode.WAITING)
        .group_by(EscalationRow.risk)
    )
    found = {row[0]: row[1] for row in (await session.execute(query)).all()}
    return {risk: found.get(int(risk), 0) for risk in reversed(RiskLevel)}


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
