"""WhatsApp's closed window: the one click that asks somebody, with an approved template, to write again.

What the volunteer typed stays their draft; free words reach the person once they have written.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.domain.conversations import Mode
from bot.domain.handover import window_until
from bot.domain.messages import OutboundMessage
from bot.flows.helpline import Helpline
from bot.flows.passage import speak
from bot.flows.waiting import wording
from bot.store import handover
from bot.store.views import REOPENING, reopened_at


class ReopenResult(StrEnum):
    """What became of it. Each has words in the console."""

    ASKED = "asked"
    ALREADY = "already"
    WINDOW_OPEN = "window_open"
    NO_TEMPLATE = "no_template"
    NOT_REACHABLE = "not_reachable"
    NOT_YOURS = "not_yours"


def has_template(helpline: Helpline, channel: str, language: str) -> bool:
    """Whether this installation has an approved template for somebody on this channel."""
    return channel in helpline.templates and bool(_template(helpline, channel, language))


async def reopen(helpline: Helpline, conversation_id: int, volunteer_id: int, now: datetime) -> ReopenResult:
    """Ask the person to write again, once for each closed window; only by who holds the conversation."""
    async with helpline.database.write() as session:
        opened = await handover.lock(session, helpline.keyring, conversation_id)
        if opened is None or Mode(opened.row.mode) is not Mode.VOLUNTEER or opened.row.volunteer_id != volunteer_id:
            return ReopenResult.NOT_YOURS
        contact = opened.contact
        if not contact.is_reachable or contact.stopped_at is not None:
            return ReopenResult.NOT_REACHABLE
        until = window_until(contact.channel, opened.row.last_inbound_at)
        if until is None or until > now:
            return ReopenResult.WINDOW_OPEN
        template = _template(helpline, contact.channel, opened.row.language)
        if not template:
            return ReopenResult.NO_TEMPLATE
        if await reopened_at(session, opened.row) is not None:
            return ReopenResult.ALREADY
        message = _flagged(wording(helpline, opened, now).say(REOPENING), template)
        handover.record(session, conversation_id, now, f"account:{volunteer_id}", "reopening", contact.channel)
        await speak(helpline, session, opened, (message,), now)
    helpline.outbox_changed.ring()
    return ReopenResult.ASKED


def _template(helpline: Helpline, channel: str, language: str) -> str:
    """The provider's name of the template in the person's language; empty when there is none."""
    spoken = "ar" if language == "ary" else language
    return helpline.templates.get(channel, {}).get(spoken, "")


def _flagged(message: OutboundMessage, template: str) -> OutboundMessage:
    """The message as the provider's template: its key says which words it stands for."""
    del template
    return message
