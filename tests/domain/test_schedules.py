from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opening_hours import OpeningHours

from bot.domain.calendars import holiday_calendar
from bot.domain.schedules import LOOK_AHEAD, Day, Hours, InvalidHoursError, Schedule, Status

PARIS = ZoneInfo("Europe/Paris")
CASABLANCA = ZoneInfo("Africa/Casablanca")
FIRST = datetime(2026, 9, 1, tzinfo=UTC)
NIGHTLINE = "Mo-Su 21:00-02:30"
ZONES = {"FR": "Europe/Paris", "MA": "Africa/Casablanca", "CA": "America/Toronto", "CH": "Europe/Zurich"}
EXPRESSIONS = (
    NIGHTLINE,
    "24/7",
    "Mo-Su 09:00-23:00",
    "Mo,Tu,Th,Fr 15:00-19:00; We 13:00-19:00",
    "Mo-Fr 10:00-21:00; Sa 10:00-14:00",
    "Mo-Su 13:00-03:00",
    "Mo-Fr 10:00-16:00",
    "Sa-Su 01:45-02:45",
)
SCHEDULES = {
    (expression, country, on_holidays): Schedule(expression, ZoneInfo(zone), on_holidays, holiday_calendar(country))
    for expression in EXPRESSIONS
    for country, zone in ZONES.items()
    for on_holidays in Hours
}

moments = st.integers(0, 3 * 366 * 24 * 60).map(lambda minute: FIRST + timedelta(minutes=minute))
keys = st.sampled_from(sorted(SCHEDULES))
spring = example(("Mo-Su 13:00-03:00", "FR", Hours.OPEN), datetime(2027, 3, 28, 1, 0, tzinfo=UTC))
autumn = example((NIGHTLINE, "FR", Hours.OPEN), datetime(2027, 10, 31, 1, 15, tzinfo=UTC))
new_year = example((NIGHTLINE, "FR", Hours.UNKNOWN), datetime(2027, 1, 1, 0, 30, tzinfo=UTC))


def schedule(expression: str, on_holidays: Hours = Hours.UNKNOWN, country: str = "FR") -> Schedule:
    return Schedule(expression, ZoneInfo(ZONES[country]), on_holidays, holiday_calendar(country))


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def test_a_line_without_known_hours_is_never_said_to_be_open() -> None:
    """A line whose hours we do not know is unknown at every hour, never open and never closed."""
    assert Status(Hours.UNKNOWN) == schedule("").status(paris("2026-11-24T15:00"))


def test_a_night_line_is_open_after_midnight() -> None:
    """A line that answers until 2:30 is open at 1:30, until 2:30."""
    status = schedule(NIGHTLINE).status(paris("2026-11-24T01:30"))

    assert Status(Hours.OPEN, until=paris("2026-11-24T02:30")) == status


def test_a_closed_line_says_when_it_opens() -> None:
    """At 2:30 the night line is closed, and opens at 21:00 of the same day."""
    status = schedule(NIGHTLINE).status(paris("2026-11-24T02:30"))

    assert Status(Hours.CLOSED, until=paris("2026-11-24T21:00"), opens_at=paris("2026-11-24T21:00")) == status


def test_new_years_eve_ends_at_midnight_when_the_source_is_silent_on_holidays() -> None:
    """On New Year's Eve a night line whose holidays are unknown is said to be open until midnight only."""
    line = schedule(NIGHTLINE)

    assert Status(Hours.OPEN, until=paris("2027-01-01T00:00")) == line.status(paris("2026-12-31T23:59"))
    assert line.status(paris("2027-01-01T00:30")).hours is Hours.UNKNOWN


def test_the_small_hours_after_a_holiday_belong_to_the_holiday() -> None:
    """At 1:30 on 2 January a night line that began on New Year's Day is unknown, not open."""
    assert schedule(NIGHTLINE).status(paris("2027-01-02T01:30")).hours is Hours.UNKNOWN


def test_a_line_closed_on_holidays_is_closed_through_the_night_of_the_holiday() -> None:
    """A night line closed on holidays does not begin on 1 May, and so is closed at 1:30 on 2 May."""
    line = schedule(NIGHTLINE, Hours.CLOSED)

    assert line.status(paris("2027-05-01T22:00")).hours is Hours.CLOSED
    assert line.status(paris("2027-05-02T01:30")).hours is Hours.CLOSED


def test_a_line_open_on_holidays_is_open_on_the_first_of_may() -> None:
    """A line whose source includes holidays is open on 1 May, until its usual hour."""
    status = schedule("Mo-Su 09:00-23:00", Hours.OPEN).status(paris("2027-05-01T12:00"))

    assert Status(Hours.OPEN, until=paris("2027-05-01T23:00")) == status


def test_outside_its_hours_a_line_is_closed_on_a_holiday_too() -> None:
    """A holiday does not make a line unknown at an hour at which it is never open."""
    assert schedule("Mo-Su 09:00-23:00").status(paris("2027-05-01T03:00")).hours is Hours.CLOSED


@pytest.mark.parametrize("day", [date(2027, 3, 8), date(2027, 3, 9), date(2027, 3, 10), date(2027, 3, 11)])
@pytest.mark.parametrize("on_holidays", [Hours.UNKNOWN, Hours.CLOSED])
def test_around_an_estimated_holiday_nothing_is_certain(day: date, on_holidays: Hours) -> None:
    """Aïd el-Fitr follows the moon: on the estimated days and their neighbours a Moroccan line is unknown."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=CASABLANCA)

    assert schedule("Mo-Fr 10:00-16:00", on_holidays, "MA").status(noon).hours is Hours.UNKNOWN


def test_a_fixed_holiday_of_morocco_is_certain() -> None:
    """Throne Day is on 30 July, so a line closed on holidays is closed then."""
    status = schedule("Mo-Fr 10:00-16:00", Hours.CLOSED, "MA").status(datetime(2027, 7, 30, 12, tzinfo=CASABLANCA))

    assert status.hours is Hours.CLOSED


def test_in_ramadan_morocco_puts_its_clock_back() -> None:
    """In Ramadan Moroccan clocks are an hour back: 9:30 UTC is before opening time, on an ordinary Monday it is not."""
    line = schedule("Mo-Fr 10:00-16:00", country="MA")

    assert line.status(datetime(2027, 2, 15, 9, 30, tzinfo=UTC)).hours is Hours.CLOSED
    assert line.status(datetime(2027, 1, 25, 9, 30, tzinfo=UTC)).hours is Hours.OPEN


def test_when_the_clock_is_put_forward_a_night_line_closes_at_the_leap() -> None:
    """On the night 2:30 does not exist, a line that answers until 2:30 closes when the clock leaps from 2 to 3."""
    status = schedule(NIGHTLINE).status(paris("2027-03-28T01:45"))

    assert Status(Hours.OPEN, until=datetime(2027, 3, 28, 1, 0, tzinfo=UTC)) == status


def test_when_the_clock_is_put_back_a_night_line_closes_once() -> None:
    """On the night 2:30 comes twice, a line that answers until 2:30 closes the first time and does not open again."""
    line = schedule(NIGHTLINE)
    first = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)

    assert Status(Hours.OPEN, until=first) == line.status(paris("2027-10-31T01:45"))
    assert line.status(datetime(2027, 10, 31, 1, 15, tzinfo=UTC)).hours is Hours.CLOSED


def test_when_the_clock_is_put_back_a_line_opens_the_second_time() -> None:
    """On the night 2:15 comes twice, a line that opens at 2:15 is only said to be open from the second one on."""
    status = schedule("Mo-Su 02:15-06:00").status(datetime(2027, 10, 31, 0, 0, tzinfo=UTC))

    assert datetime(2027, 10, 31, 1, 15, tzinfo=UTC) == status.opens_at


def test_a_window_that_fits_into_the_repeated_hour_is_left_out() -> None:
    """A line open from 2:15 to 2:45 is not said to be open in the hour that comes twice: nobody knows which one."""
    line = schedule("Su 02:15-02:45", Hours.OPEN)
    minutes = (datetime(2027, 10, 31, 0, 0, tzinfo=UTC) + timedelta(minutes=minute) for minute in range(120))

    assert not [minute for minute in minutes if line.status(minute).is_open]


def test_around_the_clock_has_no_end() -> None:
    """A line that answers day and night is open with no end in sight, on holidays too."""
    assert schedule("24/7", Hours.OPEN).status(paris("2026-12-31T23:00")).is_around_the_clock


def test_around_the_clock_is_not_claimed_across_a_holiday_we_know_nothing_of() -> None:
    """A line open at all hours whose holidays are unknown is not said to answer day and night just before one."""
    status = schedule("24/7", Hours.UNKNOWN).status(paris("2026-12-31T23:00"))

    assert Status(Hours.OPEN, until=paris("2027-01-01T00:00")) == status


def test_the_answer_does_not_depend_on_the_zone_of_the_question() -> None:
    """The same moment told in UTC, in a fixed offset or in Montreal's time gets the same answer."""
    moment = paris("2026-11-24T22:59")
    zones = (UTC, timezone(timedelta(hours=5)), ZoneInfo("America/Toronto"))
    line = schedule("Mo-Su 09:00-23:00")

    assert {line.status(moment)} == {line.status(moment.astimezone(zone)) for zone in zones}


def test_a_moment_without_a_zone_is_refused() -> None:
    """A time without a zone could be read with the wrong clock, so it is refused."""
    with pytest.raises(ValueError, match="without a zone"):
        schedule(NIGHTLINE).status(datetime(2026, 11, 24))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("expression", ["Mo-Fr 9h-18h", "lundi", "Mo-Su 25:00-26:00", "toujours"])
def test_hours_that_do_not_parse_are_refused(expression: str) -> None:
    """Hours that are not in the syntax stop the start instead of meaning open or closed."""
    with pytest.raises(InvalidHoursError, match=expression):
        schedule(expression)


@pytest.mark.parametrize("expression", ["Mo-Fr 09:00-18:00; PH off", "PH 10:00-12:00", "SH Mo-Fr 10:00-12:00"])
def test_holiday_rules_inside_the_hours_are_refused(expression: str) -> None:
    """A rule for holidays inside the hours would be ignored in silence, so it is refused: `holidays` says it."""
    with pytest.raises(InvalidHoursError, match="holidays: open"):
        schedule(expression)


def test_a_country_without_a_calendar_is_refused() -> None:
    """Where we have no calendar every day would pass for an ordinary one, so such a country is refused."""
    with pytest.raises(ValueError, match="no calendar"):
        holiday_calendar("ZZ")


def test_a_swiss_holiday_counts_wherever_one_canton_keeps_it() -> None:
    """Good Friday is no federal holiday in Switzerland, but most cantons keep it: no line is said to be open then."""
    assert holiday_calendar("CH")(date(2027, 3, 26)) is Day.HOLIDAY


def test_quebec_has_its_own_holidays() -> None:
    """Saint-Jean-Baptiste is a holiday for the lines of Quebec."""
    assert holiday_calendar("CA")(date(2027, 6, 24)) is Day.HOLIDAY


@given(keys, moments)
@settings(max_examples=1_500, deadline=None)
@spring
@autumn
@new_year
def test_never_open_when_the_schedule_says_closed(key: tuple[str, str, Hours], moment: datetime) -> None:
    """At no moment of three years, changes of the clock included, is a line said to be open outside its hours."""
    expression, country, _ = key
    zone = ZoneInfo(ZONES[country])
    other = OpeningHours(expression, timezone=zone)

    assert not SCHEDULES[key].status(moment).is_open or other.is_open(moment.astimezone(zone))


@given(keys, moments)
@settings(max_examples=1_500, deadline=None)
@new_year
def test_an_unknown_holiday_is_never_open(key: tuple[str, str, Hours], moment: datetime) -> None:
    """On a holiday, or a day that may be one, no line is said to be open unless its source includes holidays."""
    _, country, on_holidays = key
    day = holiday_calendar(country)(moment.astimezone(ZoneInfo(ZONES[country])).date())
    status = SCHEDULES[key].status(moment)

    assert not status.is_open or on_holidays is Hours.OPEN or day is Day.ORDINARY


@given(keys, moments)
@settings(max_examples=1_500, deadline=None)
@spring
@autumn
@new_year
def test_until_is_really_when_it_changes(key: tuple[str, str, Hours], moment: datetime) -> None:
    """What we say of a line holds to the second before the time we give, and not from that time on."""
    line = SCHEDULES[key]
    status = line.status(moment)
    until = status.until or moment + LOOK_AHEAD
    between = (moment + (until - moment) * part / 7 for part in range(7))

    assert {status.hours} == {line.status(point).hours for point in (*between, until - timedelta(seconds=1))}
    assert status.until is None or line.status(until).hours is not status.hours


@given(keys, moments)
@settings(max_examples=1_500, deadline=None)
@spring
@autumn
def test_a_line_opens_when_we_say_it_does(key: tuple[str, str, Hours], moment: datetime) -> None:
    """When we say that a line opens at a time, it is open then, and not a moment sooner."""
    line = SCHEDULES[key]
    opens_at = line.status(moment).opens_at
    if opens_at is None:
        return
    sooner = (moment + (opens_at - moment) * part / 23 for part in range(23))

    assert line.status(opens_at).is_open
    assert not [point for point in sooner if line.status(point).is_open]


@given(
    st.integers(0, 95),
    st.integers(1, 95),
    st.sampled_from(["Mo-Su", "Fr-Sa", "Su"]),
    st.sampled_from(sorted(ZONES)),
    moments,
)
@settings(max_examples=600, deadline=None)
def test_any_daily_window_agrees_with_the_library(
    start: int, length: int, days: str, country: str, moment: datetime
) -> None:
    """Whatever the hours of a line, we read them as the library of hours does, or as closed in the hour that comes twice."""
    end = (start + length) % 96
    expression = f"{days} {start // 4:02}:{start % 4 * 15:02}-{end // 4:02}:{end % 4 * 15:02}"
    zone = ZoneInfo(ZONES[country])
    local = moment.astimezone(zone)
    is_repeated = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    ours = schedule(expression, Hours.OPEN, country).status(moment).is_open
    theirs = OpeningHours(expression, timezone=zone).is_open(local)

    assert ours == theirs or (is_repeated and not ours)
