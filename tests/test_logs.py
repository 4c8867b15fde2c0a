from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import FORBIDDEN, drop_words, explain_exception

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx"
numbers = st.from_regex(r"\A(\+33|0)[67]([ .-]?[0-9]{2}){4}\Z")


def logged(text: str) -> str:
    return str(drop_words(None, "", {"event": text})["event"])


@pytest.mark.parametrize("field", sorted(FORBIDDEN))
def test_a_field_that_may_hold_words_is_dropped(field: str) -> None:
    """What a young person writes, and from where, never reaches a log, whatever type it has."""
    assert {field: "…", "event": "x"} == drop_words(None, "", {field: "zinzolin", "event": "x"})
    assert {field: "…", "event": "x"} == drop_words(None, "", {field: ["zinzolin"], "event": "x"})


@given(numbers)
def test_a_phone_number_is_masked_wherever_it_stands(number: str) -> None:
    """A number that slipped into a message or a field is not readable in the log."""
    event = drop_words(None, "", {"event": f"call {number} now", "detail": number})

    assert {"event": "call … now", "detail": "…"} == event


@pytest.mark.parametrize("text", ["٠٦١٢٣٤٥٦٧٨", "whatsapp:+212600000000", "+33 6 12 34 56 78"])
def test_a_number_in_other_clothes_is_masked(text: str) -> None:
    """Arabic digits and a provider's prefix do not show a number."""
    assert not any(char.isdigit() for char in logged(text))


@pytest.mark.parametrize("text", [TOKEN, f"https://api.telegram.org/bot{TOKEN}/getMe", f"refused ({TOKEN})"])
def test_a_bot_token_is_masked(text: str) -> None:
    """Whoever reads a log cannot speak as the helpline."""
    assert not any(part in logged(text) for part in TOKEN.split(":"))


def test_ids_codes_and_the_time_are_kept() -> None:
    """An incident can be followed: row ids, codes and the time of the line stay."""
    event = {"event": "sent", "code": "63016", "id": 12345678901, "at": ["plan.py:12 decide"]}
    event |= {"timestamp": "2026-11-20T12:00:00.000000Z"}

    assert dict(event) == drop_words(None, "", dict(event))


def test_an_exception_is_its_class_and_its_way() -> None:
    """An exception may quote what somebody wrote, and so may its cause: neither message is logged."""
    try:
        try:
            raise ValueError("zinzolin")
        except ValueError as cause:
            raise RuntimeError("amarante") from cause
    except RuntimeError as error:
        given = [error, True, sys.exc_info()]
        explained = [explain_exception(None, "", {"event": "x", "exc_info": info}) for info in given]

    assert 3 * ["RuntimeError"] == [event["error"] for event in explained]
    assert all("test_an_exception_is_its_class_and_its_way" in event["at"][-1] for event in explained)
    assert not any("zinzolin" in str(event) or "amarante" in str(event) for event in explained)


@pytest.mark.parametrize("info", [None, False])
def test_a_line_without_an_exception_is_left_alone(info: object) -> None:
    """Ordinary lines say nothing about errors."""
    assert {"event": "x"} == explain_exception(None, "", {"event": "x", "exc_info": info})
