"""The passage to a person and back: who waits, who may take whom, for how long a claim holds, how a conversation ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.domain.risk import Danger, RiskLevel
from bot.domain.services import UNDERSTOOD

SILENCE: dict[RiskLevel, timedelta] = {
    RiskLevel.NONE: timedelta(minutes=15),
    RiskLevel.CONCERN: timedelta(minutes=10),
    RiskLevel.HIGH: timedelta(minutes=5),
    RiskLevel.IMMINENT: timedelta(minutes=2),
}
"""How long a volunteer may be silent before the person goes back to the queue."""
PATIENCE: dict[RiskLevel, timedelta] = {
    RiskLevel.NONE: timedelta(minutes=20),
    RiskLevel.CONCERN: timedelta(minutes=10),
    RiskLevel.HIGH: timedelta(minutes=3),
    RiskLevel.IMMINENT: timedelta(minutes=1),
}
"""How long somebody may wait before the alert climbs to the next volunteer, then to the supervisors (R18)."""
CAPACITY = 3
EXPOSURE = 3
"""Conversations at high risk a volunteer takes in one shift; the next one is not offered any more."""
COOL_DOWN = timedelta(minutes=2)
SERVICE_WINDOW = timedelta(hours=24)
"""WhatsApp: free words only this long after the person's last message (facts: channels 5.2)."""
WINDOWED = frozenset({"whatsapp"})
LEAST_WAITS = 8
"""Fewer recent waits than this give no honest estimate."""


class Outcome(StrEnum):
    """How a conversation with a volunteer ended, coded."""

    HEARD = "heard"
    REFERRED = "referred"
    EMERGENCY = "emergency"
    FOLLOW_UP = "follow_up"
    LEFT = "left"
    OTHER_LINE = "other_line"
    NOT_FOR_US = "not_for_us"


class Choice(StrEnum):
    """What somebody in the queue chose to do with the wait."""

    WAIT = "wait"
    WRITE_BACK = "write_back"
    LINE = "line"


class Refusal(StrEnum):
    """Why a volunteer cannot take or change a conversation now. Each has words in the console."""

    TAKEN = "taken"
    FULL = "full"
    EXPOSED = "exposed"
    COOLING = "cooling"
    OFF_DUTY = "off_duty"
    NOT_YOURS = "not_yours"
    NOTE_MISSING = "note_missing"
    WINDOW_CLOSED = "window_closed"
    EMPTY = "empty"
    NOBODY_WAITS = "nobody_waits"
    STILL_HOLDING = "still_holding"
    NOT_REACHABLE = "not_reachable"
    NO_TEMPLATE = "no_template"
    SAME_PERSON = "same_person"
    DECIDED = "decided"
    ALREADY_ASKED = "already_asked"
    FACTS_MISSING = "facts_missing"


@dataclass(frozen=True, slots=True)
class Volunteer:
    """Somebody who answers, as the queue sees them. `high_taken` counts this shift's conversations at high risk."""

    id: int
    name: str
    role: str
    languages: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    on_duty_since: datetime | None = None
    on_duty_until: datetime | None = None
    capacity: int = CAPACITY
    holding: int = 0
    high_taken: int = 0
    cool_until: datetime | None = None
    debrief_due: bool = False

    @property
    def is_on_duty(self) -> bool:
        """Whether they said they are there."""
        return self.on_duty_since is not None

    def speaks(self, language: str) -> bool:
        """Whether they answer in this language; one who named none answers in any."""
        return not self.languages or not UNDERSTOOD.get(language, {language}).isdisjoint(self.languages)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody in the queue."""

    conversation_id: int
    version: int
    risk: RiskLevel
    language: str
    waiting_since: datetime
    needs: frozenset[str] = frozenset()
    is_back: bool = False


def may_take(volunteer: Volunteer, risk: RiskLevel, now: datetime) -> Refusal | None:
    """Why a volunteer may not take somebody at this risk now; None when they may.

    Somebody in danger now is never left for a rule about rest: an imminent one may always be picked by hand.
    """
    if not volunteer.is_on_duty:
        return Refusal.OFF_DUTY
    if volunteer.holding >= volunteer.capacity:
        return Refusal.FULL
    return None if risk is RiskLevel.IMMINENT else rest(volunteer, risk, now)


def rest(volunteer: Volunteer, risk: RiskLevel, now: datetime) -> Refusal | None:
    """Whether the exposure budget or the pause after a hard conversation speaks against one more at this risk."""
    if risk < RiskLevel.HIGH:
        return None
    if volunteer.cool_until is not None and volunteer.cool_until > now:
        return Refusal.COOLING
    return Refusal.EXPOSED if volunteer.high_taken >= EXPOSURE else None


def in_order(queue: Iterable[Waiting]) -> list[Waiting]:
    """The queue: by risk, those a volunteer went silent on first, then by waiting time."""
    return sorted(queue, key=lambda one: (-one.risk, not one.is_back, one.waiting_since, one.conversation_id))


def next_for(volunteer: Volunteer, queue: Iterable[Waiting], now: datetime) -> Waiting | None:
    """Whom to give to a volunteer: the gravest whose language they speak and whom rest allows, best trained for first."""
    fitting = [one for one in queue if volunteer.speaks(one.language) and rest(volunteer, one.risk, now) is None]

    def key(one: Waiting) -> tuple[int, bool, int, datetime]:
        return -one.risk, not one.is_back, len(one.needs - volunteer.skills), one.waiting_since

    return min(fitting, key=key, default=None)


def needs_of(dangers: Iterable[Danger], age_band: str | None) -> frozenset[str]:
    """The training it takes to hear somebody."""
    found = {_TRAINING[danger] for danger in dangers if danger in _TRAINING}
    if age_band in ("under_13", "13_14", "15_17"):
        found.add("minors")
    return frozenset(found)


_TRAINING = {
    Danger.SEXUAL_VIOLENCE: "sexual_violence",
    Danger.SEXTORTION: "sexual_violence",
    Danger.GROOMING: "sexual_violence",
    Danger.WORRIED: "parents",
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What our own recent waits say, in whole minutes: half were shorter than `median`, nine in ten than `ninth`."""

    median: int
    ninth: int


def estimate(waits: Iterable[timedelta]) -> Estimate | None:
    """Median and ninetieth percentile of recent waits; None when there are too few to say anything honest (R18)."""
    ordered = sorted(waits)
    if len(ordered) < LEAST_WAITS:
        return None

    def minutes(share: float) -> int:
        wait = ordered[min(len(ordered) - 1, int(share * len(ordered)))]
        return max(1, -(-int(wait.total_seconds()) // 60))

    return Estimate(minutes(0.5), minutes(0.9))


PARTS_OF_DAY = 4
"""Hours in each part of the day by which supervisors see our waits."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait that ended with a volunteer."""

    risk: RiskLevel
    since: datetime
    length: timedelta


def waits_by_hour(waits: Iterable[Wait], zone: ZoneInfo) -> dict[int, dict[RiskLevel, tuple[int, int]]]:
    """For each part of the day that had any, by its first hour: the median in whole minutes and how many, by risk."""
    found: dict[int, dict[RiskLevel, list[timedelta]]] = {}
    for one in waits:
        hour = one.since.astimezone(zone).hour // PARTS_OF_DAY * PARTS_OF_DAY
        found.setdefault(hour, {}).setdefault(one.risk, []).append(one.length)
    return {
        hour: {
            risk: (-(-int(sorted(lengths)[len(lengths) // 2].total_seconds()) // 60), len(lengths))
            for risk, lengths in by_risk.items()
        }
        for hour, by_risk in sorted(found.items())
    }


def window_until(channel: str, last_inbound_at: datetime) -> datetime | None:
    """Until when free words reach the person; None where the channel sets no limit."""
    return last_inbound_at + SERVICE_WINDOW if channel in WINDOWED else None
