"""A turn: what a person wrote in one breath, the thread it belongs to, and what was decided about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.domain.conversations import Mode
from bot.domain.messages import InboundKind, QuickReply
from bot.domain.risk import Assessment, RiskLevel


@dataclass(frozen=True, slots=True)
class DialogueState:
    """What the gateway keeps of the dialogue between two turns, sealed with the conversation.

    `engine` is the engine's own state, opaque to us; `asked` names the last question; `quick_replies` are the last ones
    offered, so that typed words and numbers find them; `used` are the words already said, so that none is repeated.
    `report` is how the guided report stands in this conversation: open, aside, held, or empty when there is none.
    """

    engine: dict[str, Any] | None = None
    asked: str = ""
    quick_replies: tuple[QuickReply, ...] = ()
    used: tuple[str, ...] = ()
    report: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as the flows see it."""

    conversation_id: int
    contact_id: int
    channel: str
    mode: Mode
    risk: RiskLevel
    recent: tuple[RiskLevel, ...]
    language: str
    language_is_chosen: bool
    country: str
    age_band: str | None
    is_discreet: bool
    is_stopped: bool
    turns: int
    not_understood: int
    is_waiting: bool = False
    is_blocked: bool = False
    state: DialogueState = field(default_factory=DialogueState)

    @property
    def is_first_turn(self) -> bool:
        """Nothing has been said in this conversation yet, so the first word is due (R1)."""
        return self.turns == 0

    def at(self, risk: RiskLevel, language: str) -> Thread:
        """The same thread after a verdict: risk never falls, the language follows the person unless chosen."""
        language = self.language if self.language_is_chosen else language
        return replace(self, risk=max(self.risk, risk), language=language)


@dataclass(frozen=True, slots=True)
class TurnMessage:
    """One inbound message of a turn with its verdict."""

    inbound_id: int
    kind: InboundKind
    text: str
    payload: str
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class Turn:
    """The unanswered messages of a thread, oldest first; never empty. `received_at` is the newest one's."""

    thread: Thread
    messages: tuple[TurnMessage, ...]
    received_at: datetime

    @property
    def text(self) -> str:
        """The words of the whole breath, a line per message."""
        return "\n".join(message.text for message in self.messages if message.text)

    @property
    def payload(self) -> str:
        """The quick reply tapped last, if the breath ends with one."""
        return self.messages[-1].payload

    @property
    def worst(self) -> Assessment:
        """The gravest verdict of the breath; the newest among equals."""
        return max(reversed(self.messages), key=lambda message: message.assessment.risk).assessment
