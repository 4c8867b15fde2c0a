"""Delivery: due messages go to the providers in order, with retries; receipts come back."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import structlog

from bot.domain.messages import Receipt, SendError, Sent
from bot.flows.helpline import Helpline
from bot.flows.limits import Limits
from bot.store import outbox
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
    while True:
        async with helpline.database.write() as session:
            delivery = await outbox.next_delivery(session, helpline.keyring, claim, helpline.clock())
        if delivery is None:
            return
        await limits.wait(delivery.channel, delivery.address)
        await _send(helpline, limits, delivery)


async def _send(helpline: Helpline, limits: Limits, delivery: Delivery) -> None:
    result = await helpline.channels[delivery.channel].send(delivery.address, delivery.message)
    now = helpline.clock()
    async with helpline.database.write() as session:
        if isinstance(result, Sent):
            await outbox.record_accepted(session, delivery.outbound_id, result.external_id, now)
            return
        retry_at = next_attempt(result, delivery.attempts + 1, now)
        await outbox.record_refused(session, delivery.outbound_id, result.code, retry_at)
        if result.contact_gone:
            await outbox.record_contact_gone(session, delivery.conversation_id)
    if result.retry_after:
        limits.pause(delivery.channel, delivery.address, result.retry_after)
    _log.warning(
        "send refused",
        channel=delivery.channel,
        code=result.code,
        outbound=delivery.outbound_id,
        again=retry_at is not None,
    )


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
