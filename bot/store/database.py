"""The database: SQLite embedded or PostgreSQL, opened the same way. A write transaction on SQLite takes its turn at once."""

from __future__ import annotations

import asyncio
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


class Database:
    """Sessions on one database. `write()` is one transaction that commits at the end or leaves nothing behind.

    `keeps_time`: on PostgreSQL, its clock counts for leases, not that of the process.
    """

    def __init__(self, url: str, *, keeps_time: bool = False) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        # SQLite lets whoever asks at the right moment write next, and somebody may wait for seconds: here they queue up.
        self._turns = asyncio.Semaphore(1 if self.is_sqlite else _POSTGRESQL_WRITERS)
        self._info = {KEEPS_TIME: keeps_time and not self.is_sqlite}
        self._engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)

    @asynccontextmanager
    async def write(self, *, heavy: bool = False) -> AsyncIterator[AsyncSession]:
        """A transaction that changes rows; a `heavy` one touches many, and on SQLite does so in a thread of its own."""
        async with self._turns, self._engine.connect() as connection:
            await connection.execution_options(heavy=heavy)
            async with self._session(connection) as session, session.begin():
                yield session

    @asynccontextmanager
    async def read(self, *, heavy: bool = False) -> AsyncIterator[AsyncSession]:
        """A transaction that only reads, and on SQLite waits for no writer."""
        async with self._engine.connect() as connection:
            await connection.execution_options(reads_only=True, heavy=heavy)
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
