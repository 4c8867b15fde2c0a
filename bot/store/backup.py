"""A backup is every row as it stands, sealed columns sealed, as lines of JSON: the same for SQLite and PostgreSQL.

The keys are never in it: without SECRET_KEYS a backup opens nothing, and they must be kept apart from it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import Database
from bot.store.migrate import TABLE_MODULES, newest_revision
from bot.store.tables import Base

FORMAT = "relais-backup-1"
BATCH = 500


class BackupError(Exception):
    """The file is no backup of this version, or the database is not empty; the message says which."""


async def dump(database: Database) -> AsyncIterator[str]:
    """The lines of a backup: a head, then every table, those others point at first. One consistent view of all of it."""
    async with database.engine.connect() as connection:
        # One view of everything, while others go on writing: what WAL gives SQLite, PostgreSQL is asked for.
        level = {} if database.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        await connection.execution_options(reads_only=True, **level)
        yield json.dumps({"format": FORMAT, "revision": newest_revision()})
        for table in _tables():
            yield json.dumps({"table": table.name})
            rows = await connection.stream(select(table))
            async for row in rows:
                yield json.dumps([_plain(value) for value in row])


async def load(database: Database, lines: Iterable[str]) -> int:
    """Fill an empty, migrated database from a backup, all or nothing; how many rows. BackupError says what was wrong."""
    found = iter(lines)
    _check_head(_parse(next(found, "")))
    count = 0
    async with database.engine.begin() as connection:
        await _must_be_empty(connection)
        for table, rows in _read(found):
            if rows:
                await connection.execute(insert(table), rows)
                count += len(rows)
        if not database.is_sqlite:
            await _advance_sequences(connection)
    return count


def _tables() -> list[Table]:
    """Every table, those others point at first."""
    assert TABLE_MODULES  # noqa: S101 - importing them is what makes the metadata know their tables
    return Base.metadata.sorted_tables


def _check_head(head: Any) -> None:
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise BackupError("expected a backup made by `bot backup`")
    if head.get("revision") != newest_revision():
        made, here = head.get("revision"), newest_revision()
        raise BackupError(f"made by schema {made}, this version has {here}: restore with the version that made it")


def _read(lines: Iterator[str]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    table: Table | None = None
    rows: list[dict[str, Any]] = []
    for line in lines:
        item = _parse(line)
        if isinstance(item, dict):
            if table is not None:
                yield table, rows
            table, rows = Base.metadata.tables[item["table"]], []
        elif table is None:
            raise BackupError("rows before their table")
        else:
            rows.append({column.name: _value(value) for column, value in zip(table.columns, item, strict=True)})
            if len(rows) == BATCH:
                yield table, rows
                rows = []
    if table is not None:
        yield table, rows


def _parse(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        raise BackupError("expected a backup made by `bot backup`") from None


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    return value


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "bytes" in value:
        return base64.b64decode(value["bytes"])
    return datetime.fromisoformat(value["time"]) if "time" in value else date.fromisoformat(value["day"])


async def _must_be_empty(connection: AsyncConnection) -> None:
    for table in _tables():
        if (await connection.execute(select(func.count()).select_from(table))).scalar_one():
            raise BackupError(f"the database is not empty ({table.name} has rows): restore into a new one")


async def _advance_sequences(connection: AsyncConnection) -> None:
    """PostgreSQL counts on after the highest id that came with the backup."""
    for table in _tables():
        if "id" not in table.columns:
            continue
        asked = text("SELECT pg_get_serial_sequence(:table, 'id')")
        name = (await connection.execute(asked, {"table": table.name})).scalar()
        highest = (await connection.execute(select(func.max(table.columns.id)))).scalar()
        if name and highest:
            step = text("SELECT setval(CAST(:name AS regclass), :highest)")
            await connection.execute(step, {"name": name, "highest": highest})
