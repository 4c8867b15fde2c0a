"""Delivery news and long texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.messages import DeliveryStatus, advance
from bot.domain.parts import split, utf16_length

PROGRESS = [status for status in DeliveryStatus if status < DeliveryStatus.FAILED]


@given(st.lists(st.sampled_from(PROGRESS)))
def test_news_in_any_order_ends_at_the_furthest(news: list[DeliveryStatus]) -> None:
    """Receipts arrive late and out of order; a message never moves backwards."""
    status = DeliveryStatus.QUEUED
    for item in news:
        status = advance(status, item)

    assert max([DeliveryStatus.QUEUED, *news]) == status


def test_a_failure_counts_until_the_person_has_the_message() -> None:
    """A failure after `sent` is a failure; one after `delivered` is noise."""
    assert DeliveryStatus.FAILED == advance(DeliveryStatus.SENT, DeliveryStatus.FAILED)
    assert DeliveryStatus.DELIVERED == advance(DeliveryStatus.DELIVERED, DeliveryStatus.FAILED)
    assert DeliveryStatus.FAILED == advance(DeliveryStatus.FAILED, DeliveryStatus.SENT)


@given(st.text(max_size=600), st.integers(8, 120))
def test_every_part_fits_and_nothing_but_space_is_lost(text: str, limit: int) -> None:
    """A long text is cut into parts the channel takes, without losing a letter."""
    parts = split(text, limit)

    assert all(utf16_length(part) <= limit for part in parts)
    assert "".join(text.split()) == "".join("".join(parts).split())


def test_a_phone_number_is_never_cut() -> None:
    """A number split over two messages cannot be tapped."""
    text = "appelle ce numero si tu veux parler 09 72 39 40 50 c est possible la nuit"
    for limit in range(40, 60):
        assert any("09 72 39 40 50" in part for part in split(text, limit))
