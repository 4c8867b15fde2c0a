"""Which language a message is in: our guesser against lingua, on the project's own test set: `python -m bench.languages`.

lingua knows no Darija: for it, Darija in Arabic letters counts as right when called Arabic, Arabizi cannot be right.
"""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable

from lingua import Language, LanguageDetectorBuilder

from bot.config import ROOT
from bot.domain.risk import Context
from bot.store.understanding import load_language_guesser

LANGUAGES = ("fr", "en", "ar", "ary")
SHORT = 4
ARABIC = re.compile(r"[\u0621-\u064a]")
Guess = Callable[[str], str | None]


def main() -> None:
    """Print accuracy by language and for messages of at most four words, and the time of each guess."""
    rows: list[dict[str, str]] = []
    for language in LANGUAGES:
        with (ROOT / "tests" / "understanding" / f"{language}.tsv").open(encoding="utf-8") as file:
            rows += csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    guesser = load_language_guesser(ROOT)
    lingua = LanguageDetectorBuilder.from_languages(Language.FRENCH, Language.ENGLISH, Language.ARABIC).build()
    codes = {Language.FRENCH: "fr", Language.ENGLISH: "en", Language.ARABIC: "ar"}

    def by_lingua(text: str) -> str | None:
        found = lingua.detect_language_of(text)
        return codes[found] if found else None

    print(f"{'':10}{'fr':>8}{'en':>8}{'ar':>8}{'ary':>8}{'arabizi':>9}{'short':>8}{'ms':>8}")
    _measure("ours", rows, lambda text: guesser.guess(text, Context()), forgiving=False)
    _measure("lingua", rows, by_lingua, forgiving=True)


def _measure(name: str, rows: list[dict[str, str]], guess: Guess, *, forgiving: bool) -> None:
    started = time.perf_counter()
    said = [guess(row["text"]) for row in rows]
    cost = (time.perf_counter() - started) / len(rows) * 1000

    def share(which: Callable[[dict[str, str]], bool]) -> str:
        hits = [
            answer == row["language"] or (forgiving and answer == "ar" and row["language"] == "ary")
            for row, answer in zip(rows, said, strict=True)
            if which(row)
        ]
        return f"{sum(hits) / len(hits):.3f}"

    shares = [share(lambda row, language=language: row["language"] == language) for language in LANGUAGES]  # type: ignore[misc]
    arabizi = share(lambda row: row["language"] == "ary" and not ARABIC.search(row["text"]))
    short = share(lambda row: len(row["text"].split()) <= SHORT)
    print(f"{name:10}{''.join(f'{value:>8}' for value in shares)}{arabizi:>9}{short:>8}{cost:>8.3f}")


if __name__ == "__main__":
    main()
