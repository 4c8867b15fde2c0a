"""The training data are many people's words, not one writer's template, and never the words they are measured with."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict

import pytest
import yaml

from bot.config import ROOT
from bot.domain.intents import CONCERN_INTENTS, HIGH_INTENTS
from bot.domain.language import LANGUAGES
from bot.domain.normalise import normalise
from bot.training import Example, read_examples
from tests.nlu.likeness import near_duplicates, repeats, reused_openings

MOST_REPEATS = 0.005
MOST_REUSED_OPENINGS = 0.12
FEWEST = {"fr": (120, 60), "en": (60, 30), "arabic": (60, 30)}
"""Messages an intent has at least: those of victims, distress and crisis; the others."""
TEST_SETS = sorted((ROOT / "tests" / "understanding").glob("**/*.tsv"))
RISKS = {"none", "concern", "high", "imminent"}


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    """All training messages."""
    return read_examples(ROOT / "nlu")


def by_language(examples: list[Example]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for item in examples:
        found[item.language].append(normalise(item.text))
    return found


def test_no_message_is_there_twice(examples: list[Example]) -> None:
    """A message counts once: the same words twice teach nothing and would pad the numbers."""
    counts = Counter((item.language, normalise(item.text)) for item in examples)

    assert [] == [key for key, count in counts.items() if count > 1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_messages_are_not_written_from_a_template(examples: list[Example], language: str) -> None:
    """Near-duplicates and openings used again stay rare, so that the data hold as many people as messages."""
    texts = by_language(examples)[language]
    found = repeats(texts)

    assert len(found) <= MOST_REPEATS * len(texts), found[:20]
    assert reused_openings(texts) <= MOST_REUSED_OPENINGS


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_test_message_is_trained_on(examples: list[Example], language: str) -> None:
    """What we measure with was never learnt, not even in nearly the same words."""
    trained = by_language(examples)[language]
    tested: list[str] = []
    for path in TEST_SETS:
        if path.stem == language:
            with path.open(encoding="utf-8") as file:
                rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                tested += [normalise(row["text"]) for row in rows]
    # One or two words ("bonsoir", "stop") cannot be said otherwise.
    longer = [text for text in tested if len(text.split()) > 3]

    assert tested
    assert [] == list(near_duplicates(longer, trained))


def test_every_intent_has_enough_messages(examples: list[Example]) -> None:
    """No intent is taught by a handful of sentences, in any language."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for item in examples:
        if not item.is_look_alike:
            counts["arabic" if item.language in ("ar", "ary") else item.language][item.intent] += 1
    intents = set(yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))["intents"]) & set(counts["fr"])
    grave = HIGH_INTENTS | CONCERN_INTENTS
    few = [
        (language, intent, counts[language][intent])
        for language, (for_grave, for_others) in FEWEST.items()
        for intent in sorted(intents)
        if counts[language][intent] < (for_grave if intent in grave else for_others)
    ]

    assert grave <= intents
    assert [] == few


def test_every_message_has_a_risk_that_exists(examples: list[Example]) -> None:
    """The triage learns from the risk of each message, so none goes without."""
    assert {item.risk for item in examples} <= RISKS


def test_whoever_must_still_read_the_data_is_named() -> None:
    """Arabic and Darija wait for a native reader, words of danger for a clinician; the data say so themselves."""
    missing: list[str] = []
    for path in sorted((ROOT / "nlu").glob("*/*.yml")):
        if path.parent.name == "risk":
            continue
        for block in yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
            notes = block.get("metadata", {})
            where = f"{path.parent.name}/{path.name} {block.get('intent')}"
            if path.parent.name in ("ar", "ary") and not notes.get("needs_native_review"):
                missing.append(f"{where}: needs_native_review")
            if notes.get("risk") in ("high", "imminent") and not notes.get("needs_clinical_review"):
                missing.append(f"{where}: needs_clinical_review")

    assert [] == missing


def test_no_dose_stands_in_the_data(examples: list[Example]) -> None:
    """Nobody learns a dose from our files."""
    dose = re.compile(r"\b\d+ ?(mg|milligrammes?|grammes?|ml)\b", re.IGNORECASE)

    assert [] == [item.text for item in examples if item.risk in ("high", "imminent") and dose.search(item.text)]
