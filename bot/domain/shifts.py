"""When our own people are there: the weekly rota with its exceptions and closures. Every promise of the bot comes from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.schedules import LOOK_AHEAD, Hours, Schedule, Status

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shift:
    """A weekly shift on the wall clock; one that ends no later than it begins goes on past midnight. Monday is 0."""

    weekday: int
    start: time
    end: time
    volunteer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """An exception to the rota: a shift added, or taken out, between two moments."""

    start: datetime
    end: datetime
    is_added: bool
    volunteer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Closure:
    """Nobody answers between two moments, whatever the rota says; without an end until somebody says so."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Somebody (or the team) is there from one moment to another."""

    start: datetime
    end: datetime
    volunteer_id: int | None = None


class Rota:
    """The rota of the team. While nobody has entered shifts, the weekly hours of directory/team.yml stand in."""

    def __init__(
        self,
        usual: Schedule,
        zone: ZoneInfo,
        shifts: tuple[Shift, ...] = (),
        changes: tuple[Change, ...] = (),
        closures: tuple[Closure, ...] = (),
    ) -> None:
        self._usual = usual
        self._zone = zone
        self._shifts = shifts
        self._changes = changes
        self._closures = closures

    def status(self, now: datetime) -> Status:
        """Whether the team answers at `now`, until when, and when it is back."""
        closure = self._closure_at(now)
        if closure is not None:
            return self._closed_until(closure.end)
        base = self._without_closures(now)
        if base.is_open:
            ends = [one.start for one in self._closures if one.start > now]
            until = min([*ends, *([base.until] if base.until else [])], default=None)
            return Status(Hours.OPEN, until)
        if base.opens_at is not None and self._closure_at(base.opens_at) is not None:
            opens = self.status(base.opens_at).opens_at
            return Status(base.hours, opens, opens)
        return base

    def next_on(self, now: datetime) -> Stretch | None:
        """The next shift of a named volunteer that begins after `now`."""
        return min(
            (one for one in self.stretches(now) if one.start > now and one.volunteer_id is not None),
            key=lambda one: one.start,
            default=None,
        )

    def stretches(self, now: datetime) -> list[Stretch]:
        """Every shift from the day before to as far as we look ahead, exceptions taken into account, in order."""
        today = now.astimezone(self._zone).date()
        found: list[Stretch] = []
        for offset in range(-1, LOOK_AHEAD.days + 1):
            day = today + offset * _DAY
            found += [self._on(shift, day) for shift in self._shifts if shift.weekday == day.weekday()]
        for change in self._changes:
            if not change.is_added:
                found = [piece for one in found for piece in _cut(one, change)]
        found += [Stretch(one.start, one.end, one.volunteer_id) for one in self._changes if one.is_added]
        return sorted(found, key=lambda one: one.start)

    def _on(self, shift: Shift, day: date) -> Stretch:
        start = datetime.combine(day, shift.start, self._zone)
        end = datetime.combine(day if shift.end > shift.start else day + _DAY, shift.end, self._zone)
        return Stretch(start.astimezone(UTC), end.astimezone(UTC), shift.volunteer_id)

    def _without_closures(self, now: datetime) -> Status:
        usual = self._usual.status(now) if not self._shifts else Status(Hours.CLOSED)
        merged = _merged(self.stretches(now))
        current = next((one for one in merged if one.start <= now < one.end), None)
        if current is not None:
            until = max(current.end, usual.until) if usual.is_open and usual.until else current.end
            return Status(Hours.OPEN, until)
        if usual.is_open:
            return usual
        opens = min((one.start for one in merged if one.start > now), default=None)
        known = [moment for moment in (opens, usual.opens_at) if moment is not None]
        opens = min(known, default=None)
        hours = usual.hours if not self._shifts else Hours.CLOSED
        return Status(hours, opens, opens)

    def _closure_at(self, moment: datetime) -> Closure | None:
        covering = [one for one in self._closures if one.start <= moment and (one.end is None or moment < one.end)]
        return next((one for one in covering if one.end is None), None) or max(
            covering, key=lambda one: one.end or moment, default=None
        )

    def _closed_until(self, end: datetime | None) -> Status:
        if end is None:
            return Status(Hours.CLOSED)
        after = self.status(end)
        opens = end if after.is_open else after.opens_at
        return Status(Hours.CLOSED, opens, opens)


def _cut(one: Stretch, change: Change) -> list[Stretch]:
    """What is left of a shift after the hours taken out of it."""
    if change.volunteer_id not in (None, one.volunteer_id) or change.end <= one.start or change.start >= one.end:
        return [one]
    pieces = [(one.start, change.start), (change.end, one.end)]
    return [Stretch(start, end, one.volunteer_id) for start, end in pieces if start < end]


def _merged(stretches: list[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for one in stretches:
        if merged and one.start <= merged[-1].end:
            merged[-1] = Stretch(merged[-1].start, max(merged[-1].end, one.end))
        else:
            merged.append(Stretch(one.start, one.end))
    return merged
