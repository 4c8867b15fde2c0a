"""The safety triage: the verdict on a message in our own process, by reviewed patterns and a small linear model.

Either can raise the level, nothing lowers it. It never waits for the engine, and every verdict carries its reasons (P20).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bot.domain.intents import DANGER_OF_INTENT, THEME_OF_INTENT, usual_risk
from bot.domain.language import LanguageGuesser
from bot.domain.ngrams import LinearModel
from bot.domain.normalise import normalise, sentences
from bot.domain.risk import Assessment, Context, Danger, Reason, RiskLevel

MAX_SENTENCES = 60
MAX_CHARACTERS = 20_000
"""A longer message is read in its first and last parts, where people say what matters."""
QUOTED = 160
HIGH_FROM = {"fr": 0.2, "en": 0.2, "ar": 0.17, "ary": 0.12}
IMMINENT_FROM = 0.1
CONCERN_FROM = 0.45
"""The model's probabilities from which a whole message is judged so grave, chosen for recall (docs/understanding.md)."""
FRAGMENT = 3
FRAGMENT_HIGH_FROM = 0.6
"""So few words ("quelques jours", "ma mère") are mostly an answer to our own question: the model must be surer of them."""
SENTENCE_HIGH_FROM = 0.75
"""A sentence alone has lost its surroundings: it must speak for itself to raise what the whole message says."""
INTENT_RAISES_FROM = {RiskLevel.CONCERN: 0.5, RiskLevel.HIGH: 0.6, RiskLevel.IMMINENT: 0.7}
DARKER_AFTER = 3
"""So many messages of concern in a row, and one more, are read as high: the person is not getting better."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A reviewed pattern over normalised text, with its reason; `unless` patterns in the same sentence silence it."""

    id: str
    risk: RiskLevel
    danger: Danger
    patterns: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    reason: str

    def finds(self, sentence: str) -> bool:
        """Whether the rule speaks about this normalised sentence."""
        if not any(pattern.search(sentence) for pattern in self.patterns):
            return False
        return not any(pattern.search(sentence) for pattern in self.unless)


class Triage:
    """Rules of every language at once (people mix them), the risk model, and the language guesser."""

    def __init__(
        self,
        rules: tuple[Rule, ...],
        model: LinearModel,
        language: LanguageGuesser,
        own_words: frozenset[str] = frozenset(),
    ) -> None:
        """`own_words`: normalised words we tell people to type (“partir vite”), which only a rule may take for danger."""
        self._rules = rules
        self._own_words = own_words
        self._model = model
        self._language = language
        self._levels = np.array(
            [[RiskLevel.of(label.rpartition("/")[2]) is level for label in model.labels] for level in RiskLevel],
            dtype=np.float32,
        )
        """Which labels of the model (`<intent>/<risk>`) belong to which level."""

    def assess(self, text: str, context: Context) -> Assessment:
        """The verdict on `text` in its conversation. Empty text is `none`; nothing raises."""
        text = _window(text)
        language = self._language.guess(text, context)
        found = [*self._by_rules(text), *self._by_model(text, HIGH_FROM[language])]
        found.sort(key=lambda item: -item[0].risk)
        risk = max((reason.risk for reason, _ in found), default=RiskLevel.NONE)
        dangers = tuple(dict.fromkeys(danger for _, danger in found if danger is not None))
        verdict = Assessment(risk, language, dangers, tuple(reason for reason, _ in found))
        return _in_context(verdict, context)

    def serious(self, text: str) -> float:
        """The model's probability that `text` is of high or imminent risk, for measuring it; the verdict is `assess`."""
        by_level = self._levels @ self._model.probabilities(normalise(text), is_wary=True)
        return float(by_level[RiskLevel.HIGH] + by_level[RiskLevel.IMMINENT])

    def theme(self, text: str) -> str:
        """What `text` is most probably about, as a theme of the directory, while the engine cannot say; empty when unsure."""
        normalised = normalise(text)
        if not normalised:
            return ""
        likely: dict[str, float] = {}
        for label, probability in zip(
            self._model.labels, self._model.probabilities(normalised, is_wary=True), strict=True
        ):
            theme = THEME_OF_INTENT.get(label.partition("/")[0], "")
            likely[theme] = likely.get(theme, 0.0) + float(probability)
        return max(likely, key=likely.__getitem__)

    def _by_rules(self, text: str) -> Iterable[tuple[Reason, Danger]]:
        parts = sentences(text)[:MAX_SENTENCES]
        whole = normalise(text)
        pieces = [(normalise(part), part) for part in parts] if len(parts) > 1 else []
        for rule in self._rules:
            for sentence, original in [*pieces, (whole, text)]:
                if rule.finds(sentence):
                    yield Reason(rule.id, rule.risk, original[:QUOTED]), rule.danger
                    break

    def _by_model(self, text: str, high_from: float) -> Iterable[tuple[Reason, Danger | None]]:
        if normalise(text) in self._own_words:
            return
        parts = sentences(text)[:MAX_SENTENCES]
        is_fragment = len(text.split()) <= FRAGMENT
        best = self._judge(text, FRAGMENT_HIGH_FROM if is_fragment else high_from)
        quote = text
        for part in parts if len(parts) > 1 else ():
            found = self._judge(part, SENTENCE_HIGH_FROM)
            if found[0] > best[0] and found[0] >= RiskLevel.HIGH:
                best, quote = found, part
        risk, danger = best
        if risk > RiskLevel.NONE:
            yield Reason(f"model/{risk.word}", risk, quote[:QUOTED]), danger

    def _judge(self, text: str, high_from: float) -> tuple[RiskLevel, Danger | None]:
        normalised = normalise(text)
        if not normalised:
            return RiskLevel.NONE, None
        probabilities = self._model.probabilities(normalised, is_wary=True)
        concern, high, imminent = (float(value) for value in (self._levels @ probabilities)[1:])
        if high + imminent >= high_from:
            if imminent >= IMMINENT_FROM:
                return RiskLevel.IMMINENT, None
            return RiskLevel.HIGH, self._danger(probabilities)
        return (RiskLevel.CONCERN if concern + high + imminent >= CONCERN_FROM else RiskLevel.NONE), None

    def _danger(self, probabilities: Any) -> Danger | None:
        likeliest = int((probabilities * self._levels[RiskLevel.HIGH]).argmax())
        return DANGER_OF_INTENT.get(self._model.labels[likeliest].partition("/")[0])


def raise_by_intent(assessment: Assessment, intent: str, confidence: float) -> Assessment:
    """The verdict after the engine's intent: it can raise the level, never lower it."""
    risk = usual_risk(intent)
    if risk <= assessment.risk or confidence < INTENT_RAISES_FROM[risk]:
        return assessment
    danger = DANGER_OF_INTENT.get(intent)
    dangers = (danger, *assessment.dangers) if danger else assessment.dangers
    reason = Reason(f"engine/{intent}", risk)
    return replace(assessment, risk=risk, dangers=dangers, reasons=(reason, *assessment.reasons))


def _in_context(verdict: Assessment, context: Context) -> Assessment:
    """A run of concern that goes on is read as getting darker."""
    run = context.recent[-DARKER_AFTER:]
    darker = len(run) == DARKER_AFTER and min(run) >= RiskLevel.CONCERN
    if verdict.risk is RiskLevel.CONCERN and darker and max(context.recent) < RiskLevel.HIGH:
        reason = Reason("context/darker", RiskLevel.HIGH)
        dangers = verdict.dangers or (Danger.DISTRESS,)
        return replace(verdict, risk=RiskLevel.HIGH, dangers=dangers, reasons=(reason, *verdict.reasons))
    return verdict


def _window(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    half = MAX_CHARACTERS // 2
    return f"{text[:half]}\n{text[-half:]}"
