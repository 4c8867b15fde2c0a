"""What is to be deleted at the providers: asked for when words go, tried by upkeep, best effort, and recorded (P15, R24)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.messages import DeliveryStatus, InboundKind
from bot.store.contacts import address_of
from bot.store.crypto import Keyring, TamperedError
from bot.store.tables import ContactRow, ConversationRow, InboundRow, OutboundRow
from bot.store.tables_accounts import DeletionRow

ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=30)
LOOK_BACK = timedelta(days=2)
SETTLED = timedelta(minutes=2)
UNDELIVERED = timedelta(hours=6)
BATCH = 200
MEDIA_OF = "media:"
"""Before a message's id: what it carried is to be deleted, unseen."""
MEDIA = frozenset(kind.value for kind in InboundKind if not kind.is_words)
CHANNELS = ("telegram", "whatsapp")


@dataclass(frozen=True, slots=True)
class Deletion:
    """One message to delete at a provider. `address` must not be logged; empty where the provider needs none."""

    id: int
    channel: str
    external_id: str
    address: str
    attempts: int


async def ask_for_conversation(
    session: AsyncSession, row: ConversationRow, now: datetime, telegram_since: datetime
) -> int:
    """Ask for every message of a conversation, both ways; at Telegram only those it still lets us delete."""
    inbound = select(InboundRow.channel, InboundRow.external_id, InboundRow.received_at)
    outbound = select(OutboundRow.channel, OutboundRow.external_id, OutboundRow.accepted_at)
    found = [
        *(await session.execute(inbound.where(InboundRow.conversation_id == row.id))).all(),
        *(await session.execute(outbound.where(OutboundRow.conversation_id == row.id))).all(),
    ]
    count = 0
    for channel, external_id, at in found:
        if external_id is None or at is None or external_id.startswith("sha256:"):
            continue
        if channel == "telegram" and at < telegram_since:
            continue
        count += await ask(session, channel, external_id, row.contact_id, now)
    return count


async def ask(session: AsyncSession, channel: str, external_id: str, contact_id: int | None, due: datetime) -> int:
    """Ask for one message, once; 1 if it was new."""
    if channel == "telegram":
        # Taken in, a Telegram message is `update.message` and may have been tapped on twice: the message is what counts.
        external_id = f"{contact_id}/{external_id.rpartition('.')[2]}"
    known = select(DeletionRow.id).where(DeletionRow.channel == channel, DeletionRow.external_id == external_id)
    if channel not in CHANNELS or (await session.execute(known)).first() is not None:
        return 0
    session.add(DeletionRow(contact_id=contact_id, channel=channel, external_id=external_id, due_at=due, attempts=0))
    await session.flush()
    return 1


async def due(session: AsyncSession, keyring: Keyring, now: datetime, count: int = 50) -> tuple[Deletion, ...]:
    """What is to be tried now, oldest first."""
    query = (
        select(DeletionRow, ContactRow)
        .outerjoin(ContactRow, ContactRow.id == DeletionRow.contact_id)
        .where(DeletionRow.done_at.is_(None), DeletionRow.due_at <= now)
        .order_by(DeletionRow.due_at, DeletionRow.id)
        .limit(count)
    )
    return tuple(
        Deletion(row.id, row.channel, _provider_id(row), _address(keyring, contact), row.attempts)
        for row, contact in (await session.execute(query)).all()
    )


async def record(session: AsyncSession, deletion_id: int, outcome: str, now: datetime, *, is_final: bool) -> None:
    """How it went; tried again later unless that was final or the last attempt."""
    row = await session.get_one(DeletionRow, deletion_id)
    row.attempts += 1
    row.outcome = outcome[:40]
    if is_final or row.attempts >= ATTEMPTS:
        row.done_at = now
    else:
        row.due_at = now + FIRST_RETRY * 2**row.attempts


async def ask_processed(session: AsyncSession, now: datetime) -> int:
    """WhatsApp messages we are done with: answered, or delivered as far as they will be. Words first, media beside them."""
    since = now - LOOK_BACK
    answered = select(InboundRow.external_id, InboundRow.kind, ConversationRow.contact_id).join(ConversationRow)
    answered = answered.where(
        InboundRow.channel == "whatsapp", InboundRow.received_at > since, InboundRow.answered_at <= now - SETTLED
    )
    sent = select(OutboundRow.external_id, OutboundRow.author, ConversationRow.contact_id).join(ConversationRow)
    sent = sent.where(
        OutboundRow.channel == "whatsapp",
        OutboundRow.accepted_at > since,
        (OutboundRow.status >= DeliveryStatus.DELIVERED) | (OutboundRow.accepted_at <= now - UNDELIVERED),
    )
    count = 0
    for row_of, id_of in ((answered, InboundRow.external_id), (sent, OutboundRow.external_id)):
        known = exists().where(DeletionRow.channel == "whatsapp", DeletionRow.external_id == id_of)
        for external_id, kind, contact_id in (await session.execute(row_of.where(~known).limit(BATCH))).all():
            if external_id is None or external_id.startswith("sha256:"):
                continue
            if kind in MEDIA:
                count += await ask(session, "whatsapp", f"{MEDIA_OF}{external_id}", contact_id, now)
            count += await ask(session, "whatsapp", external_id, contact_id, now)
    return count


def _provider_id(row: DeletionRow) -> str:
    return row.external_id.rpartition("/")[2] if row.channel == "telegram" else row.external_id


def _address(keyring: Keyring, contact: ContactRow | None) -> str:
    if contact is None or not contact.address_sealed:
        return ""
    try:
        return address_of(keyring, contact)
    except TamperedError:
        return ""
