"""Providers' rates shared by all processes: buckets as rows, taken with one short statement by the database's own clock.

A bucket is the moment at which it will be full again (GCRA): taking a token moves that moment on, and how far it lies ahead
says how long to wait. SQLite has one process, whose memory is enough (flows.limits).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, text

from bot.store.database import Database

_TAKE = text(
    """
    INSERT INTO rate_buckets AS bucket (name, full_at)
    SELECT name, clock_timestamp() + make_interval(secs => step)
    FROM unnest(CAST(:names AS text[]), CAST(:steps AS float8[])) AS wanted (name, step)
    ON CONFLICT (name) DO UPDATE SET full_at =
        greatest(bucket.full_at, clock_timestamp()) + (excluded.full_at - clock_timestamp())
    RETURNING name, extract(epoch FROM full_at - clock_timestamp())
    """
)
_LOOK = text(
    "SELECT name, extract(epoch FROM full_at - clock_timestamp()) FROM rate_buckets WHERE name IN :names"
).bindparams(bindparam("names", expanding=True))
_PAUSE = text(
    """
    INSERT INTO rate_buckets AS bucket (name, full_at) VALUES (:name, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (name) DO UPDATE SET full_at = greatest(bucket.full_at, excluded.full_at)
    """
)


@dataclass(frozen=True, slots=True)
class Step:
    """One bucket by name, and the seconds one token takes to come back."""

    name: str
    seconds: float


async def take(database: Database, steps: tuple[Step, ...]) -> dict[str, float]:
    """Take a token from each bucket; the seconds until each is full again."""
    async with database.statement() as connection:
        rows = await connection.execute(
            _TAKE, {"names": [step.name for step in steps], "steps": [step.seconds for step in steps]}
        )
        return {name: float(seconds) for name, seconds in rows}


async def look(database: Database, names: tuple[str, ...]) -> dict[str, float]:
    """The seconds until each of these buckets is full again; those never used are missing."""
    async with database.statement() as connection:
        return {name: float(seconds) for name, seconds in await connection.execute(_LOOK, {"names": list(names)})}


async def pause(database: Database, name: str, seconds: float) -> None:
    """Let a bucket be full again no sooner than in so many seconds."""
    async with database.statement() as connection:
        await connection.execute(_PAUSE, {"name": name, "seconds": seconds})
