from __future__ import annotations

import re

import pytest

from bot.config import ROOT
from bot.dialogue.content import ContentError, Words
from bot.domain.messages import OutboundMessage
from bot.flows.own_words import REQUIRED_KEYS

LANGUAGES = ("fr", "en", "ar", "ary")
WORDS = Words.load(ROOT / "responses")
SPOKEN = {key: variations for key, variations in sorted(WORDS._variations.items()) if not key.startswith("utter_do_")}
FORBIDDEN = re.compile(
    r"\b(promets|promis|promett\w+|garanti\w*|jamais|tu dois|calme[- ]toi|ne t.inqui[eè]te pas|fais pas de b[eê]tises"
    r"|pense à ta famille|tu n.es pas sérieu\w+|tout pour être heureu\w+|je te comprends parfaitement|sois fort"
    r"|suicide (réussi|raté)|tout ira bien|promised?|guaranteed?|never|you must|calm down|don.t worry|be strong)\b"
    r"|أعدك|لا تقلق|ما تخافش|اهدأ|يجب أن",
    re.IGNORECASE,
)
NUMBER = re.compile(r"(?<![\w-])(?<!under )\+?\d[\d .-]*\d(?![\w-])(?! (?:ans|years|year olds|عام|سنة))")
NAMES = {"3018"}
"""The 3018 is known by its number, and asked about by it."""


def said(key: str) -> list[tuple[str, str]]:
    return [
        (item.language, text)
        for item in SPOKEN[key]
        for text in (item.text, *(reply.title for reply in item.quick_replies))
    ]


def holes(message: OutboundMessage) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", message.text))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", REQUIRED_KEYS)
def test_the_gateway_has_its_own_words_in_every_language(key: str, language: str) -> None:
    """In an emergency, or with the engine down, there are words in the person's language, Darija's being Arabic."""
    message = WORDS.say(key, language)
    arabic = bool(re.search(r"[\u0621-\u064a]", message.text))

    assert key == message.key
    assert message.text
    assert arabic == (language in ("ar", "ary")) or not re.search(r"[^\W\d_]", re.sub(r"\{\w+\}", "", message.text))


@pytest.mark.parametrize("key", SPOKEN)
def test_the_same_is_asked_and_filled_in_every_language(key: str) -> None:
    """A choice leads to the same place and the same facts are filled in, whichever language or variation is read."""
    messages = [WORDS.say(key, language) for language in LANGUAGES]

    assert 1 == len({tuple(reply.payload for reply in message.quick_replies) for message in messages})
    assert 1 == len({frozenset(holes(message)) for message in messages})


@pytest.mark.parametrize("key", SPOKEN)
def test_quick_replies_fit_and_can_be_told_apart(key: str) -> None:
    """A title fits a phone's button, a payload fits Telegram's 64 bytes, and no two choices of a question look alike."""
    for item in SPOKEN[key]:
        titles = [reply.title for reply in item.quick_replies]

        assert all(0 < len(title) <= 20 for title in titles)
        assert len(titles) == len(set(titles))
        assert all(re.fullmatch(r"/\w+(\{.*\})?", reply.payload) for reply in item.quick_replies)
        assert all(len(reply.payload.encode()) <= 64 for reply in item.quick_replies)


@pytest.mark.parametrize("key", [key for key in SPOKEN if key.startswith("utter_label_")])
def test_a_label_fits_a_button(key: str) -> None:
    """Clarifying questions put labels on buttons of 20 characters."""
    assert all(len(text) <= 20 for _, text in said(key))


@pytest.mark.parametrize("key", SPOKEN)
def test_numbers_come_from_the_directory_alone(key: str) -> None:
    """Numbers change, and differ by country: none is written into the words, in Arabic digits either."""
    assert [] == [text for _, text in said(key) if set(NUMBER.findall(text)) - NAMES]


@pytest.mark.parametrize("key", SPOKEN)
def test_no_promise_no_order_no_lulling(key: str) -> None:
    """Nothing is promised, nobody is ordered or told to calm down, in words or on buttons (R6, R7)."""
    assert [] == [text for _, text in said(key) if FORBIDDEN.search(text)]


@pytest.mark.parametrize("key", ["utter_menu", "utter_emergency_stay"])
def test_the_words_change_with_how_often_they_were_used(key: str) -> None:
    """Who hears the same thing again hears it in the next variation, and after the last in the first."""
    variations = sum(item.language == "fr" for item in SPOKEN[key])
    heard = [WORDS.say(key, "fr", used=(key,) * times).text for times in range(variations + 1)]

    assert variations == len(set(heard))
    assert heard[0] == heard[-1]


def test_a_missing_key_is_named() -> None:
    """Whoever edits the words reads which ones are missing."""
    with pytest.raises(ContentError, match="no words for utter_nothing"):
        WORDS.say("utter_nothing", "fr")


def test_an_unknown_language_gets_words_all_the_same() -> None:
    """Nobody is left without an answer for the language of their phone."""
    assert WORDS.say("utter_menu", "fr") == WORDS.say("utter_menu", "de")
