"""Who speaks in a conversation, and where an inbound message goes."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.risk import RiskLevel

SESSION_GAP = timedelta(hours=12)
"""After this silence a conversation with the bot is over; the next message opens a new one with a first word (R1)."""


class Mode(StrEnum):
    """Who a conversation is with; one row holds it, changed by compare-and-set."""

    BOT = "bot"
    WAITING = "waiting"
    VOLUNTEER = "volunteer"
    CLOSED = "closed"


class Route(StrEnum):
    """What happens to a turn."""

    DIALOGUE = "dialogue"
    EMERGENCY = "emergency"
    SILENT = "silent"


def route(mode: Mode, risk: RiskLevel) -> Route:
    """Where a turn goes: emergency words are for everyone, volunteer or not; otherwise the bot never talks over a volunteer."""
    if risk is RiskLevel.IMMINENT:
        return Route.EMERGENCY
    if mode is Mode.VOLUNTEER:
        return Route.SILENT
    return Route.DIALOGUE


def is_over(mode: Mode, last_inbound_at: datetime, now: datetime) -> bool:
    """Whether the next message opens a new conversation. One that waits or is with a volunteer is never over by itself."""
    if mode is Mode.CLOSED:
        return True
    return mode is Mode.BOT and now - last_inbound_at > SESSION_GAP


def due_at(risk: RiskLevel, now: datetime, burst_started_at: datetime, quiet_window: float) -> datetime:
    """When to answer: at once from high risk up, otherwise after a quiet window, never later than four windows in all."""
    if risk >= RiskLevel.HIGH:
        return now
    window = timedelta(seconds=quiet_window)
    return min(now + window, burst_started_at + 4 * window)
