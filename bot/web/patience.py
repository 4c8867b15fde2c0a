"""How long a connection may take to say what it wants, and how many may take their time at once. uvicorn sets no such limit.

A request is to be complete within `REQUEST_SECONDS`, headers and body; an answer is to be fetched without a pause longer
than `READ_SECONDS`. When more than `MOST_WAITING` connections have asked nothing yet, the one that has waited longest is
cut off, so that newcomers, and with them emergencies, always get in. No address is counted: providers and proxies have few.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 15.0
READ_SECONDS = 60.0
MOST_WAITING = 1_000


class Waiting:
    """The connections whose request is not complete, the one that has waited longest first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lines: dict[PatientProtocol, None] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, connection: PatientProtocol) -> None:
        """One more; cuts off the first when there are too many."""
        self._lines.pop(connection, None)
        self._lines[connection] = None
        if len(self._lines) > self.most:
            next(iter(self._lines)).cut()

    def discard(self, connection: PatientProtocol) -> None:
        """It has asked, or is gone."""
        self._lines.pop(connection, None)


waiting = Waiting(MOST_WAITING)
"""Of this process."""


class PatientProtocol(H11Protocol):
    """HTTP with an end to patience: from the first moment of a connection, or the first byte of its next request."""

    _deadline: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A request is expected from now on."""
        super().connection_made(transport)
        self._begin()

    def data_received(self, data: bytes) -> None:
        """More of a request, or the start of the next."""
        if self._deadline is None and self.conn.their_state is h11.IDLE:
            self._begin()
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Answered: an idle connection has uvicorn's keep-alive time; a request cut short by its answer keeps its deadline."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        self._end()
        self._stop_reading()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The other side does not fetch what we say."""
        super().pause_writing()
        self._stop_reading()
        self._reading = self.loop.call_later(READ_SECONDS, self.cut)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._stop_reading()

    def cut(self) -> None:
        """Enough: nothing is said, as whoever is this slow does not listen either."""
        self._end()
        self._stop_reading()
        self.transport.abort()

    def _begin(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.cut)
        waiting.add(self)

    def _look(self) -> None:
        state: Any = self.conn.their_state
        if state is h11.SEND_BODY or (state is h11.IDLE and self.conn.trailing_data[0]):
            if self._deadline is None:
                self._begin()
        elif state is not h11.IDLE:
            self._end()
        elif self.timeout_keep_alive_task is not None:
            # Idle: uvicorn ends it after a while, and so do newcomers when there are too many.
            self._end()
            waiting.add(self)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        waiting.discard(self)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
