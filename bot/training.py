"""Trains the gateway's linear models from nlu/, the safety triage and the language: `python -m bot.training`, if stale."""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from bot.domain.ngrams import LinearModel
from bot.domain.normalise import normalise, sentences
from bot.fitting import fit
from bot.hurry import with_hurried

ROOT = Path(__file__).resolve().parent.parent
TRIAGE_FILE = "triage.npz"
LANGUAGE_FILE = "language.npz"
FEWEST = 20
"""A label of the triage with fewer messages than these is not learnt by itself."""


@dataclass(frozen=True)
class Example:
    """One training message with its labels."""

    text: str
    language: str
    intent: str
    risk: str
    is_look_alike: bool


def read_examples(folder: Path) -> list[Example]:
    """Every message of nlu/<language>/*.yml."""
    return [example for path in sorted(folder.glob("*/*.yml")) if path.parent.name != "risk" for example in _read(path)]


def read_answers(folder: Path) -> list[Example]:
    """Short answers to our own questions ("quelques jours"), of every language: nothing that worries by itself."""
    return [replace(example, language="") for path in sorted(folder.glob("*.yml")) for example in _read(path)]


def _read(path: Path) -> Iterator[Example]:
    data = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader) or {}
    for block in data.get("nlu", ()):
        if "intent" not in block:
            continue
        notes = block.get("metadata") or {}
        for line in block["examples"].splitlines():
            if line.startswith("- "):
                text = _plain(line[2:].strip())
                yield Example(
                    text, path.parent.name, block["intent"], notes.get("risk", "none"), bool(notes.get("look_alike"))
                )


def _plain(text: str) -> str:
    """The message without entity marks: `[insta](platform)` is `insta`."""
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)


def triage_label(example: Example) -> str:
    """What is meant and how grave it is: `self_harm/high`; look-alikes apart, as they resemble what they are not."""
    kind = "look_alike/" if example.is_look_alike else ""
    return f"{kind}{example.intent}/{example.risk}"


def risk_of(label: str) -> str:
    """The risk level of a label of the triage."""
    return label.rpartition("/")[2]


def train_triage(examples: Sequence[Example]) -> LinearModel:
    """The model of the safety triage.

    Told apart by what they mean, messages are told apart by risk far better than by the four levels alone (docs/understanding.md).
    """
    labels = [triage_label(item) for item in examples]
    counts = Counter(labels)
    labels = [label if counts[label] >= FEWEST else f"other/{risk_of(label)}" for label in labels]
    texts, labels = with_hurried([item.text for item in examples], labels)
    return fit([normalise(text) for text in texts], labels, strength=1.0, counts_as=risk_of, originals=len(examples))


def train_language(examples: Sequence[Example]) -> LinearModel:
    """The model that tells the languages apart, on whole messages and on their single sentences."""
    texts: list[str] = []
    labels: list[str] = []
    for item in examples:
        for text in {item.text, *sentences(item.text)}:
            texts.append(normalise(text))
            labels.append(item.language)
    return fit(texts, labels, strength=1.0, balance=1.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is stale under models/."""
    parser = argparse.ArgumentParser(prog="python -m bot.training", description=__doc__)
    parser.add_argument("--force", action="store_true", help="train even when nothing changed")
    options = parser.parse_args(arguments)
    stamp = ROOT / "models" / "triage.stamp"
    state = _state()
    files = [ROOT / "models" / TRIAGE_FILE, ROOT / "models" / LANGUAGE_FILE]
    if not options.force and stamp.exists() and stamp.read_text() == state and all(path.exists() for path in files):
        return 0
    sys.stdout.write("\033[1m→ Training the safety triage (a minute or two)\033[0m\n")
    sys.stdout.flush()
    stamp.parent.mkdir(exist_ok=True)
    examples = read_examples(ROOT / "nlu")
    for path, model in zip(
        files, (train_triage([*examples, *read_answers(ROOT / "nlu")]), train_language(examples)), strict=True
    ):
        new = path.with_name(f"new-{path.name}")
        model.save(new)
        new.replace(path)
    stamp.write_text(state)
    return 0


def _state() -> str:
    """A hash of everything the models are made from."""
    digest = hashlib.sha256()
    sources = [
        ROOT / "bot" / "training.py",
        ROOT / "bot" / "fitting.py",
        ROOT / "bot" / "hurry.py",
        *(ROOT / "bot" / "domain" / name for name in ("ngrams.py", "normalise.py", "sounds.py", "spellings.py")),
    ]
    for path in [*sorted(sources), *sorted((ROOT / "nlu").glob("*.yml")), *sorted((ROOT / "nlu").glob("*/*.yml"))]:
        if path.parent.name != "risk":
            digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
