"""Puts numbers, hours and services into words: the only place where a fact of the directory meets a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from bot import i18n
from bot.dialogue.content import SPOKEN, Words
from bot.domain.directory import Directory, Offer, Referral
from bot.domain.messages import OutboundMessage
from bot.domain.risk import RiskLevel
from bot.domain.schedules import Hours
from bot.domain.services import ChannelKind

FORMAL = "_vous"
PARENTS = ("utter_parent_", "utter_ask_parent_")
"""What only a parent was ever told."""
NUMBERS = frozenset({"medical", "police", "general", "silent", "suicide_line"})
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_SAID_TWICE = re.compile(r"\b(\d{2,5})\b,? (?:ou le|ou|or|أو) \1\b")
_LINKS = frozenset({ChannelKind.WEB, ChannelKind.CHAT, ChannelKind.APP})
_LEFT_TO_RIGHT = "\u2066{}\u2069"


@dataclass(frozen=True, slots=True)
class Lines:
    """A referral in words, and whether the service made for it is open."""

    message: OutboundMessage
    fitting_is_open: bool


class Wording:
    """The words for one turn: one language, one country, one moment."""

    def __init__(
        self, words: Words, directory: Directory, language: str, country: str, used: tuple[str, ...], now: datetime
    ) -> None:
        self._words = words
        self._directory = directory
        self._language = language
        self._spoken = SPOKEN.get(language, "fr")
        self._country = country
        self._zone = i18n.time_zone(country)
        self._used = used
        self.now = now
        self._team = directory.team.status(now)
        self._numbers = directory.emergency(country)
        self._is_parent = any(name.startswith(PARENTS) for name in used)

    @property
    def team_is_open(self) -> bool:
        """Whether our own people are known to be on duty."""
        return self._team.is_open

    @property
    def team_opens_at(self) -> datetime | None:
        """When our own people are back, if that is known."""
        return self._team.opens_at

    def say(self, key: str, **values: str) -> OutboundMessage:
        """The words of a key, with `values` and numbers of the directory filled in."""
        message = self._said(key)
        return replace(message, text=self.filled(message.text, **values))

    def _said(self, key: str) -> OutboundMessage:
        """The words as they stand; a parent is said “vous” where a teenager is said “tu”."""
        formal = f"{key}{FORMAL}"
        if not self._is_parent or formal not in self._words:
            return self._words.say(key, self._language, used=self._used)
        times = (formal,) * self._used.count(key)
        return replace(self._words.say(formal, self._language, used=times), key=key)

    def again(self, key: str, times: int) -> OutboundMessage:
        """The words of a key said `times` before in the same breath, so that a round of an exercise is not word for word."""
        message = self._words.say(key, self._language, used=(*self._used, *(key,) * times))
        return replace(message, text=self.filled(message.text))

    def urgent(self, key: str) -> OutboundMessage:
        """The same, to be delivered before anything else."""
        return replace(self.say(key), urgent=True)

    def filled(self, text: str, **values: str) -> str:
        """The text with values and the country's numbers in place of their names; what has no value stays as it is.

        A line about a suicide line, or about the police where going there is a risk of its own, is said as it is true in
        this country.
        """
        lines = [self._true_here(line) for line in text.split("\n")]
        text = "\n".join(dict.fromkeys(lines)) if lines != text.split("\n") else text

        def value(match: re.Match[str]) -> str:
            if match[1] in values:
                return values[match[1]]
            if match[1] in NUMBERS:
                return str(getattr(self._numbers, match[1])) or self._numbers.general
            return match[0]

        # Where one number serves for two, it is said once.
        return _SAID_TWICE.sub(r"\1", _PLACEHOLDER.sub(value, text))

    def _true_here(self, line: str) -> str:
        """The line, or the sentence that takes its place where it would not be true or would do harm."""
        if "{suicide_line}" in line and not self._has_suicide_line:
            return self._words.say("utter_without_suicide_line", self._language).text
        if "{police_choice}" in line:
            if "sexual_violence" in self._directory.country(self._country).never_authorities:
                return self._words.say("utter_police_is_a_choice", self._language).text
            return line.replace("{police_choice}", "{police}")
        return line

    @property
    def _has_suicide_line(self) -> bool:
        """Whether there is a line of its own, rather than an emergency number that stands in for one."""
        numbers = self._numbers
        return numbers.suicide_line not in ("", numbers.medical, numbers.police, numbers.general)

    def emergency(self, kind: str) -> OutboundMessage:
        """Emergency numbers to call and, where there is one, a number to write to in silence (R2)."""
        message = self.urgent(f"utter_emergency_{kind}")
        if not self._numbers.silent:
            return message
        silent = self.say("utter_emergency_silent").text
        return replace(message, text=f"{message.text}\n{silent}")

    def emergency_numbers(self, key: str) -> OutboundMessage:
        """A text that names emergency numbers."""
        return self.say(key)

    def team(self, key: str) -> OutboundMessage:
        """`key`_open, _closed with when we are back, or _unknown: the truth about our own hours."""
        if self._team.is_open:
            return self.say(f"{key}_open")
        if self._team.opens_at is not None:
            return self.say(f"{key}_closed", when=self.when(self._team.opens_at))
        return self.say(f"{key}_unknown")

    def refer(self, theme: str, risk: RiskLevel, age_band: str | None, *, with_links: bool = True) -> Lines:
        """The services for a theme, each with its state now and its number or link alone on a line (R20).

        Without links where somebody else may read the phone and that was not asked yet (R24); a line to call stays.
        """
        referral = self._directory.match(
            theme, self._country, self.now, risk=risk, age_band=age_band, language=self._spoken
        )
        offers = [
            offer for offer in referral.offers if with_links or offer.channel.kind not in _LINKS
        ] or referral.offers
        blocks = [self._intro(referral, theme), *(self._line(offer) for offer in offers)]
        message = OutboundMessage("\n\n".join(block for block in blocks if block), key=f"utter_refer_{theme}")
        return Lines(message, referral.fitting_is_open)

    def service(self, service_id: str) -> OutboundMessage:
        """One service: what it is, whether it is open, how to reach it."""
        service = self._directory.services.get(service_id)
        offer = self._directory.offer(service, self.now, language=self._spoken) if service else None
        if service is None or offer is None:
            return self.refer("distress", RiskLevel.NONE, None).message
        text = f"{service.about[self._spoken]}\n\n{self._line(offer)}"
        return OutboundMessage(text, key=f"utter_service_{service_id}")

    def when(self, moment: datetime) -> str:
        """“ce soir à 18 h”, “demain à 9 h”, “lundi à 9 h”."""
        days = i18n.days_between(self.now, moment, self._zone)
        time = i18n.say_time(moment, self._language, self._zone)
        if days == 0:
            return self.say("utter_when_today", time=time).text
        if days == 1:
            return self.say("utter_when_tomorrow", time=time).text
        weekday = i18n.say_weekday(moment, self._language, self._zone)
        return self.say("utter_when_later", weekday=weekday, time=time).text

    def _intro(self, referral: Referral, theme: str) -> str:
        fitting = referral.fitting
        if fitting is not None and fitting.status.hours is Hours.CLOSED and fitting.status.opens_at is not None:
            name, when = fitting.service.name[self._spoken], self.when(fitting.status.opens_at)
            key = "utter_refer_closed" if referral.offers else "utter_refer_only_later"
            return self.say(key, name=name, when=when).text
        if not referral.offers or fitting is None:
            return self.say("utter_refer_none").text
        return self.say("utter_refer_open_adult" if theme == "parents" or self._is_parent else "utter_refer_open").text

    def _line(self, offer: Offer) -> str:
        values = {"name": offer.service.name[self._spoken], "note": offer.service.note[self._spoken]}
        status, reach = offer.status, offer.channel.value
        if i18n.direction(self._language) == "rtl":
            reach = _LEFT_TO_RIGHT.format(reach)
        if status.is_around_the_clock:
            key = "utter_line_around_the_clock" if offer.is_certain else "utter_line_usually_around_the_clock"
            text = self.say(key, **values).text
        elif status.is_open and status.until is not None:
            key = "utter_line_open_until" if offer.is_certain else "utter_line_usual_hours"
            text = self.say(key, until=i18n.say_time(status.until, self._language, self._zone), **values).text
        elif status.hours is Hours.CLOSED and status.opens_at is not None:
            text = self.say("utter_line_closed", when=self.when(status.opens_at), **values).text
        else:
            text = self.say("utter_line_unknown", **values).text
        return f"{text}\n{reach}"
