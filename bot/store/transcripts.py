"""What was written in the conversations of one contact, in order, for the pages that may show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.messages import DeliveryStatus, QuickReply
from bot.store import casework, reports
from bot.store.crypto import Keyring
from bot.store.sealed import open_inbound, open_outbound
from bot.store.tables import ContactRow, ConversationRow, InboundRow, OutboundRow

SHOWN = 200
NOTE, REPORT = "note", "report"
"""The keys of lines that were noted about the person, or written down with them, and not said to them."""

UNTOLD = frozenset({"alert", "whisper"})
"""Notes that are given on request by the data protection officer only: an alert's facts, a supervisor's advice about it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a transcript; `is_ours` tells the direction."""

    id: str
    is_ours: bool
    text: str
    quick_replies: tuple[QuickReply, ...]
    status: DeliveryStatus | None
    risk: int
    at: datetime
    key: str = ""


async def of_address(session: AsyncSession, keyring: Keyring, channel: str, address: str) -> tuple[Line, ...]:
    """The newest lines of everything exchanged with an address, oldest first; only messages handed to the provider."""
    hashes = keyring.lookup_hashes(channel, address)
    query = (
        select(ConversationRow)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(ContactRow.channel == channel, ContactRow.address_hash.in_(hashes))
        .order_by(ConversationRow.id)
    )
    lines: list[Line] = []
    for row in (await session.execute(query)).scalars():
        lines += await _of_conversation(session, keyring, row)
    return tuple(lines[-SHOWN:])


async def of_contact(session: AsyncSession, keyring: Keyring, contact_id: int) -> tuple[Line, ...]:
    """Everything exchanged with a contact and noted about them, oldest first, for their own right of access (P12, P28)."""
    query = select(ConversationRow).where(ConversationRow.contact_id == contact_id).order_by(ConversationRow.id)
    lines: list[Line] = []
    for row in (await session.execute(query)).scalars():
        lines += await _of_conversation(session, keyring, row)
        key = keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}")
        written = await casework.notes(session, key, row.id)
        # What is weighed for an authority stays out: who asks may be whoever took the phone from a child.
        told = [note for note in written if note.kind not in UNTOLD]
        lines += [Line("", True, note.text, (), None, 0, note.at, NOTE) for note in told]
        stored = await reports.of_conversation(session, key, row.id)
        if stored is not None and not stored.report.is_empty:
            lines.append(Line("", True, stored.report.text, (), None, 0, stored.touched_at, REPORT))
    return tuple(sorted(lines, key=lambda line: line.at))


async def _of_conversation(session: AsyncSession, keyring: Keyring, row: ConversationRow) -> list[Line]:
    key = keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}")
    lines: list[Line] = []
    inbound = select(InboundRow).where(InboundRow.conversation_id == row.id)
    for item in (await session.execute(inbound)).scalars():
        message = open_inbound(key, item)
        lines.append(Line(f"i{item.id}", False, message.text or message.payload, (), None, item.risk, item.received_at))
    outbound = select(OutboundRow).where(OutboundRow.conversation_id == row.id)
    for sent in (await session.execute(outbound)).scalars():
        status = DeliveryStatus(sent.status)
        if sent.accepted_at is None:
            continue
        body = open_outbound(key, sent)
        lines.append(Line(f"o{sent.id}", True, body.text, body.quick_replies, status, 0, sent.accepted_at, sent.key))
    return sorted(lines, key=lambda line: line.at)
