"""Tells open consoles what changed, over server-sent events. One look at the newest rows serves every console of a process.

An event names a conversation and never holds a word: the page asks for what it may see.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.flows.helpline import Helpline
from bot.store import console
from bot.store.console import Pulse

LOOK_EVERY = 0.12
HEARTBEAT = 15.0
_log = structlog.get_logger(__name__)


class Live:
    """Looks while somebody listens; nobody listening costs nothing."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline
        self._listeners: set[asyncio.Queue[frozenset[int]]] = set()
        self._task: asyncio.Task[None] | None = None

    async def events(self) -> AsyncIterator[str]:
        """The stream for one console: `queue` and `c<id>` events, and a comment now and then so that a dead line shows."""
        inbox: asyncio.Queue[frozenset[int]] = asyncio.Queue(maxsize=100)
        self._listeners.add(inbox)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(), name="console-live")
        try:
            yield "retry: 1500\nevent: hello\ndata: -\n\n"
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        changed = await inbox.get()
                except TimeoutError:
                    yield "event: beat\ndata: -\n\n"
                    continue
                lines = [f"event: c{conversation}\ndata: -\n\n" for conversation in sorted(changed)]
                yield "".join(lines) + "event: queue\ndata: -\n\n"
        finally:
            self._listeners.discard(inbox)

    async def _look(self) -> None:
        before: Pulse | None = None
        while self._listeners:
            try:
                async with self._helpline.database.read() as session:
                    now = await console.pulse(session)
            except (SQLAlchemyError, OSError) as error:
                _log.error("consoles not told", error=type(error).__name__)
                await asyncio.sleep(1)
                continue
            if before is not None and now != before:
                self._tell(frozenset(conversation for _, _, conversation, _ in now - before))
            before = now
            await asyncio.sleep(LOOK_EVERY)

    def _tell(self, changed: frozenset[int]) -> None:
        for inbox in self._listeners:
            if not inbox.full():
                inbox.put_nowait(changed)
