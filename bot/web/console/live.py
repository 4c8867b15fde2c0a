"""Tells open consoles what changed, over server-sent events. One look at the newest rows serves every console of a process.

An event names a conversation and never holds a word: the page asks for what it may see.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.flows.helpline import Helpline
from bot.store import console
from bot.store.console import Pulse

LOOK_EVERY = 0.12
HEARTBEAT = 15.0
QUEUE_EVERY = 0.5
QUEUE_CHANGED = "event: queue\ndata: -\n\n"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """What one look found changed."""

    conversations: frozenset[int]
    is_of_the_queue: bool


class Live:
    """Looks while somebody listens; nobody listening costs nothing."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline
        self._listeners: set[asyncio.Queue[Change]] = set()
        self._task: asyncio.Task[None] | None = None
        self._before: Pulse = frozenset()

    async def events(self) -> AsyncIterator[str]:
        """The stream for one console: `c<id>` for a conversation, `queue` for who waits and who holds whom, `beat` now and then.

        A conversation is told of at once; the queue at most twice a second, and always once more after its last change.
        """
        inbox: asyncio.Queue[Change] = asyncio.Queue(maxsize=200)
        self._listeners.add(inbox)
        if self._task is None or self._task.done():
            # Looked at before the page is told to read: what changes from here on is told, so nothing falls in between.
            self._before = await self._pulse()
            self._task = asyncio.create_task(self._look(), name="console-live")
        loop = asyncio.get_running_loop()
        queue_owed, queue_told = False, float("-inf")
        try:
            yield "retry: 1500\nevent: hello\ndata: -\n\n"
            while True:
                wait = max(0.0, queue_told + QUEUE_EVERY - loop.time()) if queue_owed else HEARTBEAT
                try:
                    async with asyncio.timeout(wait):
                        change = await inbox.get()
                except TimeoutError:
                    yield QUEUE_CHANGED if queue_owed else "event: beat\ndata: -\n\n"
                    queue_owed, queue_told = False, loop.time() if queue_owed else queue_told
                    continue
                if change.conversations:
                    yield "".join(f"event: c{one}\ndata: -\n\n" for one in sorted(change.conversations))
                queue_owed = queue_owed or change.is_of_the_queue
        finally:
            self._listeners.discard(inbox)

    async def _look(self) -> None:
        while self._listeners:
            try:
                now = await self._pulse()
            except (SQLAlchemyError, OSError) as error:
                _log.error("consoles not told", error=type(error).__name__)
                await asyncio.sleep(1)
                continue
            fresh = now - self._before
            if fresh:
                is_of_the_queue = any(kind == "a" for kind, _, _, _ in fresh)
                self._tell(Change(frozenset(conversation for _, _, conversation, _ in fresh), is_of_the_queue))
            self._before = now
            await asyncio.sleep(LOOK_EVERY)

    async def _pulse(self) -> Pulse:
        async with self._helpline.database.read() as session:
            return await console.pulse(session)

    def _tell(self, change: Change) -> None:
        for inbox in self._listeners:
            if not inbox.full():
                inbox.put_nowait(change)
