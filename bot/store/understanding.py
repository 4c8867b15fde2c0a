"""Reads the triage's rules (nlu/risk/) and models (models/) into a Triage."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from bot.domain.intents import CONTROLS
from bot.domain.language import LanguageGuesser
from bot.domain.ngrams import LinearModel
from bot.domain.normalise import normalise
from bot.domain.risk import Danger, RiskLevel
from bot.domain.triage import Rule, Triage

MODELS = ("triage.npz", "language.npz")
WORD_LISTS = "utter_words_"
CONTROL_PAYLOADS = frozenset(f"/{name}" for name in (*CONTROLS, "change_language", "choose_other", "choose_info"))


class ModelMissingError(Exception):
    """A model or rule file is missing or does not read; the message says how to get it."""


def load_triage(root: Path) -> Triage:
    """The triage with the rules and models under `root`."""
    try:
        triage, language = (LinearModel.load(root / "models" / name) for name in MODELS)
    except FileNotFoundError:
        raise ModelMissingError("the safety triage is not trained: run `make train`") from None
    except (ValueError, OSError, KeyError) as error:
        raise ModelMissingError(f"models/ does not read ({type(error).__name__}): run `make train`") from None
    return Triage(
        load_rules(root / "nlu" / "risk"), triage, LanguageGuesser(language), load_own_words(root / "responses")
    )


def load_language_guesser(root: Path) -> LanguageGuesser:
    """The language guesser alone."""
    return LanguageGuesser(LinearModel.load(root / "models" / "language.npz"))


def load_own_words(folder: Path) -> frozenset[str]:
    """The words we ask for by name: the lists for controls (`utter_words_…`) and the titles of quick replies that are controls.

    Titles that answer a question or name suffering are not among them: “c'est fait” may be the worst of news.
    """
    found: set[str] = set()
    for path in sorted(folder.glob("*.yml")):
        responses = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["responses"]
        for key, variations in responses.items():
            for item in variations:
                if key.startswith(WORD_LISTS):
                    found.update(normalise(line) for line in item["text"].splitlines())
                buttons = item.get("buttons", ())
                found.update(normalise(button["title"]) for button in buttons if button["payload"] in CONTROL_PAYLOADS)
    return frozenset(found)


def load_rules(folder: Path) -> tuple[Rule, ...]:
    """Every rule of the folder, in the order of files and lines."""
    rules: list[Rule] = []
    for path in sorted(folder.glob("*.yml")):
        rules += [_rule(path.name, item) for item in read_rule_data(path)]
    if not rules:
        raise ModelMissingError(f"no risk rules under {folder.name}/")
    return tuple(rules)


def read_rule_data(path: Path) -> list[dict[str, Any]]:
    """The rules of one file as data, with their examples and reviews."""
    try:
        return list(yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["risk_rules"])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ModelMissingError(f"nlu/risk/{path.name}: not a file of rules ({type(error).__name__})") from None


def _rule(name: str, item: dict[str, Any]) -> Rule:
    try:
        return Rule(
            id=item["id"],
            risk=RiskLevel.of(item["risk"]),
            danger=Danger(item["danger"]),
            patterns=tuple(re.compile(pattern) for pattern in item["patterns"]),
            unless=tuple(re.compile(pattern) for pattern in item.get("unless", ())),
            reason=item["reason"],
        )
    except (KeyError, ValueError, re.error) as error:
        raise ModelMissingError(f"nlu/risk/{name}: {item.get('id', 'a rule')} is wrong: {error}") from None
