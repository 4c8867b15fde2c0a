"""The safety triage alone on the project's own test set: `python -m bench.triage`. Shares, with the number they are of."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable

from bot.config import ROOT
from bot.domain.risk import Assessment, Context, RiskLevel
from bot.store.understanding import load_triage

LANGUAGES = ("fr", "en", "ar", "ary")
Row = dict[str, str]
Verdicts = list[tuple[Row, Assessment]]


def main() -> None:
    """Print one line per language."""
    triage = load_triage(ROOT)
    print(
        f"{'':5}{'≥ high given ≥ high':>22}{'imminent given imminent':>26}{'alarm on look-alikes':>24}{'language':>10}{'ms':>7}"
    )
    for language in LANGUAGES:
        with (ROOT / "tests" / "understanding" / f"{language}.tsv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        started = time.perf_counter()
        verdicts = [(row, triage.assess(row["text"], Context())) for row in rows]
        cost = (time.perf_counter() - started) / len(rows) * 1000
        serious = _share(
            verdicts, lambda row: row["risk"] in ("high", "imminent"), lambda item: item.risk >= RiskLevel.HIGH
        )
        imminent = _share(verdicts, lambda row: row["risk"] == "imminent", lambda item: item.risk is RiskLevel.IMMINENT)
        alarms = _share(verdicts, _is_look_alike, lambda item: item.risk >= RiskLevel.HIGH)
        right = sum(item.language == language for _, item in verdicts) / len(rows)
        print(f"{language:5}{serious:>22}{imminent:>26}{alarms:>24}{right:>10.3f}{cost:>7.2f}")


def _is_look_alike(row: Row) -> bool:
    return row["risk"] == "none" and row["register"].startswith("look_alike")


def _share(verdicts: Verdicts, which: Callable[[Row], bool], hit: Callable[[Assessment], bool]) -> str:
    chosen = [item for row, item in verdicts if which(row)]
    return f"{sum(map(hit, chosen)) / len(chosen):.3f} of {len(chosen)}"


if __name__ == "__main__":
    main()
