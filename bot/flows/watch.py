"""Watches over the queue: takes conversations back from volunteers who went silent, climbs alerts, writes when agreed.

Every few seconds, in one process at a time. Nothing here decides about anybody: it only keeps promises and calls people.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.domain.conversations import Mode
from bot.domain.window import is_closed
from bot.flows import alerts, shifts
from bot.flows.helpline import Helpline
from bot.flows.passage import speak
from bot.flows.waiting import place_of, wording
from bot.store import agenda, casework, delivery_alerts, handover, leases, volunteers
from bot.store import alerts as rows
from bot.store.alerts import Unanswered
from bot.store.casework import DueFollowUp
from bot.store.volunteers import Held

EVERY = 4.0
LEASE = timedelta(seconds=20)
TELL_AGAIN = timedelta(minutes=15)
TELL_UNTIL = timedelta(hours=2)
"""The place in the queue is told again this often, and no longer than this: news, not noise."""
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
        waiting = await rows.unanswered(session)
        lost = await delivery_alerts.not_reached(session, now, alerts.MOST_TOLD)
        calls = await casework.help_calls(session)
    for one in silent:
        await take_back(helpline, one)
    for follow_up in due:
        await write_as_agreed(helpline, follow_up)
    for call in calls:
        await alerts.call_out(helpline, call)
    await alerts.climb(helpline, waiting)
    for person in waiting:
        await tell_again(helpline, person)
    for one_lost in lost:
        await alerts.tell_of(helpline, one_lost, len(lost))


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
    await alerts.tell_supervisors(helpline, "silent", opened.row.language)


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
        await rows.mark_told(session, person.escalation_id, now)
        await speak(helpline, session, opened, (await place_of(helpline, session, opened, now),), now)
    helpline.outbox_changed.ring()
