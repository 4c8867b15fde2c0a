"""The providers' rates: kept, and never at the cost of somebody in danger. Time is the loop's own, passed in."""

from __future__ import annotations

import asyncio

import pytest

from bot.flows.limits import CHANNEL_RATES, CHAT_RATES, URGENT_RATES, Limits


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

    assert allowed >= CHANNEL_RATES[channel].per_second + URGENT_RATES[channel].per_second


async def test_one_chat_gets_one_message_a_second_after_a_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chat's own rate holds for emergencies too: the provider would refuse them otherwise."""
    clock, limits = Clock(monkeypatch), Limits()
    for _ in range(int(CHAT_RATES["telegram"].burst) + 2):
        await limits.wait("telegram", "1", urgent=True)

    assert [1.0, 2.0] == [round(seconds, 3) for seconds in clock.waited]


async def test_a_chat_rests_as_long_as_the_provider_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 429 with retry_after the chat rests exactly so long, and nobody else does."""
    clock, limits = Clock(monkeypatch), Limits()
    await limits.wait("telegram", "1")
    limits.pause("telegram", "1", 7)
    await limits.wait("telegram", "2")
    free = list(clock.waited)
    await limits.wait("telegram", "1")

    assert [] == free
    assert 7 <= clock.waited[-1] <= 8.1
