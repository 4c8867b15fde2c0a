"""`bot understand --jsonl`: the verdict on each message, one line out per line in, in order, without a conversation."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from bot.commands.engine import engine_for
from bot.config import ROOT, Settings
from bot.dialogue.child import EngineMissingError
from bot.dialogue.rasa import Engine
from bot.domain.parts import whole
from bot.domain.replies import EngineFailure, EngineVerdict
from bot.domain.risk import Assessment, Context
from bot.domain.triage import Triage, raise_by_intent
from bot.store.understanding import load_triage

BATCH = 32


def add_parser(subparsers: Any) -> None:
    """`bot understand`."""
    parser = subparsers.add_parser("understand", help="language, intent and risk of messages")
    parser.add_argument("--jsonl", action="store_true", required=True, help='{"id", "text"} a line')
    parser.add_argument("--no-engine", action="store_true", help="the safety triage alone")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Read standard input to its end."""
    triage = load_triage(ROOT)
    try:
        if options.no_engine:
            for item in _items(sys.stdin):
                _write(item, triage.assess(str(item["text"]), Context()), None)
            return 0
        return asyncio.run(_with_engine(triage, settings))
    except ValueError as error:
        sys.stderr.write(f"bot understand: {error}\n")
        return 2


async def _with_engine(triage: Triage, settings: Settings) -> int:
    async with engine_for(settings) as engine:
        items = _items(sys.stdin)
        while batch := tuple(islice(items, BATCH)):
            await _batch(batch, triage, engine)
    return 0


async def _batch(batch: tuple[dict[str, Any], ...], triage: Triage, engine: Engine) -> None:
    verdicts = await engine.understand(tuple(str(item["text"]) for item in batch))
    if isinstance(verdicts, EngineFailure):
        message = f"the engine gave no answer ({verdicts.code})"
        raise EngineMissingError(message)
    for item, verdict in zip(batch, verdicts, strict=True):
        assessment = triage.assess(str(item["text"]), Context())
        _write(item, raise_by_intent(assessment, verdict.intent, verdict.confidence), verdict)


def _items(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            raise ValueError(f'line {number}: expected {{"id": …, "text": "…"}}') from None
        if not isinstance(item, dict) or "text" not in item:
            raise ValueError(f'line {number}: expected {{"id": …, "text": "…"}}')
        yield {**item, "text": whole(str(item["text"]))}


def _write(item: dict[str, Any], assessment: Assessment, verdict: EngineVerdict | None) -> None:
    answer = {
        "id": item.get("id"),
        "language": assessment.language,
        "intent": verdict.intent if verdict else None,
        "confidence": round(verdict.confidence, 4) if verdict else None,
        "risk": assessment.risk.word,
        "reasons": [f"{reason.rule}: {reason.quote}" if reason.quote else reason.rule for reason in assessment.reasons],
    }
    sys.stdout.write(whole(json.dumps(answer, ensure_ascii=False)) + "\n")
