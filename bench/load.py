"""Load for two kinds of bot: one fake provider, people who write at a steady rate, and what it costs the processes that answer.

Latency is the time from handing a webhook over to the first call at the provider for that person, in milliseconds.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.wires import telegram, twilio
from tests.wires.server import free_port

PATIENCE = 20.0
"""Seconds after the last message; who has no answer by then has none."""
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Counter:
    """Both providers in one: takes every send at once, and keeps when each person was first written to, and how often."""

    first: dict[str, float] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._telegram)
        app.router.add_post(f"/2010-04-01/Accounts/{twilio.ACCOUNT}/Messages.json", self._twilio)
        app.router.add_route("*", "/{rest:.*}", _fine)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        port = free_port()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _note(self, address: str) -> int:
        self.first.setdefault(address, time.perf_counter())
        self.count[address] += 1
        return sum(self.count.values())

    async def _telegram(self, request: web.Request) -> web.Response:
        form = await request.post() if request.method == "POST" else request.query
        match request.match_info["method"]:
            case "sendMessage":
                chat = str(form["chat_id"])
                sent = {"message_id": self._note(chat), "date": 1_795_000_000, "text": str(form["text"])}
                return web.json_response({"ok": True, "result": {**sent, "chat": {"id": int(chat), "type": "private"}}})
            case "getMe":
                me = {"id": 123456, "is_bot": True, "first_name": "Relais", "username": "relais_bot"}
                return web.json_response({"ok": True, "result": me})
            case _:
                return web.json_response({"ok": True, "result": True})

    async def _twilio(self, request: web.Request) -> web.Response:
        form = await request.post()
        number = self._note(str(form["To"]).removeprefix("whatsapp:"))
        body = {"sid": f"SM{number:032d}", "status": "queued", "to": form["To"], "body": form["Body"]}
        return web.json_response(body, status=201)


async def _fine(request: web.Request) -> web.Response:
    page: dict[str, object] = {"page": 0, "page_size": 20, "next_page_uri": None, "uri": request.path, "media_list": []}
    return web.json_response(page)


Post = Callable[[int, str], Awaitable[bool]]
"""Hands the message of person N over; whether the bot said thank you."""


@dataclass(frozen=True, slots=True)
class Wire:
    """How a bot takes its webhooks: its address, its paths, and the secret Telegram shows."""

    url: str
    telegram_path: str
    twilio_path: str
    public_url: str
    secret: str = ""

    def address(self, person: int) -> str:
        """The address of a person: the even ones write on WhatsApp."""
        return str(person) if person % 2 else f"+336{person:08d}"

    async def post(self, http: aiohttp.ClientSession, person: int, text: str, *, forged: bool = False) -> bool:
        """Deliver one message as the provider does, or as a forger would."""
        if person % 2:
            headers = {} if forged else {"X-Telegram-Bot-Api-Secret-Token": self.secret}
            body = telegram.text_update(person, person, text)
            call = http.post(self.url + self.telegram_path, json=body, headers=headers)
        else:
            form = twilio.inbound(f"SM{person:032x}", self.address(person), text)
            signature = twilio.sign(self.public_url + self.twilio_path, form)
            headers = {} if forged else {"X-Twilio-Signature": signature}
            call = http.post(self.url + self.twilio_path, data=form, headers=headers)
        try:
            async with call as answer:
                return answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a load: latencies in milliseconds, sorted; how many people got nothing."""

    milliseconds: tuple[float, ...]
    unanswered: int

    def at(self, share: float) -> float:
        """The latency below which `share` of the people were; infinite where nobody was answered."""
        everybody = (*self.milliseconds, *[float("inf")] * self.unanswered)
        return everybody[min(len(everybody) - 1, int(len(everybody) * share))] if everybody else float("inf")


async def write_at(
    wire: Wire, counter: Counter, http: aiohttp.ClientSession, people: range, rate: float, words: tuple[str, ...]
) -> Run:
    """Everybody of `people` writes once, so many a second; returns when all are answered or patience ends."""
    started: dict[str, float] = {}
    tasks = []
    began = time.perf_counter()
    for index, person in enumerate(people):
        await asyncio.sleep(max(0.0, began + index / rate - time.perf_counter()))
        started[wire.address(person)] = time.perf_counter()
        tasks.append(asyncio.create_task(wire.post(http, person, words[index % len(words)])))
    deadline = time.perf_counter() + PATIENCE
    while time.perf_counter() < deadline and not started.keys() <= counter.first.keys():
        await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    took = sorted((counter.first[who] - at) * 1000 for who, at in started.items() if who in counter.first)
    return Run(tuple(took), len(started) - len(took))


def family(pid: int) -> tuple[int, ...]:
    """A process and all its descendants."""
    found = [pid]
    for child in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = child.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found += family(int(child.parent.name))
    return tuple(found)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its descendants so far."""
    total = 0
    for member in family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICK


def megabytes(pid: int) -> float:
    """Memory that a process and its descendants hold, shared pages counted once (PSS)."""
    total = 0
    for member in family(pid):
        for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024
