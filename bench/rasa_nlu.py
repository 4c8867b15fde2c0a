"""Run by bench.nlu inside the engine's environment: trains one Rasa pipeline, reads the test messages, measures itself.

`python bench/rasa_nlu.py PIPELINE TRAIN.json TEST.json OUT.json EPOCHS`; runs on Python 3.10.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

FEATURES: List[Dict[str, Any]] = [
    {"name": "WhitespaceTokenizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
]


def pipeline(name: str, epochs: int) -> List[Dict[str, Any]]:
    """Rasa's default pipeline, its logistic regression on the same features, or ours."""
    if name == "diet":
        return [*FEATURES, {"name": "DIETClassifier", "epochs": epochs, "random_seed": 0}]
    if name == "logistic":
        return [*FEATURES, {"name": "LogisticRegressionClassifier", "max_iter": 200, "random_state": 0}]
    return [{"name": "engine.intents.LinearIntentClassifier"}]


def train(name: str, rows: List[List[str]], epochs: int, folder: Path) -> str:
    """Train on [text, intent] rows; the path of the model."""
    import rasa.model_training
    import yaml

    by_intent: Dict[str, List[str]] = {}
    for text, intent in rows:
        by_intent.setdefault(intent, []).append(" ".join(text.split()).replace("[", "(").replace("]", ")"))
    nlu = [
        {"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)} for intent, texts in by_intent.items()
    ]
    (folder / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": nlu}, allow_unicode=True), "utf-8")
    config = {"recipe": "default.v1", "language": "en", "assistant_id": "bench", "pipeline": pipeline(name, epochs)}
    (folder / "config.yml").write_text(yaml.safe_dump(config), "utf-8")
    result = rasa.model_training.train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder))
    assert result
    return str(result)


async def parse(model: str, texts: List[str]) -> Dict[str, Any]:
    """Load the model and read every text."""
    from rasa.core.agent import Agent
    from rasa.core.channels.channel import UserMessage

    agent = Agent.load(model)
    verdicts, times = [], []
    for text in [texts[0], *texts]:
        started = time.perf_counter()
        found = await agent.processor.parse_message(UserMessage(text))
        times.append(time.perf_counter() - started)
        verdicts.append([found["intent"]["name"] or "", float(found["intent"]["confidence"] or 0.0)])
    return {"verdicts": verdicts[1:], "seconds": times[1:], "kilobytes": _resident()}


def _resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def main() -> None:
    """Train and hand over to a fresh process, so that memory and start-up are those of reading alone."""
    name, train_file, test_file, out, epochs = sys.argv[1:6]
    if name == "read":
        answer = asyncio.run(parse(train_file, json.loads(Path(test_file).read_text("utf-8"))))
        Path(out).write_text(json.dumps(answer), "utf-8")
        return
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        model = train(name, json.loads(Path(train_file).read_text("utf-8")), int(epochs), Path(folder))
        trained = time.perf_counter() - started
        started = time.perf_counter()
        command = [sys.executable, __file__, "read", model, test_file, out, "0"]
        subprocess.run(command, check=True, env={**os.environ})
        total = time.perf_counter() - started
    answer = json.loads(Path(out).read_text("utf-8"))
    answer.update(trained=trained, started=total - sum(answer["seconds"]))
    Path(out).write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    main()
