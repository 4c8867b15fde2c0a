"""When our people are there: keeps the rota the bot's promises come from in step with its rows, and who is on duty."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.domain.accounts import Account
from bot.domain.directory import Directory
from bot.domain.handover import Refusal
from bot.domain.schedules import Schedule
from bot.domain.shifts import Change, Rota
from bot.flows.helpline import Helpline
from bot.store import shifts, volunteers

_log = structlog.get_logger(__name__)
FRESH = 2.0
"""Seconds for which a rota read from the rows is used; a closure made in the console holds everywhere after it."""
LONGEST_SHIFT = timedelta(hours=12)


class TeamHours:
    """The hours of the team for a directory: the weekly ones of the file until rows say otherwise."""

    def __init__(self, usual: Schedule) -> None:
        self._usual = usual
        self._rota = Rota(usual, usual.zone)
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def refresh(self, helpline: Helpline, *, at_once: bool = False) -> Rota:
        """The rota as the rows have it, read again when it may have changed."""
        if not at_once and (self._is_fresh or (self._reading.locked() and self._read_at > 0)):
            # Nobody waits for what another is reading already, but for the first time.
            return self._rota
        async with self._reading:
            if at_once or not self._is_fresh:
                await self._read(helpline)
        return self._rota

    @property
    def _is_fresh(self) -> bool:
        return time.monotonic() - self._read_at <= FRESH

    async def _read(self, helpline: Helpline) -> None:
        try:
            async with helpline.database.read() as session:
                self._rota = await shifts.load_rota(session, self._usual, helpline.clock() - LONGEST_SHIFT)
        except (SQLAlchemyError, OSError) as error:
            # Nobody waits for the rota: what was known of it holds until it can be read again.
            _log.error("rota not read", error=type(error).__name__)
        self._read_at = time.monotonic()
        helpline.directory.team = self._rota


_hours: WeakKeyDictionary[Directory, TeamHours] = WeakKeyDictionary()


async def rota(helpline: Helpline, *, at_once: bool = False) -> Rota:
    """The rota now; everything said about our own hours comes from it."""
    team = helpline.directory.team
    if isinstance(team, Schedule):
        _hours[helpline.directory] = TeamHours(team)
    return await _hours[helpline.directory].refresh(helpline, at_once=at_once)


async def go_on_duty(helpline: Helpline, account: Account, hours: float) -> None:
    """A volunteer is there for so many hours; outside the rota this is an exception to it, so that promises hold."""
    now = helpline.clock()
    until = now + min(timedelta(hours=hours), LONGEST_SHIFT)
    status = (await rota(helpline, at_once=True)).status(now)
    async with helpline.database.write() as session:
        await volunteers.meet(session, account, now)
        await volunteers.go_on_duty(session, account.id, until, now)
        if not status.is_open:
            shifts.add_change(session, Change(now, until, is_added=True, volunteer_id=account.id))
    await rota(helpline, at_once=True)


async def go_off_duty(helpline: Helpline, account: Account) -> Refusal | None:
    """The shift ends once every conversation is handed over."""
    now = helpline.clock()
    async with helpline.database.write() as session:
        await volunteers.meet(session, account, now)
        found = await volunteers.find(session, account.id)
        if found is not None and found.holding:
            return Refusal.STILL_HOLDING
        await volunteers.go_off_duty(session, account.id)
        if found is not None and found.on_duty_since is not None:
            await shifts.end_own_changes(session, account.id, now)
    await rota(helpline, at_once=True)
    return None


async def close_intake(helpline: Helpline, account: Account, start: datetime, end: datetime | None, why: str) -> None:
    """An exceptional closure, or the pause of intake; the bot says so from now on, without a deployment."""
    async with helpline.database.write() as session:
        shifts.close(session, start, end, why, account.id)
    await rota(helpline, at_once=True)


async def reopen_intake(helpline: Helpline, closure_id: int) -> None:
    """The closure no longer holds."""
    async with helpline.database.write() as session:
        await shifts.reopen(session, closure_id, helpline.clock())
    await rota(helpline, at_once=True)
