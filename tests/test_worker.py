"""The worker's loops: part of the work side by side is kept for people in danger; what is held is given back in the end."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import select, text

from bot.channels.simulator import SimulatorChannel
from bot.domain.messages import InboundKind, InboundMessage, OutboundMessage, SendResult, Sent
from bot.flows.herald import Herald
from bot.flows.receive import accept
from bot.store.tables import ConversationRow
from bot.worker import DELIVERIES_AT_ONCE, Worker
from tests.flows.house import IN_DANGER, House, house

END_LISTENERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
)


@dataclass
class Stuck(SimulatorChannel):
    """A provider that takes emergencies at once and leaves everything else hanging until told."""

    name: str = "simulator"
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: int = 0
    urgent: list[str] = field(default_factory=list)
    ordinary: list[str] = field(default_factory=list)

    async def send(self, address: str, message: OutboundMessage) -> SendResult:
        """Taken, sooner or later."""
        if message.urgent:
            self.urgent.append(address)
        else:
            self.hanging += 1
            self.ordinary.append(address)
            await self.go_on.wait()
        return Sent(uuid.uuid4().hex)


async def write(here: House, person: str, words: str) -> None:
    """Somebody writes."""
    message = InboundMessage("simulator", person, uuid.uuid4().hex, InboundKind.TEXT, words, here.now[0])
    await accept(here.helpline, message)


async def test_an_emergency_goes_out_while_everything_else_hangs(sqlite_url: str) -> None:
    """When a slow provider holds up every ordinary message, emergency words still go at once; stopping gives all back."""
    async with house(sqlite_url) as here:
        channel = Stuck()
        here.helpline = replace(here.helpline, channels={"simulator": channel})
        for person in range(DELIVERIES_AT_ONCE + 4):
            await write(here, str(person), "je suis triste")
        here.pass_time(seconds=3)
        worker = Worker(here.helpline)
        await worker.start()
        async with asyncio.timeout(60):
            while channel.hanging < DELIVERIES_AT_ONCE:
                await asyncio.sleep(0.01)
        await write(here, "in danger", IN_DANGER)
        async with asyncio.timeout(5):
            while "in danger" not in channel.urgent:
                await asyncio.sleep(0.01)
        hanging = channel.hanging
        channel.go_on.set()
        await worker.stop()
        async with here.helpline.database.read() as session:
            held = select(ConversationRow.id).where(
                ConversationRow.lane_until.is_not(None) | ConversationRow.outbox_until.is_not(None)
            )
            left = (await session.execute(held)).scalars().all()

    assert DELIVERIES_AT_ONCE == hanging
    assert [] == left


async def test_a_clock_set_ahead_sends_nothing_twice(sqlite_url: str) -> None:
    """What this process is sending it does not send a second time, however late the clock suddenly says it is."""
    async with house(sqlite_url) as here:
        channel = Stuck()
        here.helpline = replace(here.helpline, channels={"simulator": channel})
        await write(here, "1", "je suis triste")
        here.pass_time(seconds=3)
        worker = Worker(here.helpline)
        await worker.start()
        async with asyncio.timeout(30):
            while channel.hanging < 1:
                await asyncio.sleep(0.01)
        here.pass_time(seconds=90)
        await write(here, "2", "je suis triste")
        here.pass_time(seconds=90)
        async with asyncio.timeout(30):
            while "2" not in channel.ordinary:
                await asyncio.sleep(0.01)
        sent = list(channel.ordinary)
        channel.go_on.set()
        await worker.stop()

    assert ["1", "2"] == sent


async def test_a_bell_rings_in_other_processes_and_again_after_a_loss(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored by one process wakes the others; a lost connection is made again."""
    monkeypatch.setattr("bot.flows.herald.SECONDS_AFTER_LOSS", 0.05)
    async with house(postgres_url) as one, house(postgres_url) as other:
        there = other.helpline.inbox_changed
        teller, listener = Herald(one.helpline), Herald(other.helpline)
        tasks = [asyncio.create_task(teller.tell()), asyncio.create_task(listener.listen())]
        heard = [await there.wait(10)]
        one.helpline.inbox_changed.ring()
        heard.append(await there.wait(10))
        async with one.helpline.database.write() as session:
            await session.execute(END_LISTENERS)
        heard.append(await there.wait(10))
        one.helpline.inbox_changed.ring()
        heard.append(await there.wait(10))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    assert [True] * 4 == heard
