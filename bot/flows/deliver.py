"""Delivery: due messages go to the providers in order, with retries; receipts come back."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.messages import Receipt, SendError, SendResult, Sent
from bot.flows import paper
from bot.flows.helpline import Helpline
from bot.flows.limits import Limits
from bot.store import handover, outbox, retractions
from bot.store.outbox import Delivery, OutboxClaim

FIRST_RETRY = 1.0
LONGEST_RETRY = 300.0
MAX_ATTEMPTS = 12
"""About half an hour of trying; after that the message is a dead letter."""
_log = structlog.get_logger(__name__)


async def claim_delivery(helpline: Helpline) -> OutboxClaim | None:
    """Take the conversation whose next message is due, emergencies first. None when nothing is due."""
    async with helpline.database.write() as session:
        return await outbox.claim_outbox(session, helpline.clock())


async def deliver(helpline: Helpline, limits: Limits, claim: OutboxClaim) -> None:
    """Deliver everything that is due of a conversation, in order."""
    async with helpline.database.write() as session:
        delivery = await outbox.next_delivery(session, helpline.keyring, claim, helpline.clock())
    if delivery is not None:
        await _retract(helpline, delivery)
    while delivery is not None:
        await limits.wait(delivery.channel, delivery.address, urgent=delivery.message.urgent)
        if await _is_overtaken(helpline, delivery):
            async with helpline.database.write() as session:
                delivery = await outbox.next_delivery(session, helpline.keyring, claim, helpline.clock())
            continue
        result = await paper.send(helpline, delivery)
        async with helpline.database.write() as session:
            await _record(helpline, session, delivery, result)
            following = await outbox.next_delivery(session, helpline.keyring, claim, helpline.clock())
        if isinstance(result, SendError) and result.retry_after:
            limits.pause(delivery.channel, delivery.address, result.retry_after)
        delivery = following


async def _retract(helpline: Helpline, delivery: Delivery) -> None:
    """Somebody left fast: what we may delete goes before anything else is said."""
    async with helpline.database.read() as session:
        asked = await retractions.pending(session, delivery.conversation_id)
    for retraction in asked:
        if await helpline.channels[delivery.channel].retract(delivery.address, retraction.external_ids):
            async with helpline.database.write() as session:
                await retractions.done(session, retraction.id, helpline.clock())


async def _is_overtaken(helpline: Helpline, delivery: Delivery) -> bool:
    """The bot never talks over a volunteer: asked again at the last moment, as the provider's rate may have made us wait."""
    if delivery.message.urgent:
        return False
    async with helpline.database.read() as session:
        return await handover.is_overtaken(session, delivery.conversation_id, delivery.author)


async def _record(helpline: Helpline, session: AsyncSession, delivery: Delivery, result: SendResult) -> None:
    now = helpline.clock()
    if isinstance(result, Sent):
        await outbox.record_accepted(session, delivery.outbound_id, result.external_id, now)
        return
    retry_at = next_attempt(result, delivery.attempts + 1, now)
    _log.warning("send refused", channel=delivery.channel, code=result.code, outbound=delivery.outbound_id)
    await outbox.record_refused(session, delivery.outbound_id, result.code, retry_at)
    if result.contact_gone:
        await outbox.record_contact_gone(session, delivery.conversation_id)


def next_attempt(error: SendError, attempts: int, now: datetime) -> datetime | None:
    """When to try again: exactly after what the provider asked for, otherwise doubling with jitter; None to give up."""
    if not error.retryable or attempts >= MAX_ATTEMPTS:
        return None
    if error.retry_after is not None:
        return now + timedelta(seconds=error.retry_after)
    pause = min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY)
    return now + timedelta(seconds=pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret


async def record_receipt(helpline: Helpline, receipt: Receipt) -> None:
    """Delivery news; it only ever moves a message forward."""
    async with helpline.database.write() as session:
        await outbox.record_receipt(session, receipt, helpline.clock())
