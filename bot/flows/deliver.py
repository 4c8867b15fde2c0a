"""Delivery: due messages go to the providers in order, with retries by error class; receipts come back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.delivery import Action, late_refusal, pause_before, rule_for
from bot.domain.messages import Receipt, SendError, SendResult, Sent
from bot.flows import paper, window
from bot.flows.helpline import Helpline
from bot.flows.limits import Limits
from bot.store import deletions, delivery_alerts, outbox, retractions
from bot.store.outbox import Delivery, Failed, OutboxClaim
from bot.store.retractions import Retraction

ATTEMPTS_BEFORE_ALERT = 4
"""About ten seconds of trying: then people of ours hear that somebody in danger is not reached, while it goes on."""
LONGEST_NAP = 1.0
_log = structlog.get_logger(__name__)


async def claim_delivery(
    helpline: Helpline, *, only_urgent: bool = False, held: Collection[int] = ()
) -> OutboxClaim | None:
    """Take the conversation whose next message is due, none of those `held` here, emergencies first. None when nothing is due."""
    async with helpline.database.write() as session:
        return await outbox.claim_outbox(session, helpline.clock(), only_urgent=only_urgent, held=held)


def _always(_claim: OutboxClaim) -> bool:
    return True


async def deliver(
    helpline: Helpline, limits: Limits, claim: OutboxClaim, may_go_on: Callable[[OutboxClaim], bool] = _always
) -> None:
    """Deliver everything that is due of a conversation, in order; nothing once the claim may be somebody else's."""
    async with helpline.database.write() as session:
        delivery = await _next(helpline, session, claim)
        asked = await retractions.pending(session, claim.conversation_id)
    if delivery is not None and asked:
        await _retract(helpline, delivery, asked)
    while delivery is not None:
        while delivery is not None and await _waited(helpline, limits, delivery):
            # The rate made us wait: a volunteer may have taken over meanwhile, an emergency may be first now.
            has_token = delivery
            async with helpline.database.write() as session:
                delivery = await _next(helpline, session, claim)
            if delivery is not None and delivery.message.urgent == has_token.message.urgent:
                break
        if delivery is None or not may_go_on(claim):
            return
        message = window.dressed(helpline, delivery, helpline.clock())
        result = await paper.send(helpline, replace(delivery, message=message))
        # Before other work: what a provider took and we have not written down would be sent again after a crash.
        async with helpline.database.write(first=True) as session:
            await _record(helpline, session, delivery, result)
            following = await _next(helpline, session, claim)
        if isinstance(result, SendError) and result.retry_after:
            await limits.pause(delivery.channel, str(delivery.contact_id), result.retry_after)
        delivery = following


async def _next(helpline: Helpline, session: AsyncSession, claim: OutboxClaim) -> Delivery | None:
    """The next message that may be sent now; those the channel's window has closed on are put aside."""
    now = helpline.clock()
    while (delivery := await outbox.next_delivery(session, helpline.keyring, claim, now)) is not None:
        if window.may_go(delivery, now):
            return delivery
        await window.park(helpline, session, delivery, window.CODE, now)
        await _alert(session, delivery, window.CODE, now)
    return None


async def _waited(helpline: Helpline, limits: Limits, delivery: Delivery) -> bool:
    """Wait for the provider's rate; whether that took any time. An emergency of the same person cuts it short."""
    urgent = delivery.message.urgent
    seconds = left = await limits.take(delivery.channel, str(delivery.contact_id), urgent=urgent)
    while left > 0:
        nap = min(left, LONGEST_NAP)
        await asyncio.sleep(nap)
        left -= nap
        if left > 0 and not urgent:
            async with helpline.database.read() as session:
                if await outbox.has_urgent(session, delivery.conversation_id, helpline.clock()):
                    return True
    return seconds > 0


async def _retract(helpline: Helpline, delivery: Delivery, asked: tuple[Retraction, ...]) -> None:
    """Somebody left fast: what we may delete goes before anything else is said."""
    for retraction in asked:
        if await helpline.channels[delivery.channel].retract(delivery.address, retraction.external_ids):
            async with helpline.database.write() as session:
                await retractions.done(session, retraction.id, helpline.clock())


async def _record(helpline: Helpline, session: AsyncSession, delivery: Delivery, result: SendResult) -> None:
    now = helpline.clock()
    if isinstance(result, Sent):
        failed = await outbox.record_accepted(session, delivery.outbound_id, result.external_id, now)
        if failed is not None:
            await _failed_later(helpline, session, failed, delivery, now)
        return
    _log.warning("send refused", channel=delivery.channel, code=result.code, outbound=delivery.outbound_id)
    if rule_for(delivery.channel, result.code).action is Action.PARK and delivery.message.key != window.TEMPLATE:
        await window.park(helpline, session, delivery, result.code, now)
        await _alert(session, delivery, result.code, now)
        return
    retry_at = next_attempt(result, delivery.channel, delivery.attempts + 1, now)
    await outbox.record_refused(session, delivery.outbound_id, result.code, retry_at)
    if retry_at is None or delivery.attempts + 1 >= ATTEMPTS_BEFORE_ALERT:
        await _alert(session, delivery, result.code, now)
    if result.contact_gone:
        await outbox.record_contact_gone(session, delivery.conversation_id)


async def _alert(session: AsyncSession, delivery: Delivery, code: str, now: datetime) -> None:
    if delivery.is_to_danger:
        await delivery_alerts.note(session, delivery.conversation_id, delivery.outbound_id, code, now)


def next_attempt(error: SendError, channel: str, attempts: int, now: datetime) -> datetime | None:
    """When to try again: exactly after what the provider asked for, otherwise doubling with jitter; None to give up."""
    pause = pause_before(error, channel, attempts)
    if pause is None:
        return None
    jitter = 1.0 if error.retry_after is not None else random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    return now + timedelta(seconds=pause * jitter)


async def record_receipt(helpline: Helpline, receipt: Receipt) -> None:
    """Delivery news; it only ever moves a message forward, but what failed on the way is tried again where that helps."""
    now = helpline.clock()
    async with helpline.database.write() as session:
        failed = await outbox.record_receipt(session, receipt, now)
        if failed is None:
            return
        delivery = await outbox.delivery_of(session, helpline.keyring, failed.outbound_id)
        await _failed_later(helpline, session, failed, delivery, now)
    helpline.outbox_changed.ring()


async def _failed_later(
    helpline: Helpline, session: AsyncSession, failed: Failed, delivery: Delivery, now: datetime
) -> None:
    """The provider took a message and says later that it did not arrive: the same table decides."""
    _log.warning("not delivered", channel=failed.channel, code=failed.code, outbound=failed.outbound_id)
    if getattr(helpline.channels.get(failed.channel), "deletes_at_twilio", False):
        # We forget this id; the words it names at the provider must not stay there.
        await deletions.ask(session, failed.channel, failed.external_id, delivery.contact_id, now)
    is_template = delivery.message.key == window.TEMPLATE
    if rule_for(failed.channel, failed.code).action is Action.PARK and not is_template:
        await window.park(helpline, session, delivery, failed.code, now)
        await _alert(session, delivery, failed.code, now)
        return
    error = late_refusal(failed.channel, failed.code, failed.attempts)
    retry_at = next_attempt(error, failed.channel, failed.attempts, now)
    if retry_at is not None and await outbox.is_overtaken(session, failed.outbound_id):
        # A newer answer is out: the old one would come out of order, and stays a dead letter.
        retry_at = None
    await outbox.record_failed_later(session, failed.outbound_id, failed.code, retry_at)
    await _alert(session, delivery, failed.code, now)
    if error.contact_gone:
        await outbox.record_contact_gone(session, failed.conversation_id)
