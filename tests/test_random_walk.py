"""Two thousand turns of people who answer anything at any time, through the real engine, each answer held to the rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.config import ROOT
from bot.domain.risk import RiskLevel
from bot.domain.schedules import Hours
from bot.store.directory import load_directory, load_negative_facts
from tests.conftest import RunningEngine
from tests.talking import Answer, Person, Town, town

pytestmark = pytest.mark.engine
DIRECTORY = load_directory(ROOT / "directory")
NEGATIVE = load_negative_facts(ROOT / "directory")
DOMAIN = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
INTENTS = sorted(DOMAIN["intents"])
ANSWERS = ("/affirm", "/deny", "/unsure", "/inform")
WORDS = (
    "jsp",
    "oui",
    "non mais c'est rien",
    "mdr jsuis mort",
    "depuis septembre",
    "j'ai plus envie de vivre",
    "j'ai avalé toute la boîte",
    "sur insta surtout",
    "i don't know",
    "بغيت نهضر مع شي واحد",
    "asdkjh qsd",
    "sortie",
    "discret",
    "2",
)
TURNS, PEOPLE = 50, 40
FIRST = datetime.fromisoformat("2026-09-01T00:00")
SAYS_OPEN = re.compile(r"ouvert jusqu|open until|مفتوح حتى|jour et nuit|day and night|ليلا ونهارا")
MAY_CLOSE = re.compile(
    r"utter_(?:deny_open|feedback_thanks|go_safe_yes|heaviest_noted|human_later|leaving_yes|not_erased|parent_bye|prepare_call"
    r"|prepare_no|privacy_ok|reach_yes|tell_me|thank_high|underneath_no|underneath_yes|handover_\w+|emergency_team_\w+"
    r"|welcome_after_emergency|erased|stopped|left_\w+|wind_down_\w+|discreet_o\w+|refer_\w+|thank|goodbye)"
)
"""Read one by one: each leaves a door open in words, or is what somebody asked for who leaves."""
LOOKS = st.one_of(
    st.tuples(st.just("choice"), st.integers(0, 7)),
    st.tuples(st.just("choice"), st.integers(0, 7)),
    st.tuples(st.just("tap"), st.sampled_from([*(f"/{intent}" for intent in INTENTS), *ANSWERS])),
    st.tuples(st.just("words"), st.sampled_from(WORDS)),
)


@pytest.fixture(scope="module")
def helpline(engine: RunningEngine) -> Iterator[Town]:
    """One pipeline for everybody."""
    with town(engine) as started:
        yield started


def step(person: Person, kind: str, value: object) -> Answer:
    """One message: a choice of those offered, any intent at all, or words."""
    if kind == "choice" and person.last and person.last.choices:
        return person.taps(person.last.choices[int(str(value)) % len(person.last.choices)].payload)
    if kind == "words":
        return person.says(str(value))
    return person.taps(str(value) if kind == "tap" else "/ask_menu")


def hold_to_the_rules(person: Person, answer: Answer) -> None:
    """What every answer is held to, whatever came before."""
    assert answer.messages, "an empty reply"
    assert all(message.text.strip() for message in answer.messages)
    assert "{" not in answer.text, f"a hole in:\n{answer.text}"
    assert [] == [fact.why for fact in NEGATIVE if fact.found_in(answer.text)]
    _way_on(answer)
    _open_is_open(person, answer)
    if answer.risk is RiskLevel.IMMINENT:
        numbers = DIRECTORY.emergency(person.country_now)
        first = answer.messages[0]
        assert first.urgent
        assert numbers.medical in first.text or numbers.police in first.text


def _way_on(answer: Answer) -> None:
    """No dead end: choices, or words that were read and leave a door open."""
    last = answer.messages[-1]
    assert last.quick_replies or MAY_CLOSE.fullmatch(last.key), f"a dead end after {answer.keys}:\n{answer.text}"


def _open_is_open(person: Person, answer: Answer) -> None:
    """A line said to be open is known to be; one said to answer day and night does."""
    open_now = {
        channel.value: channel.status(person.now).hours is Hours.OPEN
        for service in DIRECTORY.services.values()
        if service.country == person.country_now
        for channel in sorted(service.channels, key=lambda channel: channel.status(person.now).hours is Hours.OPEN)
    }
    for message in answer.messages:
        if not message.key.startswith("utter_refer_"):
            continue
        for block in message.text.split("\n\n"):
            lines = re.sub(r"[\u2066-\u2069]", "", block).splitlines()
            if len(lines) == 2 and lines[1] in open_now and SAYS_OPEN.search(lines[0]):
                assert open_now[lines[1]], f"{lines} is not open at {person.when}"


@given(
    walks=st.lists(LOOKS, min_size=TURNS, max_size=TURNS),
    country=st.sampled_from(["FR", "FR", "MA", "BE", "LU", "CA", "CH"]),
    phone=st.sampled_from(["", "en", "ar"]),
    minutes=st.integers(0, 2 * 366 * 24 * 60),
    channel=st.sampled_from(["telegram", "whatsapp"]),
)
@settings(
    max_examples=PEOPLE,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_nobody_walks_into_a_wall(
    helpline: Town, walks: list[tuple[str, object]], country: str, phone: str, minutes: int, channel: str
) -> None:
    """Never an empty reply, a dead end, a closed service as open or a fact that is over; emergency words always first."""
    start = FIRST + timedelta(minutes=minutes)
    person = helpline.person(country, channel, phone, start.isoformat())
    for number, (kind, value) in enumerate(walks):
        person.when = (start + timedelta(minutes=number)).isoformat()
        hold_to_the_rules(person, step(person, kind, value))
