"""Reads Telegram by polling. The place in the stream moves on only after the message is stored, so a crash loses nothing."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import structlog
from telegram.error import Conflict, RetryAfter, TelegramError

from bot.channels.telegram import NAME, InvalidUpdateError, TelegramChannel, parse_update, seconds_of
from bot.flows.helpline import Helpline
from bot.flows.receive import accept, reassure, record_contact_news
from bot.store import leases

LEASE = timedelta(seconds=60)
SECONDS_PER_POLL = 25
SECONDS_AFTER_ERROR = 3.0
_log = structlog.get_logger(__name__)


class TelegramPoller:
    """Polls while this process holds the lease."""

    def __init__(self, helpline: Helpline, channel: TelegramChannel) -> None:
        self._helpline = helpline
        self._channel = channel
        self._holder = uuid.uuid4().hex

    async def run(self) -> None:
        """Poll until cancelled."""
        await self._prepare()
        while True:
            position = await self._position()
            if position is None:
                await asyncio.sleep(LEASE.total_seconds() / 4)
                continue
            try:
                updates = await self._channel.updates(position, SECONDS_PER_POLL)
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error.retry_after))
                continue
            except (TelegramError, OSError) as error:
                level = _log.error if isinstance(error, Conflict) else _log.warning
                level("telegram not read", error=type(error).__name__)
                await asyncio.sleep(SECONDS_AFTER_ERROR)
                continue
            for update in updates:
                await self._handle(update)

    async def _prepare(self) -> None:
        try:
            await self._channel.delete_webhook()
        except (TelegramError, OSError) as error:
            _log.warning("webhook not removed", error=type(error).__name__)

    async def _position(self) -> int | None:
        async with self._helpline.database.write() as session:
            return await leases.hold(session, NAME, self._holder, self._helpline.clock(), LEASE)

    async def _handle(self, update: dict[str, object]) -> None:
        try:
            parsed = parse_update(update, self._helpline.clock())
        except InvalidUpdateError as error:
            _log.warning("update not understood", error=str(error))
        else:
            if parsed.message is not None and (await accept(self._helpline, parsed.message)).is_new:
                await reassure(self._helpline, parsed.message)
            if parsed.contact_news is not None:
                await record_contact_news(self._helpline, parsed.contact_news)
        async with self._helpline.database.write() as session:
            await leases.move(session, NAME, self._holder, int(str(update["update_id"])) + 1)
