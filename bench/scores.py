"""Counting right and wrong verdicts: shares with their intervals, F1, confusions, calibration. Pure functions."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain.risk import RiskLevel

Z = 1.96


@dataclass(frozen=True, slots=True)
class Judged:
    """One message of a test set with what was expected and what was said."""

    id: str
    language: str
    register: str
    intent: str
    risk: RiskLevel
    text: str
    said_language: str
    said_intent: str | None
    confidence: float
    said_risk: RiskLevel
    serious: float
    """The triage model's probability of at least `high`."""
    reasons: tuple[str, ...]

    @property
    def is_look_alike(self) -> bool:
        """Whether harmless words were written to look alarming."""
        return self.risk is RiskLevel.NONE and self.register.startswith("look_alike")


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `total`, with the Wilson interval at 95 %."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share; nan of nothing."""
        return self.hits / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share lies, 19 times of 20 (Wilson)."""
        if not self.total:
            return math.nan, math.nan
        share, square = self.value, Z * Z / self.total
        centre = (share + square / 2) / (1 + square)
        half = Z * math.sqrt(share * (1 - share) / self.total + square / (4 * self.total)) / (1 + square)
        return max(0.0, centre - half), min(1.0, centre + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} [{low:.2f}–{high:.2f}] of {self.total}" if self.total else "–"


def share(verdicts: Iterable[bool]) -> Share:
    """How many are true."""
    values = list(verdicts)
    return Share(sum(values), len(values))


def found_serious(rows: Iterable[Judged]) -> Share:
    """Messages of high or imminent risk that were given at least high."""
    return share(row.said_risk >= RiskLevel.HIGH for row in rows if row.risk >= RiskLevel.HIGH)


def found_imminent(rows: Iterable[Judged]) -> Share:
    """Messages of imminent risk that were given imminent."""
    return share(row.said_risk is RiskLevel.IMMINENT for row in rows if row.risk is RiskLevel.IMMINENT)


def found_concern(rows: Iterable[Judged]) -> Share:
    """Messages of concern that were given at least concern."""
    return share(row.said_risk >= RiskLevel.CONCERN for row in rows if row.risk is RiskLevel.CONCERN)


def alarms(rows: Iterable[Judged]) -> Share:
    """Look-alikes that were given high or imminent."""
    return share(row.said_risk >= RiskLevel.HIGH for row in rows if row.is_look_alike)


def macro_f1(rows: Sequence[Judged]) -> float:
    """The mean F1 over the intents that occur."""
    right: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for row in rows:
        expected[row.intent] += 1
        said[row.said_intent or ""] += 1
        right[row.intent] += row.intent == row.said_intent
    scores = [2 * right[intent] / (expected[intent] + said[intent]) for intent in expected]
    return sum(scores) / len(scores) if scores else math.nan


def confusions(rows: Iterable[Judged], most: int) -> list[tuple[str, str, int]]:
    """The pairs (expected, said) most often confused."""
    pairs = Counter((row.intent, row.said_intent or "–") for row in rows if row.intent != row.said_intent)
    return [(expected, said, count) for (expected, said), count in pairs.most_common(most)]


def calibration(pairs: Iterable[tuple[float, bool]], bins: int = 10) -> list[tuple[float, float, int]]:
    """Per bin of stated probability: its mean, the share that was true, how many."""
    found: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for stated, is_true in pairs:
        found[min(int(stated * bins), bins - 1)].append((stated, is_true))
    return [
        (sum(item[0] for item in items) / len(items), sum(item[1] for item in items) / len(items), len(items))
        for _, items in sorted(found.items())
    ]


def calibration_error(table: Sequence[tuple[float, float, int]]) -> float:
    """The expected calibration error: how far stated and true shares lie apart, weighted by how often."""
    total = sum(count for *_, count in table)
    return sum(abs(stated - true) * count for stated, true, count in table) / total if total else math.nan


def curve(rows: Sequence[Judged]) -> list[tuple[float, float]]:
    """For each threshold on `serious`: the share of alarms on look-alikes, and of serious messages found."""
    grave = sorted(row.serious for row in rows if row.risk >= RiskLevel.HIGH)
    harmless = [row.serious for row in rows if row.is_look_alike]
    return [
        (
            sum(value >= threshold for value in harmless) / max(1, len(harmless)),
            sum(value >= threshold for value in grave) / len(grave),
        )
        for threshold in grave
    ]
