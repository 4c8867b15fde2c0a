"""Keeps the promises about data: what has had its time goes, and is asked to go at the providers; by one process at a time."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.channels.base import Deleting
from bot.domain.messages import SendError
from bot.flows.helpline import Helpline
from bot.store import audit, deletions, leases, retention

LEASE = timedelta(seconds=90)
SECONDS_BETWEEN = 4.0
SWEEP_EVERY = timedelta(seconds=30)
"""Providers are asked within seconds of an erasure; periods of days are looked at twice a minute."""
HEAD_EVERY = timedelta(days=1)
_log = structlog.get_logger(__name__)


class Retention:
    """The part of upkeep that forgets."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline
        self._holder = uuid.uuid4().hex
        self._head_at: datetime | None = None
        self._looked_at: datetime | None = None
        self._is_ours = False

    async def run(self) -> None:
        """Forget until cancelled; a fault is logged and the next round tries again."""
        while True:
            try:
                await self._round()
            except (SQLAlchemyError, OSError) as error:
                _log.error("nothing forgotten", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - one broken row must not keep everybody else's words for ever
                _log.exception("retention failed", error=type(error).__name__)
            await asyncio.sleep(SECONDS_BETWEEN)

    async def _round(self) -> None:
        now = self._helpline.clock()
        if self._looked_at is not None and now - self._looked_at < SWEEP_EVERY:
            if self._is_ours:
                await delete_at_providers(self._helpline)
            return
        self._looked_at = now
        async with self._helpline.database.write() as session:
            self._is_ours = await leases.hold(session, "retention", self._holder, now, LEASE) is not None
        if self._is_ours:
            await forget(self._helpline)
            await self._note_head()

    async def _note_head(self) -> None:
        """Once a day the audit log's head goes to the log stream, which who owns the database does not own."""
        now = self._helpline.clock()
        if self._head_at is not None and now - self._head_at < HEAD_EVERY:
            return
        self._head_at = now
        async with self._helpline.database.read() as session:
            _log.info("audit head", head=await audit.head(session))


async def forget(helpline: Helpline) -> dict[str, int]:
    """One round: rules of retention, then deletions at the providers. What was done, by kind."""
    now = helpline.clock()
    deletes = _deletes_at_twilio(helpline)
    report = await retention.sweep(helpline.database, helpline.keyring, now, at_provider=deletes)
    if deletes:
        async with helpline.database.write() as session:
            await deletions.ask_processed(session, now)
    report["provider"] = await delete_at_providers(helpline)
    if any(report.values()):
        _log.info("forgotten", **{name: count for name, count in report.items() if count})
    return report


async def delete_at_providers(helpline: Helpline) -> int:
    """Try what is due to be deleted at the providers, and record how it went."""
    async with helpline.database.read() as session:
        due = await deletions.due(session, helpline.keyring, helpline.clock())
    for deletion in due:
        channel: object = helpline.channels.get(deletion.channel)
        error: SendError | None = SendError("no_channel", retryable=False)
        if isinstance(channel, Deleting):
            error = await channel.delete(deletion.address, deletion.external_id)
        outcome = "deleted" if error is None else error.code
        async with helpline.database.write() as session:
            is_final = error is None or not error.retryable
            await deletions.record(session, deletion.id, outcome, helpline.clock(), is_final=is_final)
    return len(due)


def _deletes_at_twilio(helpline: Helpline) -> bool:
    return bool(getattr(helpline.channels.get("whatsapp"), "deletes_at_twilio", False))
