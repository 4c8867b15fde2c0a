"""The outbox: messages from us in strict order per conversation, their attempts, and the receipts that come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.domain.messages import DeliveryStatus, OutboundMessage, Receipt, advance
from bot.store.contacts import address_of
from bot.store.crypto import Keyring
from bot.store.inbox import OpenThread
from bot.store.sealed import open_outbound, seal_outbound
from bot.store.tables import ContactRow, ConversationRow, OutboundRow, ReceiptRow

OUTBOX_LEASE = timedelta(seconds=30)
WAITING_STATES = (DeliveryStatus.QUEUED, DeliveryStatus.RETRYING)


@dataclass(frozen=True, slots=True)
class OutboxClaim:
    """The right to deliver the messages of one conversation."""

    conversation_id: int
    fence: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to hand to a provider now. `address` must not be logged."""

    outbound_id: int
    conversation_id: int
    channel: str
    address: str
    message: OutboundMessage
    attempts: int
    created_at: datetime
    last_inbound_at: datetime
    author: str = "bot"


async def enqueue(
    session: AsyncSession, opened: OpenThread, messages: tuple[OutboundMessage, ...], now: datetime, author: str = "bot"
) -> None:
    """Store the messages of the turn `opened.row.turns`, in their order, each due when its time has come."""
    turn, due = opened.row.turns, now
    await withdraw_scheduled(session, opened.row.id)
    for position, message in enumerate(messages):
        due += timedelta(seconds=message.after)
        session.add(
            OutboundRow(
                conversation_id=opened.row.id,
                channel=opened.contact.channel,
                turn=turn,
                position=position,
                author=author,
                key=message.key,
                body_sealed=seal_outbound(opened.key, message, f"{opened.row.id}/{turn}/{position}"),
                is_urgent=message.urgent,
                status=DeliveryStatus.QUEUED,
                attempts=0,
                due_at=due,
                created_at=now,
            )
        )
    await session.flush()


async def withdraw_scheduled(session: AsyncSession, conversation_id: int) -> None:
    """Give up what was to be said later: whoever writes in the middle of an exercise has ended it."""
    later = and_(
        OutboundRow.conversation_id == conversation_id,
        OutboundRow.status == DeliveryStatus.QUEUED,
        OutboundRow.due_at > OutboundRow.created_at,
    )
    await session.execute(update(OutboundRow).where(later).values(status=DeliveryStatus.WITHDRAWN))


async def claim_outbox(session: AsyncSession, now: datetime) -> OutboxClaim | None:
    """Take the conversation whose next message is due, emergencies first. None when nothing is due."""
    query = (
        select(ConversationRow)
        .join(OutboundRow, OutboundRow.conversation_id == ConversationRow.id)
        .where(
            OutboundRow.status.in_(WAITING_STATES),
            OutboundRow.due_at <= now,
            or_(ConversationRow.outbox_until.is_(None), ConversationRow.outbox_until < now),
        )
        .order_by(OutboundRow.is_urgent.desc(), OutboundRow.due_at, OutboundRow.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=ConversationRow)
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None:
        return None
    row.outbox_until = now + OUTBOX_LEASE
    row.outbox_fence += 1
    return OutboxClaim(row.id, row.outbox_fence)


async def next_delivery(session: AsyncSession, keyring: Keyring, claim: OutboxClaim, now: datetime) -> Delivery | None:
    """The next message of a claimed conversation, or None when none is due now (the claim is then given back).

    A message waiting for its next attempt holds back those behind it, but never urgent ones. A bot's message that is not
    urgent is withdrawn when a volunteer has the conversation by now.
    """
    row = (
        await session.execute(select(ConversationRow).where(ConversationRow.id == claim.conversation_id))
    ).scalar_one()
    if row.outbox_fence != claim.fence:
        return None
    row.outbox_until = now + OUTBOX_LEASE
    waiting = and_(OutboundRow.conversation_id == row.id, OutboundRow.status.in_(WAITING_STATES))
    if Mode(row.mode) is Mode.VOLUNTEER:
        talking_over = and_(waiting, OutboundRow.author == "bot", OutboundRow.is_urgent.is_(False))
        await session.execute(update(OutboundRow).where(talking_over).values(status=DeliveryStatus.WITHDRAWN))
    queue = (await session.execute(select(OutboundRow).where(waiting).order_by(OutboundRow.id))).scalars().all()
    outbound = next(iter(queue), None)
    if outbound is not None and outbound.due_at > now:
        outbound = next((item for item in queue if item.is_urgent and item.due_at <= now), None)
    if outbound is None:
        row.outbox_until = None
        return None
    return await _delivery(session, keyring, row, outbound)


async def _delivery(session: AsyncSession, keyring: Keyring, row: ConversationRow, outbound: OutboundRow) -> Delivery:
    contact = (await session.execute(select(ContactRow).where(ContactRow.id == row.contact_id))).scalar_one()
    return Delivery(
        outbound_id=outbound.id,
        conversation_id=row.id,
        channel=outbound.channel,
        address=address_of(keyring, contact),
        message=open_outbound(keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}"), outbound),
        attempts=outbound.attempts,
        created_at=outbound.created_at,
        last_inbound_at=row.last_inbound_at,
        author=outbound.author,
    )


async def record_accepted(session: AsyncSession, outbound_id: int, external_id: str, now: datetime) -> None:
    """The provider took the message; receipts that came first are applied."""
    row = (
        await session.execute(select(OutboundRow).where(OutboundRow.id == outbound_id).with_for_update())
    ).scalar_one_or_none()
    if row is None:
        # Erased while it was on its way: those behind it must not wait for it.
        return
    row.status = advance(DeliveryStatus(row.status), DeliveryStatus.ACCEPTED)
    row.attempts += 1
    row.external_id = external_id
    row.accepted_at = now
    await session.flush()
    early = select(ReceiptRow).where(ReceiptRow.channel == row.channel, ReceiptRow.external_id == external_id)
    for receipt in (await session.execute(early.order_by(ReceiptRow.id))).scalars().all():
        row.status = advance(DeliveryStatus(row.status), DeliveryStatus(receipt.status))
        row.error_code = receipt.error_code or row.error_code
    await session.execute(
        delete(ReceiptRow).where(ReceiptRow.channel == row.channel, ReceiptRow.external_id == external_id)
    )


async def record_refused(session: AsyncSession, outbound_id: int, code: str, retry_at: datetime | None) -> None:
    """The send failed: tried again at `retry_at`, or for good when that is None."""
    row = (
        await session.execute(select(OutboundRow).where(OutboundRow.id == outbound_id).with_for_update())
    ).scalar_one_or_none()
    if row is None:
        return
    row.attempts += 1
    row.error_code = code
    row.status = advance(DeliveryStatus(row.status), DeliveryStatus.RETRYING if retry_at else DeliveryStatus.FAILED)
    row.due_at = retry_at or row.due_at
    await session.flush()


async def record_contact_gone(session: AsyncSession, conversation_id: int) -> None:
    """The person blocked us: nothing more is tried until they write again."""
    waiting = and_(OutboundRow.conversation_id == conversation_id, OutboundRow.status.in_(WAITING_STATES))
    await session.execute(update(OutboundRow).where(waiting).values(status=DeliveryStatus.FAILED, error_code="blocked"))
    contact = select(ConversationRow.contact_id).where(ConversationRow.id == conversation_id).scalar_subquery()
    await session.execute(update(ContactRow).where(ContactRow.id == contact).values(is_reachable=False))


async def record_receipt(session: AsyncSession, receipt: Receipt, now: datetime) -> None:
    """Delivery news, applied if the message is known by the provider's id, kept for it otherwise."""
    query = select(OutboundRow).where(
        OutboundRow.channel == receipt.channel, OutboundRow.external_id == receipt.external_id
    )
    row = (await session.execute(query.with_for_update())).scalars().first()
    if row is None:
        session.add(
            ReceiptRow(
                channel=receipt.channel,
                external_id=receipt.external_id,
                status=receipt.status,
                error_code=receipt.error_code,
                received_at=now,
            )
        )
        return
    row.status = advance(DeliveryStatus(row.status), receipt.status)
    row.error_code = receipt.error_code or row.error_code


async def next_due(session: AsyncSession) -> datetime | None:
    """When the next message of a free conversation is due."""
    query = (
        select(OutboundRow.due_at)
        .join(ConversationRow, ConversationRow.id == OutboundRow.conversation_id)
        .where(OutboundRow.status.in_(WAITING_STATES), ConversationRow.outbox_until.is_(None))
    )
    return (await session.execute(query.order_by(OutboundRow.due_at).limit(1))).scalar_one_or_none()
