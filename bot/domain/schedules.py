"""Whether a service is open: OpenStreetMap opening hours in the service's zone, and what it does on public holidays.

Unknown is a state of its own and never counts as open: no hours known, or a holiday on which the source is silent. Where
a clock that is put forward or back leaves two readings of an hour, the one with less time open is taken.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, ParserError, State  # type: ignore[attr-defined]

LOOK_AHEAD = timedelta(days=8)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_HOLIDAY_RULE = re.compile(r"\b[PS]H\b")


class Hours(StrEnum):
    """What is known about a moment."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Day(StrEnum):
    """What a calendar says of a date. `perhaps` is an estimated holiday, or the day before or after one."""

    ORDINARY = "ordinary"
    HOLIDAY = "holiday"
    PERHAPS = "perhaps"


Calendar = Callable[[date], Day]


@dataclass(frozen=True, slots=True)
class Status:
    """The state at a moment, until when it lasts (None: for as far as we look), and when it opens next if not open.

    Moments are in UTC.
    """

    hours: Hours
    until: datetime | None = None
    opens_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Known to be open."""
        return self.hours is Hours.OPEN

    @property
    def is_around_the_clock(self) -> bool:
        """Open with no end in sight."""
        return self.is_open and self.until is None


class InvalidHoursError(ValueError):
    """The hours are not in the opening_hours syntax."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of one state on the wall clock, within one day."""

    start: datetime
    end: datetime
    hours: Hours


@dataclass(frozen=True, slots=True)
class _Timeline:
    """The moments at which the state changes, in order, and the state from each of them on."""

    moments: tuple[datetime, ...]
    states: tuple[Hours, ...]

    def status(self, now: datetime) -> Status:
        """The state at `now`, which lies at least LOOK_AHEAD before the end of what was worked out."""
        index = bisect_right(self.moments, now) - 1
        state, until, opens_at = self.states[index], None, None
        for moment, following in zip(self.moments[index + 1 :], self.states[index + 1 :], strict=True):
            if moment > now + LOOK_AHEAD:
                break
            until = until or moment
            if state is Hours.OPEN:
                break
            if following is Hours.OPEN:
                opens_at = moment
                break
        return Status(state, until, opens_at)


class Schedule:
    """Hours of one channel of a service. Empty `expression` means that no hours are known."""

    def __init__(self, expression: str, zone: ZoneInfo, on_holidays: Hours, calendar: Calendar) -> None:
        self.expression = expression
        self.zone = zone
        self.on_holidays = on_holidays
        self._calendar = calendar
        self._hours = _parse(expression) if expression else None
        self._timeline = lru_cache(maxsize=4)(self._timeline_from)

    def status(self, now: datetime) -> Status:
        """The state at `now` (aware), which everything in one answer shares."""
        if now.tzinfo is None:
            raise ValueError("a moment without a zone cannot be compared with opening hours")
        if self._hours is None:
            return Status(Hours.UNKNOWN)
        moment = now.astimezone(UTC)
        return self._timeline(moment.date()).status(moment)

    def _timeline_from(self, today: date) -> _Timeline:
        """Every change from before `today` (a date in UTC) until everything that may be asked about on that day is past."""
        first = datetime.combine(today, time()) - 2 * _DAY
        changes: list[tuple[datetime, Hours]] = [(self._moment(first, opens=False), Hours.CLOSED)]
        for wall, state in self._walls(first, first + LOOK_AHEAD + 5 * _DAY):
            moment = self._moment(wall, opens=state is Hours.OPEN)
            while len(changes) > 1 and changes[-1][0] >= moment:
                changes.pop()
            if changes[-1][1] is not state:
                changes.append((moment, state))
        return _Timeline(tuple(moment for moment, _ in changes), tuple(state for _, state in changes))

    def _walls(self, first: datetime, last: datetime) -> Iterator[tuple[datetime, Hours]]:
        """The changes between two readings of the wall clock."""
        end: datetime | None = None
        for window in self._windows(first, last):
            if end is not None and end < window.start:
                yield end, Hours.CLOSED
            yield window.start, window.hours
            end = window.end
        if end is not None and end < last:
            yield end, Hours.CLOSED

    def _windows(self, first: datetime, last: datetime) -> Iterator[_Window]:
        """The times that are not closed, day by day, with holidays taken into account."""
        assert self._hours is not None  # noqa: S101 - status() has looked
        for start, end, state, _ in self._hours.intervals(first, last):
            if state == State.CLOSED:
                continue
            begun = start
            while begun < end:
                midnight = datetime.combine(begun.date(), time()) + _DAY
                until = min(midnight, end)
                hours = Hours.UNKNOWN
                if state == State.OPEN:
                    from_the_eve = begun > start and until < midnight
                    hours = self._with_holidays(begun.date(), from_the_eve=from_the_eve)
                yield _Window(begun, until, hours)
                begun = until

    def _with_holidays(self, day: date, *, from_the_eve: bool) -> Hours:
        """What opening hours become on `day`; the small hours belong to the evening before as much as to the day."""
        if self.on_holidays is Hours.OPEN:
            return Hours.OPEN
        kind = self._calendar(day)
        if not from_the_eve:
            return {Day.ORDINARY: Hours.OPEN, Day.HOLIDAY: self.on_holidays, Day.PERHAPS: Hours.UNKNOWN}[kind]
        eve = self._calendar(day - _DAY)
        if eve is Day.HOLIDAY:
            return self.on_holidays
        return Hours.OPEN if eve is kind is Day.ORDINARY else Hours.UNKNOWN

    def _moment(self, wall: datetime, *, opens: bool) -> datetime:
        """The moment at which the wall clock reads `wall`; read twice, the later opens and the earlier closes."""
        moment = wall.replace(tzinfo=self.zone, fold=int(opens)).astimezone(UTC)
        if moment.astimezone(self.zone).replace(tzinfo=None) == wall:
            return moment
        return self._leap(wall)

    def _leap(self, wall: datetime) -> datetime:
        """The moment at which the clock is put forward over `wall`."""
        before, after = (wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (1, 0))
        offset = before.astimezone(self.zone).utcoffset()
        while after - before > _SECOND:
            middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
            if middle.astimezone(self.zone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        return after


def _parse(expression: str) -> OpeningHours:
    if _HOLIDAY_RULE.search(expression):
        raise InvalidHoursError(f"{expression!r}: PH and SH are not read here; say `holidays: open`, closed or unknown")
    try:
        return OpeningHours(expression)
    except ParserError as error:
        raise InvalidHoursError(f"{expression!r}: {str(error).splitlines()[-1].strip(' =')}") from None
