"""The database: SQLite embedded or PostgreSQL, opened the same way. A write transaction on SQLite takes its turn at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from bot.store import sqlite

_POSTGRESQL_WRITERS = 16
KEEPS_TIME = "keeps_time"
"""What a session's `info` says: the database's own clock counts (store.moments)."""
_FIRST_IN_A_ROW = 8


class Turns:
    """Who writes next: those somebody waits for at a page or on a phone before background work, each in their order.

    One turn in nine is background work's even then, so that a flood never keeps answers from being delivered.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    @asynccontextmanager
    async def turn(self, *, first: bool) -> AsyncIterator[None]:
        """One turn."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(self._first if first else self._others)
        try:
            yield
        finally:
            self._give()

    async def _wait(self, line: deque[asyncio.Future[None]]) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._give()
            raise

    def _give(self) -> None:
        others_first = self._in_a_row >= _FIRST_IN_A_ROW
        lines = (self._others, self._first) if others_first else (self._first, self._others)
        for line in lines:
            while line:
                future = line.popleft()
                if not future.done():
                    self._in_a_row = self._in_a_row + 1 if line is self._first else 0
                    future.set_result(None)
                    return
        self._free += 1


class Database:
    """Sessions on one database. `write()` is one transaction that commits at the end or leaves nothing behind.

    `keeps_time`: on PostgreSQL, its clock counts for leases, not that of the process.
    """

    def __init__(self, url: str, *, keeps_time: bool = False) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        # SQLite lets whoever asks at the right moment write next, and somebody may wait for seconds: here they queue up.
        self._turns = Turns(1 if self.is_sqlite else _POSTGRESQL_WRITERS)
        self._info = {KEEPS_TIME: keeps_time and not self.is_sqlite}
        self._engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)

    @asynccontextmanager
    async def write(self, *, first: bool = False, heavy: bool = False) -> AsyncIterator[AsyncSession]:
        """A transaction that changes rows.

        `first`: before background work, as somebody waits for it. `heavy`: touches many rows, on SQLite in a thread of its own.
        """
        async with self._turns.turn(first=first), self._engine.connect() as connection:
            await connection.execution_options(heavy=heavy)
            async with self._session(connection) as session, session.begin():
                yield session

    @asynccontextmanager
    async def read(self, *, heavy: bool = False) -> AsyncIterator[AsyncSession]:
        """A transaction that only reads, and on SQLite waits for no writer."""
        async with self._engine.connect() as connection:
            # Each statement of PostgreSQL sees what is committed when it begins, in a transaction or not: without one
            # a read costs half the way there and back.
            level = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
            await connection.execution_options(reads_only=True, heavy=heavy, **level)
            async with self._session(connection) as session:
                yield session

    def _session(self, connection: AsyncConnection) -> AsyncSession:
        return AsyncSession(connection, expire_on_commit=False, autoflush=False, info=self._info)

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement stands for itself, committed at once: for PostgreSQL's shared buckets."""
        async with self._engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine, for migrations."""
        return self._engine


def _postgresql_engine(url: str) -> AsyncEngine:
    # Parameters are hidden from exceptions: they hold hashes and sealed words, and exceptions end in logs.
    return create_async_engine(url, hide_parameters=True, pool_size=10, max_overflow=10, pool_pre_ping=True)


def _sqlite_engine(url: str) -> AsyncEngine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # Made before SQLite makes it, for our eyes only; its journal takes over the mode.
        Path(path).touch(mode=0o600, exist_ok=True)
    engine = create_async_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": 0, "async_creator_fn": sqlite.connect},
        pool_size=8,
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later could not take the lock once another has written: it takes it at once.
    options = connection.get_execution_options()
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite.NearConnection):
        driver.is_heavy = options.get("heavy", False)
    reads_only = options.get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
