"""The audit log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.config import async_database_url
from bot.store import audit
from bot.store.database import Database
from bot.store.migrate import migrate

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database."""
    database = Database(async_database_url(database_url))
    await migrate(database)
    yield database
    await database.close()


async def fill(database: Database, count: int = 5) -> None:
    for number in range(count):
        async with database.write() as session:
            await audit.append(
                session, NOW + timedelta(days=number), "account:1", "opened", f"conversation:{number}", ""
            )


async def verdict(database: Database) -> audit.Verdict:
    async with database.read() as session:
        return await audit.verify(session)


async def test_what_was_written_stays_and_verifies(database: Database) -> None:
    """Every opening of a file leaves a row, and the whole can be checked (P17)."""
    await fill(database)
    found = await verdict(database)

    assert (5, None) == (found.rows, found.broken_at)


@pytest.mark.parametrize("change", ["UPDATE audit_log SET actor = 'account:2'", "DELETE FROM audit_log WHERE id = 3"])
async def test_the_database_itself_refuses_changes(database: Database, change: str) -> None:
    """Not even our own code can rewrite what somebody did."""
    await fill(database)
    with pytest.raises(DBAPIError):
        async with database.write() as session:
            await session.execute(text(change))

    assert (await verdict(database)).broken_at is None


@pytest.mark.parametrize(
    ("change", "broken_at"),
    [
        ("UPDATE audit_log SET actor = 'account:2' WHERE id = 2", 2),
        ("UPDATE audit_log SET why = 'asked' WHERE id = 5", 5),
        ("DELETE FROM audit_log WHERE id = 3", 4),
        ("DELETE FROM audit_log WHERE id = 1", 2),
    ],
)
async def test_who_gets_around_the_database_is_found_out(database: Database, change: str, broken_at: int) -> None:
    """A row altered or taken out by somebody who owns the database breaks the chain."""
    await fill(database)
    triggers = (
        ["DROP TRIGGER audit_log_no_update", "DROP TRIGGER audit_log_no_delete"]
        if database.is_sqlite
        else ["DROP TRIGGER audit_log_append_only ON audit_log"]
    )
    async with database.write() as session:
        for statement in [*triggers, change]:
            await session.execute(text(statement))

    assert broken_at == (await verdict(database)).broken_at


async def test_cutting_off_the_newest_rows_is_found_with_a_head_noted_before(database: Database) -> None:
    """The head written down yesterday must still be there today."""
    await fill(database)
    async with database.read() as session:
        head = await audit.head(session)
        known = await audit.holds(session, head)
        foreign = [await audit.holds(session, other) for other in ("00" * 32, "not hexadecimal")]

    assert known
    assert [False, False] == foreign


async def test_retention_shortens_the_log_without_breaking_it(database: Database) -> None:
    """What is old goes, the rest still verifies, and a row says that it went (P11)."""
    await fill(database)
    now = NOW + timedelta(days=400)
    for _ in range(2):
        async with database.write() as session:
            removed = await audit.forget_before(session, NOW + timedelta(days=3), now)
    found = await verdict(database)
    async with database.read() as session:
        rows = await audit.newest(session)

    assert 0 == removed
    assert (3, None) == (found.rows, found.broken_at)
    assert "audit_shortened" == rows[0].action


async def test_rows_written_at_once_make_one_chain(database: Database) -> None:
    """Ten volunteers who act at the same moment leave one unbroken log."""

    async def one(number: int) -> None:
        async with database.write() as session:
            await audit.append(session, NOW, f"account:{number}", "opened", "conversation:1", "")

    await asyncio.gather(*(one(number) for number in range(10)))
    found = await verdict(database)

    assert (10, None) == (found.rows, found.broken_at)
