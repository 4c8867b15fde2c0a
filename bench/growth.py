"""What a message costs as the work grows: conversations, turns of one conversation, stored messages: `python -m bench.growth`.

The real flows, triage, words and engine on SQLite, one message after the other, a provider that takes everything. Cases are
measured in turn, ten messages at a time, so that a busy machine is busy for all. Flat means within twenty per cent of the smallest.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from matplotlib import pyplot as plt
from sqlalchemy import insert

from bench.latency import TOKEN, engine_process
from bench.load import cpu_seconds
from bot.app import build_helpline
from bot.channels.simulator import SimulatorChannel
from bot.config import ROOT, VAR, async_database_url, load_settings
from bot.dialogue.rasa import Engine
from bot.domain.messages import InboundKind, InboundMessage
from bot.flows.deliver import claim_delivery, deliver
from bot.flows.helpline import Helpline
from bot.flows.limits import Limits
from bot.flows.receive import accept, answer, claim_turn
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.tables import ContactRow, ConversationRow, InboundRow, OutboundRow

SIZES = ((1, 10), (100, 100), (10_000, 100))
"""Conversations, and messages stored of each; the last makes a million."""
TURNS = (1, 50, 500)
AROUND = 9
"""So many turns around each of TURNS are measured."""
ROUNDS, BATCH = 10, 10
FLAT = 1.2
KEYS = ("a-secret-key-for-benchmarks",)
WORDS = ("ils se moquent de moi sur insta", "je dors mal", "c'est quoi le 3018", "oui", "je sais pas", "ça va mieux")
RESULTS, PLOT = VAR / "bench" / "growth.json", ROOT / "docs" / "plots" / "growth.png"


@dataclass
class Case:
    """One size: wall milliseconds and processor milliseconds of each message."""

    name: str
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def middle(self) -> tuple[float, float]:
        """Medians."""
        return statistics.median(self.wall), statistics.median(self.cpu)


def main() -> None:
    """Measure, print, plot; exit 1 when something is not flat."""
    with engine_process() as (url, process), tempfile.TemporaryDirectory() as folder:
        groups = asyncio.run(_measure(url, process, Path(folder)))
    shown = [_show(title, cases) for title, cases in groups.items()]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({t: [[c.name, *c.middle] for c in cases] for t, cases in groups.items()}, indent=1))
    _plot(groups)
    sys.exit(0 if all(shown) else 1)


async def _measure(url: str, process: subprocess.Popen[bytes], folder: Path) -> dict[str, list[Case]]:
    sizes = [Case(f"{count:,} conversations, {count * each:,} messages") for count, each in SIZES]
    turns = [Case(f"turn {turn}") for turn in TURNS]
    async with _houses(url, folder) as houses:
        for helpline, (count, each) in zip(houses, SIZES, strict=True):
            await _fill(helpline, count, each)
        for helpline in houses:
            await _say(helpline, "warm", WORDS[0])
        for round_ in range(ROUNDS):
            for helpline, case in zip(houses, sizes, strict=True):
                for number in range(BATCH):
                    # Each of the people there already once more, and somebody new as often.
                    who = "p0" if number % 2 else f"new{round_}.{number}"
                    await _timed(helpline, case, who, WORDS[(round_ + number) % len(WORDS)], process.pid)
        for turn in range(1, TURNS[-1] + AROUND):
            near = [case for case, at in zip(turns, TURNS, strict=True) if at <= turn < at + AROUND]
            words = WORDS[turn % len(WORDS)]
            if near:
                await _timed(houses[1], near[0], "talker", words, process.pid)
            else:
                await _say(houses[1], "talker", words)
    return {"as the store grows": sizes, "as one conversation goes on": turns}


@asynccontextmanager
async def _houses(url: str, folder: Path) -> AsyncIterator[list[Helpline]]:
    found: list[Helpline] = []
    for index in range(len(SIZES)):
        address = f"sqlite:///{folder / f'{index}.sqlite'}"
        database = Database(async_database_url(address))
        await migrate(database)
        settings = load_settings(env_file=None, secret_keys=KEYS[0], database_url=address, quiet_window=0)
        channels = {"simulator": SimulatorChannel()}
        engine = Engine.at(url, TOKEN, 4.0)
        found.append(build_helpline(settings, database, engine, dict(channels)))
    try:
        yield found
    finally:
        for helpline in found:
            await helpline.engine.close()
            await helpline.database.close()


async def _fill(helpline: Helpline, count: int, each: int) -> None:
    """People with a conversation of the past and its messages, half theirs and half ours; nothing is due."""
    keyring, then = Keyring(KEYS), datetime.now(UTC) - timedelta(hours=2)
    for first in range(0, count, 500):
        people = range(first + 1, min(first + 500, count) + 1)
        async with helpline.database.write() as session:
            for number in people:
                address, hashes = f"p{number - 1}", keyring.lookup_hashes("simulator", f"p{number - 1}")
                sealed = keyring.seal_address(address, f"contacts.address:{hashes[0].hex()}")
                person = {"id": number, "channel": "simulator", "address_hash": hashes[0], "address_sealed": sealed}
                rest = {"alias": "Loutre 42", "language": "fr", "language_is_chosen": True, "country": "FR"}
                flags = {"is_discreet": False, "is_reachable": True, "created_at": then, "last_inbound_at": then}
                await session.execute(insert(ContactRow).values(**person, **rest, **flags))
                wrapped = keyring.new_data_key(f"conversations.key:{number}")[1]
                row = {"id": number, "contact_id": number, "key_wrapped": wrapped, "mode": "bot", "language": "fr"}
                await session.execute(
                    insert(ConversationRow).values(**row, started_at=then, last_inbound_at=then, turns=each)
                )
            await session.execute(
                insert(InboundRow), [_inbound(one, i, then) for one in people for i in range(each // 2)]
            )
            await session.execute(
                insert(OutboundRow), [_outbound(one, i, then) for one in people for i in range(each // 2)]
            )


def _inbound(person: int, number: int, at: datetime) -> dict[str, object]:
    sealed = os.urandom(90)
    kept = {"text_sealed": sealed, "verdict_sealed": sealed, "received_at": at, "answered_at": at}
    return {
        **kept,
        "conversation_id": person,
        "channel": "simulator",
        "external_id": f"{person}.{number}",
        "kind": "text",
        "risk": 0,
    }


def _outbound(person: int, number: int, at: datetime) -> dict[str, object]:
    kept = {"body_sealed": os.urandom(300), "status": 4, "due_at": at, "created_at": at, "accepted_at": at}
    return {
        **kept,
        "conversation_id": person,
        "channel": "simulator",
        "turn": number,
        "position": 0,
        "author": "bot",
        "key": "utter_greet",
        "is_urgent": False,
        "attempts": 1,
        "external_id": f"o{person}.{number}",
    }


async def _timed(helpline: Helpline, case: Case, who: str, words: str, engine_pid: int) -> None:
    wall, cpu, engine = time.perf_counter(), time.process_time(), cpu_seconds(engine_pid)
    await _say(helpline, who, words)
    case.wall.append((time.perf_counter() - wall) * 1000)
    case.cpu.append((time.process_time() - cpu + cpu_seconds(engine_pid) - engine) * 1000)


async def _say(helpline: Helpline, who: str, words: str) -> None:
    """One message in, answered, delivered."""
    message = InboundMessage(
        "simulator", who, uuid.uuid4().hex, InboundKind.TEXT, words, datetime.now(UTC), language_hint="fr"
    )
    await accept(helpline, message)
    while (claimed := await claim_turn(helpline)) is not None:
        await answer(helpline, claimed)
    while (claim := await claim_delivery(helpline)) is not None:
        await deliver(helpline, Limits(is_on=False), claim)


def _show(title: str, cases: list[Case]) -> bool:
    print(f"\n{title}: milliseconds a message, median{'wall':>22}{'CPU':>10}{'ratio':>10}")
    base = cases[0].middle[0]
    for case in cases:
        wall, cpu = case.middle
        print(f"  {case.name:56}{wall:9.1f}{cpu:10.1f}{wall / base:10.2f}")
    return all(case.middle[0] <= FLAT * base for case in cases)


def _plot(groups: dict[str, list[Case]]) -> None:
    plt.switch_backend("svg")
    figure, axes = plt.subplots(1, len(groups), figsize=(10, 3.6), sharey=True)
    for axis, (title, cases) in zip(axes, groups.items(), strict=True):
        names = [case.name.replace(", ", "\n") for case in cases]
        axis.bar(names, [case.middle[0] for case in cases], color="#4a7a9c", label="wall")
        axis.plot(names, [case.middle[1] for case in cases], "o", color="#b5533c", label="CPU, engine included")
        axis.set_title(title, fontsize=10)
        axis.tick_params(labelsize=8)
    axes[0].set_ylabel("milliseconds a message")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=110)


if __name__ == "__main__":
    main()
