"""The conversations of tests/dialogues: what somebody writes on the left, what they read on the right, at a given moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import RunningEngine
from tests.talking import Answer, Town, town

pytestmark = pytest.mark.engine
FOLDER = Path(__file__).parent.parent / "dialogues"
TALKS: list[tuple[str, dict[str, Any]]] = [
    (f"{path.stem}: {talk['about']}", talk)
    for path in sorted(FOLDER.glob("*.yml"))
    for talk in yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)
]


@pytest.fixture(scope="module")
def helpline(engine: RunningEngine) -> Iterator[Town]:
    """One pipeline for all of them."""
    with town(engine) as started:
        yield started


def missing(expected: str, answer: Answer) -> str:
    """The first part of the right column that the answer does not have where it should; empty when all is there."""
    place, text = 0, answer.text
    for part in expected.split(" … "):
        if part.startswith("¬"):
            if part[1:] in text:
                return part
            continue
        found = [place_ + len(word) for word in part.split("|") if (place_ := text.find(word, place)) >= 0]
        if not found:
            return part
        place = min(found)
    return ""


@pytest.mark.parametrize("talk", [talk for _, talk in TALKS], ids=[name for name, _ in TALKS])
def test_the_conversation_goes_as_written(helpline: Town, talk: dict[str, Any]) -> None:
    """Every journey, in three languages, open and closed: what people read is what a volunteer has read and agreed to."""
    person = helpline.person(
        talk.get("from", "FR"), talk.get("on", "telegram"), talk.get("phone", ""), talk["when"].replace(" ", "T")
    )
    for left, expected in talk["talk"]:
        said = left
        if said.startswith("@"):
            moment, said = said[1:17], said[18:]
            person.when = moment.replace(" ", "T")
        answer = person.says(said)

        assert answer.messages, f"nothing was answered to “{said}”"
        assert not missing(expected, answer), f"“{missing(expected, answer)}” after “{said}” in:\n{answer.text}"


def test_there_are_conversations_for_every_journey_and_language() -> None:
    """At least eighty conversations, of every file, with nights, holidays and Ramadan among them."""
    moments = {talk["when"] for _, talk in TALKS}

    assert len(TALKS) >= 80
    assert {"ar", "en"} <= {talk.get("phone") for _, talk in TALKS}
    assert {"2027-05-01 15:00", "2026-12-31 22:30", "2027-02-20 23:30", "2026-11-25 03:00"} <= moments
