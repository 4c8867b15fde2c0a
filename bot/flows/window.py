"""WhatsApp's window at work: what comes too late waits for the person, whom an approved, neutral template asks to write.

Never a free word after the window; the words of the template stand in responses/ as they are approved at the provider.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.dialogue.content import SPOKEN
from bot.domain.accounts import Account, Role
from bot.domain.conversations import Mode
from bot.domain.handover import WINDOWED, Refusal
from bot.domain.messages import OutboundMessage
from bot.domain.window import is_closed, window_left
from bot.flows.helpline import Helpline
from bot.flows.passage import speak
from bot.flows.waiting import wording
from bot.store import handover, parked
from bot.store.inbox import OpenThread
from bot.store.outbox import Delivery

TEMPLATE = "utter_window_write_back"
CODE = "window"
"""The code of a message that we did not even try to send."""
REQUIRED_KEYS = (TEMPLATE,)
_log = structlog.get_logger(__name__)


def may_go(delivery: Delivery, now: datetime) -> bool:
    """Whether a message may be handed to the provider now, by the row of the person's last message."""
    return delivery.message.key == TEMPLATE or not is_closed(delivery.channel, delivery.last_inbound_at, now)


def dressed(helpline: Helpline, delivery: Delivery, now: datetime) -> OutboundMessage:
    """A message as it is handed over: a template by its approved id, free words with no more time than the window has."""
    message = delivery.message
    if message.key == TEMPLATE:
        return replace(message, content_sid=content_sid(helpline, delivery.language))
    if delivery.channel in WINDOWED:
        return replace(message, valid_for=int(window_left(delivery.last_inbound_at, now).total_seconds()))
    return message


def content_sid(helpline: Helpline, language: str) -> str:
    """The approved template for a language, or for French; empty when none is configured."""
    templates = helpline.templates
    return templates.get(SPOKEN.get(language, language), "") or templates.get("fr", "")


def has_template(helpline: Helpline, channel: str, language: str) -> bool:
    """Whether there is a template that asks somebody on this channel to write again."""
    return channel in WINDOWED and bool(content_sid(helpline, language))


async def park(helpline: Helpline, session: AsyncSession, delivery: Delivery, code: str, now: datetime) -> None:
    """Let a message wait for the person; ask them once to write, when it is more than small talk."""
    await parked.park(session, delivery.outbound_id, code)
    _log.info("message waits for the person", outbound=delivery.outbound_id, code=code)
    if delivery.is_to_danger or delivery.author != "bot":
        opened = await handover.lock(session, helpline.keyring, delivery.conversation_id)
        if opened is not None:
            await _ask(helpline, session, opened, now)


async def _ask(helpline: Helpline, session: AsyncSession, opened: OpenThread, now: datetime) -> Refusal | None:
    contact = opened.contact
    if contact.stopped_at is not None or not contact.is_reachable:
        return Refusal.NOT_REACHABLE
    if not content_sid(helpline, opened.row.language):
        return Refusal.NO_TEMPLATE
    if await parked.is_asked(session, opened, TEMPLATE):
        return Refusal.ALREADY_ASKED
    await speak(helpline, session, opened, (wording(helpline, opened, now).say(TEMPLATE),), now)
    return None


async def reopen(helpline: Helpline, conversation_id: int, volunteer: Account) -> Refusal | None:
    """A volunteer asks the person, by the template, to write again; None when it is on its way, or the window is open."""
    async with helpline.database.write() as session:
        opened = await handover.lock(session, helpline.keyring, conversation_id)
        if opened is None or not _may_ask(opened, volunteer):
            return Refusal.NOT_YOURS
        now = helpline.clock()
        if not is_closed(opened.contact.channel, opened.contact.last_inbound_at, now):
            return None
        refusal = await _ask(helpline, session, opened, now)
        if refusal is None:
            handover.record(session, conversation_id, now, f"account:{volunteer.id}", "reopened", "template")
    helpline.outbox_changed.ring()
    return refusal


def _may_ask(opened: OpenThread, volunteer: Account) -> bool:
    is_theirs = Mode(opened.row.mode) is Mode.VOLUNTEER and opened.row.volunteer_id == volunteer.id
    return is_theirs or volunteer.role is Role.SUPERVISOR
