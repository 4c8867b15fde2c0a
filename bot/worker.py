"""Background work: answers lanes and delivers messages, woken by a bell, looking by itself once a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.flows.bell import Bell
from bot.flows.deliver import claim_delivery, deliver
from bot.flows.heart import Heart
from bot.flows.helpline import Helpline
from bot.flows.limits import Limits
from bot.flows.receive import Claimed, answer, claim_turn
from bot.flows.retention import Retention
from bot.flows.watch import Watch
from bot.store import agenda, leases
from bot.store.inbox import LaneClaim
from bot.store.leases import Claim
from bot.store.outbox import OutboxClaim

ANSWERS_AT_ONCE, ANSWERS_KEPT = 8, 2
DELIVERIES_AT_ONCE, DELIVERIES_KEPT = 32, 8
"""So much side by side, and so much more for people in danger alone."""
LONGEST_SLEEP = 1.0
SHORTEST_SLEEP = 0.01
SECONDS_AFTER_ERROR = 0.5
SECONDS_TO_FINISH = 4.0
"""For what is under way when we are told to stop; what is not done by then is given back to be done elsewhere."""
_Job = TypeVar("_Job")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind(Generic[_Job]):
    """A kind of work: how to take the next piece, how to do it, and what rings when there is some.

    `claim` takes work for people in danger alone when it is asked to.
    """

    name: str
    claim: Callable[[bool], Awaitable[_Job | None]]
    held_by: Callable[[_Job], Claim]
    work: Callable[[_Job], Awaitable[object]]
    bell: Bell
    at_once: int
    kept: int


class Worker:
    """Answers and delivers until stopped; then what is under way is finished, or given back to be done elsewhere."""

    def __init__(self, helpline: Helpline) -> None:
        limits = Limits(helpline.database, helpline.rates)
        self._helpline = helpline
        self._heart = heart = Heart(helpline)
        answers: Kind[Claimed] = Kind(
            "answer",
            lambda only_urgent: claim_turn(helpline, only_urgent=only_urgent, held=heart.held(LaneClaim)),
            lambda claimed: claimed.claim,
            lambda claimed: answer(helpline, claimed),
            helpline.inbox_changed,
            ANSWERS_AT_ONCE,
            ANSWERS_KEPT,
        )
        deliveries: Kind[OutboxClaim] = Kind(
            "deliver",
            lambda only_urgent: claim_delivery(helpline, only_urgent=only_urgent, held=heart.held(OutboxClaim)),
            lambda claim: claim,
            lambda claim: deliver(helpline, limits, claim, heart.may_go_on),
            helpline.outbox_changed,
            DELIVERIES_AT_ONCE,
            DELIVERIES_KEPT,
        )
        self._retention = Retention(helpline)
        shared = _Agenda(helpline)
        self._loops = (_Loop(answers, shared, heart), _Loop(deliveries, shared, heart))
        self._watch = Watch(helpline)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the loops. With a database of our own, what a dead process held is free at once."""
        if self._helpline.database.is_sqlite:
            async with self._helpline.database.write() as session:
                await leases.free_all(session)
        self._tasks = [asyncio.create_task(loop.run(), name=loop.name) for loop in self._loops]
        self._tasks.append(asyncio.create_task(self._heart.run(), name="heart"))
        self._tasks.append(asyncio.create_task(self._retention.run(), name="retention"))
        self._tasks.append(asyncio.create_task(self._watch.run(), name="watch"))

    async def stop(self) -> None:
        """Take nothing new, finish what is under way as far as a few seconds allow, give back the rest."""
        self._heart.stop_sending()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(loop.finish() for loop in self._loops))
        try:
            await self._heart.release()
        except (SQLAlchemyError, OSError) as error:
            _log.error("leases not given back", error=type(error).__name__)


class _Loop(Generic[_Job]):
    def __init__(self, kind: Kind[_Job], shared: _Agenda, heart: Heart) -> None:
        self._kind = kind
        self._agenda = shared
        self._heart = heart
        self._jobs: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """What the loop does."""
        return self._kind.name

    async def run(self) -> None:
        """Take work and do it side by side, as much as allowed at once."""
        while True:
            only_urgent = len(self._jobs) >= self._kind.at_once
            if len(self._jobs) >= self._kind.at_once + self._kind.kept:
                await asyncio.wait(self._jobs, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                job = await self._kind.claim(only_urgent)
                if job is None:
                    await self._until_called(only_urgent=only_urgent)
                    continue
            except (SQLAlchemyError, OSError) as error:
                # The database is busy, full or away: what is in it stays, and we look again.
                _log.error("no work taken", work=self.name, error=type(error).__name__)
                await asyncio.sleep(SECONDS_AFTER_ERROR)
                continue
            self._heart.hold(self._kind.held_by(job))
            task = asyncio.create_task(self._do(job))
            self._jobs.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if len(self._jobs) >= self._kind.at_once:
            # There is room for everybody again.
            self._kind.bell.ring_here()
        self._jobs.discard(task)

    async def finish(self) -> None:
        """Let what is under way come to its end, for a few seconds; then cancel it."""
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=SECONDS_TO_FINISH)
        for task in tuple(self._jobs):
            task.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    async def _do(self, job: _Job) -> None:
        claim = self._kind.held_by(job)
        try:
            await self._kind.work(job)
        except Exception as error:  # noqa: BLE001
            # A fault with one conversation must not end the work for everyone else; it rests, and is tried again.
            _log.exception("work failed", work=self.name, error=type(error).__name__)
            with contextlib.suppress(SQLAlchemyError, OSError):
                await self._heart.rest(claim)
        self._heart.drop(claim)

    async def _until_called(self, *, only_urgent: bool) -> None:
        """Wait for the bell, or for the time of what is due next; having taken nothing, look anew, then now and then."""
        at_once = True
        while True:
            # What others wait for is room, not their time: then the end of a job rings.
            pause = LONGEST_SLEEP if only_urgent else await self._agenda.pause(self._kind.name, at_once=at_once)
            if await self._kind.bell.wait(pause) or only_urgent or pause < LONGEST_SLEEP:
                return
            at_once = False


class _Agenda:
    """What is due next, for both loops: they look together, once a second."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline
        self._due = agenda.Due()
        self._looked_at = float("-inf")

    async def pause(self, name: str, *, at_once: bool) -> float:
        """Seconds to sleep before work of this name is due."""
        started = asyncio.get_running_loop().time()
        if at_once or started - self._looked_at > LONGEST_SLEEP / 2:
            async with self._helpline.database.read() as session:
                self._due = await agenda.next_due(session, self._helpline.clock())
            self._looked_at = started
        due: datetime | None = getattr(self._due, name)
        if due is None:
            return LONGEST_SLEEP
        return min(max((due - self._helpline.clock()).total_seconds(), SHORTEST_SLEEP), LONGEST_SLEEP)
