"""Conversations through the real pipeline and the real engine at any moment, for tests that read like a talk."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from bot import i18n
from bot.commands.chat import Talk, talking
from bot.config import load_settings
from bot.domain.messages import InboundKind, InboundMessage, OutboundMessage, QuickReply
from bot.domain.replies import ReplyPlan
from bot.domain.risk import RiskLevel
from tests.conftest import RunningEngine

BY_DAY = "2026-11-24T15:00"
"""A Tuesday afternoon in term: most services are open, our own team is not."""


@dataclass(frozen=True)
class Answer:
    """What came back to one message."""

    messages: tuple[OutboundMessage, ...]
    risk: RiskLevel
    intent: str | None
    escalate: str
    settings: dict[str, str]
    planned: tuple[OutboundMessage, ...] = ()

    @property
    def text(self) -> str:
        """Everything said, with choices as [title], blanks as plain ones and no marks of direction."""
        parts = [
            f"{item.text}\n{' '.join(f'[{reply.title}]' for reply in item.quick_replies)}" for item in self.messages
        ]
        plain = re.sub(r"[\u00a0\u202f]", " ", "\n\n".join(part.strip() for part in parts))
        return re.sub(r"[\u2066-\u2069\u200e\u200f]", "", plain)

    @property
    def keys(self) -> list[str]:
        """The responses said, in order."""
        return [item.key for item in self.messages]

    @property
    def choices(self) -> tuple[QuickReply, ...]:
        """The quick replies of the last message that has some."""
        return next((item.quick_replies for item in reversed(self.messages) if item.quick_replies), ())


@dataclass
class Person:
    """Somebody who writes, at a moment and from a country."""

    runner: asyncio.Runner
    talk: Talk
    country: str = "FR"
    channel: str = "telegram"
    phone: str = ""
    when: str = BY_DAY
    address: str = field(default_factory=lambda: uuid.uuid4().hex)
    last: Answer | None = None
    moved_to: str = ""

    @property
    def country_now(self) -> str:
        """Where they are, as far as they have said."""
        return self.moved_to or self.country

    @property
    def now(self) -> datetime:
        """The moment, in the person's own time."""
        return datetime.fromisoformat(self.when).replace(tzinfo=i18n.time_zone(self.country))

    def says(self, words: str) -> Answer:
        """Type words; `[Oui]` taps the choice of that title; `/start` presses Start; `/intent` taps one; `(photo)` sends one."""
        if words == "(photo)":
            return self.sends(kind=InboundKind.PHOTO)
        if words == "/start":
            return self.sends(kind=InboundKind.START)
        if words.startswith("[") and self.last is not None:
            wanted = words.strip("[]")
            offered = [reply for message in self.last.messages for reply in message.quick_replies]
            payload = next((reply.payload for reply in offered if reply.title == wanted), "")
            assert payload, f"{wanted} is not among {[reply.title for reply in offered]}"
            return self.taps(payload)
        if words.startswith("/"):
            return self.taps(words)
        return self.sends(text=words)

    def taps(self, payload: str) -> Answer:
        """Tap a quick reply."""
        return self.sends(kind=InboundKind.QUICK_REPLY, payload=payload)

    def sends(self, text: str = "", payload: str = "", kind: InboundKind = InboundKind.TEXT) -> Answer:
        """Send one message and read everything that comes back."""
        message = InboundMessage(
            channel=self.channel,
            address=self.address,
            external_id=uuid.uuid4().hex,
            kind=kind,
            text=text,
            received_at=self.now,
            payload=payload,
            language_hint=self.phone,
            country_hint=self.country,
        )
        plan, said = self.runner.run(self.talk.say(message))
        self.last = _answer(plan, said)
        self.moved_to = self.last.settings.get("country", self.moved_to)
        return self.last


@dataclass
class Town:
    """Where people write from: one pipeline, one engine, as many people as a test needs."""

    runner: asyncio.Runner
    talk: Talk

    def person(self, country: str = "FR", channel: str = "telegram", phone: str = "", when: str = BY_DAY) -> Person:
        """Somebody nobody has heard of yet."""
        return Person(self.runner, self.talk, country, channel, phone, when)


@contextmanager
def town(engine: RunningEngine) -> Iterator[Town]:
    """A pipeline with the real engine, for as long as the block lasts."""
    settings = load_settings(
        env_file=None, engine_url=engine.url, engine_token=engine.token, secret_keys="a-secret-key-for-tests"
    )
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        talk = runner.run(stack.enter_async_context(talking(settings)))
        try:
            yield Town(runner, talk)
        finally:
            runner.run(stack.aclose())


def _answer(plan: ReplyPlan | None, said: list[OutboundMessage]) -> Answer:
    if plan is None:
        return Answer(tuple(said), RiskLevel.NONE, None, "", {})
    return Answer(tuple(said), plan.assessment.risk, plan.intent, plan.escalate, plan.settings, plan.messages)
