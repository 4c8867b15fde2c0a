"""What a country would take, from what a message costs on PostgreSQL: `python -m bench.country`.

One gateway and its engine on a PostgreSQL server of their own, people writing at a steady rate; the processor time of gateway,
engine and database apart, and what a message leaves on the disk. The rest is multiplication, printed with its factors.
"""

from __future__ import annotations

import asyncio
import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from sqlalchemy import text

from bench.load import Counter, family
from bench.storm_database import database_for
from bench.versus_rasa import Measuring, ours
from bot.config import async_database_url
from bot.store.database import Database

RATE = 10
SECONDS = 30
PEAK = 50
"""Messages a second at the worst hour (the issue's figure)."""
CONTACTS = 1_000_000
MESSAGES = 20
"""Messages of a person in a contact."""
KEPT_DAYS = 90
"""The longest a conversation's words stay without a reason to keep them longer."""
BUSY = 0.6
"""The share of a core that may be in use at the peak, so that a queue does not grow by chance."""
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds so far, by part."""

    gateway: float
    engine: float
    database: float

    def since(self, before: Cost, messages: int) -> Cost:
        """Milliseconds a message between two readings."""
        share = 1000 / messages
        return Cost(
            (self.gateway - before.gateway) * share,
            (self.engine - before.engine) * share,
            (self.database - before.database) * share,
        )


def _own_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def _with_ended_children(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / _TICK


def _read(gateway: int, postmaster: int) -> Cost:
    parts = {"gateway": 0.0, "engine": 0.0}
    for member in family(gateway):
        words = Path(f"/proc/{member}/cmdline").read_bytes().split(b"\0")
        parts["engine" if b"engine" in words else "gateway"] += _own_seconds(member)
    database = sum(_own_seconds(member) for member in family(postmaster)) + _with_ended_children(postmaster)
    return Cost(parts["gateway"], parts["engine"], database)


async def _size(url: str) -> int:
    database = Database(async_database_url(url))
    async with database.read() as session:
        found = await session.execute(text("SELECT pg_database_size(current_database())"))
        size = int(found.scalar_one())
    await database.close()
    return size


async def measure(folder: Path) -> None:
    """Measure once and print."""
    counter = Counter()
    await counter.start()
    async with database_for("postgresql", folder) as (url, _):
        postmaster = int((folder / "disk" / "data" / "postmaster.pid").read_text().splitlines()[0])
        bot = ours(folder, counter)
        bot.environment["DATABASE_URL"] = url
        try:
            async with aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=60)
            ) as http:
                measuring = Measuring("country", bot, counter, http)
                await bot.start()
                await measuring.run(2, 10)
                await measuring.settle()
                before, size = _read(bot.pid, postmaster), await _size(url)
                run = await measuring.run(RATE, SECONDS)
                await measuring.settle()
                count = RATE * SECONDS
                cost = _read(bot.pid, postmaster).since(before, count)
                grown = (await _size(url) - size) / count
        finally:
            bot.kill()
            await counter.stop()
    _report(run.at(0.5), run.at(0.99), run.unanswered, cost, grown)


def _report(p50: float, p99: float, unanswered: int, cost: Cost, grown: float) -> None:
    print(f"{RATE} messages a second for {SECONDS} s on PostgreSQL, each a first message, some four answers each")
    print(f"  latency p50 {p50:.0f}  p99 {p99:.0f} ms   unanswered {unanswered}")
    print(
        f"  processor time a message: gateway {cost.gateway:.1f}  engine {cost.engine:.1f}  PostgreSQL {cost.database:.1f} ms"
    )
    print(f"  disk a message, with its answers and indexes: {grown / 1000:.1f} kB")
    print(f"\nA peak of {PEAK} messages a second, processes at most {BUSY:.0%} busy:")
    for name, milliseconds in (("gateways", cost.gateway), ("engines", cost.engine)):
        cores = PEAK * milliseconds / 1000
        print(f"  {name:10} {cores:.1f} cores of work   {math.ceil(cores / BUSY)} processes of one core")
    cores = PEAK * cost.database / 1000
    print(f"  PostgreSQL {cores:.1f} cores of work   {math.ceil(cores / BUSY)} cores")
    year = CONTACTS * MESSAGES
    print(
        f"{CONTACTS:,} contacts of {MESSAGES} messages a year: {year / 365 / 86_400:.1f} messages a second on average"
    )
    print(f"  kept {KEPT_DAYS} days: {year * KEPT_DAYS / 365 * grown / 1e9:.0f} GB")


def main() -> None:
    """One run."""
    with tempfile.TemporaryDirectory(prefix="country-", ignore_cleanup_errors=True) as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
