from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.messages import DeliveryStatus, InboundKind, advance

statuses = st.sampled_from(DeliveryStatus)


@given(st.lists(statuses, max_size=20))
def test_no_news_moves_a_message_backwards(news: list[DeliveryStatus]) -> None:
    """Whatever receipts arrive, failures included, a volunteer never sees a message go back to an earlier state."""
    history = list(accumulate(news, advance, initial=DeliveryStatus.QUEUED))

    assert all(before <= after for before, after in pairwise(history))


@given(statuses, statuses)
def test_the_same_receipt_twice_counts_once(current: DeliveryStatus, news: DeliveryStatus) -> None:
    """Providers repeat receipts; the second one changes nothing."""
    once = advance(current, news)

    assert once == advance(once, news)


@given(st.lists(statuses, max_size=20))
def test_a_message_that_was_delivered_never_fails(news: list[DeliveryStatus]) -> None:
    """Once the person has the message, no late failure makes us say that it did not arrive."""
    status = DeliveryStatus.DELIVERED
    for item in news:
        status = advance(status, item)

    assert DeliveryStatus.FAILED != status


@given(st.sampled_from([status for status in DeliveryStatus if status.is_final]), statuses)
def test_what_is_final_stays(final: DeliveryStatus, news: DeliveryStatus) -> None:
    """A message that was read, has failed or was withdrawn is never taken up again."""
    assert final == advance(final, news)


@pytest.mark.parametrize("kind", InboundKind)
def test_only_words_are_read(kind: InboundKind) -> None:
    """Pictures, voices and files are never opened: only what a person wrote or tapped is words."""
    words = {InboundKind.TEXT, InboundKind.QUICK_REPLY, InboundKind.START, InboundKind.EDITED}

    assert (kind in words) == kind.is_words
