"""The console's words: complete in French and English, and no page asks for words that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

import pytest

from bot.domain import directory
from bot.domain.accounts import Role
from bot.domain.decisions import Authority, Kind, Release, Told
from bot.domain.handover import Choice, Outcome, Refusal
from bot.domain.messages import DeliveryStatus
from bot.domain.risk import RiskLevel
from bot.store.blocks import BlockReason
from bot.store.holds import HoldReason
from bot.store.reveals import RevealReason
from bot.web.console import account_pages, render
from bot.web.console.content import HINTS, THEMES

ASKED = re.compile(r"""\bt\(\s*["']([\w.]+)["'](?!\s*~)""")
BUILT = re.compile(r"""\bt\(\s*["']([\w.]+)["']\s*~""")
CATALOGUES = {"console": render.WORDS, "account": account_pages.WORDS}
FAMILIES: dict[str, Iterable[str]] = {
    "risk.": [risk.word for risk in RiskLevel],
    "status.": [status.name for status in DeliveryStatus],
    "choice.": list(Choice),
    "outcome.": list(Outcome),
    "refused.": list(Refusal),
    "reopen.": ["asked", *(Refusal.NO_TEMPLATE, Refusal.ALREADY_ASKED, Refusal.NOT_REACHABLE, Refusal.NOT_YOURS)],
    "alert.what.": list(Authority),
    "hold.what.": list(HoldReason),
    "hold.release.": list(Release),
    "told.": list(Told),
    "decision.": [*Kind, "agreed_by", "refused_by", "made_by"],
    "note.": ["note", "whisper", "transfer", "alert"],
    "theme.": [*directory.THEMES, *THEMES],
    "hint.": [rule.topic for rule in HINTS],
    "age.": ["under_13", "13_14", "15_17", "18_25", "adult"],
    "day.": [str(day) for day in range(7)],
    "reason.": ["bot_failed", "engine_down", "asked", "imminent", "service_closed", "raised", "silent", "passed"],
}
"""Words whose key a page puts together from a code: every code has words."""


def pages(name: str) -> str:
    """The templates of one catalogue."""
    folder = render.HERE / "templates" / name
    return "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.html")))


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_word_is_there_in_both_languages(name: str) -> None:
    """A missing translation fails the build: nobody reads a key, or the other language, in the middle of the night."""
    words = CATALOGUES[name]
    wrong = [
        key for key, texts in words.items() if set(texts) != {"fr", "en"} or not all(map(str.strip, texts.values()))
    ]
    unequal = [
        key
        for key, texts in words.items()
        if set(re.findall(r"{\w+}", texts["fr"])) != set(re.findall(r"{\w+}", texts["en"]))
    ]

    assert [] == wrong
    assert [] == unequal


@pytest.mark.parametrize("name", CATALOGUES)
def test_no_page_asks_for_words_that_are_not_there(name: str) -> None:
    """Every key a template names has words."""
    asked = set(ASKED.findall(pages(name)))

    assert set() == asked - set(CATALOGUES[name])


@pytest.mark.parametrize("family", FAMILIES)
def test_every_code_a_page_may_show_has_words(family: str) -> None:
    """A code that code puts into a page is shown in words, never as a code."""
    codes = [code.value if isinstance(code, Enum) else code for code in FAMILIES[family]]

    assert [] == [code for code in codes if f"{family}{code}" not in render.WORDS]


def test_last_resorts_have_words_too() -> None:
    """The reasons for seeing an address or for a pause, and every role, are told in words."""
    codes = [f"reveal.reason.{one}" for one in RevealReason] + [f"block.reason.{one}" for one in BlockReason]
    codes += [f"role.{one}" for one in Role]

    assert [] == [code for code in codes if code not in account_pages.WORDS]


def test_no_words_are_left_over() -> None:
    """Words no page shows any more are taken out, so that translators and reviewers read what people read."""
    everything = pages("console")
    asked, built = set(ASKED.findall(everything)), tuple(set(BUILT.findall(everything)))
    spoken = re.findall(r"""["']([\w]+\.[\w.]+)["']""", everything)
    left = [key for key in render.WORDS if key not in asked and key not in spoken and not key.startswith(built)]

    assert [] == left
