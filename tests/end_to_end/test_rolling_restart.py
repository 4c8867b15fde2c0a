"""Several real worker processes on PostgreSQL: one is killed, one is stopped; every answer comes once and soon."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from bot.app import build_helpline
from bot.config import ROOT, async_database_url, load_settings
from bot.dialogue.rasa import Engine
from bot.domain.messages import InboundKind, InboundMessage
from bot.flows.helpline import Helpline
from bot.flows.herald import Herald
from bot.flows.receive import accept
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.moments import DatabaseClock
from tests.wires import telegram
from tests.wires.server import serving

KEY = "a-secret-key-for-tests"
MOST_SECONDS = 6.5
"""Five for a dead worker's hold to end, the rest for a loaded machine."""


@asynccontextmanager
async def helpline_of(url: str) -> AsyncIterator[Helpline]:
    """A web process without its sockets: it stores what comes and tells the workers."""
    database = Database(async_database_url(url), keeps_time=True)
    await migrate(database)
    clock = DatabaseClock(database)
    await clock.read()
    settings = load_settings(env_file=None, secret_keys=KEY, database_url=url, quiet_window=0)
    engine = Engine.at("http://127.0.0.1:9", "x" * 16, 1.0)
    helpline = build_helpline(settings, database, engine, {}, clock)
    telling = asyncio.create_task(Herald(helpline).tell())
    try:
        yield helpline
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await engine.close()
        await database.close()


async def start(url: str, telegram_url: str) -> asyncio.subprocess.Process:
    """A worker as an operator starts it."""
    settings = {
        "DATABASE_URL": url,
        "ENGINE_URL": "http://127.0.0.1:9",
        "ENGINE_TOKEN": "x" * 16,
        "SECRET_KEYS": KEY,
        "TELEGRAM_BOT_TOKEN": telegram.TOKEN,
        "TELEGRAM_WEBHOOK_SECRET": "webhook-secret",
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_API_BASE_URL": telegram_url,
        "QUIET_WINDOW": "0.05",
        "SIMULATOR": "0",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "serve", "--role", "worker"),
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def write(helpline: Helpline, first: int, count: int) -> None:
    """So many people write one line each."""
    for person in range(first, first + count):
        now = helpline.clock()
        message = InboundMessage("telegram", str(person), f"{person}.1", InboundKind.TEXT, "je suis triste", now)
        assert (await accept(helpline, message)).is_new


async def unanswered(helpline: Helpline) -> int:
    """How many messages have no answer, or one that is not out."""
    async with helpline.database.read() as session:
        waiting = text(
            "SELECT (SELECT count(*) FROM inbound_messages WHERE answered_at IS NULL)"
            " + (SELECT count(*) FROM outbound_messages WHERE status IN (0, 1))"
        )
        return int((await session.execute(waiting)).scalar_one())


async def until_answered(helpline: Helpline) -> float:
    """Wait until everybody is answered; how long that took."""
    started = time.monotonic()
    async with asyncio.timeout(30):
        while await unanswered(helpline):
            await asyncio.sleep(0.1)
    return time.monotonic() - started


async def until_listening(helpline: Helpline, count: int) -> None:
    """Wait until so many workers are up: each listens for hints on a connection of its own."""
    query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'")
    async with asyncio.timeout(60):
        while True:
            async with helpline.database.read() as session:
                if int((await session.execute(query)).scalar_one()) == count:
                    return
            await asyncio.sleep(0.1)


async def held(helpline: Helpline) -> int:
    """How many conversations a worker has in its hands."""
    async with helpline.database.read() as session:
        query = text("SELECT count(*) FROM conversations WHERE lane_until IS NOT NULL OR outbox_until IS NOT NULL")
        return int((await session.execute(query)).scalar_one())


async def test_a_worker_killed_and_one_stopped_lose_double_and_delay_nothing(postgres_url: str) -> None:
    """Whatever happens to workers during a restart, everybody is answered, once, within seconds."""
    fake = telegram.FakeTelegram()
    async with serving(fake.app) as telegram_url, helpline_of(postgres_url) as helpline:
        workers = [await start(postgres_url, telegram_url) for _ in range(2)]
        try:
            await until_listening(helpline, 2)
            # One dies with conversations in its hands.
            await write(helpline, 100, 6)
            async with asyncio.timeout(10):
                while not await held(helpline):
                    await asyncio.sleep(0.005)
            workers[0].kill()
            after_kill = await until_answered(helpline)
            # The other is replaced while people write.
            workers.append(await start(postgres_url, telegram_url))
            await until_listening(helpline, 2)
            await write(helpline, 200, 6)
            workers[1].send_signal(signal.SIGTERM)
            after_stop = await until_answered(helpline)
        finally:
            for worker in workers:
                if worker.returncode is None:
                    worker.kill()
                await worker.wait()

    said = Counter((item["chat_id"], item["text"]) for item in fake.sent)
    doubled = {key: count for key, count in said.items() if count > 1}
    assert after_kill < MOST_SECONDS
    assert after_stop < MOST_SECONDS
    assert len(doubled) <= 2, "only what was on the wire when its worker was killed may come twice"
    assert {*range(100, 106), *range(200, 206)} == {chat for chat, _ in said}
