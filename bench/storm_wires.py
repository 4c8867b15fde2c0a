"""Two providers in foul weather: slow, busy, broken, silent after accepting; and webhooks repeated, late, out of order.

Everything a provider took is kept with its time and its fate, so that the ledger can tell what was lost, doubled or reordered.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

from tests.wires import telegram, twilio

Weather = dict[str, float]
FOUL: Weather = {"slow": 0.15, "busy": 0.04, "broken": 0.04, "dropped": 0.03, "unconfirmed": 0.025, "silent": 0.005}
"""How likely each fate of a send is; the rest goes well."""
SILENT_FOR = 12.0
"""Longer than either of our clients waits (10 s)."""


class Fate(StrEnum):
    """What became of an accepted send."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Taken:
    """A message a provider took: its own id for it, for whom, when it came in (monotonic seconds), and whether it told us so."""

    id: str
    address: str
    text: str
    at: float
    fate: Fate


@dataclass
class Provider:
    """What both providers share: the dice, and the list of what was taken."""

    name: str
    dice: random.Random
    weather: Weather
    taken: list[Taken] = field(default_factory=list)
    refused: int = 0
    _unconfirmed: set[tuple[str, str]] = field(default_factory=set)

    async def take(
        self, request: web.Request, address: str, text: str, confirm: Callable[[str], web.Response], busy: web.Response
    ) -> web.StreamResponse:
        """Let fate decide about one send."""
        fate, at = self._roll(address, text), time.monotonic()
        if fate == "slow":
            await asyncio.sleep(self.dice.uniform(0.2, 1.5))
        if fate in ("busy", "broken", "dropped"):
            self.refused += 1
            if fate == "dropped":
                return _hang_up(request)
            return busy if fate == "busy" else web.Response(status=500, text="internal error")
        unconfirmed = fate in ("unconfirmed", "silent")
        number = f"{len(self.taken) + 1}"
        self.taken.append(Taken(number, address, text, at, Fate.UNCONFIRMED if unconfirmed else Fate.CONFIRMED))
        if fate == "silent":
            await asyncio.sleep(SILENT_FOR)
        return _hang_up(request) if unconfirmed else confirm(number)

    def _roll(self, address: str, text: str) -> str:
        draw = self.dice.random()
        fate = "well"
        for name, share in self.weather.items():
            if 0 <= draw < share:
                fate = name
            draw -= share
        if fate in ("unconfirmed", "silent"):
            # Nobody can promise "at most twice" to a provider that swallows the same message again and again.
            if (address, text) in self._unconfirmed:
                return "well"
            self._unconfirmed.add((address, text))
        return fate


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


class StormyTelegram(Provider):
    """sendMessage as Telegram answers it, when it does."""

    def app(self) -> web.Application:
        """The server."""
        app = web.Application()
        app.router.add_route("*", f"/bot{telegram.TOKEN}/{{method}}", self._call)
        return app

    async def _call(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["method"] != "sendMessage":
            return web.json_response({"ok": True, "result": True})
        form = await request.post()
        chat, text = str(form["chat_id"]), str(form["text"])
        wait = self.dice.randint(1, 2)
        busy = {"ok": False, "error_code": 429, "description": "Too Many", "parameters": {"retry_after": wait}}

        def confirm(number: str) -> web.Response:
            sent = {"message_id": int(number), "date": 1_795_000_000, "chat": {"id": int(chat), "type": "private"}}
            return web.json_response({"ok": True, "result": {**sent, "text": text}})

        return await self.take(request, chat, text, confirm, web.json_response(busy, status=429))


class StormyTwilio(Provider):
    """Messages.create as Twilio answers it, when it does, and its status callbacks in any order."""

    tell: Callable[[dict[str, str]], None] | None = None

    def app(self) -> web.Application:
        """The server."""
        app = web.Application()
        account = f"/2010-04-01/Accounts/{twilio.ACCOUNT}"
        app.router.add_post(f"{account}/Messages.json", self._create)
        app.router.add_route("*", f"{account}/{{rest:.*}}", _nothing)
        return app

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        to, text = str(form["To"]).removeprefix("whatsapp:"), str(form["Body"])
        busy = {"code": 63018, "message": "rate limit", "status": 429, "more_info": ""}

        def confirm(number: str) -> web.Response:
            sid = sid_of(number)
            for status in self.dice.sample(("sent", "delivered", "read"), 3):
                if self.tell is not None:
                    self.tell({"MessageSid": sid, "MessageStatus": status, "AccountSid": twilio.ACCOUNT})
            return web.json_response({"sid": sid, "status": "queued", "to": form["To"]}, status=201)

        return await self.take(request, to, text, confirm, web.json_response(busy, status=429))


async def _nothing(request: web.Request) -> web.Response:
    if request.method == "GET":
        page: dict[str, object] = {
            "page": 0,
            "page_size": 20,
            "next_page_uri": None,
            "uri": request.path,
            "media_list": [],
        }
        return web.json_response(page)
    return web.Response(status=204)


def sid_of(number: str) -> str:
    """Twilio's form of an id."""
    return f"SM{int(number):032d}"


@dataclass
class Postman:
    """Delivers webhooks up to three times each, late and out of order, again and again until they are taken."""

    post: Callable[[str, str], Awaitable[bool]]
    dice: random.Random
    latest: float
    tried: dict[str, float] = field(default_factory=dict)
    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    def send(self, name: str, kind: str, body: object, times: int = 0) -> None:
        """Begin delivering `body`, known as `name`."""
        raw = json.dumps(body)
        for _ in range(times or self.dice.choices((1, 2, 3), (6, 3, 1))[0]):
            delay = self.dice.uniform(0, self.latest) * self.dice.random() ** 3
            task = asyncio.create_task(self._deliver(name, kind, raw, delay))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _deliver(self, name: str, kind: str, raw: str, delay: float) -> None:
        await asyncio.sleep(delay)
        self.tried.setdefault(name, time.monotonic())
        while not await self.post(kind, raw):
            await asyncio.sleep(self.dice.uniform(0.3, 1.5))
        self.taken[name].append(time.monotonic())

    async def finish(self) -> None:
        """Return when everything was taken."""
        while self._running:
            await asyncio.gather(*tuple(self._running))
