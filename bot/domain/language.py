"""Which language a message is in: French, English, Arabic, or Darija in either script.

What the person chose stands above all; the conversation's language helps with short messages, the phone's is a hint.
"""

from __future__ import annotations

import re
from typing import Any

from bot.domain.ngrams import LinearModel
from bot.domain.normalise import normalise
from bot.domain.risk import Context

LANGUAGES = ("fr", "en", "ar", "ary")
PRIOR = 0.25
HINT = 0.1
SURE_LETTERS = 4
_ARABIC_LETTER = re.compile(r"[\u0621-\u064a]")
_LATIN_LETTER = re.compile(r"[a-zà-ÿ]", re.IGNORECASE)


class LanguageGuesser:
    """A linear model over n-grams, bounded by the script the message is written in."""

    def __init__(self, model: LinearModel) -> None:
        self._model = model

    def guess(self, text: str, context: Context) -> str:
        """The language of `text`; for text without letters the conversation's, then the phone's, else French."""
        known = context.language or context.language_hint
        if context.language_is_chosen and context.language:
            return context.language
        arabic, latin = len(_ARABIC_LETTER.findall(text[:500])), len(_LATIN_LETTER.findall(text[:500]))
        if arabic + latin < SURE_LETTERS:
            return known or "fr"
        scores = self._scores(normalise(text[:500]), is_arabic=arabic > latin)
        for language, weight in ((context.language, PRIOR), (context.language_hint, HINT)):
            if language in scores:
                scores[language] += weight
        return max(scores, key=lambda language: scores[language])

    def _scores(self, normalised: str, *, is_arabic: bool) -> dict[str, float]:
        allowed = ("ar", "ary") if is_arabic else ("fr", "en", "ary")
        values: Any = self._model.probabilities(normalised)
        return {
            label: float(value) for label, value in zip(self._model.labels, values, strict=True) if label in allowed
        } or dict.fromkeys(allowed[:1], 1.0)
