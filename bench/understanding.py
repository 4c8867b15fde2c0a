"""`make evaluate`: what is understood of a test set, per language and register, with the intervals; writes docs/scorecard.md.

`--tests FOLDER` takes another set in the same format, `--ordinary FILE` counts alarms on unlabelled talk and lists them,
`--errors` lists what was missed, `--no-engine` leaves intents out. Nothing is written then.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import statistics
import sys
import time
from pathlib import Path

from bench import scorecard, scores
from bench.scores import Judged
from bot.commands.engine import engine_for
from bot.config import ROOT, load_settings
from bot.dialogue.rasa import Engine
from bot.domain.replies import EngineFailure, EngineVerdict
from bot.domain.risk import Context, RiskLevel
from bot.domain.triage import Triage, raise_by_intent
from bot.store.understanding import load_triage

LANGUAGES = ("fr", "en", "ar", "ary")
TESTS = ROOT / "tests" / "understanding"
BATCH = 64
Row = dict[str, str]


def main() -> None:
    """Evaluate what the options say."""
    parser = argparse.ArgumentParser(prog="python -m bench.understanding", description=__doc__)
    parser.add_argument(
        "--tests", type=Path, help="a folder of <language>.tsv files in the format of tests/understanding"
    )
    parser.add_argument("--ordinary", type=Path, help="a file of messages (first column) in which every alarm is wrong")
    parser.add_argument("--errors", action="store_true", help="list every missed message and every alarm")
    parser.add_argument("--no-engine", action="store_true", help="the safety triage alone")
    options = parser.parse_args()
    triage = load_triage(ROOT)
    if options.ordinary:
        _ordinary(triage, options.ordinary)
        return
    rows = _read(options.tests or TESTS)
    judged = asyncio.run(_judge(triage, rows, with_engine=not options.no_engine))
    sys.stdout.write(scorecard.table(judged))
    if options.errors:
        sys.stdout.write(scorecard.errors(judged))
    if options.tests is None and not options.no_engine:
        unseen = {name: asyncio.run(_judge(triage, _read(TESTS / name), with_engine=True)) for name in scorecard.UNSEEN}
        for name, others in unseen.items():
            sys.stdout.write(f"\nthe {name} set, written without sight of the others\n{scorecard.table(others)}")
        scorecard.write(judged, unseen, _milliseconds(triage, rows), ROOT / "docs")


def _read(folder: Path) -> list[Row]:
    rows: list[Row] = []
    for language in LANGUAGES:
        with (folder / f"{language}.tsv").open(encoding="utf-8") as file:
            rows += csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    return rows


async def _judge(triage: Triage, rows: list[Row], *, with_engine: bool) -> list[Judged]:
    verdicts: list[EngineVerdict | None] = [None] * len(rows)
    if with_engine:
        async with engine_for(load_settings()) as engine:
            verdicts = list(await _ask(engine, [row["text"] for row in rows]))
    return [_judged(triage, row, verdict) for row, verdict in zip(rows, verdicts, strict=True)]


async def _ask(engine: Engine, texts: list[str]) -> list[EngineVerdict]:
    found: list[EngineVerdict] = []
    for start in range(0, len(texts), BATCH):
        answer = await engine.understand(tuple(texts[start : start + BATCH]))
        if isinstance(answer, EngineFailure):
            raise SystemExit(f"the engine gave no answer ({answer.code})")
        found += answer
    return found


def _judged(triage: Triage, row: Row, verdict: EngineVerdict | None) -> Judged:
    said = triage.assess(row["text"], Context())
    if verdict:
        said = raise_by_intent(said, verdict.intent, verdict.confidence)
    return Judged(
        id=row["id"],
        language=row["language"],
        register=row["register"],
        intent=row["intent"],
        risk=RiskLevel.of(row["risk"]),
        text=row["text"],
        said_language=said.language,
        said_intent=verdict.intent if verdict else None,
        confidence=verdict.confidence if verdict else 0.0,
        said_risk=said.risk,
        serious=triage.serious(row["text"]),
        reasons=tuple(reason.rule for reason in said.reasons),
    )


def _ordinary(triage: Triage, path: Path) -> None:
    lines = [line.split("\t")[0] for line in path.read_text("utf-8").splitlines() if line.strip()]
    found = [(triage.assess(line, Context()), line) for line in lines]
    wrong = [(verdict, line) for verdict, line in found if verdict.risk >= RiskLevel.HIGH]
    for verdict, line in wrong:
        rules = ", ".join(reason.rule for reason in verdict.reasons)
        sys.stdout.write(f"{verdict.risk.word}\t{rules}\t{line[:200]}\n")
    sys.stdout.write(f"alarms: {scores.Share(len(wrong), len(lines))}\n")


def _milliseconds(triage: Triage, rows: list[Row]) -> float:
    """The median time of the triage on a message of about 80 characters."""
    texts = [row["text"] for row in rows if 60 <= len(row["text"]) <= 100]
    times: list[float] = []
    for text in texts:
        started = time.perf_counter()
        triage.assess(text, Context())
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


if __name__ == "__main__":
    main()
