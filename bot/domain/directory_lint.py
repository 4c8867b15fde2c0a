"""What may be wrong with the directory and the texts around it: pure checks, each finding one line that names its place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from bot.domain.directory import FOR_SOMEBODY_ELSE, THEMES, Country, Directory
from bot.domain.negative_facts import NegativeFact, digits_of, plain
from bot.domain.schedules import Hours
from bot.domain.services import AGE_BANDS, LANGUAGES, ChannelKind, Service, ServiceChannel

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
    if channel.kind is ChannelKind.EMAIL and channel.schedule.expression:
        yield _error(place, "a mailbox has no hours: nobody is there to answer")
    if channel.kind is ChannelKind.APP and _outlasts_the_lines(channel, service):
        yield _error(place, "would be offered as open while nobody answers: give it the hours of the lines")
    if channel.schedule.expression == "24/7" and channel.schedule.on_holidays is not Hours.OPEN:
        yield _error(place, "24/7 means holidays too: say `holidays: open`, or give the hours that are known")


def _outlasts_the_lines(channel: ServiceChannel, service: Service) -> bool:
    lines = [other for other in service.channels if other.is_answered]
    return bool(lines) and channel.schedule.expression not in [line.schedule.expression for line in lines]


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
    for theme in THEMES:
        if theme not in country.themes:
            yield _error(f"{country.code} theme {theme}", "is missing")
    for theme in sorted({*country.themes, *country.never_authorities} - set(THEMES)):
        yield _error(f"{country.code} theme {theme}", "is not a theme")
    for theme, ids in country.themes.items():
        yield from _theme(f"{country.code} theme {theme}", theme, [directory.services[id_] for id_ in ids], country)
    for role, id_ in country.roles.items():
        service = directory.services[id_]
        if not service.may_be_shown:
            yield _warning(country.code, f"{role}: {id_} is tagged C; the general emergency number stands in for it")
        elif not _is_line_around_the_clock(service):
            yield _error(country.code, f"{role}: {id_} is not open around the clock")
    yield from _nights(country, directory)


def _theme(place: str, theme: str, services: list[Service], country: Country) -> Iterator[Finding]:
    if not any(service.may_be_shown for service in services):
        yield _error(place, "no service that may be shown")
    for service in services:
        if theme in country.never_authorities and service.is_authority:
            yield _error(place, f"{service.id} is police or justice, which is never offered unasked here")


def _nights(country: Country, directory: Directory) -> Iterator[Finding]:
    """Themes that end without a line around the clock, for somebody of some age."""
    lines = {service.id: service for service in directory.services.values() if _is_line_around_the_clock(service)}
    stand_in: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for theme, ids in country.themes.items():
        bands = ["any age"] if theme in FOR_SOMEBODY_ELSE else [*AGE_BANDS]
        alone = [band for band in bands if not any(id_ in lines and lines[id_].fits_age(band) for id_ in ids)]
        spare = [lines[id_] for id_ in country.themes.get("emergency", ()) if id_ in lines]
        if not alone:
            continue
        if all(service.is_authority and theme in country.never_authorities for service in spare):
            yield _error(f"{country.code} theme {theme}", f"ends without a line around the clock: {', '.join(alone)}")
        else:
            stand_in[tuple(alone)].append(theme)
    for bands_alone, themes in stand_in.items():
        what = f"an emergency number stands in at night ({', '.join(bands_alone)})"
        yield _warning(country.code, f"no line around the clock for {', '.join(themes)}: {what}")


def _is_line_around_the_clock(service: Service) -> bool:
    return service.may_be_shown and any(
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
            if found := fact.found_in(text.words):
                yield _error(text.place, f"says “{found}”: {fact.why}")


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
