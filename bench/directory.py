"""How long a match takes: every theme in every country, at risk none and high, at moments spread over two years.

`python bench/directory.py` prints the median, the 99th percentile and the first match of a day, in milliseconds.
"""

from __future__ import annotations

import random
import statistics
import time
from datetime import UTC, datetime, timedelta

from bot.config import ROOT
from bot.domain.directory import THEMES, Directory
from bot.domain.risk import RiskLevel
from bot.store.directory import load_directory

ROUNDS = 20_000
DAYS = 400
TARGET = 2.0


def main() -> None:
    """Measure and print."""
    started = time.perf_counter()
    directory = load_directory(ROOT / "directory")
    loading = (time.perf_counter() - started) * 1000
    dice = random.Random(1)
    start = datetime(2026, 11, 20, tzinfo=UTC)
    warm = [_timed(directory, dice, start + timedelta(seconds=dice.randrange(86_400))) for _ in range(ROUNDS)]
    cold = [_timed(directory, dice, start + timedelta(days=day)) for day in range(1, DAYS)]
    print(f"loading                  {loading:8.1f} ms")
    for name, times in (("match", warm), ("first match of a day", cold)):
        median, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
        print(f"{name:24} {median:8.3f} ms median  {p99:8.3f} ms p99   target {TARGET:.0f} ms")


def _timed(directory: Directory, dice: random.Random, now: datetime) -> float:
    theme, country = dice.choice(THEMES), dice.choice([*directory.countries])
    risk, age_band = dice.choice([RiskLevel.NONE, RiskLevel.HIGH]), dice.choice([None, "15_17", "18_25"])
    started = time.perf_counter()
    directory.match(theme, country, now, risk=risk, age_band=age_band, language="fr")
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
