"""Who waits, who may take whom, when our people are there, what a draft is checked for: the rules alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.handover import (
    Estimate,
    Refusal,
    Volunteer,
    Wait,
    Waiting,
    estimate,
    in_order,
    may_take,
    next_for,
    waits_by_hour,
)
from bot.domain.hints import hints
from bot.domain.risk import RiskLevel
from bot.domain.schedules import Day, Hours, Schedule
from bot.domain.shifts import Change, Closure, Rota, Shift
from bot.web.console.content import HINTS
from bot.web.console.render import WORDS

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)


def an_ordinary_day(day: date) -> Day:
    """No holidays."""
    return Day.ORDINARY


USUAL = Schedule("Mo-Su 18:00-23:00", PARIS, Hours.OPEN, an_ordinary_day)


def waiting(id_: int, risk: RiskLevel, minutes: int, language: str = "fr", *, is_back: bool = False) -> Waiting:
    """Somebody in the queue."""
    return Waiting(id_, 1, risk, language, NOW - timedelta(minutes=minutes), is_back=is_back)


def test_the_queue_goes_by_risk_then_by_who_was_let_down_then_by_time() -> None:
    """Who needs us most comes first, however late they came; who a volunteer went silent on comes before their equals."""
    queue = [
        waiting(1, RiskLevel.CONCERN, 50),
        waiting(2, RiskLevel.HIGH, 5),
        waiting(3, RiskLevel.HIGH, 1, is_back=True),
        waiting(4, RiskLevel.IMMINENT, 0),
        waiting(5, RiskLevel.CONCERN, 60),
    ]

    assert [4, 3, 2, 5, 1] == [one.conversation_id for one in in_order(queue)]


def test_the_next_one_is_somebody_whose_language_the_volunteer_speaks() -> None:
    """Language is matched; who speaks Arabic is given somebody who writes Darija."""
    queue = [waiting(1, RiskLevel.HIGH, 5, "en"), waiting(2, RiskLevel.CONCERN, 5, "ary")]
    lina = Volunteer(1, "Lina", "volunteer", frozenset({"fr", "ar"}), on_duty_since=NOW)
    found = next_for(lina, queue, NOW)

    assert found is not None
    assert 2 == found.conversation_id


@pytest.mark.parametrize(
    ("volunteer", "risk", "expected"),
    [
        (Volunteer(1, "a", "volunteer"), RiskLevel.NONE, Refusal.OFF_DUTY),
        (Volunteer(1, "a", "volunteer", on_duty_since=NOW, holding=3), RiskLevel.NONE, Refusal.FULL),
        (Volunteer(1, "a", "volunteer", on_duty_since=NOW, high_taken=3), RiskLevel.HIGH, Refusal.EXPOSED),
        (Volunteer(1, "a", "volunteer", on_duty_since=NOW, high_taken=3), RiskLevel.CONCERN, None),
        (
            Volunteer(1, "a", "volunteer", on_duty_since=NOW, cool_until=NOW + timedelta(minutes=1)),
            RiskLevel.HIGH,
            Refusal.COOLING,
        ),
        (Volunteer(1, "a", "volunteer", on_duty_since=NOW, high_taken=9), RiskLevel.IMMINENT, None),
    ],
)
def test_capacity_exposure_and_rest(volunteer: Volunteer, risk: RiskLevel, expected: Refusal | None) -> None:
    """Volunteers are protected from too much, and nobody in danger now is left for it."""
    assert expected == may_take(volunteer, risk, NOW)


def test_an_estimate_is_honest_or_not_given() -> None:
    """Median and ninetieth percentile of real waits; with too few of them, “I don't know yet”."""
    waits = [timedelta(minutes=number) for number in range(1, 21)]

    assert estimate(waits[:5]) is None
    assert Estimate(11, 19) == estimate(waits)


def test_until_somebody_enters_shifts_the_hours_of_the_file_hold() -> None:
    """An association that has not touched the rota promises what its file says."""
    status = Rota(USUAL, PARIS).status(NOW)

    assert status.is_open
    assert datetime(2026, 11, 20, 22, 0, tzinfo=UTC) == status.until


def test_a_shift_crosses_midnight_and_survives_the_change_of_clocks() -> None:
    """A shift from 21 h to 2:30 h ends at 2:30 on the wall clock, also in the night the clocks change."""
    saturday_night = Rota(USUAL, PARIS, (Shift(5, time(21), time(2, 30)),))
    status = saturday_night.status(datetime(2026, 10, 24, 22, 0, tzinfo=UTC))

    assert status.is_open
    assert status.until is not None
    assert time(2, 30) == status.until.astimezone(PARIS).time()


def test_a_closure_says_when_the_team_is_back() -> None:
    """Closed until tomorrow noon: back at the next shift after it, not at the one inside it."""
    tomorrow = NOW + timedelta(hours=17)
    status = Rota(USUAL, PARIS, closures=(Closure(NOW - timedelta(hours=1), tomorrow),)).status(NOW)

    assert Hours.CLOSED == status.hours
    assert datetime(2026, 11, 21, 17, 0, tzinfo=UTC) == status.opens_at


def test_a_pause_promises_nothing() -> None:
    """Paused without an end: closed, and no time is named."""
    status = Rota(USUAL, PARIS, closures=(Closure(NOW, None),)).status(NOW)

    assert Hours.CLOSED == status.hours
    assert status.opens_at is None


def test_exceptions_add_and_take_out_hours() -> None:
    """A shift taken out is not promised, an extra one is."""
    friday = Shift(4, time(18), time(23), 1)
    absent = Change(NOW - timedelta(hours=3), NOW + timedelta(hours=9), is_added=False, volunteer_id=1)
    extra = Change(NOW, NOW + timedelta(hours=1), is_added=True, volunteer_id=2)

    assert not Rota(USUAL, PARIS, (friday,), (absent,)).status(NOW).is_open
    assert Rota(USUAL, PARIS, (friday,), (absent, extra)).status(NOW).until == extra.end


@pytest.mark.parametrize(
    ("draft", "topics"),
    [
        ("Je te promets que ça restera entre nous", {"promise", "secret"}),
        ("Pourquoi tu n'as rien dit ? Tu dois lui parler", {"why", "order"}),
        ("Tout ira bien, sois forte", {"outcome", "shame"}),
        ("mon insta c'est sam", {"contact"}),
        ("I promise it's a secret", {"promise", "secret"}),
        ("Je te crois. Ce n'est pas ta faute. Est-ce que tu es en sécurité ?", set()),
        ("Tu peux appeler le 3114, jour et nuit.", set()),
    ],
)
def test_a_draft_is_checked_for_what_hurts(draft: str, topics: set[str]) -> None:
    """R5 to R12: forbidden promises and phrases are seen while they are typed, good ones are left alone."""
    assert topics == {hint.topic for hint in hints(draft, HINTS)}


def test_the_console_speaks_french_and_english_everywhere() -> None:
    """A missing translation fails the build."""
    assert [] == [key for key, words in WORDS.items() if set(words) != {"fr", "en"}]
    assert [] == [rule.topic for rule in HINTS if f"hint.{rule.topic}" not in WORDS]
    assert [] == [refusal for refusal in Refusal if f"refused.{refusal}" not in WORDS]


def test_supervisors_see_our_waits_by_risk_and_hour() -> None:
    """The median of each part of the day on the team's clock, with how many it rests on; nothing is shown for none."""
    evening = datetime(2026, 11, 20, 19, 30, tzinfo=UTC)
    waits = [Wait(RiskLevel.HIGH, evening, timedelta(minutes=minutes)) for minutes in (1, 9, 3)]
    waits.append(Wait(RiskLevel.NONE, evening.replace(hour=2), timedelta(seconds=61)))

    found = waits_by_hour(waits, ZoneInfo("Europe/Paris"))

    assert {0: {RiskLevel.NONE: (2, 1)}, 20: {RiskLevel.HIGH: (3, 3)}} == found
