"""`bot directory check`: what is wrong with the directory and the texts. `bot directory show`: what is open at a moment."""

from __future__ import annotations

import argparse
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from bot import i18n
from bot.config import LANGUAGES, ROOT, Settings
from bot.dialogue.content import SPOKEN, ContentError, read_responses
from bot.domain.content_lint import lint_content
from bot.domain.directory import Directory
from bot.domain.directory_lint import Finding, Level, Text, lint
from bot.domain.schedules import Hours, Status
from bot.domain.services import Service, ServiceChannel
from bot.store.directory import DirectoryError, load_directory, load_negative_facts

FOLDER = ROOT / "directory"
RESPONSES = ROOT / "responses"
LABELS: dict[str, dict[str, Any]] = {
    "fr": {
        "columns": ("service", "nom", "par", "où", "maintenant", "change"),
        "open": "ouvert",
        "closed": "fermé",
        "unknown": "inconnu",
        "always": "jour et nuit",
        "hidden": "caché, à vérifier",
    },
    "en": {
        "columns": ("service", "name", "by", "where", "now", "changes"),
        "open": "open",
        "closed": "closed",
        "unknown": "unknown",
        "always": "day and night",
        "hidden": "hidden, unverified",
    },
    "ar": {
        "columns": ("service", "الاسم", "عبر", "أين", "الآن", "يتغير"),
        "open": "مفتوح",
        "closed": "مغلق",
        "unknown": "غير معروف",
        "always": "ليلا ونهارا",
        "hidden": "مخفي، يجب التحقق",
    },
}
"""Words of the operator's table; what a person reads comes from responses/."""


def add_parser(subparsers: Any) -> None:
    """`bot directory`."""
    parser = subparsers.add_parser("directory", help="check the services we refer to, or show which are open")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("check", help="what is wrong with the directory, and with numbers and facts in the texts")
    show = actions.add_parser("show", help="what is open at a moment")
    show.add_argument("--country", type=str.upper, default="", help="two letters; DEFAULT_COUNTRY when absent")
    show.add_argument("--now", type=datetime.fromisoformat, help="such as 2026-11-20T02:00, in the country's time")
    show.add_argument("--language", choices=LANGUAGES, default="fr")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Check or show; 1 when something is wrong."""
    if options.action == "check":
        return check(FOLDER, RESPONSES, datetime.now(UTC).date(), settings.default_country)
    directory = load_directory(FOLDER, settings.default_country)
    return show(directory, options.country or settings.default_country, options.now, options.language)


def check(folder: Path, responses: Path, today: date, home: str = "FR") -> int:
    """Every finding on a line of its own, errors on standard error; 1 when there is an error."""
    try:
        directory, negative = load_directory(folder, home), load_negative_facts(folder)
        findings = (*lint(directory, negative, response_texts(responses), today), *content(responses, directory))
    except (DirectoryError, ContentError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    for finding in findings:
        stream = sys.stderr if finding.level is Level.ERROR else sys.stdout
        stream.write(f"{_line(finding)}\n")
    counts = f"{len(directory.services)} services, {len(directory.countries)} countries"
    sys.stdout.write(f"{counts}: {len(errors)} errors, {len(findings) - len(errors)} warnings\n")
    return 1 if errors else 0


def content(responses: Path, directory: Directory) -> tuple[Finding, ...]:
    """What the content gate finds in the words; nothing where no domain stands beside them, as in a folder being tried."""
    domain = responses.parent / "domain.yml"
    if not domain.is_file():
        return ()
    intents = yaml.load(domain.read_text("utf-8"), Loader=yaml.CSafeLoader)["intents"]
    return lint_content(
        read_responses(responses), intents=intents, services=directory.services, longest=longest_values(directory)
    )


def longest_values(directory: Directory) -> dict[str, int]:
    """How many characters each placeholder takes at most."""
    services = directory.services.values()
    numbers = [country.emergency for country in directory.countries.values()]
    widest = {
        name: max(len(getattr(number, name)) for number in numbers)
        for name in ("medical", "police", "general", "silent", "suicide_line")
    }
    names = max(len(text) for service in services for text in service.name.values())
    notes = max(len(text) for service in services for text in service.note.values())
    moments = {"when": 30, "until": 10, "time": 10, "weekday": 12}
    access = {"language": 10, "country": 20, "age": 12, "at": 20, "words": 800}
    report = {"account": 1000, "link": 120, "date": 40}
    waits = {"count": 4, "ahead": 4, "median": 4, "ninth": 4}
    return widest | moments | access | waits | report | {"name": names, "note": notes, "police_choice": 200}


def show(directory: Directory, country: str, now: datetime | None, language: str) -> int:
    """A table of every channel of a country, what it is now and when that changes; 2 when the country is not covered."""
    if country not in directory.countries and country not in directory.unserved:
        known = ", ".join(sorted({*directory.countries, *directory.unserved}))
        sys.stderr.write(f"bot directory: --country {country}: expected one of {known}\n")
        return 2
    zone = i18n.time_zone(country)
    moment = now or datetime.now(UTC)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    local = moment.astimezone(zone)
    sys.stdout.write(f"{country} · {i18n.say_weekday(local, language, zone)} {local:%Y-%m-%d %H:%M} {zone.key}\n\n")
    labels = LABELS[SPOKEN[language]]
    services = [service for service in directory.services.values() if service.country == country]
    rows = [row for service in services for row in _rows(service, moment, language)]
    sys.stdout.write(_table([labels["columns"], *rows]))
    return 0


def response_texts(folder: Path) -> tuple[Text, ...]:
    """Every text and title of quick replies under responses/, with the file and the key it stands in."""
    return tuple(text for path in sorted(folder.glob("*.yml")) for text in _texts_of(path))


def _texts_of(path: Path) -> Iterator[Text]:
    try:
        responses = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["responses"]
        for key, variations in responses.items():
            for variation in variations:
                titles = [str(reply["title"]) for reply in variation.get("buttons", ())]
                yield Text(f"{path.name} {key}", "\n".join([str(variation.get("text", "")), *titles]))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ContentError(f"{path.name}: not a file of Rasa responses ({type(error).__name__})") from None


def _line(finding: Finding) -> str:
    return f"{finding.level}: {finding.place}: {finding.what}"


def _rows(service: Service, now: datetime, language: str) -> Iterator[Sequence[str]]:
    labels, name = LABELS[SPOKEN[language]], service.name[SPOKEN[language]]
    for channel in service.channels:
        if not (service.may_be_shown and channel.may_be_shown):
            yield service.id, name, channel.kind, channel.value, str(labels["hidden"]), ""
            continue
        status = channel.status(now)
        state = "always" if status.is_around_the_clock else status.hours.value
        change = _change(status, channel, now, language, i18n.time_zone(service.country))
        yield service.id, name, channel.kind, channel.value, str(labels[state]), change


def _change(status: Status, channel: ServiceChannel, now: datetime, language: str, zone: ZoneInfo) -> str:
    """When the state ends, or when a closed line opens; B hours carry a question mark."""
    moment = status.until if status.is_open else status.opens_at
    if moment is None:
        return ""
    said = i18n.say_time(moment, language, zone)
    if i18n.days_between(now, moment, zone):
        said = f"{i18n.say_weekday(moment, language, zone)} {said}"
    arrow = "→" if status.hours is Hours.OPEN else "↑"
    return f"{arrow} {said}{'' if channel.hours_confidence == 'A' else ' ?'}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "".join(f"{line}\n" for line in lines)


def _width(cell: str) -> int:
    """Columns on a terminal."""
    return sum(0 if unicodedata.combining(char) else 1 for char in cell)
