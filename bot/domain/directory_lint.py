"""What may be wrong with the directory and the texts around it: pure checks, each finding one line that names its place."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from bot.domain.directory import (
    AGE_BANDS,
    FOR_SOMEBODY_ELSE,
    LANGUAGES,
    THEMES,
    ChannelKind,
    Country,
    Directory,
    Service,
    ServiceChannel,
)
from bot.domain.schedules import Hours

STALE_AFTER = timedelta(days=180)
_DIALLED = frozenset({ChannelKind.PHONE, ChannelKind.SMS, ChannelKind.WHATSAPP})
_ADDRESS = r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(/\S*)?"
_SHAPES = {
    ChannelKind.PHONE: (re.compile(r"\+?\d[\d -]*"), "a number"),
    ChannelKind.SMS: (re.compile(r"\+?\d[\d -]*"), "a number"),
    ChannelKind.WHATSAPP: (re.compile(r"\+?\d[\d -]*"), "a number"),
    ChannelKind.CHAT: (re.compile(_ADDRESS), "an https address"),
    ChannelKind.WEB: (re.compile(_ADDRESS), "an https address"),
    ChannelKind.EMAIL: (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "an e-mail address"),
    ChannelKind.APP: (re.compile(r"\S(.*\S)?"), "the name of an app"),
}
_DIALLING_CODES = {"FR": "33", "MA": "212", "BE": "32", "CH": "41", "LU": "352", "CA": "1"}
_WITHOUT_TRUNK_ZERO = frozenset({"LU", "CA"})
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_BLANK = re.compile(r"[^\S\n]+")
_PHONE_LIKE = re.compile(r"(?<![\w/.-])\+?\d(?:[ .-]?\d){5,}(?![\w/-])")
_DATE_LIKE = re.compile(r"(?:19|20)\d\d ?- ?(?:19|20)\d\d|(?:19|20)\d\d-\d\d-\d\d|\d{1,2}\.\d{1,2}\.(?:19|20)\d\d")
_TO_CALL = (
    r"appel(?:er|ez|les?)|compose[rz]?|téléphone[rz]?|joindre|joins|contacte[rz]?|sms|textos?|écri[stre]+|numéro"
    r"|call|dial|ring|texts?|phone|اتصلي?|راسلي?|عيطي?|رقم"
)
_UNITS = r"(?! ?(?:h\b|h\d|min|sec|ans?\b|jours?|mois|fois|%|€|years?|days?|times|hours?|دقيقة|ثانية|سنة|مرات))"


class Level(StrEnum):
    """An error stops the build; a warning is something for a person to look at."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing found, and where."""

    level: Level
    place: str
    what: str


@dataclass(frozen=True, slots=True)
class Text:
    """Words a person may read, and where they stand."""

    place: str
    words: str


@dataclass(frozen=True, slots=True)
class NegativeFact:
    """Something that must not appear in any text, and why; `text` is how the file names it."""

    text: str
    why: str
    pattern: re.Pattern[str]

    def stands_in(self, words: str) -> bool:
        """Whether it appears, whatever the accents, the case, the blanks, the digits and the marks of direction."""
        return self.pattern.search(plain(words)) is not None


def negative_text(text: str, why: str) -> NegativeFact:
    """A wording that must not appear."""
    return NegativeFact(text, why, re.compile(re.escape(plain(text)), re.IGNORECASE))


def negative_pattern(pattern: str, why: str) -> NegativeFact:
    """A regular expression that must not match; accents in it do not count. re.error when it is none."""
    return NegativeFact(pattern, why, re.compile(plain(pattern), re.IGNORECASE))


def negative_number(number: str, why: str) -> NegativeFact:
    """A number that must not appear, however its digits are grouped, with or without the country's prefix."""
    digits = digits_of(number)
    first = rf"(?:\+?\d{{1,3}}[ .-]?)?{digits[0]}?" if digits.startswith("0") and len(digits) > 4 else digits[0]
    body = first + "".join(rf"[ .-]?{digit}" for digit in digits[1:])
    return NegativeFact(number, why, re.compile(rf"(?<!\d)(?<!\d[ .-]){body}(?![ .-]?\d)"))


def lint(
    directory: Directory, negative: Iterable[NegativeFact], texts: Iterable[Text], today: date
) -> tuple[Finding, ...]:
    """Everything wrong with the directory, and with `texts` (other words a person may read), the errors first."""
    negative, texts = tuple(negative), tuple(texts)
    findings = [
        *(finding for service in directory.services.values() for finding in _service(service, today)),
        *_numbers_used_twice(directory),
        *(finding for country in directory.countries.values() for finding in _country(country, directory)),
        *_unverified(directory),
        *_negative([*_said_of(directory), *texts], negative),
        *_numbers_in(texts, directory),
    ]
    return tuple(sorted(set(findings)))


def plain(words: str) -> str:
    """The words without accents, marks of direction and special blanks, with digits 0 to 9; lines are kept."""
    decomposed = unicodedata.normalize("NFKD", _INVISIBLE.sub("", words))
    bare = (char for char in decomposed if not unicodedata.combining(char))
    digits = (str(unicodedata.digit(char)) if char.isdigit() else char for char in bare)
    return _BLANK.sub(" ", "".join(digits)).replace("\u2011", "-").replace("’", "'")


def digits_of(number: str) -> str:
    """Only the digits."""
    return re.sub(r"\D", "", number)


def _error(place: str, what: str) -> Finding:
    return Finding(Level.ERROR, place, what)


def _warning(place: str, what: str) -> Finding:
    return Finding(Level.WARNING, place, what)


def _service(service: Service, today: date) -> Iterator[Finding]:
    yield from _dated(service.id, service.verified_on, today)
    if service.confidence == "X" or any(channel.confidence == "X" for channel in service.channels):
        yield _error(service.id, "is tagged X: what is wrong or closed belongs in negative.yml")
    if service.min_age > service.max_age:
        yield _error(service.id, f"audience from {service.min_age} to {service.max_age} years")
    for what, texts in (("name", service.name), ("note", service.note), ("about", service.about)):
        for language in LANGUAGES:
            if not texts.get(language, "").strip():
                yield _error(service.id, f"{what}: no words in {language}")
    for channel in service.channels:
        yield from _channel(service, channel, today)


def _channel(service: Service, channel: ServiceChannel, today: date) -> Iterator[Finding]:
    place = f"{service.id} {channel.kind} {channel.value}"
    yield from _dated(place, channel.verified_on, today)
    if service.is_text_only and channel.kind is ChannelKind.PHONE:
        yield _error(place, "is offered as a call, but the service is reached by text only")
    shape, expected = _SHAPES[channel.kind]
    if not shape.fullmatch(channel.value) or (
        channel.kind in _DIALLED and not 2 <= len(digits_of(channel.value)) <= 15
    ):
        yield _error(place, f"does not look like {expected}")
    if channel.schedule.expression == "24/7" and channel.schedule.on_holidays is not Hours.OPEN:
        yield _error(place, "24/7 means holidays too: say `holidays: open`, or give the hours that are known")


def _dated(place: str, verified_on: str, today: date) -> Iterator[Finding]:
    age = today - date.fromisoformat(verified_on)
    if age > STALE_AFTER:
        yield _error(place, f"verified_on {verified_on} is {age.days} days old: call, correct, and set the date")
    elif age < timedelta(0):
        yield _error(place, f"verified_on {verified_on} lies in the future")


def _numbers_used_twice(directory: Directory) -> Iterator[Finding]:
    users: dict[str, dict[str, Service]] = defaultdict(dict)
    for service in directory.services.values():
        for channel in service.channels:
            if channel.kind in _DIALLED:
                users[_national(channel.value, service.country)][service.id] = service
    for number, services in users.items():
        by_country = defaultdict(list)
        for service in services.values():
            by_country[service.country].append(service.id)
        for ids in by_country.values():
            if len(ids) > 1:
                yield _error(ids[0], f"{number} is also the number of {', '.join(ids[1:])}")
        alone = [id_ for id_, service in services.items() if not service.is_shared]
        if len(by_country) > 1 and alone:
            others = sorted(services.keys() - {alone[0]})
            yield _error(alone[0], f"{number} is also the number of {', '.join(others)}, and is not declared `shared`")


def _national(number: str, country: str) -> str:
    """The digits as dialled inside the country."""
    digits, code = digits_of(number), _DIALLING_CODES.get(country, "")
    if code and (number.startswith(f"+{code}") or digits.startswith(f"00{code}")):
        return ("" if country in _WITHOUT_TRUNK_ZERO else "0") + digits.removeprefix("00").removeprefix(code)
    return digits


def _country(country: Country, directory: Directory) -> Iterator[Finding]:
    for theme in (*THEMES, *sorted(country.themes.keys() - set(THEMES))):
        place = f"{country.code} theme {theme}"
        if theme not in country.themes:
            yield _error(place, "is missing")
        elif theme not in THEMES:
            yield _error(place, "is not a theme")
        else:
            yield from _theme(place, theme, country, directory)
    for theme in sorted(country.never_authorities - set(THEMES)):
        yield _error(f"{country.code} never_authorities", f"{theme} is not a theme")
    for role, id_ in country.roles.items():
        service = directory.services[id_]
        if not service.may_be_shown:
            yield _warning(
                f"{country.code} emergency", f"{role}: {id_} is tagged C; the general number stands in for it"
            )
        elif not _is_line_around_the_clock(service):
            yield _error(f"{country.code} emergency", f"{role}: {id_} is not open around the clock")


def _theme(place: str, theme: str, country: Country, directory: Directory) -> Iterator[Finding]:
    services = [directory.services[id_] for id_ in country.themes[theme]]
    if theme in country.never_authorities:
        for service in services:
            if service.is_authority:
                yield _error(place, f"{service.id} is police or justice, which is never offered unasked here")
    shown = [service for service in services if service.may_be_shown]
    if not shown:
        yield _error(place, "no service that may be shown")
    lines = [service for service in shown if _is_line_around_the_clock(service)]
    bands = [None] if theme in FOR_SOMEBODY_ELSE else [*AGE_BANDS]
    alone = [str(band) for band in bands if not any(service.fits_age(band) for service in lines)]
    if not alone:
        return
    spare = [directory.services[id_] for id_ in country.themes.get("emergency", ())]
    if theme in country.never_authorities:
        spare = [service for service in spare if not service.is_authority]
    if any(service.may_be_shown and _is_line_around_the_clock(service) for service in spare):
        yield _warning(place, f"no line around the clock for {', '.join(alone)}: an emergency number stands in")
    else:
        yield _error(place, f"ends without a line around the clock for {', '.join(alone)}")


def _is_line_around_the_clock(service: Service) -> bool:
    return any(
        channel.may_be_shown
        and channel.is_answered
        and channel.hours_confidence in ("A", "B")
        and channel.schedule.expression == "24/7"
        and channel.schedule.on_holidays is Hours.OPEN
        for channel in service.channels
    )


def _unverified(directory: Directory) -> Iterator[Finding]:
    """What waits for an operator: countries that are not served, services and channels that are not shown."""
    for code in directory.unserved:
        yield _warning(
            code, "needs verification before this country is served: its general emergency number is tagged C"
        )
    waiting = defaultdict(list)
    for service in directory.services.values():
        if service.confidence == "C" or any(channel.confidence == "C" for channel in service.channels):
            waiting[service.country].append(service.id)
    for code, ids in waiting.items():
        yield _warning(code, f"tagged C, not shown until somebody has called: {', '.join(ids)}")


def _said_of(directory: Directory) -> Iterator[Text]:
    """What the directory says of each service, as lines a person might read together."""
    for service in directory.services.values():
        for language in LANGUAGES:
            name, note, about = (texts.get(language, "") for texts in (service.name, service.note, service.about))
            lines = [f"{name} · {note} · {about}"]
            for channel in service.channels:
                how = "tel: " if channel.kind is ChannelKind.PHONE else ""
                lines.append(f"{name} · {how}{channel.value} · {channel.schedule.expression}")
            yield Text(f"{service.id} {language}", "\n".join(lines))


def _negative(texts: Iterable[Text], negative: tuple[NegativeFact, ...]) -> Iterator[Finding]:
    for text in texts:
        for fact in negative:
            if fact.stands_in(text.words):
                yield _error(text.place, f"says {fact.text!r}: {fact.why}")


def _numbers_in(texts: Iterable[Text], directory: Directory) -> Iterator[Finding]:
    """Numbers that stand in a text: words may name a service, the directory alone says how it is reached."""
    known = {
        digits_of(channel.value)
        for service in directory.services.values()
        for channel in service.channels
        if channel.kind in _DIALLED
    }
    short = "|".join(sorted((number for number in known if len(number) <= 4), key=len, reverse=True))
    to_call = re.compile(
        rf"(?<!\w)(?:{plain(_TO_CALL)}) (?:\w+ ){{0,2}}?(?:l[ea]s? |au |a |to |the |في |على )?[بل]?({short})(?![\w-]){_UNITS}",
        re.IGNORECASE,
    )
    for text in texts:
        words = plain(text.words)
        for found in _PHONE_LIKE.finditer(words):
            if not _DATE_LIKE.fullmatch(found[0]):
                yield _error(text.place, f"{found[0]} stands in the text: say it through the directory")
        for found in to_call.finditer(words) if short else ():
            yield _error(text.place, f"“{found[0]}”: say the number through the directory")
