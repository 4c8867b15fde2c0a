"""What a provider's refusal means: the reviewed table, its default branch, and the pace of trying again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.delivery import PACES, TABLE, Action, Rule, late_refusal, pause_before, refusal, rule_for
from bot.domain.handover import SERVICE_WINDOW
from bot.domain.window import MARGIN, is_closed, window_left

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("channel", "code", "action"),
    [
        ("telegram", "403", Action.GONE),
        ("telegram", "chat_not_found", Action.GONE),
        ("telegram", "429", Action.RETRY),
        ("telegram", "network", Action.RETRY),
        ("telegram", "migrated", Action.FOLLOW),
        ("whatsapp", "63016", Action.PARK),
        ("whatsapp", "63018", Action.BACK_OFF),
        ("whatsapp", "63032", Action.GIVE_UP),
        ("whatsapp", "63024", Action.GIVE_UP),
        ("whatsapp", "63014", Action.GONE),
        ("whatsapp", "63021", Action.GIVE_UP),
        ("whatsapp", "63012", Action.RETRY),
        ("whatsapp", "63003", Action.GIVE_UP),
        ("whatsapp", "63015", Action.GIVE_UP),
        ("whatsapp", "63038", Action.LATER),
        ("whatsapp", "30001", Action.BACK_OFF),
        ("whatsapp", "429", Action.BACK_OFF),
        ("whatsapp", "network", Action.RETRY),
    ],
)
def test_every_refusal_has_one_answer(channel: str, code: str, action: Action) -> None:
    """Each class of error has its own action: what may pass is tried again, what cannot is not, nobody gone is pestered."""
    assert action is rule_for(channel, code).action


def test_the_table_is_reviewed_line_by_line() -> None:
    """No code stands twice in the table, and each line names its source."""
    codes = [(rule.channel, rule.code) for rule in TABLE]

    assert len(set(codes)) == len(codes)
    assert all(rule.source for rule in TABLE)


@pytest.mark.parametrize(
    ("status", "is_tried_again"), [(400, False), (404, False), (408, True), (429, True), (500, True), (503, True)]
)
def test_an_unknown_code_is_judged_by_the_http_status(status: int, is_tried_again: bool) -> None:
    """Twilio may change its codes: an unknown one is tried again only when the answer's status says that it may pass."""
    assert is_tried_again == refusal("whatsapp", "99999", status).retryable


def test_an_unknown_failure_reported_later_is_tried_again_a_few_times() -> None:
    """News of a failure without a known code is neither ignored nor chased for ever."""
    tried = [late_refusal("whatsapp", "", attempts).retryable for attempts in (1, 2, 3, 4)]

    assert [True, True, False, False] == tried


@given(st.sampled_from(TABLE), st.integers(1, 100), st.none() | st.floats(0.1, 600))
def test_trying_again_ends(rule: Rule, attempts: int, retry_after: float | None) -> None:
    """Whatever refuses, attempts have pauses between them and come to an end in a dead letter."""
    error = refusal(rule.channel, rule.code, retry_after=retry_after)
    pause = pause_before(error, rule.channel, attempts)

    assert pause is None or pause > 0
    assert pause_before(error, rule.channel, max(pace.attempts for pace in PACES.values())) is None


def test_we_wait_exactly_as_long_as_the_provider_asks() -> None:
    """`retry_after` is kept to the second."""
    error = refusal("telegram", "429", retry_after=17.0)

    assert 17.0 == pause_before(error, "telegram", 3)


def test_a_provider_that_is_overrun_is_given_time() -> None:
    """63018 and a full queue are no reason to knock every second."""
    slow, quick = (pause_before(refusal("whatsapp", code), "whatsapp", 1) for code in ("63018", "63012"))

    assert slow is not None
    assert quick is not None
    assert slow > 10 * quick


@given(st.timedeltas(timedelta(0), timedelta(days=3)))
def test_the_window_never_outlasts_the_providers(silence: timedelta) -> None:
    """No free word goes out later than 24 hours after the person's last message, less a margin for the way."""
    left = window_left(NOW - silence, NOW)

    assert timedelta(0) <= left
    assert silence + left + MARGIN <= SERVICE_WINDOW or left == timedelta(0)
    assert is_closed("whatsapp", NOW - silence, NOW) == (silence >= SERVICE_WINDOW - MARGIN)
    assert not is_closed("telegram", NOW - silence, NOW)
