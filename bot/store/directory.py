"""Reads directory/*.yml into the directory, or says in one line what is wrong and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from bot.domain.calendars import holiday_calendar
from bot.domain.directory import Country, Directory, EmergencyNumbers
from bot.domain.negative_facts import NegativeFact, negative_number, negative_pattern, negative_text
from bot.domain.schedules import Hours, InvalidHoursError, Schedule
from bot.domain.services import LANGUAGES, ChannelKind, Service, ServiceChannel

TEAM_FILE = "team.yml"
NEGATIVE_FILE = "negative.yml"
_COUNTRY_KEYS = frozenset(
    {"country", "time_zone", "emergency", "never_authorities", "themes", "services", "needs_native_review"}
)
_SERVICE_KEYS = frozenset(
    {"id", "name", "organization", "note", "about", "audience", "languages", "confidence", "source", "verified_on"}
    | {"channels", "time_zone", "calendar", "text_only", "authority", "shared"}
)
_CHANNEL_KEYS = frozenset(
    {"kind", "value", "hours", "holidays", "confidence", "hours_confidence", "verified_on", "source", "language"}
    | {"closures_unknown"}
)
_ROLES = ("medical", "police", "general", "silent", "suicide_line")
_KINDS_OF_ROLE = {"silent": ChannelKind.SMS}
_NEGATIVE_KINDS = {"text": negative_text, "pattern": negative_pattern, "number": negative_number}
_T = TypeVar("_T")


class DirectoryError(Exception):
    """A file of the directory does not read; the message names the file, the service and what was expected."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a service is: its country, and the zone and holidays its hours follow."""

    country: str
    zone: str
    calendar: str


def load_directory(folder: Path, home: str = "FR") -> Directory:
    """Every country file of the folder; `home` is the country whose offer serves people of countries not covered."""
    services: dict[str, Service] = {}
    countries: dict[str, Country] = {}
    for path in sorted(folder.glob("*.yml")):
        if path.name in (TEAM_FILE, NEGATIVE_FILE):
            continue
        data = read_yaml(path)
        loaded = _in_file(path, partial(_services, data))
        if twice := services.keys() & loaded.keys():
            raise DirectoryError(f"{path.name}: {min(twice)} stands in another file too")
        services |= loaded
        country = _in_file(path, partial(_country, data, loaded))
        if country.code in countries:
            raise DirectoryError(f"{path.name}: the country {country.code} has another file too")
        countries[country.code] = country
    team = read_yaml(folder / TEAM_FILE)
    directory = Directory(services, countries, _in_file(folder / TEAM_FILE, partial(_team, team)), home)
    if home not in directory.countries:
        raise DirectoryError(
            f"no file for the country {home}, with an emergency number tagged A or B, under {folder.name}/"
        )
    return directory


def load_negative_facts(folder: Path) -> tuple[NegativeFact, ...]:
    """What must not appear in any text."""
    path = folder / NEGATIVE_FILE
    data = read_yaml(path)
    return _in_file(path, lambda: tuple(map(_negative, data["never"])))


def read_yaml(path: Path) -> dict[str, Any]:
    """The content of a file of the directory."""
    try:
        data = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        raise DirectoryError(f"{path.name}: missing under {path.parent.name}/") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: not UTF-8, or a day that does not exist.
        raise DirectoryError(f"{path.name}: {(str(error).splitlines() or ['not readable'])[0]}") from None
    if not isinstance(data, dict):
        raise DirectoryError(f"{path.name}: expected a mapping at the top")
    return data


def _in_file(path: Path, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except KeyError as error:
        raise DirectoryError(f"{path.name}: {error.args[0]!r} is missing or unknown") from None
    except (TypeError, ValueError, AttributeError, ZoneInfoNotFoundError) as error:
        raise DirectoryError(f"{path.name}: {error}") from None


def _negative(item: dict[str, Any]) -> NegativeFact:
    kinds = _NEGATIVE_KINDS.keys() & item.keys()
    if len(kinds) != 1 or item.keys() - kinds != {"why"}:
        raise ValueError(f"expected why and one of {', '.join(_NEGATIVE_KINDS)}, not {item!r}")
    kind = kinds.pop()
    try:
        return _NEGATIVE_KINDS[kind](_string(item[kind], kind), _string(item["why"], "why"))
    except re.error as error:
        raise ValueError(f"{item[kind]!r} is not a pattern: {error}") from None


def _services(data: dict[str, Any]) -> dict[str, Service]:
    _only(data, _COUNTRY_KEYS)
    services: dict[str, Service] = {}
    for item in data["services"]:
        try:
            service = _service(item, data)
        except KeyError as error:
            raise ValueError(f"{item.get('id', 'a service')}: {error.args[0]!r} is missing") from None
        except (ValueError, TypeError, AttributeError, ZoneInfoNotFoundError) as error:
            raise ValueError(f"{item.get('id', 'a service')}: {error}") from None
        if service.id in services:
            raise ValueError(f"{service.id} stands twice")
        services[service.id] = service
    return services


def _service(item: dict[str, Any], data: dict[str, Any]) -> Service:
    _only(item, _SERVICE_KEYS)
    country = str(data["country"])
    place = _Place(country, item.get("time_zone", data["time_zone"]), item.get("calendar", country))
    audience = item.get("audience") or {}
    _only(audience, {"min_age", "max_age", "who"})
    return Service(
        id=str(item["id"]),
        country=country,
        name=_by_language(item["name"]),
        organization=str(item["organization"]),
        note=_by_language(item["note"]),
        about=_by_language(item["about"]),
        channels=tuple(_channel(channel, item, place) for channel in item["channels"]),
        min_age=int(audience.get("min_age", 0)),
        max_age=int(audience.get("max_age", 120)),
        audience=tuple(audience.get("who", ("anyone",))),
        languages=tuple(item["languages"]),
        confidence=_tag(item["confidence"]),
        source=_string(item["source"], "source"),
        verified_on=_day(item["verified_on"]),
        is_text_only=bool(item.get("text_only", False)),
        is_authority=bool(item.get("authority", False)),
        is_shared=bool(item.get("shared", False)),
    )


def _channel(item: dict[str, Any], service: dict[str, Any], place: _Place) -> ServiceChannel:
    _only(item, _CHANNEL_KEYS)
    hours = _string(item.get("hours", ""), "hours")
    return ServiceChannel(
        kind=ChannelKind(item["kind"]),
        value=_string(item["value"], "value"),
        schedule=_schedule(hours, place.zone, Hours(item.get("holidays", "unknown")), place.calendar),
        confidence=_tag(item.get("confidence", service["confidence"])),
        hours_confidence=_tag(item.get("hours_confidence", item.get("confidence", service["confidence"]))),
        verified_on=_day(item.get("verified_on", service["verified_on"])),
        source=_string(item.get("source", service["source"]), "source"),
        language=str(item.get("language", "")),
        closures_unknown=bool(item.get("closures_unknown", False)),
    )


@cache
def _schedule(hours: str, zone: str, on_holidays: Hours, calendar: str) -> Schedule:
    """Services with the same hours share what has been worked out about them."""
    try:
        return Schedule(hours, ZoneInfo(zone), on_holidays, holiday_calendar(calendar))
    except InvalidHoursError as error:
        raise ValueError(f"hours do not parse, expected opening_hours syntax: {error}") from None


def _country(data: dict[str, Any], services: dict[str, Service]) -> Country:
    themes: dict[str, tuple[str, ...]] = {}
    fitting: dict[str, int] = {}
    for theme, ids in data["themes"].items():
        first = ids[0] if isinstance(ids[0], list) else ids[:1]
        fitting[theme] = len(first)
        themes[theme] = tuple(str(id_) for id_ in (*first, *ids[1:]))
        if unknown := [id_ for id_ in themes[theme] if id_ not in services]:
            raise ValueError(f"theme {theme}: no service {unknown[0]}")
    if missing := {"distress", "emergency"} - themes.keys():
        raise ValueError(f"theme {min(missing)} is missing")
    roles = {str(role): str(id_) for role, id_ in data["emergency"].items()}
    if unknown := [role for role in roles if role not in _ROLES]:
        raise ValueError(f"emergency: {unknown[0]} is not one of {', '.join(_ROLES)}")
    return Country(
        code=str(data["country"]),
        emergency=_emergency(roles, services),
        themes=themes,
        fitting=fitting,
        roles=roles,
        never_authorities=frozenset(data.get("never_authorities", ())),
    )


def _emergency(roles: dict[str, str], services: dict[str, Service]) -> EmergencyNumbers:
    """The numbers that may be shown; the general one stands in for a medical or police one that may not."""

    def number(role: str) -> str:
        if role not in roles:
            return ""
        service, kind = services[roles[role]], _KINDS_OF_ROLE.get(role, ChannelKind.PHONE)
        channels = [channel for channel in service.channels if channel.kind is kind]
        if not channels:
            raise ValueError(f"emergency: {role}: {service.id} has no {kind} channel")
        shown = [channel.value for channel in channels if service.may_be_shown and channel.may_be_shown]
        return next(iter(shown), "")

    general = number("general")
    return EmergencyNumbers(
        medical=number("medical") or general,
        police=number("police") or general,
        general=general,
        silent=number("silent"),
        suicide_line=number("suicide_line"),
    )


def _team(data: dict[str, Any]) -> Schedule:
    on_holidays = Hours(data.get("holidays", "unknown"))
    return _schedule(str(data.get("hours") or ""), str(data["time_zone"]), on_holidays, str(data.get("country", "FR")))


def _only(item: dict[str, Any], known: Collection[str]) -> None:
    if unknown := sorted(item.keys() - set(known)):
        raise ValueError(f"{unknown[0]!r} is not known here; expected {', '.join(sorted(known))}")


def _by_language(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or set(value) != set(LANGUAGES):
        raise ValueError(f"expected a text for each of {', '.join(LANGUAGES)}, not {value!r}")
    return {language: _string(text, language) for language, text in value.items()}


def _string(value: Any, what: str) -> str:
    """A text as written: YAML reads an unquoted 0800235236 as a number and loses its zero."""
    if not isinstance(value, str):
        raise TypeError(f"{what}: expected text in quotes, not {value!r}")
    return value


def _tag(value: Any) -> str:
    if value not in ("A", "B", "C", "X"):
        raise ValueError(f"confidence: expected A, B, C or X, not {value!r}")
    return str(value)


def _day(value: Any) -> str:
    if not isinstance(value, date):
        raise TypeError(f"verified_on: expected a date such as 2026-11-20, not {value!r}")
    return value.isoformat()
