"""What two people decide together: alerting an authority about somebody, and keeping their words for it (P20, P21).

Nobody decides alone and the bot never does. Who asks and who confirms are two people, and who confirms is a supervisor.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from bot.domain.risk import RiskLevel

DECIDE_WITHIN: dict[RiskLevel, timedelta] = {
    RiskLevel.NONE: timedelta(days=1),
    RiskLevel.CONCERN: timedelta(days=1),
    RiskLevel.HIGH: timedelta(hours=1),
    RiskLevel.IMMINENT: timedelta(hours=1),
}
"""How long a question may wait for its second person (docs/sauvegarde-des-mineurs.md, step 4)."""


class Kind(StrEnum):
    """What is decided."""

    ALERT = "alert"
    HOLD = "hold"


class Authority(StrEnum):
    """Whom an alert goes to. A code, so that no story is written into a log."""

    EMERGENCY = "emergency"
    POLICE = "police"
    CHILD_PROTECTION = "child_protection"
    PROSECUTOR = "prosecutor"


class Told(StrEnum):
    """Whether the person knows of the alert: before it if possible, unless that puts them at more risk (R8)."""

    YES = "yes"
    LATER = "later"
    DANGER = "danger"


class Release(StrEnum):
    """Why words are no longer kept for a report."""

    REPORT_CLOSED = "report_closed"
    NO_REPORT = "no_report"
    MISTAKE = "mistake"
