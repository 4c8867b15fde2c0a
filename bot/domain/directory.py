"""The directory: services to refer to, in the field's terms (HSDS), and which of them fit a person now.

Only facts tagged A or B are offered. A closed service is never offered as open, an unknown one never as either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.risk import RiskLevel
from bot.domain.schedules import Hours, Schedule, Status

LANGUAGES = ("fr", "en", "ar")
MAX_OFFERS = 3
AGE_BANDS = {"under_13": (0, 12), "13_14": (13, 14), "15_17": (15, 17), "18_25": (18, 25), "adult": (26, 120)}
THEMES = (
    "harassment",
    "hate",
    "sextortion",
    "grooming",
    "account",
    "threats",
    "suicide",
    "self_harm",
    "violence_home",
    "sexual_violence",
    "eating",
    "substance",
    "distress",
    "loneliness",
    "family",
    "sleep",
    "identity",
    "worried",
    "parents",
    "students",
    "health",
    "rights",
    "platform",
    "emergency",
)
FOR_SOMEBODY_ELSE = frozenset({"worried", "parents"})
"""Themes in which the person asks for another one, whose age we do not know."""
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


@dataclass(frozen=True, slots=True)
class Referral:
    """What to offer for a theme: at most three services, and the fitting one when it is closed or not known to be open."""

    offers: tuple[Offer, ...]
    fitting: Offer | None

    @property
    def fitting_is_open(self) -> bool:
        """Whether somebody at the service made for this is known to answer now; a form that is always there is nobody."""
        return self.fitting is not None and self.fitting.is_open_line


@dataclass(frozen=True, slots=True)
class EmergencyNumbers:
    """Numbers of a country; `silent` (by text message) and `suicide_line` may be empty."""

    medical: str
    police: str
    general: str
    silent: str
    suicide_line: str


@dataclass(frozen=True, slots=True)
class Country:
    """What is offered in one country: emergency numbers and, per theme, service ids, the fitting ones first.

    `fitting` counts, per theme, how many services at the head fit equally well. `roles` names the services behind the
    emergency numbers. Police and justice are never offered unasked for the themes in `never_authorities`.
    """

    code: str
    emergency: EmergencyNumbers
    themes: Mapping[str, tuple[str, ...]]
    fitting: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    never_authorities: frozenset[str] = frozenset()

    @property
    def is_served(self) -> bool:
        """Whether there is at least one emergency number that may be shown; without one a country is not served."""
        return bool(self.emergency.general)


class Directory:
    """Every service, by country and theme, and the hours of our own team."""

    def __init__(
        self, services: Mapping[str, Service], countries: Mapping[str, Country], team: Schedule, home: str
    ) -> None:
        self.services = services
        self.countries = {code: country for code, country in countries.items() if country.is_served}
        self.unserved = {code: country for code, country in countries.items() if not country.is_served}
        self.team = team
        self._home = home

    def country(self, code: str) -> Country:
        """The country's offer; that of the helpline's own country when it is not covered."""
        return self.countries.get(code) or self.countries[self._home]

    def emergency(self, code: str) -> EmergencyNumbers:
        """Emergency numbers of a country."""
        return self.country(code).emergency

    def offers(self, service: Service, now: datetime, language: str | None = None) -> list[Offer]:
        """Every way to reach a service, the best one now first: open, of unknown hours, then the one that opens first."""
        if not service.may_be_shown:
            return []
        offers = [Offer(service, channel, channel.status(now)) for channel in service.channels if channel.may_be_shown]
        return sorted(offers, key=lambda offer: _rank(offer, language))

    def offer(self, service: Service, now: datetime, language: str | None = None) -> Offer | None:
        """The best way to reach a service now."""
        return next(iter(self.offers(service, now, language)), None)

    def match(
        self,
        theme: str,
        country: str,
        now: datetime,
        *,
        risk: RiskLevel = RiskLevel.NONE,
        age_band: str | None = None,
        language: str | None = None,
    ) -> Referral:
        """At most three services for a theme, known to be open first; one around the clock when the risk is not none.

        Where there is one, a service that speaks `language` is among them. From `high` on, a line that answers day and
        night comes first unless somebody at the fitting service answers now.
        """
        here = self.country(country)
        theme = theme if theme in here.themes else "distress"
        age_band = None if theme in FOR_SOMEBODY_ELSE else age_band
        offers = self._offers(here.themes[theme], here, theme, now, age_band, language)
        fitting = _fitting(offers, here.themes[theme][: here.fitting.get(theme, 1)])
        spare = self._offers(here.themes["emergency"], here, theme, now, None, None) if risk > RiskLevel.NONE else []
        places = {id(offer): place for place, offer in enumerate([*offers, *spare])}

        def key(offer: Offer) -> tuple[int, bool, int]:
            return _order(offer, fitting, risk), not offer.service.speaks(language), places[id(offer)]

        usable = sorted((offer for offer in offers if offer.status.hours is not Hours.CLOSED), key=key)
        needed = _around_the_clock(usable) or _around_the_clock(spare) if risk > RiskLevel.NONE else []
        needed = [*needed, *[offer for offer in usable if language and offer.service.speaks(language)][:1]]
        return Referral(tuple(sorted(_first(MAX_OFFERS, [*needed, *usable]), key=key)), fitting)

    def _offers(
        self,
        ids: Iterable[str],
        country: Country,
        theme: str,
        now: datetime,
        age_band: str | None,
        language: str | None,
    ) -> list[Offer]:
        services = [self.services[id_] for id_ in ids]
        if theme in country.never_authorities:
            services = [service for service in services if not service.is_authority]
        offers = [self.offer(service, now, language) for service in services if service.fits_age(age_band)]
        return [offer for offer in offers if offer is not None]


def _fitting(offers: list[Offer], ids: tuple[str, ...]) -> Offer | None:
    """Of those that fit equally well one that answers now, else the first; the next best when the age leaves none."""
    equal = [offer for offer in offers if offer.service.id in ids] or offers[:1]
    return next((offer for offer in equal if offer.is_open_line), next(iter(equal), None))


def _around_the_clock(offers: list[Offer]) -> list[Offer]:
    """One line that answers day and night, certain rather than not."""
    lines = [offer for offer in offers if offer.is_line_around_the_clock]
    return sorted(lines, key=lambda offer: not offer.is_certain)[:1]


def _first(count: int, offers: list[Offer]) -> list[Offer]:
    """The first of them, each service once."""
    chosen: dict[str, Offer] = {}
    for offer in offers:
        chosen.setdefault(offer.service.id, offer)
    return list(chosen.values())[:count]


def _order(offer: Offer, fitting: Offer | None, risk: RiskLevel) -> int:
    if risk >= RiskLevel.HIGH:
        if offer is fitting and offer.is_open_line:
            return 0
        if offer.is_line_around_the_clock:
            return 1
    return 2 if offer.status.is_open else 3


def _rank(offer: Offer, language: str | None) -> tuple[int, bool, float]:
    order = {Hours.OPEN: 0, Hours.UNKNOWN: 1, Hours.CLOSED: 2}[offer.status.hours]
    opens = offer.status.opens_at.timestamp() if offer.status.opens_at and order == 2 else 0.0
    foreign = bool(language and offer.channel.language and offer.channel.language != language)
    return order, foreign, opens
