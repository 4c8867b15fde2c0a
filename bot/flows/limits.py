"""The providers' rates: a bucket for each channel and one for each chat, and the pauses they ask for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

KEPT_CHATS = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages a second, after a burst of so many."""

    per_second: float
    burst: float


CHANNEL_RATES = {"telegram": Rate(28.0, 28.0), "whatsapp": Rate(10.0, 10.0)}
CHAT_RATES = {"telegram": Rate(1.0, 5.0), "whatsapp": Rate(1.0, 3.0)}
"""Telegram: 30 a second, 1 a chat with short bursts; Twilio: 10 a second, bursts of 3 a person (facts: channels)."""


class _Bucket:
    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._at = now

    def take(self, now: float) -> float:
        """Take one token; the seconds to wait before using it."""
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at) * self._rate.per_second)
        self._at = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate.per_second)

    def pause(self, now: float, seconds: float) -> None:
        """Nothing more for so many seconds."""
        self._tokens = min(self._tokens, -seconds * self._rate.per_second)
        self._at = now


class Limits:
    """The buckets of this process; `is_on` false lets everything through, for talking in a terminal."""

    def __init__(self, *, is_on: bool = True) -> None:
        self._is_on = is_on
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    async def wait(self, channel: str, address: str) -> None:
        """Return when a message may go out to this chat."""
        now = asyncio.get_running_loop().time()
        seconds = max((bucket.take(now) for bucket in self._of(channel, address, now)), default=0.0)
        if seconds > 0:
            await asyncio.sleep(seconds)

    def pause(self, channel: str, address: str, seconds: float) -> None:
        """The provider asked to wait: this chat rests exactly as long."""
        now = asyncio.get_running_loop().time()
        for bucket in self._of(channel, address, now)[1:]:
            bucket.pause(now, seconds)

    def _of(self, channel: str, address: str, now: float) -> list[_Bucket]:
        if not self._is_on or channel not in CHANNEL_RATES:
            return []
        wanted = (((channel, ""), CHANNEL_RATES[channel]), ((channel, address), CHAT_RATES[channel]))
        for key, rate in wanted:
            self._buckets.setdefault(key, _Bucket(rate, now))
            self._buckets.move_to_end(key)
        while len(self._buckets) > KEPT_CHATS:
            self._buckets.popitem(last=False)
        return [self._buckets[key] for key, _ in wanted]
