"""Languages: locales, text direction, and hours and days written as people say them (Babel)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton

LOCALES = {"fr": "fr_FR", "en": "en_GB", "ar": "ar_MA", "ary": "ar_MA"}
TIME_ZONES = {
    "FR": "Europe/Paris",
    "MA": "Africa/Casablanca",
    "BE": "Europe/Brussels",
    "CH": "Europe/Zurich",
    "LU": "Europe/Luxembourg",
    "CA": "America/Toronto",
}
RIGHT_TO_LEFT = frozenset({"ar", "ary"})


def direction(language: str) -> str:
    """`rtl` or `ltr`, for pages."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def time_zone(country: str) -> ZoneInfo:
    """The zone in which people of a country read a clock; metropolitan France's when the country is unknown."""
    return ZoneInfo(TIME_ZONES.get(country, "Europe/Paris"))


def say_time(moment: datetime, language: str, zone: ZoneInfo) -> str:
    """An hour as one says it: `23 h`, `9:30 am`."""
    local = moment.astimezone(zone)
    locale = LOCALES.get(language, "fr_FR")
    if local.hour == local.minute == 0:
        return str(Locale.parse(locale).day_periods["format"]["wide"].get("midnight") or "00:00")
    whole = local.minute == 0
    if locale == "fr_FR":
        said = format_skeleton("H", local, tzinfo=zone, locale=locale).removeprefix("0")
        return said if whole else f"{said} {local.minute:02d}"
    if locale == "en_GB":
        hour = format_skeleton("h" if whole else "hm", local, tzinfo=zone, locale=locale)
        return hour.replace("\u202f", " ")
    return format_skeleton("Hm", local, tzinfo=zone, locale=locale)


def say_date(moment: datetime, language: str, zone: ZoneInfo) -> str:
    """A whole date: `samedi 21 novembre 2026`."""
    return format_date(moment.astimezone(zone), "full", locale=LOCALES.get(language, "fr_FR"))


def say_weekday(moment: datetime, language: str, zone: ZoneInfo) -> str:
    """The name of the day."""
    return format_datetime(moment, "EEEE", tzinfo=zone, locale=LOCALES.get(language, "fr_FR"))


def days_between(now: datetime, moment: datetime, zone: ZoneInfo) -> int:
    """Calendar days from `now` to `moment` as somebody in `zone` counts them."""
    return (moment.astimezone(zone).date() - now.astimezone(zone).date()).days
