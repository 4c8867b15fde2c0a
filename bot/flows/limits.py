"""The providers' rates: a bucket for each channel and one for each chat, shared by every process, and the pauses they ask for.

On PostgreSQL the buckets are rows (store.rates); with SQLite there is one process, and they stay in its memory.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from bot.store import rates
from bot.store.database import Database
from bot.store.rates import Step

KEPT_CHATS = 10_000
SHARED, URGENT, REST = "", "!", "/rest"
"""Names of the buckets of a whole channel, beside those of its chats; and of how long a chat was told to rest."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages a second, after a burst of so many."""

    per_second: float
    burst: float

    @property
    def step(self) -> float:
        """The seconds one token takes to come back."""
        return 1.0 / self.per_second

    def wait(self, full_in: float, extra: float = 0.0) -> float:
        """Seconds to wait before using a token just taken from a bucket that is full again in `full_in` seconds."""
        return max(0.0, full_in - (self.burst + extra) * self.step)


MESSAGES_PER_SECOND = {"telegram": 28.0, "whatsapp": 10.0}
"""What a provider takes from us in all, unless the settings say more."""
KEPT_FOR_URGENT = {"telegram": 6 / 28, "whatsapp": 3 / 10}
"""The share kept for emergencies alone, so that they never queue behind everybody's ordinary messages; they use the rest too."""
CHAT_RATES = {"telegram": Rate(1.0, 5.0), "whatsapp": Rate(1.0, 3.0)}
"""Telegram: 30 a second in all, 1 a chat with short bursts; Twilio: 10 a second, bursts of 3 a person (facts: channels)."""
URGENT_EXTRA = 4.0
"""So many emergency messages go to a chat whose burst is used up by ordinary ones: a flood does not delay its own rescue."""


def shares(rates: Mapping[str, float]) -> tuple[dict[str, Rate], dict[str, Rate]]:
    """Each channel's messages a second, divided into what everybody shares and what is kept for emergencies."""
    kept = {channel: rates[channel] * share for channel, share in KEPT_FOR_URGENT.items()}
    shared = {channel: rates[channel] - own for channel, own in kept.items()}
    return (
        {channel: Rate(rate, max(1.0, rate)) for channel, rate in shared.items()},
        {channel: Rate(rate, max(1.0, rate)) for channel, rate in kept.items()},
    )


class Memory:
    """Buckets of one process, by the event loop's clock."""

    def __init__(self) -> None:
        self._full_at: OrderedDict[str, float] = OrderedDict()

    async def take(self, steps: tuple[Step, ...]) -> dict[str, float]:
        """Take a token from each; the seconds until each is full again."""
        now = asyncio.get_running_loop().time()
        for step in steps:
            self._full_at[step.name] = max(self._full_at.get(step.name, now), now) + step.seconds
            self._full_at.move_to_end(step.name)
        while len(self._full_at) > KEPT_CHATS:
            self._full_at.popitem(last=False)
        return {step.name: self._full_at[step.name] - now for step in steps}

    async def look(self, names: tuple[str, ...]) -> dict[str, float]:
        """The seconds until each of these is full again."""
        now = asyncio.get_running_loop().time()
        return {name: self._full_at[name] - now for name in names if name in self._full_at}

    async def pause(self, name: str, seconds: float) -> None:
        """Full again no sooner than in so many seconds."""
        now = asyncio.get_running_loop().time()
        self._full_at[name] = max(self._full_at.get(name, now), now + seconds)


class Rows:
    """Buckets in PostgreSQL, shared by every process, by the database's clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, steps: tuple[Step, ...]) -> dict[str, float]:
        """Take a token from each; the seconds until each is full again."""
        return await rates.take(self._database, steps)

    async def look(self, names: tuple[str, ...]) -> dict[str, float]:
        """The seconds until each of these is full again."""
        return await rates.look(self._database, names)

    async def pause(self, name: str, seconds: float) -> None:
        """Full again no sooner than in so many seconds."""
        await rates.pause(self._database, name, seconds)


class Limits:
    """What may go out when. Without a database the buckets are this process's own; `is_on` false lets everything through."""

    def __init__(
        self, database: Database | None = None, rates: Mapping[str, float] = MESSAGES_PER_SECOND, *, is_on: bool = True
    ) -> None:
        self._is_on = is_on
        self._shared, self._kept = shares(rates)
        self._buckets = Memory() if database is None or database.is_sqlite else Rows(database)

    async def take(self, channel: str, chat: str, *, urgent: bool = False) -> float:
        """Take the right to send one message to a chat; the seconds to wait before using it."""
        if not self._is_on or channel not in self._shared:
            return 0.0
        shared, rate = f"{channel}/{SHARED}", self._shared[channel]
        if urgent:
            shared, rate = await self._quicker(channel)
        own, rest, chat_rate = f"{channel}/{chat}", f"{channel}/{chat}{REST}", CHAT_RATES[channel]
        full_in = await self._buckets.take((Step(shared, rate.step), Step(own, chat_rate.step), Step(rest, 0.0)))
        extra = URGENT_EXTRA if urgent else 0.0
        return max(rate.wait(full_in[shared]), chat_rate.wait(full_in[own], extra), full_in[rest])

    async def wait(self, channel: str, chat: str, *, urgent: bool = False) -> None:
        """Return when a message may go out to this chat."""
        seconds = await self.take(channel, chat, urgent=urgent)
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def pause(self, channel: str, chat: str, seconds: float) -> None:
        """The provider asked to wait: this chat rests exactly as long, emergencies too."""
        if self._is_on and channel in self._shared:
            await self._buckets.pause(f"{channel}/{chat}{REST}", seconds)

    async def _quicker(self, channel: str) -> tuple[str, Rate]:
        """For an emergency: the bucket kept for them, or the one everybody shares if that lets it out sooner."""
        choices = ((f"{channel}/{URGENT}", self._kept[channel]), (f"{channel}/{SHARED}", self._shared[channel]))
        full_in = await self._buckets.look(tuple(name for name, _ in choices))

        def wait(choice: tuple[str, Rate]) -> float:
            name, rate = choice
            return rate.wait(full_in.get(name, 0.0) + rate.step)

        return min(choices, key=wait)
