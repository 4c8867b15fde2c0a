from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.normalise import normalise, sentences
from bot.domain.spellings import DISGUISED, EMOJI, FORMS

typed = st.text(
    st.sampled_from("abcdehijnotuvxéçœßĳŒﬁ０１3579@$!|*'’-.?،؟ـأإىةشمگ٣\u200b\u200f\ufe0f\u0301\u064e😂💀👍🏽\n "),
    max_size=60,
)
typed_words = st.lists(st.sampled_from(sorted({*FORMS, *DISGUISED, *EMOJI})), max_size=8).map(" ".join)


def seconds(text: str) -> float:
    started = time.process_time()
    normalise(text)
    return time.process_time() - started


@given(typed | typed_words)
def test_a_second_reading_changes_nothing(text: str) -> None:
    """The gateway and the engine read alike, also when one of them gets what the other has read already."""
    once = normalise(text)

    assert once == normalise(once)


@given(typed)
def test_visible_text_is_never_read_as_nothing(text: str) -> None:
    """Nobody who wrote something visible is treated as having said nothing."""
    visible = any(char.isalnum() or char in "?!*-،💀👍" for char in text)

    assert normalise(text) or not visible


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u200f", "\ufeff"])
def test_nothing_visible_is_nothing(text: str) -> None:
    """White space and invisible characters are no message."""
    assert "" == normalise(text)


@pytest.mark.parametrize("text", ["3lach", "9hwa", "5ayef", "7ayati", "n9tel rasi", "2ana", "bghit n3ich", "ma3raft"])
def test_the_digits_of_arabizi_are_letters(text: str) -> None:
    """Darija written with digits keeps them: 3, 5, 7 and 9 are letters, and n9tel means to kill."""
    assert text == normalise(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("unalive", "suicide"),
        ("sewerslide", "suicide"),
        ("su1c1de", "suicide"),
        ("su!cide", "suicide"),
        ("suic*de", "suicide"),
        ("v!ol", "viol"),
        ("v10l", "viol"),
        ("m0urir", "mourir"),
        ("k!ll", "kill"),
        ("kms", "kill myself"),
        ("s3x", "sex"),
        ("ＳＵＩＣＩＤＥ", "suicide"),
        ("sûîcîdé", "suicide"),
        ("suuuuuicide", "suicide"),
    ],
)
def test_words_disguised_from_filters_are_read(text: str, meant: str) -> None:
    """Who hides a word from a platform's filter still gets help for what it says."""
    assert meant == normalise(text)


@pytest.mark.parametrize("invisible", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\U000e0041"])
def test_invisible_characters_hide_no_word(invisible: str) -> None:
    """A word with invisible characters between its letters is read as the word."""
    assert "mourir" == normalise(invisible.join("mourir"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [("أُريدُ أَن أموت", "اريد ان اموت"), ("الحيـــاة", "الحياه"), ("٣١١٤", "3114"), ("لماذا؟", "لماذا ?")],
)
def test_arabic_is_read_without_its_ornaments(text: str, meant: str) -> None:
    """Vowel signs, lengthened letters, forms of alif and Arabic digits do not hide what is said."""
    assert meant == normalise(text)


@pytest.mark.parametrize(("text", "meant"), [("c'est", "c est"), ("t'as", "t as"), ("c trop", "c est trop")])
def test_elided_words_are_no_abbreviations(text: str, meant: str) -> None:
    """“c'est” is not read as “c'est est”: rules of danger count on the words between."""
    assert meant == normalise(text)


@given(st.sampled_from([*FORMS.values(), *EMOJI.values()]))
def test_a_spelling_written_out_is_final(written_out: str) -> None:
    """What an abbreviation stands for is not itself an abbreviation, so that readings never drift."""
    assert written_out == normalise(written_out)


@pytest.mark.parametrize(
    "unit", ["a", "j'", "😂", "3afak ", "n't", "@$!", "1@", "a!", "َ", "c ", "?!", "\u200b", "aaab"]
)
def test_a_hundred_thousand_characters_are_read_in_linear_time(unit: str) -> None:
    """A very long message cannot hold up the messages of the others."""
    once = unit * (100_000 // len(unit))

    assert seconds(once * 2) < 6 * seconds(once) + 0.25


def test_sentences_are_quoted_as_written() -> None:
    """A volunteer reads the very words of the person, accents and capitals included."""
    assert ["Ça va", "Non", "J'ai peur", "لماذا"] == sentences("Ça va ? Non… J'ai peur.\nلماذا؟")
