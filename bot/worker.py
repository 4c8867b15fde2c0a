"""Background work: answers lanes and delivers messages, woken by a bell, looking by itself once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.flows.bell import Bell
from bot.flows.deliver import claim_delivery, deliver
from bot.flows.helpline import Clock, Helpline
from bot.flows.limits import Limits
from bot.flows.receive import answer, claim_turn
from bot.flows.retention import Retention
from bot.flows.watch import Watch
from bot.store import inbox, outbox
from bot.store.database import Database

ANSWERS_AT_ONCE = 8
DELIVERIES_AT_ONCE = 32
LONGEST_SLEEP = 1.0
SHORTEST_SLEEP = 0.01
SECONDS_AFTER_ERROR = 0.5
_Job = TypeVar("_Job")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind(Generic[_Job]):
    """A kind of work: how to take the next piece, how to do it, when the next is due, and what rings when there is one."""

    name: str
    claim: Callable[[], Awaitable[_Job | None]]
    work: Callable[[_Job], Awaitable[object]]
    next_due: Callable[[AsyncSession, datetime], Awaitable[datetime | None]]
    bell: Bell
    at_once: int


class Worker:
    """Answers and delivers until stopped; what was under way then is taken up again when its lease ends."""

    def __init__(self, helpline: Helpline) -> None:
        limits = Limits(helpline.database)
        answers = Kind(
            "answer",
            lambda: claim_turn(helpline),
            lambda claimed: answer(helpline, claimed),
            inbox.next_due,
            helpline.inbox_changed,
            ANSWERS_AT_ONCE,
        )
        deliveries = Kind(
            "deliver",
            lambda: claim_delivery(helpline),
            lambda claim: deliver(helpline, limits, claim),
            outbox.next_due,
            helpline.outbox_changed,
            DELIVERIES_AT_ONCE,
        )
        self._retention = Retention(helpline)
        database, clock = helpline.database, helpline.clock
        self._loops = (_Loop(answers, database, clock), _Loop(deliveries, database, clock))
        self._watch = Watch(helpline)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the loops."""
        self._tasks = [asyncio.create_task(loop.run(), name=loop.name) for loop in self._loops]
        self._tasks.append(asyncio.create_task(self._retention.run(), name="retention"))
        self._tasks.append(asyncio.create_task(self._watch.run(), name="watch"))

    async def stop(self) -> None:
        """Stop the loops and what they are doing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for loop in self._loops:
            await loop.abandon()


class _Loop(Generic[_Job]):
    def __init__(self, kind: Kind[_Job], database: Database, clock: Clock) -> None:
        self._kind = kind
        self._database = database
        self._clock = clock
        self._free = asyncio.Semaphore(kind.at_once)
        self._jobs: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """What the loop does."""
        return self._kind.name

    async def run(self) -> None:
        """Take work and do it side by side, as much as allowed at once."""
        while True:
            async with self._free:
                pass
            try:
                job = await self._kind.claim()
                pause = 0.0 if job is not None else await self._pause()
            except (SQLAlchemyError, OSError) as error:
                # The database is busy, full or away: what is in it stays, and we look again.
                _log.error("no work taken", work=self.name, error=type(error).__name__)
                await asyncio.sleep(SECONDS_AFTER_ERROR)
                continue
            if job is None:
                await self._kind.bell.wait(pause)
                continue
            await self._free.acquire()
            task = asyncio.create_task(self._do(job))
            self._jobs.add(task)
            task.add_done_callback(self._jobs.discard)

    async def abandon(self) -> None:
        """Cancel what is under way."""
        for task in tuple(self._jobs):
            task.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    async def _do(self, job: _Job) -> None:
        try:
            await self._kind.work(job)
        except Exception as error:  # noqa: BLE001
            # A fault with one conversation must not end the work for everyone else; its lease runs out and it is tried again.
            _log.exception("work failed", work=self.name, error=type(error).__name__)
        finally:
            self._free.release()

    async def _pause(self) -> float:
        async with self._database.read() as session:
            due = await self._kind.next_due(session, self._clock())
        if due is None:
            return LONGEST_SLEEP
        return min(max((due - self._clock()).total_seconds(), SHORTEST_SLEEP), LONGEST_SLEEP)
