"""The providers' rates: a bucket for each channel and one for each chat, and the pauses they ask for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

KEPT_CHATS = 10_000
SHARED, URGENT = "", "!"
"""Names of the buckets of a whole channel, beside those of its chats."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages a second, after a burst of so many."""

    per_second: float
    burst: float


CHANNEL_RATES = {"telegram": Rate(22.0, 22.0), "whatsapp": Rate(7.0, 7.0)}
URGENT_RATES = {"telegram": Rate(6.0, 6.0), "whatsapp": Rate(3.0, 3.0)}
"""Kept for emergencies alone, so that they never queue behind everybody's ordinary messages; they use the others' too."""
CHAT_RATES = {"telegram": Rate(1.0, 5.0), "whatsapp": Rate(1.0, 3.0)}
"""Telegram: 30 a second in all, 1 a chat with short bursts; Twilio: 10 a second, bursts of 3 a person (facts: channels)."""


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

    def wait(self, now: float) -> float:
        """The seconds `take` would make one wait now; takes nothing."""
        tokens = min(self._rate.burst, self._tokens + (now - self._at) * self._rate.per_second)
        return max(0.0, (1 - tokens) / self._rate.per_second)

    def pause(self, now: float, seconds: float) -> None:
        """Nothing more for so many seconds."""
        self._tokens = min(self._tokens, -seconds * self._rate.per_second)
        self._at = now


class Limits:
    """The buckets of this process; `is_on` false lets everything through, for talking in a terminal."""

    def __init__(self, *, is_on: bool = True) -> None:
        self._is_on = is_on
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    async def wait(self, channel: str, address: str, *, urgent: bool = False) -> None:
        """Return when a message may go out to this chat. An urgent one takes whichever of two buckets lets it out first."""
        now = asyncio.get_running_loop().time()
        if not self._is_on or channel not in CHANNEL_RATES:
            return
        shared, chat = self._buckets_of(channel, address, now)
        if urgent:
            kept = self._bucket((channel, URGENT), URGENT_RATES[channel], now)
            shared = min(shared, kept, key=lambda bucket: bucket.wait(now))
        seconds = max(shared.take(now), chat.take(now))
        if seconds > 0:
            await asyncio.sleep(seconds)

    def pause(self, channel: str, address: str, seconds: float) -> None:
        """The provider asked to wait: this chat rests exactly as long."""
        now = asyncio.get_running_loop().time()
        if self._is_on and channel in CHANNEL_RATES:
            self._buckets_of(channel, address, now)[1].pause(now, seconds)

    def _buckets_of(self, channel: str, address: str, now: float) -> tuple[_Bucket, _Bucket]:
        shared = self._bucket((channel, SHARED), CHANNEL_RATES[channel], now)
        chat = self._bucket((channel, address), CHAT_RATES[channel], now)
        while len(self._buckets) > KEPT_CHATS:
            self._buckets.popitem(last=False)
        return shared, chat

    def _bucket(self, key: tuple[str, str], rate: Rate, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(key, _Bucket(rate, now))
        self._buckets.move_to_end(key)
        return bucket
