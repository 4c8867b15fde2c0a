"""The content gate: words in every language, within the channels' limits, without what is forbidden."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from bot.config import ROOT
from bot.flows.own_words import REQUIRED_KEYS
from bot.flows.plan import QUESTION

LANGUAGES = {"fr", "en", "ar"}
DOMAIN = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
RESPONSES: dict[str, list[dict[str, Any]]] = {
    key: items
    for path in sorted((ROOT / "responses").glob("*.yml"))
    for key, items in yaml.safe_load(path.read_text("utf-8"))["responses"].items()
}
WORDS = {key: items for key, items in RESPONSES.items() if not key.startswith("utter_do_")}
FORBIDDEN = re.compile(
    r"\b(promets|promis|promettre|garanti\w*|calme-toi|tu dois|il faut que tu|sois forte?|réussi son suicide|commettre un suicide"
    r"|t'inquiète pas|juste une phase|pense à ta famille|tout ira bien|i promise|calm down|you must|everything will be fine)\b",
    re.IGNORECASE,
)
NUMBER = re.compile(r"(?<![\w{])\+?\d[\d ]{2,}\d(?!\w)")


def language_of(item: dict[str, Any]) -> str:
    """The language a variation is for."""
    return next(str(rule["value"]) for rule in item["condition"] if rule["name"] == "language")


@pytest.mark.parametrize("key", sorted(WORDS))
def test_every_key_speaks_every_language_with_the_same_choices(key: str) -> None:
    """A missing translation, or a choice that leads elsewhere in one language, fails the build."""
    items = WORDS[key]
    payloads = {tuple(button["payload"] for button in item.get("buttons", ())) for item in items}
    holes = {frozenset(re.findall(r"\{(\w+)\}", item["text"])) for item in items}

    assert LANGUAGES == {language_of(item) for item in items}
    assert 1 == len(payloads)
    assert 1 == len(holes)


@pytest.mark.parametrize("key", sorted(WORDS))
def test_words_fit_and_hold_nothing_forbidden(key: str) -> None:
    """R5 to R7: no promise, no order, no number outside the directory; choices fit a button and a payload."""
    for item in WORDS[key]:
        assert not FORBIDDEN.search(item["text"]), item["text"]
        numbers = [found for found in NUMBER.findall(item["text"]) if found != "3018"]
        assert [] == numbers
        assert len(item["text"]) <= 1000
        for button in item.get("buttons", ()):
            assert len(button["title"]) <= 20, button["title"]
            assert len(button["payload"].encode()) <= 64


def test_everything_the_gateway_says_itself_is_there() -> None:
    """The gateway never has to look for words in an emergency."""
    assert [] == [key for key in REQUIRED_KEYS if key not in RESPONSES]


def test_every_question_is_known_to_the_dialogue_and_has_answers() -> None:
    """A question nobody reads the answer of is a dead end."""
    asked = {key.removeprefix(QUESTION) for key in RESPONSES if key.startswith(QUESTION)}
    conditions = {
        rule["condition"][0]["slot_was_set"][0].get("asked")
        for path in (ROOT / "stories").glob("*.yml")
        for rule in yaml.safe_load(path.read_text("utf-8"))["rules"]
        if "condition" in rule
    }

    assert asked == set(DOMAIN["slots"]["asked"]["values"])
    assert asked - conditions <= {"language", "clarify"}


def test_every_choice_is_an_intent_of_the_domain() -> None:
    """A tap is never a word the engine does not know."""
    payloads = {
        re.match(r"/(\w+)", button["payload"])[1]  # type: ignore[index]
        for items in WORDS.values()
        for item in items
        for button in item.get("buttons", ())
    }

    assert payloads <= set(DOMAIN["intents"])


def test_no_word_is_kept_that_nobody_can_read() -> None:
    """Every key is reached by a rule, an exercise or the gateway; dead words grow wrong unseen."""
    rules = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "stories").glob("*.yml")))
    orders = (ROOT / "responses" / "orders.yml").read_text("utf-8")
    code = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "bot").rglob("*.py")))
    reached = set(re.findall(r"utter_\w+", f"{rules}\n{orders.split('responses:')[1]}"))
    families = tuple(re.findall(r'"(utter_\w+)"|f"(utter_\w+_)\{', code))
    named = {name for pair in families for name in pair if name}

    def is_reached(key: str) -> bool:
        return key in reached or key in named or any(key.startswith(f"{name.rstrip('_')}_") for name in named)

    orders_used = {key for key in RESPONSES if key.startswith("utter_do_") and f"action: {key}\n" in f"{rules}\n"}

    assert [] == [key for key in WORDS if not is_reached(key)]
    assert orders_used == {key for key in RESPONSES if key.startswith("utter_do_")}
