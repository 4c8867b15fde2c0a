"""The worker's heart: renews what it holds while it lives, and gives it back when it stops."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.flows.helpline import Helpline
from bot.store import leases
from bot.store.inbox import lease_of
from bot.store.leases import Claim

BEATS_PER_LEASE = 4
_log = structlog.get_logger(__name__)


class Heart:
    """Keeps the lanes and outboxes of one worker. A fence tells a lost claim; this tells one that may be lost."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline
        self._lease = lease_of(is_shared=not helpline.database.is_sqlite)
        self._renewed_at: dict[Claim, float] = {}
        self._is_stopping = False

    def hold(self, claim: Claim) -> None:
        """A claim just taken."""
        self._renewed_at[claim] = asyncio.get_running_loop().time()

    def drop(self, claim: Claim) -> None:
        """Its work is done; broken off, when we are stopping, and then to be given back with the rest."""
        if not self._is_stopping:
            self._renewed_at.pop(claim, None)

    def held(self, kind: type[Claim]) -> frozenset[int]:
        """The conversations whose claims of a kind are held here, whatever a clock that was set says of their leases."""
        return frozenset(claim.conversation_id for claim in self._renewed_at if isinstance(claim, kind))

    def may_go_on(self, claim: Claim) -> bool:
        """Whether the claim is surely still ours: a process that was stopped for seconds must not send what another sends."""
        renewed_at = self._renewed_at.get(claim)
        if self._is_stopping or renewed_at is None:
            return False
        age = asyncio.get_running_loop().time() - renewed_at
        return age < self._lease.total_seconds() * (1 - 1 / BEATS_PER_LEASE / 2)

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / BEATS_PER_LEASE)
            try:
                await self.beat()
            except (SQLAlchemyError, OSError) as error:
                _log.error("leases not renewed", error=type(error).__name__)

    async def beat(self) -> None:
        """Renew everything held."""
        held, started = tuple(self._renewed_at), asyncio.get_running_loop().time()
        if not held:
            return
        async with self._helpline.database.write() as session:
            renewed = await leases.set_ahead(session, held, self._helpline.clock(), self._lease)
        for claim in renewed:
            if claim in self._renewed_at:
                self._renewed_at[claim] = started

    async def rest(self, claim: Claim) -> None:
        """Leave a conversation alone for a while: working on it failed by a fault of ours."""
        self._renewed_at.pop(claim, None)
        async with self._helpline.database.write() as session:
            await leases.set_ahead(session, (claim,), self._helpline.clock(), leases.RESTS)

    def stop_sending(self) -> None:
        """We are stopping: what is on its way is the last."""
        self._is_stopping = True

    async def release(self) -> None:
        """Give back everything held, for other workers to take at once."""
        held = tuple(self._renewed_at)
        self._renewed_at.clear()
        if not held:
            return
        async with self._helpline.database.write() as session:
            await leases.set_ahead(session, held, self._helpline.clock(), None)
