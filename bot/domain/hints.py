"""Safe-messaging hints on what a volunteer is about to send (R5 to R7, R9 to R12). A hint asks, it never blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HintRule:
    """What to look for and which rule it is about; the words of the hint are found by `rule` and `topic`."""

    topic: str
    rule: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Hint:
    """Something in a draft to look at again: the words as written, the rule, and what it is about."""

    topic: str
    rule: str
    quote: str


def hints(draft: str, rules: tuple[HintRule, ...]) -> tuple[Hint, ...]:
    """Every rule the draft touches, once each, in the order of the words."""
    found = [(match.start(), rule, match[0]) for rule in rules if (match := rule.pattern.search(draft))]
    return tuple(Hint(rule.topic, rule.rule, quote.strip()) for _, rule, quote in sorted(found, key=lambda one: one[0]))
