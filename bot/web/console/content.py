"""What the console suggests, as data beside this module: hints on drafts, phrases to adapt, themes of referrals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.domain.hints import HintRule

HERE = Path(__file__).parent
THEMES = (
    "distress",
    "suicide",
    "self_harm",
    "harassment",
    "sextortion",
    "grooming",
    "threats",
    "violence_home",
    "sexual_violence",
    "eating",
    "substance",
    "worried",
    "emergency",
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A phrase in one language, and when and why to use it."""

    language: str
    text: str
    why: dict[str, str]


def _hints() -> tuple[HintRule, ...]:
    data = yaml.safe_load((HERE / "hints.yml").read_text("utf-8"))
    return tuple(
        HintRule(item["topic"], item["rule"], re.compile("|".join(item["patterns"]), re.IGNORECASE)) for item in data
    )


def _phrases() -> tuple[Suggestion, ...]:
    data = yaml.safe_load((HERE / "phrases.yml").read_text("utf-8"))
    return tuple(
        Suggestion(language, item["text"][language], item["why"]) for item in data for language in ("fr", "en", "ar")
    )


HINTS = _hints()
PHRASES = _phrases()
