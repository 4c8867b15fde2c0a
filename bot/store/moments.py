"""Whose clock counts: where the database keeps the time, leases are compared and set by its clock, never by a process's own.

Two workers whose clocks are ten minutes apart then still agree about who holds what. Tests, and SQLite, bring their own time.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.database import KEEPS_TIME, Database
from bot.store.tables import UtcDateTime


def moment(session: AsyncSession, now: datetime, ahead: timedelta = timedelta(0)) -> ColumnElement[datetime]:
    """`ahead` of now as SQL: of the database's clock where that counts, of `now` otherwise."""
    if session.info.get(KEEPS_TIME):
        return func.clock_timestamp() + ahead if ahead else func.clock_timestamp()
    return literal(now + ahead, UtcDateTime())


async def now_of(session: AsyncSession, now: datetime) -> datetime:
    """Now: by the database where its clock counts, `now` otherwise."""
    if not session.info.get(KEEPS_TIME):
        return now
    found: datetime = (await session.execute(select(func.clock_timestamp(type_=UtcDateTime())))).scalar_one()
    return found


class DatabaseClock:
    """The database's time for a process: read now and then, carried on in between by a clock that nobody sets."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        """Now, aware; the process's own clock until the database was asked for the first time."""
        if self._read is None:
            return datetime.now(UTC)
        moment_read, at = self._read
        return moment_read + timedelta(seconds=time.monotonic() - at)

    async def read(self) -> None:
        """Ask the database. The answer is as old as half the way there and back."""
        async with self._database.statement() as connection:
            before = time.monotonic()
            found = (await connection.execute(select(func.clock_timestamp(type_=UtcDateTime())))).scalar_one()
            self._read = (found, (before + time.monotonic()) / 2)
