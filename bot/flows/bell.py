"""A hint that there is work: wakes one who waits, or the next to come. Rows stay the truth: a lost ring costs little."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Bell:
    """Rings within one process and one event loop; `also` is called to carry it to others."""

    def __init__(self) -> None:
        self.also: Callable[[], None] | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._has_rung = False

    def ring(self) -> None:
        """Wake one who waits, here and elsewhere."""
        self.ring_here()
        if self.also is not None:
            self.also()

    def ring_here(self) -> None:
        """Wake one who waits; if nobody does, the next to wait returns at once."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
        self._has_rung = True

    async def wait(self, seconds: float) -> bool:
        """Return when it rings, after `seconds` at the latest; whether it rang."""
        if self._has_rung:
            self._has_rung = False
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            return False
        finally:
            if future in self._waiting:
                self._waiting.remove(future)
        return True
