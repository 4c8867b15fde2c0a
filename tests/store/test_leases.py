"""Who holds what: leases by the database's clock, renewed by who lives, free within seconds when a worker dies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.config import async_database_url
from bot.domain.messages import InboundKind, InboundMessage
from bot.domain.risk import Assessment, RiskLevel
from bot.flows.heart import Heart
from bot.store import inbox, leases
from bot.store.contacts import Defaults
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.inbox import LaneClaim
from bot.store.migrate import migrate
from bot.store.moments import DatabaseClock
from tests.flows.house import house

KEYRING = Keyring(("a-secret-key-for-tests",))
SKEW = timedelta(minutes=10)


async def lanes_due(database: Database, count: int) -> None:
    """So many people wrote; their lanes are due."""
    await migrate(database)
    now = datetime.now(UTC) - timedelta(seconds=1)
    async with database.write() as session:
        for number in range(count):
            message = InboundMessage("telegram", str(number), f"{number}.1", InboundKind.TEXT, "x", now)
            opened = await inbox.open_thread(session, KEYRING, message, Defaults("fr", "FR"))
            await inbox.store_inbound(session, opened, message, Assessment(RiskLevel.NONE, "fr"), due=now)


async def claim(database: Database, now: datetime) -> LaneClaim | None:
    """Claim as a worker whose clock says `now`."""
    async with database.write() as session:
        return await inbox.claim_lane(session, now)


async def test_clocks_ten_minutes_apart_never_give_a_lane_to_two(postgres_url: str) -> None:
    """The database's clock decides who holds a lane, not that of a worker which runs ahead or behind."""
    database = Database(async_database_url(postgres_url), keeps_time=True)
    await lanes_due(database, 1)
    now = datetime.now(UTC)
    first = await claim(database, now - SKEW)
    others = [await claim(database, now + skew) for skew in (SKEW, timedelta(0), -SKEW)]
    async with database.write() as session:
        roles = [
            await leases.hold(session, "watch", holder, now + skew, timedelta(seconds=20))
            for holder, skew in (("a", -SKEW), ("b", SKEW), ("c", timedelta(0)))
        ]
    await database.close()

    assert first is not None
    assert [None, None, None] == others
    assert [0, None, None] == roles


async def test_a_worker_far_behind_still_answers_at_once(postgres_url: str) -> None:
    """A lane that is due is due for every worker, whatever its own clock says."""
    database = Database(async_database_url(postgres_url), keeps_time=True)
    await lanes_due(database, 1)
    found = await claim(database, datetime.now(UTC) - SKEW)
    await database.close()

    assert found is not None


async def test_all_processes_have_the_databases_time(postgres_url: str) -> None:
    """What a process calls now is the database's now, so that what one makes due the other finds due."""
    database = Database(async_database_url(postgres_url), keeps_time=True)
    clock = DatabaseClock(database)
    clock._read = (datetime.now(UTC) + SKEW, 0.0)
    await clock.read()
    off = abs(clock() - datetime.now(UTC))
    await database.close()

    assert off < timedelta(seconds=1)


async def test_many_workers_share_the_lanes_without_a_double(postgres_url: str) -> None:
    """Twenty claims at once on twenty lanes give each lane to one of them."""
    databases = [Database(async_database_url(postgres_url), keeps_time=True) for _ in range(2)]
    await lanes_due(databases[0], 20)
    now = datetime.now(UTC)
    found = await asyncio.gather(*(claim(databases[number % 2], now) for number in range(24)))
    for database in databases:
        await database.close()
    ids = [lane.conversation_id for lane in found if lane is not None]

    assert len(ids) == len(set(ids))
    assert 20 == len(ids)


async def test_a_beating_heart_keeps_a_slow_turn_and_a_dead_one_loses_it(database_url: str) -> None:
    """A turn that takes long keeps its lane as long as its worker lives; then the lane is free after one lease."""
    async with house(database_url) as here:
        await lanes_due(here.helpline.database, 1)
        here.now[0] = datetime.now(UTC)
        lease = inbox.lease_of(is_shared=not here.helpline.database.is_sqlite)
        heart = Heart(here.helpline)
        mine = await claim(here.helpline.database, here.now[0])
        assert mine is not None
        heart.hold(mine)
        taken = []
        for _ in range(5):
            here.now[0] += lease * 0.7
            await heart.beat()
            taken.append(await claim(here.helpline.database, here.now[0]))
        here.now[0] += lease * 1.1
        after_death = await claim(here.helpline.database, here.now[0])
        await heart.beat()
        here.now[0] += lease * 0.5
        still_the_others = await claim(here.helpline.database, here.now[0])

    assert [None] * 5 == taken
    assert after_death == replace(mine, fence=mine.fence + 1)
    assert still_the_others is None


async def test_a_worker_that_stops_gives_back_what_it_held(database_url: str) -> None:
    """On SIGTERM lanes are free at once, not after a lease; and nothing more is sent under a claim given back."""
    async with house(database_url) as here:
        await lanes_due(here.helpline.database, 1)
        here.now[0] = datetime.now(UTC)
        heart = Heart(here.helpline)
        mine = await claim(here.helpline.database, here.now[0])
        assert mine is not None
        heart.hold(mine)
        could = heart.may_go_on(mine)
        heart.stop_sending()
        can = heart.may_go_on(mine)
        await heart.release()
        again = await claim(here.helpline.database, here.now[0])

    assert could
    assert not can
    assert again is not None


async def test_a_dead_workers_hold_is_shorter_than_five_seconds() -> None:
    """Lease and poll together leave nobody waiting more than five seconds for a dead worker."""
    longest_sleep = 1.0

    assert inbox.lease_of(is_shared=True).total_seconds() + longest_sleep < 5
