from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.conversations import SESSION_GAP, Mode, Route, due_at, is_over, route
from bot.domain.risk import RiskLevel

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = 1.2
CALM = [risk for risk in RiskLevel if risk < RiskLevel.IMMINENT]


@pytest.mark.parametrize("mode", Mode)
def test_imminent_danger_gets_the_emergency_words_whoever_speaks(mode: Mode) -> None:
    """Emergency numbers are for everyone, also while a volunteer is there and after a conversation was closed (R2)."""
    assert Route.EMERGENCY == route(mode, RiskLevel.IMMINENT)


@pytest.mark.parametrize("risk", CALM)
def test_the_bot_never_talks_over_a_volunteer(risk: RiskLevel) -> None:
    """Short of imminent danger, a conversation with a volunteer is theirs alone."""
    assert Route.SILENT == route(Mode.VOLUNTEER, risk)


@pytest.mark.parametrize("risk", CALM)
@pytest.mark.parametrize("mode", [Mode.BOT, Mode.WAITING, Mode.CLOSED])
def test_nobody_is_left_in_silence_while_they_wait(mode: Mode, risk: RiskLevel) -> None:
    """Whoever is not with a volunteer gets an answer from the bot (R4)."""
    assert Route.DIALOGUE == route(mode, risk)


@pytest.mark.parametrize(
    ("mode", "silence", "over"),
    [
        (Mode.BOT, timedelta(0), False),
        (Mode.BOT, SESSION_GAP, False),
        (Mode.BOT, SESSION_GAP + timedelta(microseconds=1), True),
        (Mode.CLOSED, timedelta(0), True),
        (Mode.WAITING, timedelta(days=30), False),
        (Mode.VOLUNTEER, timedelta(days=30), False),
    ],
)
def test_a_conversation_ends_by_silence_only_with_the_bot(mode: Mode, silence: timedelta, over: bool) -> None:
    """After half a day the bot says again what it is (R1); who waits for a person or has one keeps their place."""
    assert over == is_over(mode, NOW - silence, NOW)


@pytest.mark.parametrize("risk", [RiskLevel.HIGH, RiskLevel.IMMINENT])
def test_danger_is_answered_at_once(risk: RiskLevel) -> None:
    """From high risk up nobody waits for a burst of messages to end."""
    assert NOW == due_at(risk, NOW, NOW - timedelta(seconds=1), WINDOW)


def test_a_burst_is_answered_after_a_pause() -> None:
    """Messages typed in one breath get one answer, a quiet window after the last."""
    assert NOW + timedelta(seconds=WINDOW) == due_at(RiskLevel.CONCERN, NOW, NOW, WINDOW)


@given(st.sampled_from(RiskLevel), st.lists(st.floats(0, WINDOW), max_size=40), st.floats(0, 10))
def test_a_burst_never_puts_the_answer_off_for_long(risk: RiskLevel, pauses: list[float], window: float) -> None:
    """Who goes on writing is answered within four quiet windows of their first word."""
    now = NOW
    for pause in pauses:
        now += timedelta(seconds=pause)

    assert max(now, NOW + 4 * timedelta(seconds=window)) >= due_at(risk, now, NOW, window)
