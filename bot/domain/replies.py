"""What is going to be said and done about a turn, before any of it happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.domain.messages import OutboundMessage, QuickReply
from bot.domain.report import ReportStep
from bot.domain.risk import Assessment
from bot.domain.turns import DialogueState


@dataclass(frozen=True, slots=True)
class EngineReply:
    """One response the engine chose: words with quick replies, or something for the gateway to do (`do`)."""

    key: str
    text: str = ""
    quick_replies: tuple[QuickReply, ...] = ()
    do: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """The engine's answer to a turn; `ranking` holds the likeliest intents with their confidence, the first being `intent`."""

    intent: str
    confidence: float
    replies: tuple[EngineReply, ...]
    state: dict[str, Any]
    ranking: tuple[tuple[str, float], ...] = ()
    entities: tuple[tuple[str, str], ...] = ()
    slots: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineFailure:
    """The engine did not answer, or answered nothing of use: `code` says how, for logs and metrics."""

    code: str


@dataclass(frozen=True, slots=True)
class EngineVerdict:
    """What the engine understands of a message, without answering it."""

    intent: str
    confidence: float


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """Everything a turn changes, committed in one transaction: words, verdict, dialogue state, escalation, settings.

    `escalate` is the reason for asking for a person, empty when nobody is asked for. `settings` are changes the person
    asked for (language, stop, …). `report` is what becomes of the guided report.
    """

    messages: tuple[OutboundMessage, ...]
    assessment: Assessment
    state: DialogueState
    intent: str | None = None
    escalate: str = ""
    understood: bool = True
    settings: dict[str, str] = field(default_factory=dict)
    report: ReportStep | None = None
