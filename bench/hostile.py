"""Bad input at speed: a flood from one person, forged webhooks, slow connections, hostile bodies: `python -m bench.hostile`.

A real `bot serve` on SQLite, a provider that takes everything, no engine (nobody in danger waits for it). Ends with status 1
when a limit is missed. `--only flood|forged|slow|bodies` runs one part.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bench.hostile_bodies import HOSTILE, Hostile
from bench.load import Counter, Run, Wire, cpu_seconds, megabytes, write_at
from bot.config import ROOT
from tests.wires import telegram, twilio
from tests.wires.server import free_port

SECRET = "webhook-secret"
FLOOD_RATE, FLOOD_SECONDS = 200, 10
OTHERS = 5
FORGED = 2_000
SLOW = 1_000
SLOW_PATIENCE = 40.0
HARMLESS = ("salut", "je m'ennuie un peu", "c'est quoi ici", "tu es là ?")
EMERGENCY = "j'ai avalé toute la boîte de médicaments"
EMERGENCY_WORDS = ("114", "15", "112")
PARTS = ("flood", "forged", "slow", "bodies")


@dataclass
class Ear(Counter):
    """A counter that also keeps the words it was given, and when."""

    heard: list[tuple[float, str, str]] = field(default_factory=list)

    async def _telegram(self, request: web.Request) -> web.Response:
        form = await request.post() if request.method == "POST" else request.query
        if request.match_info["method"] == "sendMessage":
            self.heard.append((time.perf_counter(), str(form["chat_id"]), str(form["text"])))
        return await super()._telegram(request)

    def heard_at(self, person: int, since: float, words: tuple[str, ...]) -> float | None:
        """When somebody was first told one of these words."""
        found = (
            at for at, chat, text in self.heard if chat == str(person) and at > since and any(w in text for w in words)
        )
        return next(found, None)


@dataclass
class Bench:
    """The running gateway, its provider, and what was found wrong."""

    process: subprocess.Popen[bytes]
    wire: Wire
    ear: Ear
    http: aiohttp.ClientSession
    missed: list[str] = field(default_factory=list)
    next_person: int = 1_000_001

    def people(self, count: int) -> range:
        """New people; all on Telegram, whose rate is the higher."""
        first, self.next_person = self.next_person, self.next_person + 2 * count
        return range(first, first + 2 * count, 2)

    def judge(self, what: str, value: float, limit: float, unit: str) -> None:
        """Print a figure with its limit."""
        is_fine = value <= limit
        print(f"  {what:62}{value:10.2f} {unit:3} (limit {limit:g}){'' if is_fine else '  MISSED'}", flush=True)
        if not is_fine:
            self.missed.append(what)

    async def settle(self) -> None:
        """Return when the provider hears nothing more for two seconds."""
        last, since = -1, time.perf_counter()
        while time.perf_counter() - since < 2:
            if (total := len(self.ear.heard)) != last:
                last, since = total, time.perf_counter()
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running() -> AsyncIterator[Bench]:
    """Start everything; stop everything."""
    ear, port = Ear(), free_port()
    await ear.start()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = {
            "DATABASE_URL": f"sqlite:///{Path(folder) / 'hostile.sqlite'}",
            "ENGINE_URL": f"http://127.0.0.1:{free_port()}",
            "ENGINE_TOKEN": "x" * 16,
            "SECRET_KEYS": "a-secret-key-for-benchmarks",
            "PORT": str(port),
            "PUBLIC_URL": url,
            "TELEGRAM_BOT_TOKEN": telegram.TOKEN,
            "TELEGRAM_WEBHOOK_SECRET": SECRET,
            "QUIET_WINDOW": "0",
            "TELEGRAM_MODE": "webhook",
            "TELEGRAM_API_BASE_URL": ear.url,
            "TWILIO_ACCOUNT_SID": twilio.ACCOUNT,
            "TWILIO_AUTH_TOKEN": twilio.TOKEN,
            "TWILIO_WHATSAPP_FROM": twilio.SENDER,
            "TWILIO_API_BASE_URL": ear.url,
        }
        process = _spawn(settings)
        connector = aiohttp.TCPConnector(limit=0)
        try:
            async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as http:
                bench = Bench(process, Wire(url, "/webhooks/telegram", "/webhooks/whatsapp", url, SECRET), ear, http)
                await _until_alive(bench)
                yield bench
        finally:
            process.kill()
            process.wait()
            await ear.stop()


def _spawn(settings: dict[str, str]) -> subprocess.Popen[bytes]:
    """What it says goes to the file HOSTILE_LOG names, if any."""
    with Path(os.environ.get("HOSTILE_LOG", os.devnull)).open("wb") as log:
        return subprocess.Popen(
            (sys.executable, "-m", "bot", "serve"), cwd=ROOT, env={**os.environ, **settings}, stdout=log, stderr=log
        )


async def _until_alive(bench: Bench) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with bench.http.get(f"{bench.wire.url}/healthz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)


async def flood(bench: Bench) -> None:
    """One person writes 200 messages a second; others write meanwhile; then the one who floods is in danger."""
    print(f"A flood: one person, {FLOOD_RATE} messages/s for {FLOOD_SECONDS} s, {OTHERS} others a second", flush=True)
    calm = await _others(bench)
    await bench.settle()
    flooder = bench.people(1)[0]
    before = cpu_seconds(bench.process.pid)
    flooding = asyncio.create_task(_flood(bench, flooder))
    stormy = await _others(bench)
    lines = await flooding
    waiting = sum(not line.done() for line in lines)
    asked = time.perf_counter()
    await bench.wire.post(bench.http, flooder, EMERGENCY)
    thanks_at = time.perf_counter()
    answered = await _emergency(bench, flooder, asked)
    taken = sum(await asyncio.gather(*lines))
    all_after = time.perf_counter() - asked
    await bench.settle()
    spent = cpu_seconds(bench.process.pid) - before
    for name, run in (("calm", calm), ("in the flood", stormy)):
        print(f"  others, {name}: p50 {run.at(0.5):.0f}  p95 {run.at(0.95):.0f} ms")
    print(f"  flood: {waiting} of {len(lines)} under way at its end, the last taken {all_after:.1f} s later")
    print(f"  {spent / len(lines) * 1000:.1f} ms CPU for each of its messages, everybody else's included")
    print(f"  the flooder's emergency was taken after {(thanks_at - asked) * 1000:.0f} ms")
    bench.judge("others in the flood, p95", stormy.at(0.95), 2_000, "ms")
    bench.judge("ratio of p95, flood to calm", stormy.at(0.95) / calm.at(0.95), 3, "x")
    bench.judge("others without an answer", stormy.unanswered, 0, "")
    bench.judge("the flooder's emergency words", answered * 1000, 1_000, "ms")
    bench.judge("messages of the flood not taken", len(lines) - taken, 0, "")


async def _others(bench: Bench) -> Run:
    people = bench.people(OTHERS * FLOOD_SECONDS)
    return await write_at(bench.wire, bench.ear, bench.http, people, OTHERS, HARMLESS)


async def _flood(bench: Bench, flooder: int) -> list[asyncio.Task[bool]]:
    """Send at the rate whatever comes back; what may still be under way at the end."""
    tasks: list[asyncio.Task[bool]] = []
    began = time.perf_counter()
    for index in range(FLOOD_RATE * FLOOD_SECONDS):
        await asyncio.sleep(max(0.0, began + index / FLOOD_RATE - time.perf_counter()))
        tasks.append(asyncio.create_task(_line(bench, flooder, index)))
    return tasks


async def _line(bench: Bench, flooder: int, index: int) -> bool:
    update = telegram.text_update(10_000_000 + index, flooder, f"lol {index} mdr")
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    url = bench.wire.url + bench.wire.telegram_path
    try:
        async with bench.http.post(url, json=update, headers=headers) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _emergency(bench: Bench, person: int, asked: float) -> float:
    deadline = time.perf_counter() + 30
    while time.perf_counter() < deadline:
        if at := bench.ear.heard_at(person, asked, EMERGENCY_WORDS):
            return at - asked
        await asyncio.sleep(0.005)
    return float("inf")


async def forged(bench: Bench) -> None:
    """Forged webhooks of every kind: processor time of the process for each."""
    print(f"Forged webhooks, {FORGED} of each kind, 8 connections", flush=True)
    form = twilio.inbound("SM" + "0" * 32, "+33600000000", "salut, c'est moi " * 10)
    update = telegram.text_update(1, 3, "salut, c'est moi " * 10)
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "Telegram without the secret": (bench.wire.telegram_path, {"json": update}),
        "Telegram with a wrong secret": (
            bench.wire.telegram_path,
            {"json": update, "headers": {"X-Telegram-Bot-Api-Secret-Token": "guess"}},
        ),
        "Twilio without a signature": (bench.wire.twilio_path, {"data": form}),
        "Twilio with a wrong signature": (
            bench.wire.twilio_path,
            {"data": form, "headers": {"X-Twilio-Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}},
        ),
    }
    await _forge(bench, *kinds["Telegram without the secret"], 200)
    for name, (path, request) in kinds.items():
        each = await _forge(bench, path, request, FORGED)
        bench.judge(f"{name}, CPU each", each, 1.0, "ms")


async def _forge(bench: Bench, path: str, request: dict[str, Any], count: int) -> float:
    left = iter(range(count))

    async def send() -> None:
        for _ in left:
            async with bench.http.post(bench.wire.url + path, **request) as answer:
                assert answer.status == 403, answer.status
                await answer.read()

    before = cpu_seconds(bench.process.pid)
    await asyncio.gather(*(send() for _ in range(8)))
    return (cpu_seconds(bench.process.pid) - before) / count * 1000


async def slow(bench: Bench) -> None:
    """Connections that send one byte now and then, half of them in the headers, half in the body."""
    print(f"{SLOW} slow connections, half in the headers and half in the body", flush=True)
    before, memory = await _others(bench), megabytes(bench.process.pid)
    stop = asyncio.Event()
    began = time.perf_counter()
    tasks = [asyncio.create_task(_drip(bench, index, stop)) for index in range(SLOW)]
    await asyncio.sleep(2)
    during = await _others(bench)
    held = megabytes(bench.process.pid) - memory
    finished, left = await asyncio.wait(tasks, timeout=SLOW_PATIENCE - (time.perf_counter() - began))
    stop.set()
    await asyncio.gather(*tasks)
    longest = max((task.result() for task in finished), default=float("inf"))
    ratio = during.at(0.95) / before.at(0.95)
    print(
        f"  others: p95 {before.at(0.95):.0f} ms without them, {during.at(0.95):.0f} ms with them (ratio {ratio:.2f})"
    )
    bench.judge("others without an answer", during.unanswered, 0, "")
    bench.judge("others meanwhile, p95", during.at(0.95), 2_000, "ms")
    bench.judge("connections never closed", len(left), 0, "")
    bench.judge("the longest any of them was kept", longest, 30, "s")
    bench.judge("memory they held", held, 100, "MB")


async def _drip(bench: Bench, index: int, stop: asyncio.Event) -> float:
    """Send a byte a second until the other side has enough; the seconds it took."""
    began = time.perf_counter()
    path = bench.wire.telegram_path
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Telegram-Bot-Api-Secret-Token: {SECRET}\r\n"
    try:
        port = int(bench.wire.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if index % 2:
            writer.write(f"{head}Content-Length: 100000\r\n\r\n".encode())
        else:
            writer.write(f"{head}X-Slow: ".encode())
        while not stop.is_set() and not reader.at_eof():
            writer.write(b"a")
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    if not await reader.read(4096):
                        break
        writer.close()
    except OSError:
        pass
    return time.perf_counter() - began


async def bodies(bench: Bench) -> None:
    """Oversize, malformed and hostile bodies, correctly signed where that lets them further in: processor time of each."""
    print("Hostile bodies, signed where that lets them in", flush=True)
    worst = ("", 0.0)
    for hostile in HOSTILE:
        spent, answer = await _throw(bench, hostile)
        print(f"    {hostile.name:56}{spent * 1000:8.0f} ms CPU   {answer or 'cut off'}", flush=True)
        worst = max(worst, (hostile.name, spent), key=lambda item: item[1])
        if answer.startswith("5"):
            bench.missed.append(f"{hostile.name}: {answer}")
    print(f"  worst: {worst[0]}")
    bench.judge("the worst body, CPU", worst[1] * 1000, 1_000, "ms")
    alive = await write_at(bench.wire, bench.ear, bench.http, bench.people(5), 5, HARMLESS)
    bench.judge("others without an answer afterwards", alive.unanswered, 0, "")


async def _throw(bench: Bench, hostile: Hostile) -> tuple[float, str]:
    before = cpu_seconds(bench.process.pid)
    port = int(bench.wire.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    status = b""
    writing = asyncio.create_task(_write(writer, hostile, bench.wire.public_url))
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(40):
            status = await reader.readline()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    writer.close()
    await asyncio.sleep(0.3)
    answer = status.decode("latin-1").partition(" ")[2].strip()
    return cpu_seconds(bench.process.pid) - before, answer


async def _write(writer: asyncio.StreamWriter, hostile: Hostile, public_url: str) -> None:
    for chunk in hostile.wire(SECRET, public_url):
        writer.write(chunk)
        await writer.drain()


async def _run(parts: tuple[str, ...]) -> int:
    steps = {"flood": flood, "forged": forged, "slow": slow, "bodies": bodies}
    async with running() as bench:
        for part in parts:
            await steps[part](bench)
            await bench.settle()
        print(f"memory at the end: {megabytes(bench.process.pid):.0f} MB")
        for missed in bench.missed:
            print(f"MISSED: {missed}")
        return 1 if bench.missed else 0


def main() -> None:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    sys.exit(asyncio.run(_run((options.only,) if options.only else PARTS)))


if __name__ == "__main__":
    main()
