"""SQLite without a change of thread for every statement.

aiosqlite does each call in a thread of its own. Every change of thread costs up to five milliseconds under load (the interval at
which Python passes its lock on), and a message took more than a hundred: a burst of 600 webhooks stood still for a minute. A
statement takes 20 to 50 microseconds, so it is done at once, in the event loop. Only what waits for another process, and
transactions said to be heavy, go to the connection's thread. COMMIT waits for the disk, but so does everybody who writes: one
writes at a time. Measured in docs/adr/0008-sqlite-in-the-event-loop.md.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import aiosqlite

BUSY_MILLISECONDS = 10_000
"""How long a writer waits for another process that writes, such as a command of the operator."""
_ROWS_AT_ONCE = 64


class NearConnection(aiosqlite.Connection):
    """Does statements at once, in the event loop; `is_heavy` sends all of a transaction to the connection's thread."""

    is_heavy = False

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        if fn == self._conn.close:
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        if not self.is_heavy:
            try:
                return fn(*args, **kwargs)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
        # Another process is writing, or this takes long: waiting is not for the event loop.
        self._conn.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        try:
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        finally:
            self._conn.execute("PRAGMA busy_timeout=0")


def connect(database: str, **options: Any) -> NearConnection:
    """As aiosqlite.connect. SQLAlchemy does one thing at a time on a connection, so that two threads never meet on it."""
    options["check_same_thread"] = False
    connection = NearConnection(partial(sqlite3.connect, database, **options), _ROWS_AT_ONCE)
    connection._thread.daemon = True  # noqa: SLF001 - SQLAlchemy does so for connections it makes itself
    return connection
