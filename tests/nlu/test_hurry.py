"""Training messages are written once more as a hurried hand would have spelled them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.normalise import normalise
from bot.hurry import hurried, with_hurried

FRENCH = "je suis trop fatiguée, ils se moquent de moi parce que j'ai pas les mêmes habits"
ENGLISH = "they keep laughing at me and i think the whole school has seen the picture"


def test_french_is_spelled_as_on_a_phone_and_stays_the_same_message() -> None:
    """Small words shrink and endings fall, yet most of the words can be recognised."""
    written = hurried(FRENCH)

    assert written is not None
    assert written != FRENCH
    assert len(set(normalise(written).split()) & set(normalise(FRENCH).split())) >= 4


def test_the_same_message_is_always_written_the_same_way() -> None:
    """Two trainings of the same data make the same model."""
    assert [hurried(FRENCH), hurried(ENGLISH)] == [hurried(FRENCH), hurried(ENGLISH)]


def test_what_is_neither_french_nor_english_is_left_alone() -> None:
    """Arabic and Darija have their own ways; a word alone has no language."""
    assert [None] * 3 == [hurried(text) for text in ("راني عيان بزاف", "wash kayn chi wahd hna", "snapchat")]


def test_every_message_written_again_keeps_its_label() -> None:
    """The second half follows the first in order."""
    texts, labels = with_hurried([FRENCH, "ok", ENGLISH + " i hate it"], ["a", "b", "c"])

    assert [FRENCH, "ok", ENGLISH + " i hate it"] == texts[:3]
    assert ["a", "b", "c"] == labels[:3]
    assert len(texts) == len(labels)
    assert set(labels[3:]) <= {"a", "c"}


@given(st.text(alphabet="jetuilaisquepasdnmoré' ", max_size=400))
def test_any_text_can_be_hurried(text: str) -> None:
    """Nothing raises, and what had letters keeps some."""
    written = hurried(text)

    assert written is None or written.strip()
