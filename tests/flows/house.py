"""A helpline for tests of the passage: real rows, real words and triage, a clock that is set by hand, no engine."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bot.app import build_helpline
from bot.channels.base import Channel
from bot.channels.simulator import SimulatorChannel
from bot.config import async_database_url, load_settings
from bot.dialogue.rasa import Engine
from bot.domain.accounts import Account
from bot.domain.messages import InboundKind, InboundMessage, OutboundMessage, SendResult, Sent
from bot.flows import shifts
from bot.flows.deliver import claim_delivery, deliver
from bot.flows.helpline import Helpline
from bot.flows.limits import Limits
from bot.flows.receive import accept, answer, claim_turn
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.tables import ActionRow, ConversationRow

IN_DANGER = "j'ai avalé toute la boîte de médicaments"
EVENING = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
"""20 h in Paris, a Friday: the team of directory/team.yml answers."""


class Whatsapp(SimulatorChannel):
    """A channel under WhatsApp's rules that takes everything."""

    name = "whatsapp"


@dataclass
class Recorder(SimulatorChannel):
    """A Telegram that remembers what it was handed."""

    name = "telegram"
    sent: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, address: str, message: OutboundMessage) -> SendResult:
        """Remember it."""
        self.sent.append((address, message.text))
        return Sent(uuid.uuid4().hex)


@dataclass
class House:
    """The helpline, its clock and what was delivered."""

    helpline: Helpline
    telegram: Recorder
    now: list[datetime]

    def pass_time(self, **length: float) -> None:
        """Let the clock go on."""
        self.now[0] += timedelta(**length)

    def message(self, text: str, address: str) -> InboundMessage:
        """Something written on Telegram, as the channel hands it over."""
        return InboundMessage("telegram", address, uuid.uuid4().hex, InboundKind.TEXT, text, self.now[0])

    async def write(self, text: str, person: str = "7", channel: str = "telegram", payload: str = "") -> int:
        """Somebody writes and is answered; the conversation's id."""
        kind = InboundKind.QUICK_REPLY if payload else InboundKind.TEXT
        await accept(
            self.helpline,
            InboundMessage(channel, person, uuid.uuid4().hex, kind, text, self.now[0], payload, language_hint="fr"),
        )
        self.pass_time(seconds=3)
        while (claimed := await claim_turn(self.helpline)) is not None:
            await answer(self.helpline, claimed)
        async with self.helpline.database.read() as session:
            return (
                await session.execute(
                    select(ConversationRow.id).order_by(ConversationRow.last_inbound_at.desc()).limit(1)
                )
            ).scalar_one()

    async def deliver(self) -> list[str]:
        """Deliver everything due; what Telegram got so far."""
        limits = Limits(is_on=False)
        while (claim := await claim_delivery(self.helpline)) is not None:
            await deliver(self.helpline, limits, claim)
        return [text for _, text in self.telegram.sent]

    async def row(self, conversation_id: int) -> ConversationRow:
        """The conversation's row."""
        async with self.helpline.database.read() as session:
            return await session.get_one(ConversationRow, conversation_id)

    async def actions(self, conversation_id: int) -> list[tuple[str, str]]:
        """What happened to it, in order."""
        async with self.helpline.database.read() as session:
            query = select(ActionRow).where(ActionRow.conversation_id == conversation_id).order_by(ActionRow.id)
            return [(row.action, row.why) for row in (await session.execute(query)).scalars()]

    async def on_duty(self, *accounts: Account) -> None:
        """Volunteers start their shift."""
        for account in accounts:
            await shifts.go_on_duty(self.helpline, account, 4)


@asynccontextmanager
async def house(database_url: str, at: datetime = EVENING) -> AsyncIterator[House]:
    """Everything but the loops: each step is taken by the test."""
    database = Database(async_database_url(database_url))
    await migrate(database)
    now = [at]
    telegram = Recorder()
    channels: dict[str, Channel] = {"telegram": telegram, "whatsapp": Whatsapp()}
    settings = load_settings(
        env_file=None, secret_keys="a-secret-key-for-tests", database_url=database_url, quiet_window=0
    )
    engine = Engine.at("http://127.0.0.1:9", "x" * 16, 1.0)
    helpline = build_helpline(settings, database, engine, channels, clock=lambda: now[0])
    try:
        yield House(helpline, telegram, now)
    finally:
        await engine.close()
        await database.close()
