"""Messages of one person that come while earlier ones of theirs are being stored: they go together into the next transaction.

So whoever floods us takes one turn at the database at a time, like everybody else, and their emergency waits for one turn only.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

AT_ONCE = 64
"""So many messages a transaction: enough to keep up with a flood, few enough that others hardly wait for it."""
CROWD = 4
LONGEST_PAUSE = 0.15
"""After so many together a line rests, in seconds, for as long as they took: half of the time is everybody else's."""
_Message = TypeVar("_Message")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, eq=False)
class _Arrival(Generic[_Message, _Result]):
    message: _Message
    result: asyncio.Future[_Result]


class Arrivals(Generic[_Message, _Result]):
    """One line for each address that has something under way; an address without has no line."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], deque[_Arrival[_Message, _Result]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(
        self,
        line: tuple[str, str],
        message: _Message,
        store: Callable[[Callable[[], tuple[_Message, ...]]], Awaitable[Sequence[_Result]]],
    ) -> _Result:
        """The result of storing a message, in the order of its line.

        `store` is given a function that says what to store, to be called once its turn has come: as late as possible.
        A fault reaches everybody whose message was in that transaction; a caller who is cancelled cancels nobody else.
        """
        arrival: _Arrival[_Message, _Result] = _Arrival(message, asyncio.get_running_loop().create_future())
        waiting = self._lines.get(line)
        if waiting is not None:
            waiting.append(arrival)
        else:
            self._lines[line] = deque([arrival])
            task = asyncio.create_task(self._drain(line, store))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await arrival.result

    async def _drain(
        self,
        line: tuple[str, str],
        store: Callable[[Callable[[], tuple[_Message, ...]]], Awaitable[Sequence[_Result]]],
    ) -> None:
        waiting = self._lines[line]
        while waiting:
            taken: list[_Arrival[_Message, _Result]] = []
            began = time.monotonic()
            try:
                results = await store(partial(_take, waiting, taken))
            except Exception as error:  # noqa: BLE001 - each of those who wait is told, and answers for it
                # A fault before anything was taken (no connection) is told to those who would have been.
                _take(waiting, taken)
                for arrival in taken:
                    if not arrival.result.done():
                        arrival.result.set_exception(error)
                continue
            for arrival, result in zip(taken, results, strict=True):
                if not arrival.result.done():
                    arrival.result.set_result(result)
            if len(taken) >= CROWD:
                await asyncio.sleep(min(time.monotonic() - began, LONGEST_PAUSE))
        del self._lines[line]


def _take(
    waiting: deque[_Arrival[_Message, _Result]], taken: list[_Arrival[_Message, _Result]]
) -> tuple[_Message, ...]:
    while waiting and len(taken) < AT_ONCE:
        taken.append(waiting.popleft())
    return tuple(arrival.message for arrival in taken)
