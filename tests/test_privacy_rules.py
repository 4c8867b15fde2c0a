"""P1 to P30 (facts: privacy and law): for each rule the tests that hold it, or the document where people must."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.config import ROOT, load_settings
from bot.dialogue.content import Words
from bot.domain.conversations import Mode, Route, route
from bot.domain.intents import DANGER_OF_INTENT, HIGH_INTENTS
from bot.domain.messages import InboundKind
from bot.domain.retention import RULES, WORDS_KEPT
from bot.domain.risk import Assessment, RiskLevel
from bot.domain.triage import raise_by_intent

HELD_BY: dict[str, tuple[str, ...]] = {
    "P1": ("tests/test_privacy_rules.py::test_the_first_words_say_robot_in_every_language",),
    "P2": ("tests/test_privacy_rules.py::test_the_first_words_say_robot_in_every_language",),
    "P3": ("docs/aipd.md#Mesure des émotions",),
    "P4": ("docs/registre.md#cons. 38", "docs/notice-confidentialite.md#considérant 38"),
    "P5": ("docs/notice-confidentialite.md#15 ans",),
    "P6": ("tests/store/test_retention.py::test_nothing_holds_more_than_it_should",),
    "P7": ("docs/aipd.md#Article 9", "docs/registre.md#9(2)(d)"),
    "P8": ("docs/aipd.md#Avis et décision",),
    "P9": ("tests/store/test_retention.py::test_words_go_when_their_time_has_come",),
    "P10": ("docs/aipd.md#2023-095",),
    "P11": (
        "tests/store/test_retention.py::test_every_table_has_a_rule_and_every_rule_a_table",
        "tests/store/test_retention.py::test_after_a_year_nothing_is_left_but_numbers",
        "tests/store/test_retention.py::test_backups_expire",
        "tests/flows/test_report.py::test_a_day_after_the_last_word_nothing_of_it_is_left",
        "tests/test_privacy_rules.py::test_periods_are_those_that_were_decided",
    ),
    "P12": (
        "tests/end_to_end/test_rights.py::test_everything_is_erased_after_one_confirmation_and_at_telegram_too",
        "tests/end_to_end/test_rights.py::test_everything_we_hold_is_shown_to_who_wrote_it",
        "tests/store/test_retention.py::test_a_safeguarding_report_keeps_the_words_and_says_so",
    ),
    "P13": ("tests/test_privacy_rules.py::test_the_first_layer_of_the_notice_is_short_and_whole",),
    "P14": (
        "tests/end_to_end/test_canary.py::test_no_mark_stands_anywhere_in_the_clear",
        "tests/web/test_last_resort.py::test_an_address_takes_two_people_and_leaves_a_trace",
        "tests/store/test_rotation.py::test_after_a_rotation_the_old_key_can_be_thrown_away",
    ),
    "P15": ("tests/end_to_end/test_rights.py::test_twilio_is_asked_to_forget_and_media_is_never_fetched",),
    "P16": ("docs/aipd.md#Hébergement de données de santé",),
    "P17": (
        "tests/web/test_sign_in.py::test_both_factors_open_the_door_and_one_does_not",
        "tests/web/test_sign_in.py::test_a_session_ends_by_itself",
        "tests/web/test_access.py::test_every_route_for_every_role",
        "tests/domain/test_permissions.py::test_a_volunteer_opens_their_own_and_those_that_wait",
        "tests/store/test_audit.py::test_who_gets_around_the_database_is_found_out",
    ),
    "P18": ("docs/incident.md#72 heures",),
    "P19": ("tests/test_privacy_rules.py::test_words_go_nowhere_but_to_the_channels",),
    "P20": ("tests/test_privacy_rules.py::test_judging_only_ever_raises",),
    "P21": (
        "docs/sauvegarde-des-mineurs.md#Décider à deux",
        "tests/web/test_last_resort.py::test_keeping_words_for_a_report_takes_two_people",
    ),
    "P22": ("docs/aipd.md#CNDP",),
    "P23": ("tests/test_privacy_rules.py::test_rights_are_the_same_in_every_language",),
    "P24": ("docs/aipd.md#Nécessité",),
    "P25": ("docs/sauvegarde-des-mineurs.md#honorabilité",),
    "P26": (
        "tests/end_to_end/test_rights.py::test_twilio_is_asked_to_forget_and_media_is_never_fetched",
        "tests/end_to_end/test_pipeline.py::test_media_is_refused_kindly_and_never_fetched",
        "tests/test_privacy_rules.py::test_no_code_can_fetch_what_somebody_sent",
    ),
    "P27": ("tests/dialogue/test_words.py::test_every_key_speaks_every_language_with_the_same_choices",),
    "P28": ("tests/test_privacy_rules.py::test_whatever_hangs_on_a_conversation_has_its_time",),
    "P29": ("docs/aipd.md#loi 25",),
    "P30": ("docs/operator.md#Public pages",),
}
WORDS = Words.load(ROOT / "responses")
OUTSIDE = {"api.telegram.org", "api.twilio.com", "127.0.0.1"}


@pytest.mark.parametrize("rule", [f"P{number}" for number in range(1, 31)])
def test_every_rule_is_held_by_something_that_exists(rule: str) -> None:
    """No rule of privacy is left to good intentions: each names a test or a passage that is there."""
    for place in HELD_BY[rule]:
        path, _, name = place.replace("::", "#").partition("#")
        text = (ROOT / path).read_text("utf-8")
        assert (f"def {name}(" if path.endswith(".py") else name) in text, place


@pytest.mark.parametrize(("language", "robot"), [("fr", "robot"), ("en", "robot"), ("ar", "روبوت"), ("ary", "روبوت")])
@pytest.mark.parametrize("key", ["utter_welcome", "utter_welcome_short", "utter_welcome_after_emergency"])
def test_the_first_words_say_robot_in_every_language(key: str, language: str, robot: str) -> None:
    """P1: whoever writes learns at once that a machine answers, in their own language."""
    assert robot in WORDS.say(key, language).text.lower()


@pytest.mark.parametrize(("language", "authority"), [("fr", "CNIL"), ("en", "CNIL"), ("ar", "CNDP")])
def test_the_first_layer_of_the_notice_is_short_and_whole(language: str, authority: str) -> None:
    """P13: at most 600 characters a child can read, with who carries the messages, how long, and where to complain."""
    text = WORDS.say("utter_privacy_short", language).text

    assert len(text) <= 600
    assert authority in text
    assert max(len(sentence) for sentence in re.split(r"[.!?؟؛;]", text)) <= 140


def test_periods_are_those_that_were_decided() -> None:
    """P11: a day without danger, thirty days when serious; longer is a decision somebody signs."""
    hours = [WORDS_KEPT[risk].total_seconds() / 3600 for risk in RiskLevel]

    assert [24, 24, 720, 2160] == hours
    assert all(rule.source for rule in RULES)


@given(
    st.sampled_from(RiskLevel),
    st.sampled_from([*sorted(HIGH_INTENTS), *sorted(DANGER_OF_INTENT), "greet", "unheard_of"]),
    st.floats(0, 1),
)
def test_judging_only_ever_raises(risk: RiskLevel, intent: str, confidence: float) -> None:
    """P20: no machine's verdict lowers a danger, and none of them leaves somebody in danger without an answer."""
    raised = raise_by_intent(Assessment(risk, "fr"), intent, confidence)

    assert raised.risk >= risk
    assert all(route(mode, RiskLevel.IMMINENT) is Route.EMERGENCY for mode in Mode)


def test_words_go_nowhere_but_to_the_channels() -> None:
    """P19: no hosted AI, tracker or analytics: the code knows no address but the two providers' and this machine."""
    hosts = set()
    for path in sorted((ROOT / "bot").rglob("*.py")):
        hosts |= set(re.findall(r"https?://([a-z0-9.-]+)", path.read_text("utf-8")))
    pages = [*(ROOT / "bot/web").rglob("*.html"), *(ROOT / "bot/web").rglob("*.css"), *(ROOT / "bot/web").rglob("*.js")]
    foreign = [path.name for path in pages if re.search(r"(src|href|url|fetch)\W+https?://", path.read_text("utf-8"))]

    assert hosts <= OUTSIDE | {"relais.example", "localhost"}
    assert [] == foreign


def test_no_code_can_fetch_what_somebody_sent() -> None:
    """P26: a child's image is never downloaded: nothing in the code asks a provider for a file."""
    text = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "bot").rglob("*.py")))

    assert not re.search(r"get_file\(|download|MediaUrl|file_path", text)
    assert not InboundKind.PHOTO.is_words


def test_rights_are_the_same_in_every_language() -> None:
    """P12, P23: erasing and access have words in French, English, Arabic and Latin-script Darija."""
    lines = [line.split("\t") for line in (ROOT / "nlu/rights.tsv").read_text("utf-8").splitlines() if "\t" in line]
    for right in ("erase", "access"):
        words = [phrase for name, phrase in lines if name == right]
        assert any(re.search(r"[\u0621-\u064a]", phrase) for phrase in words)
        assert any("data" in phrase or "everything" in phrase for phrase in words)
        assert any("données" in phrase for phrase in words)
        assert any(re.search(r"[3579]|dyal", phrase) for phrase in words)


def test_whatever_hangs_on_a_conversation_has_its_time() -> None:
    """P28: notes and drafts of volunteers go with the words they are about, as every table's rule says."""
    sealed = re.compile(r"_sealed: Mapped")
    for path in sorted(Path(ROOT / "bot/store").glob("tables*.py")):
        for block in path.read_text("utf-8").split("\nclass ")[1:]:
            if "conversation_id" in block and sealed.search(block):
                name = re.search(r'__tablename__ = "(\w+)"', block)
                assert name is not None
                rule = next(rule for rule in RULES if rule.table == name[1])
                assert rule.way.name in ("WORDS", "EMPTIED"), name[1]


def test_the_providers_are_asked_to_forget_unless_told_otherwise() -> None:
    """P15: deletion at Twilio is on until somebody turns it off."""
    assert load_settings(None).twilio_delete_messages


def test_the_papers_say_that_they_are_not_signed() -> None:
    """P8: a draft never passes for a signed analysis; the blanks to fill are still there to be seen."""
    text = (ROOT / "docs/aipd.md").read_text("utf-8")

    assert "Non signé" in text
    assert yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
