from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import ROOT
from bot.domain.intents import CONCERN_INTENTS, HIGH_INTENTS
from bot.domain.risk import Assessment, Context, Danger, Reason, RiskLevel
from bot.domain.triage import MAX_CHARACTERS, QUOTED, Triage, raise_by_intent
from bot.store.understanding import load_own_words, load_triage, read_rule_data

FOLDER = ROOT / "nlu" / "risk"
RULES: list[dict[str, Any]] = [item for path in sorted(FOLDER.glob("*.yml")) for item in read_rule_data(path)]
EXAMPLES = [(item, words) for item in RULES for words in item["examples"]]
COUNTER_EXAMPLES = [(item, words) for item in RULES for words in item.get("counter_examples", ())]
INTENTS = sorted({*HIGH_INTENTS, *CONCERN_INTENTS, "greet", "thank", "nlu_fallback", "unheard_of"})
CONCERN = (RiskLevel.CONCERN,) * 3
SAD = "je suis triste"


@pytest.fixture(scope="module")
def triage() -> Triage:
    """The triage as it runs, with its rules and models."""
    return load_triage(ROOT)


def rules_of(verdict: Assessment) -> set[str]:
    return {reason.rule for reason in verdict.reasons}


@pytest.mark.parametrize("item", RULES, ids=lambda item: item["id"])
def test_every_rule_can_be_answered_for(item: dict[str, Any]) -> None:
    """Each rule says why it is there, who answers for it, and shows at least one sentence that it finds."""
    assert item["reason"].strip()
    assert item["owner"].strip()
    assert item["examples"]


def test_every_rule_has_its_own_name() -> None:
    """A verdict names the one rule it comes from."""
    assert len(RULES) == len({item["id"] for item in RULES})


@pytest.mark.parametrize(("item", "words"), EXAMPLES, ids=str)
def test_what_a_rule_is_for_is_found(triage: Triage, item: dict[str, Any], words: str) -> None:
    """The whole triage finds each rule's examples at the rule's level or above, and names the rule."""
    verdict = triage.assess(words, Context())

    assert RiskLevel.of(item["risk"]) <= verdict.risk
    assert item["id"] in rules_of(verdict)


@pytest.mark.parametrize(("item", "words"), COUNTER_EXAMPLES, ids=str)
def test_what_a_rule_must_leave_alone_is_left(triage: Triage, item: dict[str, Any], words: str) -> None:
    """A rule is silent on its counter-examples, or people who joke get emergency numbers."""
    assert item["id"] not in rules_of(triage.assess(words, Context()))


@pytest.mark.parametrize(
    "words",
    [
        "je vais me pendre ce soir",
        "je me suis ouvert les veines",
        "j'ai avalé trois boîtes de somnifères",
        "je suis cachée dans les toilettes il a un couteau",
        "il me suit dans la rue",
        "i'm going to hang myself tonight",
        "my stepdad is strangling me",
        "i'm on the bridge",
        "ابتلعت علبة دواء كاملة",
        "سأنتحر الليلة",
        "غادي نقتل راسي دابا",
        "klit bezzaf dyal fanid bach nmout",
    ],
)
def test_an_emergency_is_imminent(triage: Triage, words: str) -> None:
    """An act under way, means in hand or an attacker at the door is imminent in every language (R2)."""
    assert RiskLevel.IMMINENT == triage.assess(words, Context()).risk


@pytest.mark.parametrize(
    "words",
    [
        "j'ai envie de me tuer",
        "jveu crever",
        "j ve me su1cid3r",
        "i want to d!e",
        "wanna kms",
        "i don't want to be alive anymore",
        "لا أريد أن أعيش",
        "أفكر في الانتحار",
        "بغيت نموت",
        "mab9itch baghi n3ich",
    ],
)
def test_a_wish_to_die_is_high_and_about_suicide(triage: Triage, words: str) -> None:
    """A wish to die is heard in every language and spelling, and answered with the words for it (R3)."""
    verdict = triage.assess(words, Context())

    assert RiskLevel.HIGH <= verdict.risk
    assert Danger.SUICIDE == verdict.dangers[0]


@pytest.mark.parametrize(
    "words", ["je ne veux pas mourir", "j'ai pas envie de mourir", "i don't want to die lol", "لا أريد أن أموت"]
)
def test_a_denied_wish_to_die_is_no_emergency(triage: Triage, words: str) -> None:
    """Who says that they do not want to die is listened to, without emergency numbers and without a rule's word."""
    verdict = triage.assess(words, Context())

    assert RiskLevel.IMMINENT > verdict.risk
    assert not [rule for rule in rules_of(verdict) if not rule.startswith("model/")]


@pytest.mark.parametrize(
    "words",
    [
        "je suis mort de rire 😂",
        "mdr je vais mourir de rire",
        "ptdr je meurs",
        "mdr ma mère va me tuer",
        "je tue le temps",
        "i'm dead 💀💀 this video",
        "lol i'm dying of laughter",
        "هههه مت من الضحك",
        "exposé sur le suicide pour le cours de svt",
    ],
)
def test_laughter_is_no_alarm(triage: Triage, words: str) -> None:
    """Young people die of laughter every day: idioms and homework raise no alarm (R16)."""
    assert RiskLevel.HIGH > triage.assess(words, Context()).risk


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "...", "?", "👍"])
def test_no_words_are_no_risk(triage: Triage, text: str) -> None:
    """An empty message is no danger and has no reasons."""
    verdict = triage.assess(text, Context())

    assert (RiskLevel.NONE, (), ()) == (verdict.risk, verdict.dangers, verdict.reasons)


@pytest.mark.parametrize("before", [0, 5, 40])
def test_danger_is_found_between_jokes(triage: Triage, before: int) -> None:
    """A laugh in another sentence does not silence what is said in this one (R17)."""
    text = "Mdr trop drôle. " * before + "J'ai avalé toute la boîte. Haha."

    assert RiskLevel.IMMINENT == triage.assess(text, Context()).risk


@pytest.mark.parametrize("filler", ["bla " * MAX_CHARACTERS, "on parle de tout. " * MAX_CHARACTERS])
def test_danger_at_the_start_of_an_endless_message_is_found(triage: Triage, filler: str) -> None:
    """Nobody is overlooked because they wrote too much."""
    verdict = triage.assess(f"je veux mourir. {filler}", Context())

    assert RiskLevel.HIGH <= verdict.risk


def test_a_reason_quotes_what_was_written(triage: Triage) -> None:
    """A volunteer sees why: the words as written, not longer than a glance takes."""
    verdict = triage.assess("Salut ! Ça va pas. Je veux mourir", Context())
    quotes = {reason.rule: reason.quote for reason in verdict.reasons}

    assert "Je veux mourir" == quotes["fr/death_wish"]
    assert all(len(quote) <= QUOTED for quote in quotes.values())


@given(st.sampled_from(RiskLevel), st.sampled_from(INTENTS), st.floats(0, 1))
def test_the_intent_takes_nothing_away(risk: RiskLevel, intent: str, confidence: float) -> None:
    """The engine can add to the verdict, never lower it nor drop a danger or a reason that was seen."""
    before = Assessment(risk, "fr", (Danger.SUICIDE,), (Reason("fr/x", risk),))
    after = raise_by_intent(before, intent, confidence)

    assert before.risk <= after.risk
    assert {*before.dangers} <= {*after.dangers}
    assert {*before.reasons} <= {*after.reasons}


def test_a_sure_intent_raises_the_risk() -> None:
    """What the patterns missed and the engine is sure of counts, and the verdict says where it comes from."""
    verdict = raise_by_intent(Assessment(RiskLevel.NONE, "fr"), "suicidal_ideation", 0.95)

    assert (RiskLevel.HIGH, (Danger.SUICIDE,)) == (verdict.risk, verdict.dangers)
    assert "engine/suicidal_ideation" == verdict.reasons[0].rule


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        (CONCERN, RiskLevel.HIGH),
        (CONCERN[:2], RiskLevel.CONCERN),
        ((*CONCERN[:2], RiskLevel.NONE), RiskLevel.CONCERN),
        ((RiskLevel.HIGH, *CONCERN), RiskLevel.CONCERN),
        ((), RiskLevel.CONCERN),
    ],
)
def test_only_an_unbroken_run_of_concern_rises(
    triage: Triage, recent: tuple[RiskLevel, ...], expected: RiskLevel
) -> None:
    """Three sad messages and one more are read as getting darker, once, unless it was seen as high before."""
    assert expected == triage.assess(SAD, Context(recent=recent)).risk


@given(st.lists(st.sampled_from(RiskLevel), max_size=6).map(tuple))
def test_the_conversation_never_lowers_a_verdict(triage: Triage, recent: tuple[RiskLevel, ...]) -> None:
    """Whatever came before, a wish to die is a wish to die at turn 1 and at turn 200 (R22)."""
    assert RiskLevel.HIGH <= triage.assess("je veux mourir", Context(recent=recent)).risk


@pytest.mark.parametrize("words", sorted(load_own_words(ROOT / "responses")))
def test_the_words_we_ask_for_are_never_taken_for_danger(triage: Triage, words: str) -> None:
    """Who types “partir vite”, as we offer, leaves quickly and is not sent to the emergency services."""
    assert triage.assess(words, Context()).risk is RiskLevel.NONE
