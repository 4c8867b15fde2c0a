"""Whose conversation is whose."""

from __future__ import annotations

import pytest

from bot.domain.accounts import Account, Role
from bot.domain.conversations import Mode
from bot.domain.permissions import home_of, may_call, may_open, may_write

VOLUNTEER, SUPERVISOR, ADMIN = (Account(7, "x", role, frozenset(), frozenset()) for role in Role)


@pytest.mark.parametrize(
    ("mode", "holder", "queued", "may"),
    [
        (Mode.VOLUNTEER, 7, False, True),
        (Mode.VOLUNTEER, 8, False, False),
        (Mode.VOLUNTEER, 8, True, False),
        (Mode.VOLUNTEER, None, True, False),
        (Mode.WAITING, None, True, True),
        (Mode.BOT, None, False, False),
        (Mode.BOT, None, True, True),
        (Mode.BOT, 8, True, False),
        (Mode.CLOSED, None, False, False),
        (Mode.CLOSED, 8, False, False),
    ],
)
def test_a_volunteer_opens_their_own_and_those_that_wait(
    mode: Mode, holder: int | None, queued: bool, may: bool
) -> None:
    """Guessing a number opens nothing: a volunteer reads what they hold and what waits for somebody."""
    assert may == may_open(VOLUNTEER, mode, holder, is_queued=queued)


@pytest.mark.parametrize("mode", Mode)
def test_supervisors_read_everything_and_administration_nothing(mode: Mode) -> None:
    """Who answers for the volunteers can look; who runs the machine cannot."""
    assert may_open(SUPERVISOR, mode, 8, is_queued=False)
    assert not may_open(ADMIN, mode, 7, is_queued=True)


def test_only_who_holds_a_conversation_speaks_in_it() -> None:
    """Two people never answer the same child at once, a supervisor included."""
    assert may_write(VOLUNTEER, Mode.VOLUNTEER, 7)
    assert not may_write(SUPERVISOR, Mode.VOLUNTEER, 8)
    assert not may_write(VOLUNTEER, Mode.WAITING, None)
    assert not may_write(ADMIN, Mode.VOLUNTEER, 7)


def test_everybody_lands_where_they_may_be() -> None:
    """Signing in never ends on a page that refuses."""
    assert all(may_call(account, home_of(account)) for account in (VOLUNTEER, SUPERVISOR, ADMIN))
