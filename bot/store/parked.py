"""Messages that a channel takes no more: they wait for the person's next message, then go first and in order."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.messages import DeliveryStatus
from bot.store.crypto import Keyring
from bot.store.inbox import OpenThread
from bot.store.outbox import WAITING_STATES, enqueue
from bot.store.sealed import open_outbound
from bot.store.tables import ConversationRow, OutboundRow

GONE_OUT = (DeliveryStatus.ACCEPTED, DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ)


async def park(session: AsyncSession, outbound_id: int, code: str) -> None:
    """Let a message wait for the person, whatever was tried with it before."""
    row = await session.get_one(OutboundRow, outbound_id)
    row.status, row.error_code, row.external_id = DeliveryStatus.PARKED, code, None
    await session.flush()


async def settle(
    session: AsyncSession, keyring: Keyring, opened: OpenThread, now: datetime, *, is_leaving: bool
) -> None:
    """The person wrote: what waited for them is due now, before anything new; to be called before the answer is queued.

    What waits in an earlier conversation of theirs is said in this one, so that one lane keeps the order. Whoever leaves,
    or said stop, is told nothing of it any more.
    """
    query = (
        select(OutboundRow, ConversationRow)
        .join(ConversationRow, ConversationRow.id == OutboundRow.conversation_id)
        .where(ConversationRow.contact_id == opened.contact.id, OutboundRow.status == DeliveryStatus.PARKED)
        .order_by(OutboundRow.id)
    )
    for row, conversation in (await session.execute(query)).all():
        if is_leaving:
            row.status = DeliveryStatus.WITHDRAWN
            continue
        if row.conversation_id == opened.row.id:
            row.status, row.due_at, row.attempts = DeliveryStatus.QUEUED, now, 0
            continue
        key = keyring.unwrap(conversation.key_wrapped, f"conversations.key:{conversation.contact_id}")
        message = open_outbound(key, row)
        row.status = DeliveryStatus.WITHDRAWN
        opened.row.turns += 1
        await enqueue(session, opened, (message,), now, row.author)
    await session.flush()


async def is_asked(session: AsyncSession, opened: OpenThread, key: str) -> bool:
    """Whether a message of `key` is on its way, or out, since the person last wrote."""
    query = select(OutboundRow.id).where(
        OutboundRow.conversation_id == opened.row.id,
        OutboundRow.key == key,
        OutboundRow.created_at >= opened.contact.last_inbound_at,
        OutboundRow.status.in_((*WAITING_STATES, *GONE_OUT)),
    )
    return (await session.execute(query.limit(1))).first() is not None
