"""Reads Telegram by polling. The place in the stream moves on only after the message is stored, so a crash loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from telegram.error import Conflict, RetryAfter, TelegramError

from bot.channels.telegram import NAME, InvalidUpdateError, TelegramChannel, parse_update, seconds_of
from bot.flows.helpline import Helpline
from bot.flows.receive import accept, reassure, record_contact_news
from bot.store import leases

LEASE = timedelta(seconds=4)
SECONDS_PER_BEAT = 1.0
"""Renewed every second while we live, looked at every second by who stands by: a dead poller is replaced within five."""
SECONDS_PER_POLL = 25
SECONDS_AFTER_ERROR = 3.0
_log = structlog.get_logger(__name__)


class TelegramPoller:
    """Polls while this process holds the lease."""

    def __init__(self, helpline: Helpline, channel: TelegramChannel) -> None:
        self._helpline = helpline
        self._channel = channel
        self._holder = uuid.uuid4().hex
        self._is_ours = False

    async def run(self) -> None:
        """Poll until cancelled; then let another process do it at once."""
        await self._prepare()
        beating = asyncio.create_task(self._beat(), name="telegram-lease")
        try:
            await self._poll()
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await self._let_go()

    async def _poll(self) -> None:
        while True:
            position = await self._position()
            if position is None:
                await asyncio.sleep(SECONDS_PER_BEAT)
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
            try:
                for update in updates:
                    await self._handle(update)
            except (SQLAlchemyError, OSError) as error:
                # Not stored, so the place has not moved: the same updates come again.
                _log.error("updates not stored", error=type(error).__name__)
                await asyncio.sleep(SECONDS_AFTER_ERROR)

    async def _prepare(self) -> None:
        try:
            await self._channel.delete_webhook()
        except (TelegramError, OSError) as error:
            _log.warning("webhook not removed", error=type(error).__name__)

    async def _beat(self) -> None:
        """Keep the role while a poll waits for news."""
        while True:
            await asyncio.sleep(SECONDS_PER_BEAT)
            if self._is_ours:
                await self._position()

    async def _position(self) -> int | None:
        """Where to read on; None while another process reads, or the database cannot say who does."""
        try:
            async with self._helpline.database.write() as session:
                position = await leases.hold(session, NAME, self._holder, self._helpline.clock(), LEASE)
        except (SQLAlchemyError, OSError) as error:
            _log.error("telegram not read", error=type(error).__name__)
            position = None
        self._is_ours = position is not None
        return position

    async def _let_go(self) -> None:
        if not self._is_ours:
            return
        with contextlib.suppress(SQLAlchemyError, OSError):
            async with self._helpline.database.write() as session:
                await leases.let_go(session, NAME, self._holder, self._helpline.clock())

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
