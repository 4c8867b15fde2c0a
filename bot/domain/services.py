"""Services in the field's terms (HSDS): who offers what to whom, by which channel, and whether it is open.

Only facts tagged A or B may be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.schedules import Hours, Schedule, Status

LANGUAGES = ("fr", "en", "ar")
AGE_BANDS = {"under_13": (0, 12), "13_14": (13, 14), "15_17": (15, 17), "18_25": (18, 25), "adult": (26, 120)}
UNDERSTOOD = {"ary": frozenset({"ary", "ar"})}
"""Languages that somebody also follows, where it is not only their own."""


class ChannelKind(StrEnum):
    """How a service is reached. Only `phone` is ever a number to call."""

    PHONE = "phone"
    SMS = "sms"
    CHAT = "chat"
    WEB = "web"
    APP = "app"
    EMAIL = "email"
    WHATSAPP = "whatsapp"


ANSWERED = frozenset({ChannelKind.PHONE, ChannelKind.SMS, ChannelKind.CHAT, ChannelKind.WHATSAPP})
"""Where somebody answers while one waits. A form, an app or a mailbox is not a line."""


@dataclass(frozen=True, slots=True)
class ServiceChannel:
    """One way to reach a service: `value` is shown, alone on its line, as it is dialled or opened.

    `closures_unknown`: the source speaks of closures (university holidays) without saying which.
    """

    kind: ChannelKind
    value: str
    schedule: Schedule
    confidence: str
    hours_confidence: str
    verified_on: str
    source: str
    language: str = ""
    closures_unknown: bool = False

    @property
    def may_be_shown(self) -> bool:
        """Tags A and B may be said, C not until an operator has verified it, X never."""
        return self.confidence in ("A", "B")

    @property
    def is_answered(self) -> bool:
        """Whether somebody answers while one waits."""
        return self.kind in ANSWERED

    def status(self, now: datetime) -> Status:
        """Open, closed or unknown; hours that are only general knowledge count as unknown."""
        if self.hours_confidence not in ("A", "B"):
            return Status(Hours.UNKNOWN)
        return self.schedule.status(now)


@dataclass(frozen=True, slots=True)
class Service:
    """One service of an organization. Names, notes and descriptions are by language.

    `is_text_only`: it cannot be reached by voice. `is_authority`: police or justice. `is_shared`: other countries use the
    same number for a service of their own.
    """

    id: str
    country: str
    name: Mapping[str, str]
    organization: str
    note: Mapping[str, str]
    about: Mapping[str, str]
    channels: tuple[ServiceChannel, ...]
    min_age: int
    max_age: int
    audience: tuple[str, ...]
    languages: tuple[str, ...]
    confidence: str
    source: str
    verified_on: str
    is_text_only: bool = False
    is_authority: bool = False
    is_shared: bool = False

    @property
    def may_be_shown(self) -> bool:
        """Tags A and B may be said, C not until an operator has verified it, X never."""
        return self.confidence in ("A", "B")

    def fits_age(self, age_band: str | None) -> bool:
        """Whether somebody of this band belongs to the audience; an unknown age fits everywhere."""
        if age_band not in AGE_BANDS:
            return True
        lowest, highest = AGE_BANDS[age_band]
        return lowest <= self.max_age and highest >= self.min_age

    def speaks(self, language: str | None) -> bool:
        """Whether the person will be understood; an unknown language fits everywhere."""
        return not language or not UNDERSTOOD.get(language, {language}).isdisjoint(self.languages)


@dataclass(frozen=True, slots=True)
class Offer:
    """A service by one of its channels, with its state now."""

    service: Service
    channel: ServiceChannel
    status: Status

    @property
    def is_certain(self) -> bool:
        """Whether the hours come from an official source or two independent ones, with no closures left open."""
        return self.channel.hours_confidence == "A" and not self.channel.closures_unknown

    @property
    def is_open_line(self) -> bool:
        """Whether somebody is known to answer now."""
        return self.status.is_open and self.channel.is_answered

    @property
    def is_line_around_the_clock(self) -> bool:
        """Whether somebody answers day and night."""
        return self.is_open_line and self.status.is_around_the_clock
