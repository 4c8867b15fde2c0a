"""After an outage: whoever wrote long ago hears the truth about it first, and much small talk gets one answer rather than ten."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.messages import InboundKind
from bot.domain.replies import ReplyPlan
from bot.domain.risk import RiskLevel
from bot.domain.turns import Turn
from bot.flows.helpline import Helpline

STALE = timedelta(minutes=30)
MANY = 3
"""Fewer messages than this are answered one by one, late or not: one question is not small talk."""
KEY = "utter_away"
REQUIRED_KEYS = (KEY,)


def moment_of(turn: Turn, now: datetime) -> datetime:
    """The moment an answer is true for: when it was asked, or now when that is long ago."""
    return now if is_stale(turn, now) else turn.received_at


def is_stale(turn: Turn, now: datetime) -> bool:
    """Whether the newest message has waited so long that the person must have thought nobody was there."""
    return now - turn.received_at > STALE


def is_small_talk(turn: Turn, now: datetime) -> bool:
    """Whether a breath is old, long, harmless line by line and read together, and asks for nothing by a tap."""
    return (
        is_stale(turn, now)
        and len(turn.messages) >= MANY
        and turn.worst.risk is RiskLevel.NONE
        and turn.thread.risk is RiskLevel.NONE
        and all(message.kind is InboundKind.TEXT and not message.payload for message in turn.messages)
    )


def apologise(helpline: Helpline, turn: Turn, plan: ReplyPlan, now: datetime) -> ReplyPlan:
    """The truth about the wait before an answer to what was written long ago; never before words for somebody in danger."""
    keys = {message.key for message in plan.messages}
    if not is_stale(turn, now) or not keys or KEY in keys or turn.payload or plan.assessment.risk >= RiskLevel.HIGH:
        return plan
    said = helpline.words.say(KEY, plan.assessment.language or turn.thread.language)
    return replace(plan, messages=(said, *plan.messages))
