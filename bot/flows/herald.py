"""Carries the bells to other processes on PostgreSQL, so that a worker wakes when a webhook came in elsewhere.

A hint only: every loop looks by itself once a second, and this may fail without anybody waiting longer than that.
"""

from __future__ import annotations

import asyncio
import uuid

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.flows.bell import Bell
from bot.flows.helpline import Helpline
from bot.store import hints
from bot.store.moments import DatabaseClock

SECONDS_BETWEEN = 0.02
"""A hundred rings in this time are one hint."""
SECONDS_AFTER_LOSS = 1.0
SECONDS_PER_READING = 20.0
"""How often the database is asked for the time; in between a clock that nobody sets carries on."""
_log = structlog.get_logger(__name__)


class Herald:
    """Tells the others when a bell rings here, and rings it here when the others tell."""

    def __init__(self, helpline: Helpline) -> None:
        self._database = helpline.database
        self._name = uuid.uuid4().hex[:12]
        self._bells: dict[str, Bell] = {"inbox": helpline.inbox_changed, "outbox": helpline.outbox_changed}
        self._rung: set[str] = set()
        self._has_rung = asyncio.Event()
        for name, bell in self._bells.items():
            bell.also = lambda name=name: self._note(name)

    def _note(self, name: str) -> None:
        self._rung.add(name)
        self._has_rung.set()

    async def tell(self) -> None:
        """Tell until cancelled."""
        while True:
            await self._has_rung.wait()
            self._has_rung.clear()
            names, self._rung = self._rung, set()
            try:
                for name in sorted(names):
                    await hints.tell(self._database, f"{self._name} {name}")
            except (SQLAlchemyError, OSError) as error:
                _log.warning("hint not given", error=type(error).__name__)
            await asyncio.sleep(SECONDS_BETWEEN)

    async def listen(self) -> None:
        """Listen until cancelled, again after every loss; what was missed meanwhile is looked for at once."""
        while True:
            try:
                async for payload in hints.heard(self._database):
                    self._hear(payload)
            except (hints.HintsLostError, OSError) as error:
                _log.warning("hints not heard", error=type(error).__name__)
            await asyncio.sleep(SECONDS_AFTER_LOSS)

    def _hear(self, payload: str) -> None:
        teller, _, name = payload.partition(" ")
        if teller == self._name:
            return
        for bell_name, bell in self._bells.items():
            if name in ("", bell_name):
                bell.ring_here()


async def keep_time(clock: DatabaseClock, *, for_ever: bool = False) -> None:
    """Read the database's time, once or until cancelled; while it cannot be read, the last reading carries on."""
    while True:
        try:
            await clock.read()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("time not read", error=type(error).__name__)
        if not for_ever:
            return
        await asyncio.sleep(SECONDS_PER_READING)
