"""Watches over the queue: takes conversations back from volunteers who went silent, climbs alerts, writes when agreed.

Every few seconds, in one process at a time. Nothing here decides about anybody: it only keeps promises and calls people.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.domain.conversations import Mode
from bot.domain.handover import PATIENCE
from bot.domain.messages import InboundMessage, OutboundMessage, Sent
from bot.domain.risk import RiskLevel
from bot.domain.services import UNDERSTOOD
from bot.domain.window import is_closed
from bot.flows import shifts
from bot.flows.helpline import Helpline
from bot.flows.passage import speak
from bot.flows.waiting import place_of, wording
from bot.store import agenda, alerts, casework, delivery_alerts, handover, leases, volunteers
from bot.store.alerts import Recipient, Unanswered
from bot.store.casework import DueFollowUp, HelpCall
from bot.store.delivery_alerts import NotReached
from bot.store.volunteers import Held

EVERY = 4.0
LEASE = timedelta(seconds=20)
TELL_AGAIN = timedelta(minutes=15)
TELL_UNTIL = timedelta(hours=2)
"""The place in the queue is told again this often, and no longer than this: news, not noise."""
MOST_TOLD = 3
"""So often people of ours hear that somebody in danger is not reached: on duty, everybody with the language, supervisors."""
REQUIRED_KEYS = ("utter_people_alert_undelivered",)
_CODE = re.compile(r"alert-[0-9a-f]{16}")
_log = structlog.get_logger(__name__)


class Watch:
    """The loop; `once` is one round of it."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline
        self._holder = secrets.token_hex(8)
        self._held_at: float | None = None

    async def run(self) -> None:
        """Round after round until cancelled; then let another process do it at once."""
        try:
            await self._rounds()
        finally:
            with contextlib.suppress(SQLAlchemyError, OSError):
                async with self._helpline.database.write() as session:
                    await leases.let_go(session, "watch", self._holder, self._helpline.clock())

    async def _rounds(self) -> None:
        while True:
            try:
                if await self._is_ours():
                    async with self._helpline.database.read() as session:
                        is_needed = await agenda.is_anybody_watched(session, self._helpline.clock())
                    if is_needed:
                        await once(self._helpline)
            except (SQLAlchemyError, OSError) as error:
                _log.error("watch interrupted", error=type(error).__name__)
            await asyncio.sleep(EVERY)

    async def _is_ours(self) -> bool:
        """Whether we watch; the lease is renewed a few times in its life, not every round."""
        now = asyncio.get_running_loop().time()
        if self._held_at is None or now - self._held_at > LEASE.total_seconds() / 4:
            async with self._helpline.database.write() as session:
                mine = await leases.hold(session, "watch", self._holder, self._helpline.clock(), LEASE)
            self._held_at = now if mine is not None else None
        return self._held_at is not None


async def once(helpline: Helpline) -> None:
    """One round."""
    await shifts.rota(helpline)
    now = helpline.clock()
    async with helpline.database.read() as session:
        silent = await volunteers.silent(session, now)
        due = await casework.due_follow_ups(session, now)
        waiting = await alerts.unanswered(session)
        lost = await delivery_alerts.not_reached(session, now, MOST_TOLD)
        calls = await casework.help_calls(session)
    for one in silent:
        await take_back(helpline, one)
    for follow_up in due:
        await write_as_agreed(helpline, follow_up)
    for call in calls:
        await call_out(helpline, call)
    await climb(helpline, waiting)
    for person in waiting:
        await tell_again(helpline, person)
    for one_lost in lost:
        await tell_of(helpline, one_lost, len(lost))


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


async def take_back(helpline: Helpline, held: Held) -> None:
    """A volunteer went silent: the person goes to the head of the queue with a word of explanation; supervisors are told."""
    now = helpline.clock()
    async with helpline.database.write() as session:
        opened = await handover.lock(session, helpline.keyring, held.conversation_id)
        stale = [one for one in await volunteers.silent(session, now) if one.conversation_id == held.conversation_id]
        if opened is None or not stale or opened.row.volunteer_id != held.volunteer_id:
            return
        await volunteers.release(session, held.conversation_id, "silent", now)
        if not await handover.change_owner(session, opened.row, Mode.WAITING, None, now, "system", "silent"):
            return
        await handover.put_back(session, opened, "silent", now, at_head=True)
        await casework.call_supervisor(session, held.conversation_id, held.volunteer_id, "silent", now)
        await speak(helpline, session, opened, (wording(helpline, opened, now).say("utter_people_lost"),), now)
    helpline.outbox_changed.ring()
    chosen = [one for one in await _recipients(helpline) if one.role == "supervisor"]
    await _send(helpline, chosen, "silent", 1, opened.row.language)


async def write_as_agreed(helpline: Helpline, follow_up: DueFollowUp) -> None:
    """A message agreed on: neutral words, within the channel's window, to nobody who said stop (R25)."""
    now = helpline.clock()
    async with helpline.database.write() as session:
        opened = await handover.lock(session, helpline.keyring, follow_up.conversation_id)
        if opened is None:
            return
        result = "sent"
        if opened.contact.stopped_at is not None or not opened.contact.is_reachable:
            result = "stopped"
        elif Mode(opened.row.mode) is Mode.VOLUNTEER:
            result = "held"
        else:
            # Past the channel's window it waits for the person, whom a neutral template asks to write (flows.window).
            result = "window" if is_closed(opened.contact.channel, opened.contact.last_inbound_at, now) else result
            key = "utter_people_written_back" if follow_up.asked_by == "contact" else "utter_people_follow_up"
            await speak(helpline, session, opened, (wording(helpline, opened, now).say(key),), now)
        if follow_up.asked_by == "contact":
            await handover.choose(session, follow_up.conversation_id, "wait", now)
        await casework.settle_follow_up(session, follow_up.id, result, now)
    helpline.outbox_changed.ring()


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
            await alerts.mark_alerted(session, person.escalation_id, now)
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
    chosen = [one for one in await _recipients(helpline) if one.role == "supervisor"]
    await _send(helpline, chosen, "call", 1, "")


async def tell_again(helpline: Helpline, person: Unanswered) -> None:
    """The place in the queue, told again sparingly to who chose to wait."""
    now = helpline.clock()
    last = person.told_at or person.waiting_since
    if person.choice != "wait" or now - last < TELL_AGAIN or now - person.waiting_since > TELL_UNTIL:
        return
    if not helpline.directory.team.status(now).is_open:
        return
    async with helpline.database.write() as session:
        opened = await handover.lock(session, helpline.keyring, person.conversation_id)
        if opened is None or Mode(opened.row.mode) is not Mode.WAITING:
            return
        await alerts.mark_told(session, person.escalation_id, now)
        await speak(helpline, session, opened, (await place_of(helpline, session, opened, now),), now)
    helpline.outbox_changed.ring()


async def _recipients(helpline: Helpline) -> list[Recipient]:
    async with helpline.database.read() as session:
        return await alerts.recipients(session, helpline.keyring)


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
        row = await alerts.enrol(session, helpline.keyring, message.text.strip(), message.address, helpline.clock())
    if row is None:
        return False
    language = "en" if row.languages and "fr" not in row.languages else "fr"
    await helpline.channels["telegram"].send(message.address, helpline.words.say("utter_people_alerts_on", language))
    return True
