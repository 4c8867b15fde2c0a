"""Public holidays of a country, from the `holidays` library; Morocco's moving ones are its estimates."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, timedelta
from functools import cache

import holidays

from bot.domain.schedules import Calendar, Day

_ONE_DAY = timedelta(days=1)
_ESTIMATED = "(estimated)"
_SUBDIVISIONS: dict[str, Callable[[], Collection[str]]] = {
    "CA": lambda: ("QC",),
    "CH": lambda: holidays.list_supported_countries()["CH"],
}
"""Quebec is what we cover of Canada; a Swiss holiday counts wherever one canton keeps it."""


@cache
def holiday_calendar(country: str) -> Calendar:
    """What the calendar of a country says of a day; Morocco's moving holidays are estimates of the `holidays` library.

    An estimated holiday may fall a day earlier or later, so that its neighbours are `perhaps` as well. A country without
    a calendar raises ValueError: taking every day for an ordinary one would fail open.
    """
    subdivisions = _SUBDIVISIONS.get(country, lambda: (None,))()
    try:
        calendars = [holidays.country_holidays(country, subdiv=part, language="en_US") for part in subdivisions]
    except NotImplementedError:
        raise ValueError(f"no calendar of public holidays for {country}") from None

    def names(day: date) -> list[str]:
        return [name for calendar in calendars for name in (calendar.get(day) or "").split("; ") if name]

    def day_of(day: date) -> Day:
        if any(_ESTIMATED not in name for name in names(day)):
            return Day.HOLIDAY
        near = (name for other in (day - _ONE_DAY, day, day + _ONE_DAY) for name in names(other))
        return Day.PERHAPS if any(_ESTIMATED in name for name in near) else Day.ORDINARY

    return cache(day_of)
