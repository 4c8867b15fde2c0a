"""Normalisation and triage."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import ROOT
from bot.domain.normalise import normalise
from bot.domain.risk import Assessment, Context, RiskLevel
from bot.domain.triage import Triage, raise_by_intent
from bot.store.understanding import load_rules, load_triage, read_rule_data

RISK_FILES = sorted((ROOT / "nlu" / "risk").glob("*.yml"))
RULES = {rule.id: rule for rule in load_rules(ROOT / "nlu" / "risk")}


@pytest.fixture(scope="module")
def triage() -> Triage:
    """The triage as it runs."""
    return load_triage(ROOT)


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing(text: str) -> None:
    """The triage and the engine compare like with like."""
    once = normalise(text)

    assert once == normalise(once)


@given(st.text(min_size=1, max_size=50, alphabet=st.characters(categories=("L", "N", "P", "S"))))
def test_what_can_be_seen_is_never_read_as_nothing(text: str) -> None:
    """A message of emoji or dots alone is still a message."""
    assert normalise(text)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("jvx mrr", "je veux mourir"),
        ("su1c1de", "suicide"),
        ("j'ai pluuuus envie", "j ai plus envie"),
        ("3afak khayfa", "3afak khayfa"),
        ("أُريدُ", "اريد"),
        ("DON'T", "dont"),
        ("m\u200bo\u200br\u200bt", "mort"),
    ],
)
def test_typed_forms_are_read_as_meant(typed: str, meant: str) -> None:
    """Text-message spelling, disguises and invisible characters hide nothing; digits of Arabizi stay letters."""
    assert meant == normalise(typed)


@pytest.mark.parametrize("path", RISK_FILES, ids=lambda path: path.name)
def test_every_rule_is_explained_and_keeps_its_examples(path: Path) -> None:
    """A rule has a reason, an owner, finds what it is for and leaves its counter-examples alone."""
    for item in read_rule_data(path):
        rule = RULES[item["id"]]

        assert item["reason"]
        assert item["owner"]
        assert item["examples"]
        for words in item["examples"]:
            assert rule.finds(normalise(words)), (rule.id, words)
        for words in item.get("counter_examples", ()):
            assert not rule.finds(normalise(words)), (rule.id, words)


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ("j'ai avalé toute la boîte", RiskLevel.IMMINENT),
        ("jvais en finir ce soir", RiskLevel.IMMINENT),
        ("i just took all the pills", RiskLevel.IMMINENT),
        ("je veux mourir", RiskLevel.HIGH),
        ("mon père me frappe", RiskLevel.HIGH),
        ("أريد أن أموت", RiskLevel.HIGH),
        ("bghit nmout", RiskLevel.HIGH),
        ("Salut. Ça va ? Moi bof. Il fait beau. En fait j'ai plus envie de vivre. Voilà.", RiskLevel.HIGH),
    ],
)
def test_danger_is_seen(triage: Triage, words: str, level: RiskLevel) -> None:
    """Danger said plainly is seen in every language, wherever in the message it stands."""
    verdict = triage.assess(words, Context())

    assert level <= verdict.risk
    assert verdict.reasons


@pytest.mark.parametrize("words", ["", "   ", "slt ça va", "merci beaucoup", "c'est quoi le 3018", "t'es un robot ?"])
def test_plain_talk_is_no_alarm(triage: Triage, words: str) -> None:
    """Hello is not an emergency."""
    assert RiskLevel.HIGH > triage.assess(words, Context()).risk


def test_concern_that_goes_on_is_read_as_getting_darker(triage: Triage) -> None:
    """A run of messages of concern rises by itself."""
    run = (RiskLevel.CONCERN,) * 3
    verdict = triage.assess("je me sens vraiment vide et triste", Context(recent=run))

    assert RiskLevel.HIGH == verdict.risk


@given(st.sampled_from(RiskLevel), st.sampled_from(["greet", "emergency_now", "self_harm", "thank"]), st.floats(0, 1))
def test_the_engine_never_lowers_a_risk(risk: RiskLevel, intent: str, confidence: float) -> None:
    """Nothing lowers a risk."""
    verdict = Assessment(risk, "fr")

    assert risk <= raise_by_intent(verdict, intent, confidence).risk


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet="aje veuxmortui lpdnsc.", min_size=2000, max_size=4000))
def test_no_text_can_make_the_triage_slow(triage: Triage, text: str) -> None:
    """A hostile text of 4,000 characters is read in a blink: no pattern backtracks without end."""
    started = time.process_time()
    triage.assess(text, Context())

    assert 0.5 > time.process_time() - started
