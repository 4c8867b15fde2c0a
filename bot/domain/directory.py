"""The directory: which services fit a person now.

Only facts tagged A or B are offered. A closed service is never offered as open, an unknown one never as either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.risk import RiskLevel
from bot.domain.schedules import Hours, Schedule
from bot.domain.services import Offer as Offer
from bot.domain.services import Service
from bot.domain.shifts import Rota

MAX_OFFERS = 3
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
COMMON_LANGUAGE = "fr"
"""Spoken by most services of every country we cover; a line that speaks neither it nor the person's own is not offered."""
FOR_SOMEBODY_ELSE = frozenset({"worried", "parents"})
"""Themes in which the person asks for another one, whose age we do not know."""


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
        self, services: Mapping[str, Service], countries: Mapping[str, Country], team: Schedule | Rota, home: str
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
        night comes first unless the fitting service is certain to answer now. An emergency number that only stands in
        for such a line comes after the open services of the theme.
        """
        here = self.country(country)
        theme = theme if theme in here.themes else "distress"
        age_band = None if theme in FOR_SOMEBODY_ELSE else age_band
        language = language or COMMON_LANGUAGE
        offers = self._offers(here.themes[theme], here, theme, now, age_band, language)
        fitting = _fitting(offers, here.themes[theme][: here.fitting.get(theme, 1)])
        spare = (
            self._offers(here.themes["emergency"], here, theme, now, None, language) if risk > RiskLevel.NONE else []
        )
        places = {id(offer): place for place, offer in enumerate([*offers, *spare])}

        def key(offer: Offer) -> tuple[bool, bool, bool, int]:
            place = places[id(offer)]
            return not offer.status.is_open, place >= len(offers), not offer.service.speaks(language), place

        usable = sorted((offer for offer in offers if offer.status.hours is not Hours.CLOSED), key=key)
        line = _around_the_clock(usable, fitting) or _around_the_clock(spare) if risk > RiskLevel.NONE else []
        spoken = [offer for offer in usable if offer.service.speaks(language)][:1]
        chosen = sorted(_first(MAX_OFFERS, [*line, *spoken, *usable]), key=key)
        if risk >= RiskLevel.HIGH:
            sure = [offer for offer in chosen if offer is fitting and offer.is_open_line and offer.is_certain]
            own = [offer for offer in line if places[id(offer)] < len(offers)]
            chosen = _first(MAX_OFFERS, [*sure, *own, *chosen])
        return Referral(tuple(chosen), fitting)

    def _offers(
        self,
        ids: Iterable[str],
        country: Country,
        theme: str,
        now: datetime,
        age_band: str | None,
        language: str,
    ) -> list[Offer]:
        services = [self.services[id_] for id_ in ids]
        if theme in country.never_authorities:
            services = [service for service in services if not service.is_authority]
        services = [service for service in services if service.speaks(language) or service.speaks(COMMON_LANGUAGE)]
        offers = [self.offer(service, now, language) for service in services if service.fits_age(age_band)]
        return [offer for offer in offers if offer is not None]


def _fitting(offers: list[Offer], ids: tuple[str, ...]) -> Offer | None:
    """Of those that fit equally well one that answers now, else the first; the next best when the age leaves none."""
    equal = [offer for offer in offers if offer.service.id in ids] or offers[:1]
    return next((offer for offer in equal if offer.is_open_line), next(iter(equal), None))


def _around_the_clock(offers: list[Offer], fitting: Offer | None = None) -> list[Offer]:
    """One line that answers day and night: the fitting one if it does, else one that is certain rather than not."""
    lines = [offer for offer in offers if offer.is_line_around_the_clock]
    return sorted(lines, key=lambda offer: (offer is not fitting, not offer.is_certain))[:1]


def _first(count: int, offers: list[Offer]) -> list[Offer]:
    """The first of them, each service once."""
    chosen: dict[str, Offer] = {}
    for offer in offers:
        chosen.setdefault(offer.service.id, offer)
    return list(chosen.values())[:count]


def _rank(offer: Offer, language: str | None) -> tuple[int, bool, float]:
    """Open, then of unknown hours, then closed; a mailbox or a site of unknown hours is no better than a closed line."""
    order = {Hours.OPEN: 0, Hours.UNKNOWN: 1 if offer.channel.is_answered else 3, Hours.CLOSED: 2}[offer.status.hours]
    opens = offer.status.opens_at.timestamp() if offer.status.opens_at and order == 2 else 0.0
    foreign = bool(language and offer.channel.language and offer.channel.language != language)
    return order, foreign, opens
