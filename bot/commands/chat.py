"""`bot chat`: talk in the terminal, or in JSON Lines, through the real pipeline with time as given. Nothing is kept."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.app import build_helpline
from bot.channels.base import Channel
from bot.channels.simulator import SimulatorChannel
from bot.channels.telegram import TelegramChannel
from bot.channels.whatsapp import WhatsAppChannel
from bot.commands.engine import engine_for
from bot.config import LANGUAGES, Settings
from bot.domain.messages import InboundKind, InboundMessage, OutboundMessage, SendResult, Sent
from bot.domain.parts import whole
from bot.domain.replies import ReplyPlan
from bot.flows.deliver import claim_delivery, deliver
from bot.flows.helpline import Helpline
from bot.flows.limits import Limits
from bot.flows.receive import accept, answer, claim_turn
from bot.store import outbox
from bot.store.database import Database
from bot.store.inbox import read_mode
from bot.store.migrate import migrate

CHANNELS = ("simulator", "telegram", "whatsapp")
LONGEST_EXERCISE = timedelta(minutes=10)
"""What is said little by little, as in an exercise, is shown at once here."""


class LineError(ValueError):
    """A line of JSON Lines that is not what was expected."""


@dataclass(slots=True)
class Terminal:
    """A channel that keeps what it is given, prepared as the real channel of that name would."""

    name: str
    real: Channel
    said: list[OutboundMessage] = field(default_factory=list)

    def prepare(self, message: OutboundMessage) -> tuple[OutboundMessage, ...]:
        """As the real channel."""
        return self.real.prepare(message)

    async def send(self, address: str, message: OutboundMessage) -> SendResult:
        """Keep it."""
        self.said.append(message)
        return Sent(uuid.uuid4().hex)

    async def retract(self, address: str, external_ids: tuple[str, ...]) -> bool:
        """What is on a terminal stays there."""
        return True

    async def show_typing(self, address: str) -> None:
        """Nothing to show."""

    async def acknowledge(self, message: InboundMessage) -> None:
        """Nothing waits."""

    async def close(self) -> None:
        """Close the real one."""
        await self.real.close()


@dataclass(slots=True)
class Talk:
    """Conversations on a database of their own, at the times given."""

    helpline: Helpline
    now: datetime

    async def say(self, message: InboundMessage) -> tuple[ReplyPlan | None, list[OutboundMessage]]:
        """Take a message in, answer it, deliver the answer; the plan and what was said."""
        self.now = message.received_at
        terminal = self.helpline.channels[message.channel]
        assert isinstance(terminal, Terminal)  # noqa: S101 - built below
        terminal.said.clear()
        plan = (await accept(self.helpline, message)).plan
        while (claimed := await claim_turn(self.helpline)) is not None:
            plan = await answer(self.helpline, claimed) or plan
        await self._deliver()
        while (due := await self._next_due()) is not None and due - message.received_at <= LONGEST_EXERCISE:
            self.now = max(due, self.now)
            await self._deliver()
        return plan, list(terminal.said)

    async def _deliver(self) -> None:
        while (claim := await claim_delivery(self.helpline)) is not None:
            await deliver(self.helpline, Limits(is_on=False), claim)

    async def _next_due(self) -> datetime | None:
        async with self.helpline.database.read() as session:
            return await outbox.next_due(session, self.now)


def add_parser(subparsers: Any) -> None:
    """`bot chat`."""
    parser = subparsers.add_parser("chat", help="talk in the terminal through the real pipeline")
    parser.add_argument("--language", choices=LANGUAGES, default="", help="language of the phone, as a hint")
    parser.add_argument("--channel", choices=CHANNELS, default="simulator")
    parser.add_argument("--now", type=datetime.fromisoformat, help="the time it is, such as 2026-11-20T02:00:00+01:00")
    parser.add_argument("--jsonl", action="store_true", help="JSON Lines in and out")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Talk until the input ends."""
    return asyncio.run(_run(options, settings))


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    async with talking(settings) as talk:
        if options.jsonl:
            return await _lines(talk, settings)
        await _converse(talk, options)
        return 0


@asynccontextmanager
async def talking(settings: Settings) -> AsyncIterator[Talk]:
    """A pipeline of its own: real words, directory and triage, the engine of the settings, a database thrown away after."""
    with tempfile.TemporaryDirectory(prefix="relais-chat-") as folder:
        database = Database(f"sqlite+aiosqlite:///{Path(folder) / 'chat.sqlite'}")
        await migrate(database)
        channels: dict[str, Channel] = {name: Terminal(name, real) for name, real in _real_channels()}
        async with engine_for(settings) as engine:
            helpline = build_helpline(settings, database, engine, channels, lambda: talk.now)
            talk = Talk(replace(helpline, quiet_window=0.0), datetime.now(UTC))
            yield talk
        for channel in channels.values():
            await channel.close()
        await database.close()


def _real_channels() -> list[tuple[str, Channel]]:
    telegram = TelegramChannel("1:unused", "http://127.0.0.1:9")
    whatsapp = WhatsAppChannel("AC", "unused", "+10000000000", "http://127.0.0.1:9", "http://127.0.0.1:9")
    return [("simulator", SimulatorChannel()), ("telegram", telegram), ("whatsapp", whatsapp)]


def _message(channel: str, address: str, text: str, payload: str, now: datetime, language: str = "") -> InboundMessage:
    kind = InboundKind.QUICK_REPLY if payload else InboundKind.TEXT
    if text == "/start" and not payload:
        kind, text = InboundKind.START, ""
    address, text, payload = whole(address), whole(text), whole(payload)
    return InboundMessage(channel, address, uuid.uuid4().hex, kind, text, now, payload=payload, language_hint=language)


async def _converse(talk: Talk, options: argparse.Namespace) -> None:
    address = uuid.uuid4().hex
    loop = asyncio.get_running_loop()
    while True:
        if sys.stdin.isatty():
            sys.stdout.write("\n› ")
            sys.stdout.flush()
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if not line:
            return
        if not sys.stdin.isatty():
            sys.stdout.write(f"\n› {line.rstrip()}\n")
        now = _aware(options.now) if options.now else datetime.now(UTC)
        _, said = await talk.say(_message(options.channel, address, line.strip(), "", now, options.language))
        for message in said:
            sys.stdout.write(f"\n{message.text}\n")
            if message.quick_replies and options.channel != "whatsapp":
                sys.stdout.write("   " + "  ".join(f"[{reply.title}]" for reply in message.quick_replies) + "\n")
        sys.stdout.flush()


async def _lines(talk: Talk, settings: Settings) -> int:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if not line.strip():
            continue
        try:
            message = _parse_line(line)
        except LineError as error:
            sys.stderr.write(f"bot chat: {error}\n")
            return 2
        plan, said = await talk.say(message)
        async with talk.helpline.database.read() as session:
            mode = await read_mode(session, talk.helpline.keyring, message.channel, message.address)
        sys.stdout.write(json.dumps(_outcome(message, plan, said, mode, settings), ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return 0


def _parse_line(line: str) -> InboundMessage:
    try:
        data = json.loads(line)
        now = _aware(datetime.fromisoformat(data["now"])) if data.get("now") else datetime.now(UTC)
        channel = data.get("channel") or "simulator"
        message = _message(
            channel, str(data["conversation"]), str(data.get("text") or ""), str(data.get("payload") or ""), now
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise LineError(f'expected {{"conversation": "c1", "text": "…"}} on each line ({error})') from None
    if channel not in CHANNELS:
        raise LineError(f"channel: expected one of {', '.join(CHANNELS)}")
    return message


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _outcome(
    message: InboundMessage, plan: ReplyPlan | None, said: list[OutboundMessage], mode: str, settings: Settings
) -> dict[str, Any]:
    return {
        "conversation": message.address,
        "replies": [
            {
                "text": item.text,
                "quick_replies": [{"title": reply.title, "payload": reply.payload} for reply in item.quick_replies],
            }
            for item in said
        ],
        "risk": plan.assessment.risk.word if plan else "none",
        "intent": plan.intent if plan else None,
        "language": (plan.assessment.language if plan else "") or settings.default_language,
        "mode": mode,
    }
