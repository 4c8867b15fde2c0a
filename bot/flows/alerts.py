"""Alerts on volunteers' own Telegram, for who asked for them: how many wait, how grave, in which language, never a word.

Unanswered ones climb: who is on duty, then the next on the rota, then the supervisors.
"""

from __future__ import annotations

import re
from datetime import datetime

import structlog

from bot.domain.handover import PATIENCE
from bot.domain.messages import InboundMessage, OutboundMessage, Sent
from bot.domain.risk import RiskLevel
from bot.domain.services import UNDERSTOOD
from bot.flows import shifts
from bot.flows.helpline import Helpline
from bot.store import alerts as rows
from bot.store import casework, delivery_alerts, handover
from bot.store.alerts import Recipient, Unanswered
from bot.store.casework import HelpCall
from bot.store.delivery_alerts import NotReached

MOST_TOLD = 3
"""So often people of ours hear that somebody in danger is not reached: on duty, everybody with the language, supervisors."""
REQUIRED_KEYS = ("utter_people_alert_undelivered",)
_CODE = re.compile(r"alert-[0-9a-f]{16}")
_log = structlog.get_logger(__name__)


async def climb(helpline: Helpline, waiting: list[Unanswered]) -> None:
    """Alert who is on duty, then the next on the rota, then the supervisors; never a word of content.

    A step that reaches nobody who asked for alerts is widened to everybody who speaks the language. However many wait,
    each phone rings once a round, for the gravest of those it rings for.
    """
    now = helpline.clock()
    rota = await shifts.rota(helpline)
    is_open, upcoming = rota.status(now).is_open, rota.next_on(now)
    due = [person for person in waiting if _is_due(person, now, is_open=is_open)]
    if not due:
        return
    next_id = upcoming.volunteer_id if upcoming is not None else None
    everyone = await _recipients(helpline)
    rings: dict[int, Unanswered] = {}
    for person in sorted(due, key=lambda one: (-one.risk, one.waiting_since)):
        for one in _chosen(everyone, person, next_id, is_open=is_open):
            rings.setdefault(one.volunteer_id, person)
    async with helpline.database.write() as session:
        for person in due:
            await rows.mark_alerted(session, person.escalation_id, now)
            handover.record(session, person.conversation_id, now, "system", "alerted", f"step{person.alerts + 1}")
    for one in everyone:
        if (gravest := rings.get(one.volunteer_id)) is not None:
            kind = max(gravest.risk, RiskLevel.CONCERN).word
            await _send(helpline, [one], kind, len(waiting), gravest.language)


def _is_due(person: Unanswered, now: datetime, *, is_open: bool) -> bool:
    """Whether the next step of their climb is due. At night only danger rings."""
    if person.alerts >= 3 or (person.alerted_at is not None and now - person.alerted_at < PATIENCE[person.risk]):
        return False
    return is_open or person.risk >= RiskLevel.HIGH


def _chosen(everyone: list[Recipient], person: Unanswered, next_id: int | None, *, is_open: bool) -> list[Recipient]:
    """Whom this step of the climb reaches. With nobody on duty it begins with the supervisors."""
    supervisors = [one for one in everyone if one.role == "supervisor"]
    if person.alerts >= 2 or not is_open:
        return supervisors
    speaking = [one for one in everyone if _speaks(one, person.language)]
    if person.alerts == 0:
        return [one for one in speaking if one.is_on_duty] or speaking
    return [one for one in everyone if one.volunteer_id == next_id and not one.is_on_duty] or speaking


def _speaks(one: Recipient, language: str) -> bool:
    return not one.languages or not UNDERSTOOD.get(language, {language}).isdisjoint(one.languages)


async def call_out(helpline: Helpline, call: HelpCall) -> None:
    """A volunteer called and no supervisor has come: once, on the supervisors' own phones."""
    now = helpline.clock()
    if call.alerted_at is not None or call.why == "silent":
        return
    async with helpline.database.write() as session:
        await casework.mark_called_out(session, call.id, now)
    await tell_supervisors(helpline, "call", "")


async def tell_supervisors(helpline: Helpline, kind: str, language: str) -> None:
    """What only they can mend: somebody went silent, somebody calls."""
    chosen = [one for one in await _recipients(helpline) if one.role == "supervisor"]
    await _send(helpline, chosen, kind, 1, language)


async def tell_of(helpline: Helpline, lost: NotReached, count: int) -> None:
    """A message did not reach somebody in danger: who is on duty and the supervisors hear it, then everybody."""
    now = helpline.clock()
    if lost.told_at is not None and now - lost.told_at < PATIENCE[max(lost.risk, RiskLevel.HIGH)]:
        return
    everyone = await _recipients(helpline)
    chosen = [one for one in everyone if one.role == "supervisor" or one.is_on_duty or lost.times_told > 0]
    if not chosen or not await _send(helpline, chosen, "undelivered", count, lost.language):
        # Nobody of ours could be told either: the note stays as it was, for the next round and for the console.
        return
    async with helpline.database.write() as session:
        await delivery_alerts.mark_told(session, lost.id, now)
        handover.record(session, lost.conversation_id, now, "system", "alerted", "undelivered")


async def _recipients(helpline: Helpline) -> list[Recipient]:
    async with helpline.database.read() as session:
        return await rows.recipients(session, helpline.keyring)


async def _send(helpline: Helpline, chosen: list[Recipient], kind: str, count: int, language: str) -> int:
    """Alert people of ours; how many could be told."""
    channel, told = helpline.channels.get("telegram"), 0
    if channel is None:
        return told
    for one in chosen:
        said = helpline.words.say(f"utter_people_alert_{kind}", one.language)
        text = said.text.replace("{count}", str(count)).replace("{language}", language)
        result = await channel.send(one.chat, OutboundMessage(text))
        told += isinstance(result, Sent)
        _log.info("alert sent", volunteer=one.volunteer_id, kind=kind, result=type(result).__name__)
    return told


async def enrol(helpline: Helpline, message: InboundMessage) -> bool:
    """A volunteer sends the code of the console from the chat where alerts shall come: it is not a person in need."""
    if message.channel != "telegram" or not _CODE.fullmatch(message.text.strip()):
        return False
    async with helpline.database.write() as session:
        row = await rows.enrol(session, helpline.keyring, message.text.strip(), message.address, helpline.clock())
    if row is None:
        return False
    language = "en" if row.languages and "fr" not in row.languages else "fr"
    await helpline.channels["telegram"].send(message.address, helpline.words.say("utter_people_alerts_on", language))
    return True
