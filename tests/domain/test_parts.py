from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.parts import split, utf16_length

NUMBERS = ("09 72 39 40 50", "01.72.39.40.50", "+33 9 72 39 40 50", "05 22-22-22-22", "0 800 05 95 95", "3114")
ARABIC = "مرحبا بك، نحن هنا لنستمع إليك. "
mixed = st.text(st.sampled_from("a é9.!?؟\n😀ش٣"), max_size=400)


def joined(parts: tuple[str, ...]) -> str:
    return "".join("".join(parts).split())


@given(mixed, st.integers(2, 60))
def test_mixed_scripts_fit_and_lose_nothing(text: str, limit: int) -> None:
    """French, Arabic and emoji in one message reach the person whole, in parts that the channel takes."""
    parts = split(text, limit)

    assert all(utf16_length(part) <= limit for part in parts)
    assert "".join(text.split()) == joined(parts)


@given(mixed, st.integers(2, 60))
def test_no_part_is_empty(text: str, limit: int) -> None:
    """Providers refuse empty messages, and a refused part would hold back the rest."""
    assert all(split(text, limit)) or not text.strip()


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("words_before", range(0, 40, 3))
def test_a_number_in_a_long_text_stays_in_one_part(number: str, words_before: int) -> None:
    """A phone number is never cut, however it is written and wherever it stands: half a number helps nobody."""
    text = "mot " * words_before + f"appelle le {number} c'est possible la nuit et le jour"

    assert all(any(number in part for part in split(text, limit)) for limit in (40, 60, 80))


@pytest.mark.parametrize("words_before", range(40))
def test_a_link_stays_in_one_part(words_before: int) -> None:
    """The address of a chat can be tapped as it was written."""
    link = "https://www.example.org/chat?x=1"
    text = "mot " * words_before + f"{link} et merci"

    assert any(link in part for part in split(text, 60))


def test_emoji_count_as_two_units() -> None:
    """Telegram counts an emoji as two: three thousand of them do not fit into one message of 4,096."""
    parts = split("😀" * 3000, 4096)

    assert [4096, 1904] == [utf16_length(part) for part in parts]


def test_a_cut_is_made_between_paragraphs_first() -> None:
    """What belongs together is read together: paragraphs are kept before sentences, sentences before words."""
    assert ("Un deux. Trois quatre.", "Cinq six. Sept huit.") == split(
        "Un deux. Trois quatre.\n\nCinq six. Sept huit.", 40
    )
    assert ("Un deux trois.", "Quatre cinq six.") == split("Un deux trois. Quatre cinq six.", 24)


def test_an_arabic_question_ends_a_sentence() -> None:
    """Arabic is cut after its own question mark, as French is."""
    assert ("هل أنت بخير؟", "نحن هنا معك.") == split("هل أنت بخير؟ نحن هنا معك.", 20)


@pytest.mark.parametrize("text", ["a" * 100_000, "mot " * 25_000, "😀" * 50_000, ARABIC * 3_200, "1 " * 50_000])
@pytest.mark.parametrize("limit", [1600, 4096])
def test_a_hundred_thousand_characters_are_cut_whole(text: str, limit: int) -> None:
    """A text of any length, with or without a place to cut it, goes out whole and in as few messages as need be."""
    parts = split(text, limit)

    assert all(0 < utf16_length(part) <= limit for part in parts)
    assert "".join(text.split()) == joined(parts)
    assert len(parts) <= 2 * utf16_length(text) // limit


def test_white_space_alone_is_one_empty_part() -> None:
    """Cutting nothing gives one part, so that quick replies always have a message to hang on."""
    assert ("",) == split(" \n ", 100)
