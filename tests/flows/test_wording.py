from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import i18n
from bot.config import ROOT
from bot.dialogue.content import Words
from bot.domain.directory import THEMES
from bot.domain.risk import RiskLevel
from bot.domain.services import AGE_BANDS, ChannelKind
from bot.flows.wording import Wording
from bot.store.directory import load_directory, load_negative_facts

DIRECTORY = load_directory(ROOT / "directory")
NEGATIVE = load_negative_facts(ROOT / "directory")
COUNTRIES = sorted(DIRECTORY.countries)
FIRST = datetime(2026, 9, 1, tzinfo=UTC)
TEXTS = {
    "utter_refer_open": "[open]",
    "utter_refer_open_adult": "[open, adult]",
    "utter_refer_closed": "[closed] {name} {when}",
    "utter_refer_none": "[none] {general}",
    "utter_line_open_until": "[until] {name} ({note}) {until}",
    "utter_line_around_the_clock": "[always] {name} ({note})",
    "utter_line_usually_around_the_clock": "[nearly always] {name} ({note})",
    "utter_refer_only_later": "[only later] {name} {when} {general}",
    "utter_without_suicide_line": "[no line] {medical}",
    "utter_police_is_a_choice": "[choice] {medical}",
    "utter_line_usual_hours": "[usual] {name} ({note}) {until}",
    "utter_line_closed": "[later] {name} ({note}) {when}",
    "utter_line_unknown": "[unknown] {name} ({note})",
    "utter_when_today": "today {time}",
    "utter_when_tomorrow": "tomorrow {time}",
    "utter_when_later": "{weekday} {time}",
    "utter_emergency_medical": "{medical} {general}",
    "utter_emergency_silent": "silent {silent}",
    "utter_team_open": "here",
    "utter_team_closed": "back {when}",
    "utter_team_unknown": "nobody knows",
}


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Words:
    """Words that show which of them was chosen."""
    folder: Path = tmp_path_factory.mktemp("responses")
    responses = {key: [{"text": text}] for key, text in TEXTS.items()}
    (folder / "small.yml").write_text(yaml.safe_dump({"responses": responses}), "utf-8")
    return Words.load(folder)


def wording(words: Words, moment: str, country: str = "FR", language: str = "fr") -> Wording:
    now = datetime.fromisoformat(moment).replace(tzinfo=i18n.time_zone(country))
    return Wording(words, DIRECTORY, language, country, (), now)


def blocks(text: str) -> list[str]:
    """The blocks of a message, with every kind of blank as a plain one."""
    return plain_blanks(text).split("\n\n")


def plain_blanks(text: str) -> str:
    return re.sub(r"[\u00a0\u202f]", " ", text)


def test_a_number_stands_alone_on_its_line(words: Words) -> None:
    """Each line of a referral ends with its number or link alone, so that a thumb can tap it (R20)."""
    message = wording(words, "2026-11-24T15:00").refer("harassment", RiskLevel.CONCERN, None).message

    assert ["3018", "0 800 235 236", "09 72 39 40 50"] == [block.splitlines()[-1] for block in blocks(message.text)[1:]]


def test_an_open_line_says_until_when(words: Words) -> None:
    """3018 at 22:59 is open until 23 h, as one says it in French."""
    message = wording(words, "2026-11-24T22:59").refer("harassment", RiskLevel.NONE, None).message

    assert "[until] 3018, contre le harcèlement (gratuit, anonyme, confidentiel) 23 h" in plain_blanks(message.text)


def test_at_23_the_fitting_line_is_closed_and_not_offered(words: Words) -> None:
    """At 23:00 people hear when 3018 opens again, and its number is not among those to call now."""
    lines = wording(words, "2026-11-24T23:00").refer("harassment", RiskLevel.CONCERN, None)

    assert plain_blanks(lines.message.text).startswith("[closed] 3018, contre le harcèlement tomorrow 9 h")
    assert "3018" not in [block.splitlines()[-1] for block in blocks(lines.message.text)[1:]]
    assert not lines.fitting_is_open


def test_hours_that_are_not_certain_are_usual_ones(words: Words) -> None:
    """Nightline's closures are not known, so its hours are said to be the usual ones."""
    message = wording(words, "2026-11-24T22:00").refer("students", RiskLevel.NONE, "18_25").message

    assert "[usual] Nightline (écoute étudiante, la nuit, anonyme) 2 h 30" in plain_blanks(message.text)


def test_an_unknown_holiday_is_said_to_be_unknown(words: Words) -> None:
    """On 14 July nobody is told that Fil Santé Jeunes is open."""
    message = wording(words, "2027-07-14T15:00").refer("health", RiskLevel.NONE, "15_17").message

    assert "[unknown] Fil Santé Jeunes" in plain_blanks(message.text)


def test_a_line_day_and_night_has_no_hour(words: Words) -> None:
    """3114 is said to answer day and night, and to be confidential rather than anonymous."""
    message = wording(words, "2026-12-31T23:59").refer("suicide", RiskLevel.HIGH, None).message

    assert "[always] 3114, prévention du suicide (gratuit, confidentiel)\n3114" in plain_blanks(message.text)


def test_in_arabic_a_number_reads_from_left_to_right(words: Words) -> None:
    """Inside Arabic text a number is isolated, so that its groups are not turned round."""
    message = wording(words, "2026-11-24T15:00", language="ar").refer("eating", RiskLevel.CONCERN, None).message

    assert "\u20660 800 235 236\u2069" in plain_blanks(message.text)


def test_one_service_says_what_it_is_before_its_number(words: Words) -> None:
    """Somebody who asks what 3018 is hears who answers and what happens, then its hours and its number."""
    about, line = blocks(wording(words, "2026-11-24T15:00").service("fr-3018").text)

    assert about == DIRECTORY.services["fr-3018"].about["fr"]
    assert "3018" == line.splitlines()[-1]


def test_one_service_that_is_closed_says_when_it_opens(words: Words) -> None:
    """Somebody who asks about Nightline in the afternoon hears that it opens at 21 h."""
    message = wording(words, "2026-11-24T15:00").service("fr-nightline")

    assert "[later] Nightline (écoute étudiante, la nuit, anonyme) today 21 h" in plain_blanks(message.text)


@pytest.mark.parametrize("service_id", ["", "fr-3020", "fr-abie", "ma-141"])
def test_a_service_that_may_not_be_shown_leads_to_others(words: Words, service_id: str) -> None:
    """A service that is unknown, closed for good or not verified is answered with lines that exist."""
    message = wording(words, "2026-11-24T15:00").service(service_id)

    assert "09 72 39 40 50" in plain_blanks(message.text)


def test_the_silent_number_goes_with_emergency_numbers_where_there_is_one(words: Words) -> None:
    """In France an emergency names 114 by text; in Morocco, where there is none, nothing is made up (R2)."""
    french = wording(words, "2026-11-24T03:00").emergency("medical").text
    moroccan = wording(words, "2026-11-24T03:00", "MA").emergency("medical").text

    assert ("15 112\nsilent 114", "15 19") == (french, moroccan)


@pytest.mark.parametrize(
    ("country", "expected"),
    [("FR", "day and night: 3114"), ("MA", "[no line] 15"), ("LU", "[no line] 112"), ("CA", "day and night: 988")],
)
def test_a_suicide_line_is_spoken_of_only_where_there_is_one(words: Words, country: str, expected: str) -> None:
    """In Morocco and Luxembourg an emergency number is said for what it is, never as a line to talk to (R20)."""
    filled = wording(words, "2026-11-24T03:00", country).filled("day and night: {suicide_line}")

    assert expected == filled.replace("9-8-8", "988")


def test_the_police_are_a_choice_where_the_law_may_turn_on_a_victim(words: Words) -> None:
    """In Morocco whoever speaks of sexual violence is not sent to the police by a robot; in France 17 is said (R9)."""
    said = [wording(words, "2026-11-24T03:00", country).filled("now: {police_choice}") for country in ("FR", "MA")]

    assert ["now: 17", "[choice] 15"] == said


def test_hours_of_one_source_are_hedged_day_and_night_too(words: Words) -> None:
    """A line said by one source alone to answer day and night is said to do so normally, not for certain."""
    message = wording(words, "2026-11-24T03:00", "MA").refer("suicide", RiskLevel.HIGH, None).message

    assert "[nearly always] Ambulance et pompiers" in plain_blanks(message.text)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2026-11-24T17:00", "today 18 h"), ("2026-11-24T18:00", None), ("2026-11-24T23:30", "tomorrow 18 h")],
)
def test_our_own_hours_are_told_as_they_are(words: Words, moment: str, expected: str | None) -> None:
    """Somebody who asks for a person hears whether we are here, and when we are back (R18)."""
    said = plain_blanks(wording(words, moment).team("utter_team").text)

    assert said == (f"back {expected}" if expected else "here")


def test_a_day_further_off_is_named(words: Words) -> None:
    """On Saturday night people hear that the line for rape victims opens on Monday."""
    message = wording(words, "2026-11-21T20:00").service("fr-cfcv")

    assert "[later] Viols Femmes Informations (gratuit, anonyme) lundi 10 h" in plain_blanks(message.text)


@given(
    st.sampled_from(THEMES),
    st.sampled_from(COUNTRIES),
    st.sampled_from(["fr", "en", "ar", "ary"]),
    st.sampled_from(RiskLevel),
    st.sampled_from([None, *AGE_BANDS]),
    st.integers(0, 3 * 366 * 24 * 60),
)
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_moment_a_referral_says_nothing_false(
    words: Words, theme: str, country: str, language: str, risk: RiskLevel, band: str | None, minute: int
) -> None:
    """At any moment of three years, in any language: no closed line, nothing that is over, three lines at most."""
    now = FIRST + timedelta(minutes=minute)
    text = Wording(words, DIRECTORY, language, country, (), now).refer(theme, risk, band).message.text
    lines = blocks(text)[1:]
    reached = [re.sub(r"[\u2066\u2069]", "", line.splitlines()[-1]) for line in lines]
    known = {
        channel.value: channel
        for service in DIRECTORY.services.values()
        if service.country == country and service.may_be_shown
        for channel in service.channels
    }

    assert len(lines) <= 3
    assert "[later]" not in text
    assert [] == [fact.why for fact in NEGATIVE if fact.found_in(text)]
    assert set(reached) <= set(known)
    assert ChannelKind.PHONE not in {known[value].kind for value in reached if value == "114"}
