"""Webhook received → message handed to the provider, bot and engine on one machine: `python -m bench.latency`.

Each person writes one message and waits for the first message back; people come at a steady rate. The emergency figures are
measured in the same run as the others, with the engine alive and then stopped.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bot.config import ROOT
from tests.end_to_end.gateway import Gateway, running
from tests.wires.server import free_port
from tests.wires.telegram import text_update

TOKEN = "a-token-for-the-benchmark"
RATE = 4.0
"""Four people a second get some 20 messages: more would wait for Telegram's own limit of 30 a second, not for us."""
PEOPLE = 60
WORDS = "ils se moquent de moi sur insta tous les jours"
EMERGENCY = "j'ai avalé toute la boîte de médicaments"


def main() -> None:
    """Run and print."""
    with engine_process() as (url, engine):
        asyncio.run(_measure(url, engine))


@contextmanager
def engine_process() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The real engine on a free port, ready: its address and its process."""
    port = free_port()
    environment = {**os.environ, "ENGINE_TOKEN": TOKEN, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [str(ROOT / "engine/.venv/bin/python"), "-m", "engine", "--with-parent", "--port", str(port)]
    started = time.perf_counter()
    engine = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while not _is_ready(url):
            time.sleep(0.2)
        print(f"engine ready after {time.perf_counter() - started:.1f} s")
        yield url, engine
    finally:
        engine.kill()
        engine.wait()


async def _measure(url: str, engine: subprocess.Popen[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'bench.sqlite'}"
        async with running(database, engine_url=url, engine_token=TOKEN, quiet_window=0.0) as gateway:
            await _run(gateway, 5, 10_000, WORDS)
            print(f"{PEOPLE} people at {RATE:.0f} a second, SQLite (synchronous=FULL), quiet window 0; milliseconds")
            print(f"{'':34}{'p50':>8}{'p95':>8}{'p99':>8}")
            _print("an answer through the engine", await _run(gateway, PEOPLE, 20_000, WORDS))
            _print("an emergency, engine alive", await _run(gateway, PEOPLE, 30_000, EMERGENCY))
            engine.kill()
            engine.wait()
            _print("an emergency, engine dead", await _run(gateway, PEOPLE, 40_000, EMERGENCY))
            _print("an apology, engine dead", await _run(gateway, PEOPLE, 50_000, WORDS))


async def _run(gateway: Gateway, people: int, first: int, words: str) -> list[float]:
    tasks = []
    for person in range(first, first + people):
        tasks.append(asyncio.create_task(_one(gateway, person, words)))
        await asyncio.sleep(1 / RATE)
    return sorted(await asyncio.gather(*tasks))


async def _one(gateway: Gateway, person: int, words: str) -> float:
    started = time.perf_counter()
    answer = await gateway.update(text_update(person, person, words))
    assert answer.status_code == 200
    while not gateway.telegram.texts(person):
        await asyncio.sleep(0.002)
    return (time.perf_counter() - started) * 1000


def _print(name: str, times: list[float]) -> None:
    cuts = statistics.quantiles(times, n=100)
    print(f"{name:34}{cuts[49]:8.1f}{cuts[94]:8.1f}{cuts[98]:8.1f}")
    sys.stdout.flush()


def _is_ready(url: str) -> bool:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        return httpx.get(f"{url}/webhooks/relais/health", headers=headers, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    main()
