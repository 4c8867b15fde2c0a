"""Messages of one person that come while earlier ones of theirs are being stored: they go together into the next transaction.

So whoever floods us takes one turn at the database at a time, like everybody else, and not more than some in a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.domain.messages import InboundMessage
from bot.domain.replies import ReplyPlan

AT_ONCE = 64
"""So many messages a transaction: enough to keep up with a flood, few enough that others hardly wait for it."""
REST = 0.15
"""Seconds for which a flood is gathered between two transactions: the database is everybody else's then.

An emergency in the flood waits for this as well, and for no more (R4).
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A delivery taken in: whether it is new, the plan if emergency words were queued with it, whether it is one of a flood."""

    is_new: bool
    plan: ReplyPlan | None = None
    is_flood: bool = False


Take = Callable[[], tuple[InboundMessage, ...]]
Store = Callable[[Take], Awaitable[Sequence[Accepted]]]
"""Stores what it is given by the function, to be called once its turn has come: as late as possible."""


@dataclass(frozen=True, slots=True, eq=False)
class _Arrival:
    message: InboundMessage
    result: asyncio.Future[Accepted]


_Line = deque[_Arrival]


class Arrivals:
    """One line for each address that has something under way; an address without has no line."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], _Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self, message: InboundMessage, store: Store) -> Accepted:
        """What came of storing a message, in the order of its line.

        A fault reaches everybody whose message was in that transaction; a caller who is cancelled cancels nobody else.
        """
        key = (message.channel, message.address)
        arrival = _Arrival(message, asyncio.get_running_loop().create_future())
        line = self._lines.get(key)
        if line is not None:
            line.append(arrival)
        else:
            self._lines[key] = deque([arrival])
            task = asyncio.create_task(self._drain(key, store))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await arrival.result

    async def _drain(self, key: tuple[str, str], store: Store) -> None:
        line = self._lines[key]
        while line:
            if await _store(line, store):
                await asyncio.sleep(REST)
        del self._lines[key]


async def _store(line: _Line, store: Store) -> bool:
    """One transaction, and its result told to those who wait; whether it was part of a flood."""
    taken: list[_Arrival] = []
    try:
        results = await store(partial(_take, line, taken))
    except Exception as error:  # noqa: BLE001 - each of those who wait is told, and answers for it
        if not taken:
            # A fault before anything was taken (no connection) is told to those who would have been.
            _take(line, taken)
        for arrival in taken:
            if not arrival.result.done():
                arrival.result.set_exception(error)
        return False
    for arrival, result in zip(taken, results, strict=True):
        if not arrival.result.done():
            arrival.result.set_result(result)
    return any(result.is_flood for result in results)


def _take(line: _Line, taken: list[_Arrival]) -> tuple[InboundMessage, ...]:
    while line and len(taken) < AT_ONCE:
        taken.append(line.popleft())
    return tuple(arrival.message for arrival in taken)
