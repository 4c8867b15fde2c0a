"""Which pipeline understands best: Rasa's default (DIET), its logistic regression, and ours, in one run on the same data.

`python -m bench.nlu` uses our messages (`--per-intent N` of each, as DIET takes long); `--tsv FILE …` any file with the columns
text, label and split (train, test), as HINT3 and HWU64 come; `--published FILE` prints others' figures beside ours.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from sklearn.metrics import f1_score, matthews_corrcoef

from bot.config import ROOT
from bot.training import read_examples

PIPELINES = ("diet", "logistic", "ours")
NAMES = {"diet": "Rasa's default (DIET)", "logistic": "Rasa's logistic regression", "ours": "ours (linear, n-grams)"}
OUT_OF_SCOPE = "NO_NODES_DETECTED"
THRESHOLD = 0.1
THRESHOLDS = tuple(step / 20 for step in range(1, 20))
Rows = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Result:
    """What one pipeline did with one data set. Times in seconds, memory in MB."""

    said: list[tuple[str, float]]
    trained: float
    started: float
    median: float
    memory: float


def main() -> None:
    """Compare what the options say."""
    parser = argparse.ArgumentParser(prog="python -m bench.nlu", description=__doc__)
    parser.add_argument(
        "--per-intent", type=int, default=60, help="messages of each intent, ours (default 60; 0 for all)"
    )
    parser.add_argument("--language", default="fr", help="ours: fr, en, ar, ary (default fr)")
    parser.add_argument("--epochs", type=int, default=100, help="of DIET (Rasa's default is 300, its template's 100)")
    parser.add_argument("--only", choices=PIPELINES, action="append", help="run these pipelines only")
    parser.add_argument("--tsv", type=Path, nargs="+", default=[], help="data sets with text, label, split")
    parser.add_argument("--published", type=Path, help="published figures: set, train, platform, inscope@0.1, …")
    options = parser.parse_args()
    pipelines = tuple(options.only or PIPELINES)
    if not options.tsv:
        train, test = _ours(options.language, options.per_intent)
        _compare(f"ours, {options.language}", train, test, pipelines, options.epochs)
    for path in options.tsv:
        for split in ("train", "train_subset"):
            train, test = _tsv(path, split)
            if train:
                _compare(f"{path.stem} ({split})", train, test, pipelines, options.epochs)
                _published(options.published, path.stem, split)


def _ours(language: str, per_intent: int) -> tuple[Rows, Rows]:
    by_intent: dict[str, list[str]] = defaultdict(list)
    for item in read_examples(ROOT / "nlu"):
        if item.language == language:
            by_intent[item.intent].append(item.text)
    chooser = random.Random(0)
    train = [
        (text, intent)
        for intent, texts in sorted(by_intent.items())
        for text in (chooser.sample(texts, min(per_intent, len(texts))) if per_intent else texts)
    ]
    with (ROOT / "tests" / "understanding" / f"{language}.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return train, [(row["text"], row["intent"]) for row in rows]


def _tsv(path: Path, split: str) -> tuple[Rows, Rows]:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    train = [(row["text"], row["label"]) for row in rows if row["split"] == split and row["label"] != OUT_OF_SCOPE]
    return train, [(row["text"], row["label"]) for row in rows if row["split"] == "test"]


def _compare(title: str, train: Rows, test: Rows, pipelines: tuple[str, ...], epochs: int) -> None:
    print(f"\n{title}: {len(train)} to learn from, {len(test)} to read, {len({label for _, label in train})} intents")
    print(
        f"{'':28}{'in scope':>10}{'macro F1':>10}{'oos found':>10}{'mcc':>7}{'at best':>9}{'mcc':>7}"
        f"{'ms':>8}{'start s':>9}{'MB':>7}{'train s':>9}"
    )
    for name in pipelines:
        result = _run(name, train, test, epochs)
        print(f"{NAMES[name]:28}{_accuracies(result.said, [label for _, label in test])}{_costs(result)}", flush=True)


def _run(name: str, train: Rows, test: Rows, epochs: int) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / part for part in ("train.json", "test.json", "out.json")]
        files[0].write_text(json.dumps(train), "utf-8")
        files[1].write_text(json.dumps([text for text, _ in test]), "utf-8")
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "RASA_TELEMETRY_ENABLED": "false",
        }
        command = [str(ROOT / "engine/.venv/bin/python"), str(ROOT / "bench/rasa_nlu.py"), name, *map(str, files)]
        log = ROOT / "var" / f"bench-nlu-{name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("w") as output:
            subprocess.run(
                [*command, str(epochs)], check=True, env=environment, stdout=output, stderr=output, cwd=folder
            )
        answer = json.loads(files[2].read_text("utf-8"))
    said = [(str(intent), float(confidence)) for intent, confidence in answer["verdicts"]]
    median = statistics.median(answer["seconds"]) * 1000
    return Result(said, answer["trained"], answer["started"], median, answer["kilobytes"] / 1024)


def _accuracies(said: list[tuple[str, float]], expected: list[str]) -> str:
    """In-scope accuracy, F1, out-of-scope recall and Matthews' coefficient at a threshold of 0.1, and at the best one (HINT3)."""
    inside, found, coefficient = _at(THRESHOLD, said, expected)
    best = max(THRESHOLDS, key=lambda threshold: _at(threshold, said, expected)[2])
    labels = sorted(set(expected) - {OUT_OF_SCOPE})
    score = f1_score(expected, [intent for intent, _ in said], labels=labels, average="macro", zero_division=0)
    return f"{inside:>10.3f}{score:>10.3f}{found:>10.3f}{coefficient:>7.3f}{best:>9.2f}{_at(best, said, expected)[2]:>7.3f}"


def _at(threshold: float, said: list[tuple[str, float]], expected: list[str]) -> tuple[float, float, float]:
    answers = [intent if confidence >= threshold else OUT_OF_SCOPE for intent, confidence in said]
    inside = [answer == label for answer, label in zip(answers, expected, strict=True) if label != OUT_OF_SCOPE]
    outside = [answer == label for answer, label in zip(answers, expected, strict=True) if label == OUT_OF_SCOPE]
    found = sum(outside) / len(outside) if outside else float("nan")
    return sum(inside) / len(inside), found, float(matthews_corrcoef(expected, answers))


def _costs(result: Result) -> str:
    return f"{result.median:>8.2f}{result.started:>9.1f}{result.memory:>7.0f}{result.trained:>9.0f}"


def _published(path: Path | None, stem: str, split: str) -> None:
    if path is None:
        return
    train = {"train": "Full", "train_subset": "Subset"}[split]
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["set"] in stem and row["train"] == train:
                print(
                    f"{'published: ' + row['platform']:28}{float(row['inscope@0.1']) / 100:>10.3f}{'':>10}"
                    f"{float(row['oosrec@0.1']) / 100:>10.3f}{float(row['mcc@0.1']):>7.3f}{float(row['bestthr']):>9.2f}"
                    f"{float(row['mcc@best']):>7.3f}"
                )


if __name__ == "__main__":
    main()
