"""Hints between processes on PostgreSQL: NOTIFY says that there is work, rows say which. A hint that is lost costs little."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from bot.store.database import Database

CHANNEL = "relais"
HintsLostError = psycopg.Error
"""The connection we listened on is gone."""
_TELL = text(f"SELECT pg_notify('{CHANNEL}', :payload)")


async def tell(database: Database, payload: str) -> None:
    """Tell every process that listens."""
    async with database.statement() as connection:
        await connection.execute(_TELL, {"payload": payload})


async def heard(database: Database) -> AsyncIterator[str]:
    """Every hint from now on; raises HintsLostError when the connection is lost."""
    address = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        yield ""
        async for notice in connection.notifies():
            yield notice.payload
