"""Stock Rasa against Relais, one run, one machine, the same data, the same fake provider: `python -m bench.versus_rasa`.

Stock is Rasa 3.6.21 as it ships: default pipeline and policies, its own Telegram and Twilio connectors, trackers in SQLite.
Its models are trained for one epoch (speed does not depend on it) and kept in var/stock. Each arm is measured alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
import httpx

from bench.load import Counter, Run, Wire, cpu_seconds, megabytes, write_at
from bot.config import ROOT, VAR
from tests.wires import telegram, twilio
from tests.wires.server import free_port

RATES = (1, 10, 20, 50)
LADDER = (2, 4, 6, 8, 10, 15, 20, 25, 30, 40, 50, 65, 80)
SECONDS = 10
WORDS = (
    "ils se moquent de moi sur insta tous les jours",
    "je dors plus la nuit",
    "c'est quoi le 3018",
    "jsuis trop seule",
    "salut",
    "on m'a volé mon compte tiktok",
)
EMERGENCY = ("j'ai avalé toute la boîte de médicaments",)
SECRET = "webhook-secret"
RESULTS = VAR / "bench" / "versus_rasa.json"


@dataclass
class Arm:
    """What was measured of one bot."""

    name: str
    started: float = 0.0
    megabytes: float = 0.0
    latency: dict[str, list[float]] = field(default_factory=dict)
    emergency: dict[str, list[float]] = field(default_factory=dict)
    highest: float = 0.0
    cpu_per_thousand: float = 0.0
    lost: int = 0
    in_flight: int = 0
    forged: int = 0


@dataclass
class Bot:
    """A running bot: how to start it again, and how to talk to it."""

    command: tuple[str, ...]
    environment: dict[str, str]
    ready: str
    wire: Wire
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> float:
        """Start; seconds until it answers."""
        began = time.perf_counter()
        self._spawn()
        async with asyncio.timeout(180), httpx.AsyncClient(trust_env=False) as http:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(self.ready)).status_code == httpx.codes.OK:
                        return time.perf_counter() - began
                await asyncio.sleep(0.1)

    def _spawn(self) -> None:
        with Path(os.devnull).open("wb") as out:
            self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.environment, stdout=out, stderr=out)

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self.process.pid if self.process is not None else 0

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def stock(folder: Path, counter: Counter) -> Bot:
    """Rasa with its own connectors."""
    port = free_port()
    command = (
        *(str(ROOT / "engine/.venv/bin/python"), str(ROOT / "bench" / "stock_rasa.py"), "run"),
        *(str(folder), str(port), counter.url, counter.url),
    )
    url = f"http://127.0.0.1:{port}"
    wire = Wire(url, "/webhooks/telegram/webhook", "/webhooks/twilio/webhook", url)
    return Bot(command, {**os.environ, "PYTHONPATH": str(ROOT)}, f"{url}/", wire)


def ours(folder: Path, counter: Counter) -> Bot:
    """The gateway with its engine, the quiet window off: stock has none. The providers' rates are those of a large account."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "DATABASE_URL": f"sqlite:///{folder / 'versus.sqlite'}",
        "SECRET_KEYS": "a-secret-key-for-benchmarks",
        "PORT": str(port),
        "PUBLIC_URL": url,
        "QUIET_WINDOW": "0",
        "TELEGRAM_BOT_TOKEN": telegram.TOKEN,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_API_BASE_URL": counter.url,
        "TELEGRAM_RATE": "1000",
        "TWILIO_ACCOUNT_SID": twilio.ACCOUNT,
        "TWILIO_AUTH_TOKEN": twilio.TOKEN,
        "TWILIO_WHATSAPP_FROM": twilio.SENDER,
        "TWILIO_API_BASE_URL": counter.url,
        "WHATSAPP_RATE": "1000",
    }
    wire = Wire(url, "/webhooks/telegram", "/webhooks/whatsapp", url, SECRET)
    command = (sys.executable, "-m", "bot", "serve")
    return Bot(command, {**os.environ, **settings}, f"{url}/readyz", wire)


class Measuring:
    """One arm from start to end."""

    def __init__(self, name: str, bot: Bot, counter: Counter, http: aiohttp.ClientSession) -> None:
        self._bot, self._counter, self._http = bot, counter, http
        self._next = 1_000_000
        self.arm = Arm(name)

    def _people(self, count: int) -> range:
        first, self._next = self._next, self._next + count
        return range(first, self._next)

    async def run(self, rate: float, seconds: float, words: tuple[str, ...] = WORDS) -> Run:
        """New people, so many a second, for so long, each with one message."""
        people = self._people(max(10, int(rate * seconds)))
        return await write_at(self._bot.wire, self._counter, self._http, people, rate, words)

    async def measure(self) -> Arm:
        """Everything the issue asks for."""
        self.arm.started = await self._bot.start()
        await self.run(2, 5)
        await self._cost()
        for rate in RATES:
            run = await self.run(rate, SECONDS if rate > 1 else 2 * SECONDS)
            self.arm.latency[str(rate)] = [run.at(0.5), run.at(0.95), run.at(0.99), run.unanswered]
            print(
                f"  {self.arm.name} at {rate}/s: p50 {run.at(0.5):.0f}  p95 {run.at(0.95):.0f}  p99 {run.at(0.99):.0f} ms"
                f"  unanswered {run.unanswered}",
                flush=True,
            )
            await self.settle()
        await self._climb()
        self.arm.megabytes = megabytes(self._bot.pid)
        await self._forge()
        await self._kill()
        return self.arm

    async def emergencies(self, label: str) -> None:
        """Emergency words, at rates below saturation."""
        for rate in (1, 10, 20):
            run = await self.run(rate, 300 / rate if rate > 1 else 30, EMERGENCY)
            self.arm.emergency[f"{label} {rate}/s"] = [run.at(0.5), run.at(0.95), run.at(0.99), run.unanswered]
            await self.settle()

    async def without_engine(self) -> None:
        """Start again with an engine that nobody can reach."""
        self._bot.kill()
        self._bot.environment["ENGINE_URL"] = f"http://127.0.0.1:{free_port()}"
        self._bot.environment["ENGINE_TOKEN"] = "a-token-of-nobody"
        self._bot.ready = f"{self._bot.wire.url}/healthz"
        await self._bot.start()

    async def settle(self) -> None:
        """Return when nothing more is sent for two seconds."""
        last, since = -1, time.perf_counter()
        while time.perf_counter() - since < 2:
            total = sum(self._counter.count.values())
            if total != last:
                last, since = total, time.perf_counter()
            await asyncio.sleep(0.1)

    async def _cost(self) -> None:
        before = cpu_seconds(self._bot.pid)
        people = self._people(100)
        await write_at(self._bot.wire, self._counter, self._http, people, 5, WORDS)
        await self.settle()
        self.arm.cpu_per_thousand = (cpu_seconds(self._bot.pid) - before) * 1000 / len(people)

    async def _climb(self) -> None:
        for rate in LADDER:
            run = await self.run(rate, 8)
            await self.settle()
            if run.at(0.99) >= 1000:
                return
            self.arm.highest = rate

    async def _forge(self) -> None:
        people = self._people(20)
        for person in people:
            await self._bot.wire.post(self._http, person, WORDS[0], forged=True)
        await self.settle()
        self.arm.forged = sum(self._bot.wire.address(person) in self._counter.first for person in people)

    async def _kill(self) -> None:
        """Killed while forty people write ten a second. Telegram delivers again what was not thanked for; Twilio does not."""
        people = self._people(40)
        tasks = {}
        for person in people:
            tasks[person] = asyncio.create_task(self._bot.wire.post(self._http, person, WORDS[0]))
            await asyncio.sleep(0.1)
        self._bot.kill()
        thanked = {person: await task for person, task in tasks.items()}
        await self._bot.start()
        for person in people:
            if not thanked[person] and person % 2:
                await self._bot.wire.post(self._http, person, WORDS[0])
        await asyncio.sleep(20)
        silent = [person for person in people if self._bot.wire.address(person) not in self._counter.first]
        self.arm.lost = len(silent)
        self.arm.in_flight = sum(not thanked[person] for person in people)


@asynccontextmanager
async def _running(name: str, folder: Path) -> AsyncIterator[Measuring]:
    counter = Counter()
    await counter.start()
    bot = stock(VAR / "stock", counter) if name == "stock" else ours(folder, counter)
    connector = aiohttp.TCPConnector(limit=0)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as http:
            yield Measuring(name, bot, counter, http)
    finally:
        bot.kill()
        await counter.stop()


async def _measure(name: str) -> Arm:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if name == "stock":
            (VAR / "stock" / "trackers.db").unlink(missing_ok=True)
        async with _running(name, Path(folder)) as measuring:
            arm = await measuring.measure()
            if name == "relais":
                await measuring.emergencies("engine alive")
                await measuring.without_engine()
                await measuring.emergencies("engine dead")
            return arm


def train_stock() -> None:
    """Train stock Rasa once; a few minutes."""
    if (VAR / "stock" / "models" / "stock.tar.gz").exists():
        return
    print("training stock Rasa (one epoch), some minutes", flush=True)
    command = [
        str(ROOT / "engine/.venv/bin/python"),
        str(ROOT / "bench/stock_rasa.py"),
        "train",
        str(VAR / "stock"),
        "1",
    ]
    with (VAR / "stock.log").open("wb") as out:
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, stdout=out, stderr=out
        )


def _report(one: Arm, two: Arm) -> None:
    print(f"\n{'':44}{'stock Rasa':>14}{'Relais':>14}{'ratio':>9}")

    def line(what: str, left: float, right: float) -> None:
        ratio = left / right if right else float("inf")
        print(f"{what:44}{left:14.1f}{right:14.1f}{ratio:9.2f}")

    for rate in map(str, RATES):
        for index, name in enumerate(("p50", "p95", "p99")):
            line(f"latency {name} at {rate}/s, ms", one.latency[rate][index], two.latency[rate][index])
        line(f"unanswered at {rate}/s", one.latency[rate][3], two.latency[rate][3])
    line("highest rate with p99 < 1 s, messages/s", one.highest, two.highest)
    line("memory, MB", one.megabytes, two.megabytes)
    line("start-up, s", one.started, two.started)
    line("CPU seconds per 1,000 messages", one.cpu_per_thousand, two.cpu_per_thousand)
    line("lost of 40 when killed under load", one.lost, two.lost)
    line("forged webhooks answered, of 20", one.forged, two.forged)
    for label, (p50, p95, p99, missing) in two.emergency.items():
        print(f"emergency words, {label}: p50 {p50:.0f}  p95 {p95:.0f}  p99 {p99:.0f} ms  unanswered {missing:.0f}")


def main() -> None:
    """Measure both and keep the figures in var/bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("stock", "relais"))
    options = parser.parse_args()
    arms = []
    for name in (options.only,) if options.only else ("stock", "relais"):
        if name == "stock":
            train_stock()
        arms.append(asyncio.run(_measure(name)))
        print(json.dumps(asdict(arms[-1])), flush=True)
    if len(arms) == 2:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps([asdict(arm) for arm in arms], indent=1))
        _report(arms[0], arms[1])


if __name__ == "__main__":
    main()
