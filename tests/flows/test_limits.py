"""The providers' rates: kept, and never at the cost of somebody in danger. Time is the loop's own, passed in."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.config import async_database_url
from bot.flows.limits import CHAT_RATES, MESSAGES_PER_SECOND, Limits, shares
from bot.store.database import Database
from bot.store.migrate import migrate


class Clock:
    """A loop's time that moves only by what was waited for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.waited: list[float] = []
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


async def test_an_emergency_does_not_queue_behind_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a thousand ordinary messages wait for the provider's rate, an emergency goes out at once."""
    clock, limits = Clock(monkeypatch), Limits()
    for chat in range(1000):
        await limits.wait("telegram", str(chat))
    ordinary = clock.waited[-1]
    clock.waited.clear()
    await limits.wait("telegram", "in danger", urgent=True)

    assert ordinary > 30
    assert [] == clock.waited


@pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
def test_all_together_stay_below_what_the_provider_allows(channel: str) -> None:
    """Ordinary and urgent messages together never pass the provider's rate (facts: channels)."""
    allowed = {"telegram": 30.0, "whatsapp": 10.0}[channel]

    together, kept = shares(MESSAGES_PER_SECOND)

    assert allowed >= together[channel].per_second + kept[channel].per_second


async def test_a_larger_account_is_used_as_its_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has more from a provider says so, and a part of it is still kept for emergencies."""
    clock, limits = Clock(monkeypatch), Limits(rates={"telegram": 280.0, "whatsapp": 80.0})
    for chat in range(220):
        await limits.wait("telegram", str(chat))
    at_once = list(clock.waited)
    for chat in range(220, 440):
        await limits.wait("telegram", str(chat))
    late = max(clock.waited)
    clock.waited.clear()
    await limits.wait("telegram", "in danger", urgent=True)

    assert [] == at_once
    assert late == pytest.approx(1.0)
    assert [] == clock.waited


async def test_one_chat_gets_one_message_a_second_after_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chat's own rate holds, or the provider would refuse the messages."""
    clock, limits = Clock(monkeypatch), Limits()
    for _ in range(int(CHAT_RATES["telegram"].burst) + 2):
        await limits.wait("telegram", "1")

    assert [1.0, 2.0] == [round(seconds, 3) for seconds in clock.waited]


@pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
async def test_a_flood_does_not_delay_its_own_rescue(monkeypatch: pytest.MonkeyPatch, channel: str) -> None:
    """When a chat's burst is used up by ordinary messages, the three of an emergency still go out at once."""
    clock, limits = Clock(monkeypatch), Limits()
    for _ in range(int(CHAT_RATES[channel].burst)):
        await limits.wait(channel, "1")
    for _ in range(3):
        await limits.wait(channel, "1", urgent=True)

    assert [] == clock.waited


async def test_a_chat_rests_as_long_as_the_provider_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 429 with retry_after the chat rests exactly so long, and nobody else does."""
    clock, limits = Clock(monkeypatch), Limits()
    await limits.wait("telegram", "1")
    await limits.pause("telegram", "1", 7)
    await limits.wait("telegram", "2")
    free = list(clock.waited)
    await limits.wait("telegram", "1")

    assert [] == free
    assert 7 <= clock.waited[-1] <= 8.1


async def test_several_processes_share_one_rate(postgres_url: str) -> None:
    """Two processes together never pass the provider's rate: their buckets are rows, moved on by the database's clock."""
    url = async_database_url(postgres_url)
    one, other = Database(url), Database(url)
    await migrate(one)
    rate = shares(MESSAGES_PER_SECOND)[0]["telegram"]
    limits = (Limits(one), Limits(other))
    started = time.monotonic()
    waits = [await limits[chat % 2].take("telegram", str(chat)) for chat in range(int(rate.burst) * 3)]
    elapsed = time.monotonic() - started
    urgent = await limits[0].take("telegram", "in danger", urgent=True)
    await one.close()
    await other.close()

    assert 0 == waits[0]
    assert 1.95 <= waits[-1] + elapsed
    assert waits[-1] <= 2.0
    assert 0 == urgent


async def test_a_chat_rests_for_all_processes(postgres_url: str) -> None:
    """A pause that one process was told to make is made by all, for this chat alone."""
    url = async_database_url(postgres_url)
    one, other = Database(url), Database(url)
    await migrate(one)
    await Limits(one).pause("telegram", "1", 30)
    waits = [await Limits(other).take("telegram", chat) for chat in ("1", "2")]
    await one.close()
    await other.close()

    assert 29 < waits[0] <= 30
    assert 0 == waits[1]
