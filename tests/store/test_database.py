"""The database: a writer waits its turn, and nobody else waits with it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.store.database import Database


async def prepare(path: Path) -> Database:
    """A database with one table and one row."""
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with database.write() as session:
        await session.execute(text("CREATE TABLE numbers (n INTEGER)"))
        await session.execute(text("INSERT INTO numbers VALUES (0)"))
    return database


@pytest.mark.parametrize("heavy", [False, True])
async def test_a_command_of_the_operator_delays_writers_but_not_the_service(tmp_path: Path, heavy: bool) -> None:
    """While another process writes, ours waits for it, and the service goes on meanwhile."""
    path = tmp_path / "busy.sqlite"
    database = await prepare(path)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    let_go = threading.Event()

    def release() -> None:
        let_go.wait()
        other.execute("COMMIT")
        other.close()

    async def write() -> None:
        async with database.write(heavy=heavy) as session:
            await session.execute(text("UPDATE numbers SET n = n + 1"))

    thread = threading.Thread(target=release)
    thread.start()
    writing = asyncio.create_task(write())
    async with database.read() as session:
        seen = [(await session.execute(text("SELECT n FROM numbers"))).scalar_one() for _ in range(50)]
    waited = not writing.done()
    let_go.set()
    await writing
    thread.join()

    assert waited
    assert set(seen) == {0}
    async with database.read() as session:
        assert (await session.execute(text("SELECT n FROM numbers"))).scalar_one() == 1
    await database.close()


async def test_many_writers_at_once_all_get_their_turn(tmp_path: Path) -> None:
    """Five hundred messages in the same instant are five hundred rows: none refused, none lost."""
    database = await prepare(tmp_path / "many.sqlite")

    async def write() -> None:
        async with database.read() as session:
            await session.execute(text("SELECT n FROM numbers"))
        async with database.write() as session:
            await session.execute(text("UPDATE numbers SET n = n + 1"))

    await asyncio.gather(*(write() for _ in range(500)))

    async with database.read() as session:
        assert (await session.execute(text("SELECT n FROM numbers"))).scalar_one() == 500
    await database.close()


async def test_a_transaction_given_up_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    """A task cancelled between two statements has written nothing, and the next one can write."""
    database = await prepare(tmp_path / "cancelled.sqlite")
    inside = asyncio.Event()

    async def write() -> None:
        async with database.write() as session:
            await session.execute(text("UPDATE numbers SET n = 99"))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with database.write() as session:
        assert (await session.execute(text("SELECT n FROM numbers"))).scalar_one() == 0
    await database.close()


async def test_what_another_process_holds_too_long_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps the database to itself for longer than the limit makes a writer fail, with nothing written."""
    monkeypatch.setattr("bot.store.sqlite.BUSY_MILLISECONDS", 50)
    path = tmp_path / "held.sqlite"
    database = await prepare(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(OperationalError, match="locked"):
        async with database.write() as session:
            await session.execute(text("UPDATE numbers SET n = 1"))

    other.execute("ROLLBACK")
    other.close()
    async with database.write() as session:
        await session.execute(text("UPDATE numbers SET n = 2"))
    await database.close()
