"""Access on request: everything we hold about a person, in their own conversation, readable (P12, GDPR 15)."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot import i18n
from bot.domain.messages import OutboundMessage
from bot.flows.helpline import Helpline
from bot.store import transcripts
from bot.store.inbox import OpenThread

LONGEST = 3_000
"""Characters a message of the export has at most; the channel splits it further if it must."""


async def export(helpline: Helpline, session: AsyncSession, opened: OpenThread) -> tuple[OutboundMessage, ...]:
    """Every line both ways, oldest first, in as few messages as will do."""
    language, zone = opened.row.language, i18n.time_zone(opened.contact.country)
    lines = await transcripts.of_contact(session, helpline.keyring, opened.contact.id)
    messages: list[OutboundMessage] = []
    text = ""
    for line in lines:
        if not line.text:
            continue
        key = "utter_access_us" if line.is_ours else "utter_access_you"
        key = {transcripts.NOTE: "utter_access_note", transcripts.REPORT: "utter_access_report"}.get(line.key, key)
        at = line.at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        said = helpline.words.say(key, language).text.format(at=at, words=line.text)
        if text and len(text) + len(said) > LONGEST:
            messages.append(OutboundMessage(text, key="utter_access_us"))
            text = ""
        text += ("\n" if text else "") + said
    if text:
        messages.append(OutboundMessage(text, key="utter_access_us"))
    return tuple(messages)
