"""A storm: real processes, providers in foul weather, SIGKILL at any moment, a full disk, a moving clock: `python -m bench.storm`.

At the end nothing may be lost, doubled or out of order, and nobody unanswered; exits 1 otherwise. A send the provider accepted
and never confirmed may arrive twice, and is counted apart.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from sqlalchemy import func, select

from bench.storm_database import database_for
from bench.storm_fleet import FAKETIME, Fleet, end_with_us, engine, gateway, until_ready
from bench.storm_ledger import Ledger, reckon
from bench.storm_wires import FOUL, Postman, StormyTelegram, StormyTwilio
from bot.config import async_database_url
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.outbox import WAITING_STATES
from bot.store.tables import InboundRow, OutboundRow
from tests.wires import telegram, twilio
from tests.wires.server import free_port

KEYS = "a-secret-key-for-the-storm"
TOKEN = "a-token-for-the-storm"
SECRET = "webhook-secret"
CALM = 240.0
"""Seconds everybody has to be answered in, once the weather is fine again."""
EMERGENCY = "j'ai avalé toute la boîte de médicaments"
WORDS = (
    "salut",
    "ils se moquent de moi sur insta tous les jours",
    "je dors plus la nuit",
    "c'est quoi le 3018",
    "jsuis trop seule",
    "ils ont fait un groupe snap pour se foutre de moi",
    "mes parents comprennent rien",
    "merci",
    "oui",
    "non",
    "c'est anonyme ?",
    "j'ai plus envie de vivre",
    "on m'a volé mon compte tiktok",
    "mon prof me hurle dessus",
    "tu peux faire quoi",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How big a storm."""

    database: str
    messages: int
    people: int
    kills: int
    seconds: float
    seed: int
    own_engine: bool = True
    engine_url: str = ""
    engine_token: str = TOKEN
    clock: bool = True
    disk: bool = True


def main() -> None:
    """Run on one database or both; exit 1 unless clean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=240.0, help="how long people write")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    end_with_us()
    names = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    clean = True
    for name in names:
        plan = Plan(name, options.messages, options.people, options.kills, options.seconds, options.seed)
        with tempfile.TemporaryDirectory(prefix="storm-", ignore_cleanup_errors=True) as folder:
            clean &= asyncio.run(run(plan, Path(folder))).is_clean
    sys.exit(0 if clean else 1)


async def run(plan: Plan, folder: Path) -> Ledger:
    """One storm, its reckoning printed."""
    dice = random.Random(plan.seed)
    async with database_for(plan.database, folder) as (url, ballast), _providers(dice) as (chat, whatsapp, addresses):
        fleet = _fleet(plan, folder, url, addresses, dice)
        began = time.monotonic()
        try:
            await fleet.start()
            print(f"{plan.database}: {len(fleet.members)} processes ready after {time.monotonic() - began:.0f} s")
            async with _postman(fleet, dice) as postman:
                whatsapp.tell = lambda form: postman.send("", "status", form)
                sent = await _storm(plan, fleet, postman, url, folder, ballast)
                chat.weather = whatsapp.weather = {}
                await postman.finish()
                await _calm_down(url)
                await postman.finish()
            whatsapp.tell = None
        finally:
            fleet.stop()
        ledger = await _reckon(url, {name: name for name in sent}, (chat, whatsapp), fleet)
    print(f"{plan.database}: {fleet.kills} kills, {chat.refused + whatsapp.refused} sends refused or dropped")
    ledger.crashed = len(fleet.crashes)
    ledger.notes += fleet.crashes
    print(*ledger.lines(), sep="\n  ")
    _print_delays(postman, sent, (chat, whatsapp))
    return ledger


@asynccontextmanager
async def _providers(dice: random.Random) -> AsyncIterator[tuple[StormyTelegram, StormyTwilio, tuple[str, str]]]:
    chat = StormyTelegram("telegram", random.Random(dice.random()), dict(FOUL))
    whatsapp = StormyTwilio("whatsapp", random.Random(dice.random()), dict(FOUL))
    runners, addresses = [], []
    for provider in (chat, whatsapp):
        runner = web.AppRunner(provider.app(), access_log=None)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        runners.append(runner)
        addresses.append(f"http://127.0.0.1:{port}")
    try:
        yield chat, whatsapp, (addresses[0], addresses[1])
    finally:
        for runner in runners:
            await runner.cleanup()


def _fleet(plan: Plan, folder: Path, url: str, addresses: tuple[str, str], dice: random.Random) -> Fleet:
    port = free_port()
    environment = {
        "DATABASE_URL": url,
        "SECRET_KEYS": KEYS,
        "ENGINE_URL": plan.engine_url or f"http://127.0.0.1:{port}",
        "ENGINE_TOKEN": plan.engine_token,
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "TELEGRAM_BOT_TOKEN": telegram.TOKEN,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_API_BASE_URL": addresses[0],
        "TWILIO_ACCOUNT_SID": twilio.ACCOUNT,
        "TWILIO_AUTH_TOKEN": twilio.TOKEN,
        "TWILIO_WHATSAPP_FROM": twilio.SENDER,
        "TWILIO_API_BASE_URL": addresses[1],
        "WHATSAPP_RATE": "40",
    }
    roles: tuple[tuple[str, str], ...] = (("gateway", "all"),)
    if plan.database == "postgresql":
        roles = (("web1", "web"), ("web2", "web"), ("worker1", "worker"), ("worker2", "worker"), ("worker3", "worker"))
    members = [gateway(name, role, environment, folder) for name, role in roles]
    if plan.own_engine:
        members.append(engine(port, plan.engine_token))
    return Fleet(tuple(members), folder, dice)


@asynccontextmanager
async def _postman(fleet: Fleet, dice: random.Random) -> AsyncIterator[Postman]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:

        async def post(kind: str, raw: str) -> bool:
            base = dice.choice(fleet.webs).ready_url.removesuffix("/healthz")
            body = json.loads(raw)
            if kind == "telegram":
                headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
                call = http.post(f"{base}/webhooks/telegram", json=body, headers=headers)
            else:
                path = "/webhooks/whatsapp" + ("/status" if kind == "status" else "")
                headers = {"X-Twilio-Signature": twilio.sign(f"http://127.0.0.1:8000{path}", body)}
                call = http.post(base + path, data=body, headers=headers)
            try:
                async with call as answer:
                    return answer.status < 300
            except (aiohttp.ClientError, TimeoutError, OSError):
                return False

        yield Postman(post, dice, latest=6.0)


async def _storm(
    plan: Plan, fleet: Fleet, postman: Postman, url: str, folder: Path, ballast: Path | None
) -> dict[str, tuple[str, float]]:
    """People write while processes die: the messages written, by name, with their address and whether an emergency."""
    dice, sent = fleet.dice, dict[str, tuple[str, float]]()
    moments = sorted(dice.uniform(0.05, 0.95) * plan.seconds for _ in range(plan.kills))
    troubles = [(at, "kill") for at in moments]
    if plan.disk:
        troubles.append((plan.seconds * 0.4, "disk"))
    if plan.clock and FAKETIME.exists():
        troubles += [(plan.seconds * 0.6, "+90"), (plan.seconds * 0.75, "-90"), (plan.seconds * 0.9, "+0")]
    elif plan.clock:
        print("  the clock was not moved: libfaketime is not installed")

    async def trouble() -> None:
        began = time.monotonic()
        for at, what in sorted(troubles):
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            await _afflict(what, plan, fleet, folder, ballast)

    task = asyncio.create_task(trouble())
    pause = plan.seconds / plan.messages
    for number in range(plan.messages):
        person = dice.randrange(plan.people)
        is_emergency = dice.random() < 0.03
        text = EMERGENCY if is_emergency else dice.choice(WORDS)
        kind, name, body = _message(number, person, text)
        sent[name] = (body_address(kind, person), float(is_emergency))
        postman.send(name, kind, body)
        fleet.restart_the_dead()
        await asyncio.sleep(pause * dice.uniform(0.2, 1.8))
    await task
    for member in fleet.members:
        await until_ready(member)
    return sent


async def _afflict(what: str, plan: Plan, fleet: Fleet, folder: Path, ballast: Path | None) -> None:
    if what == "kill":
        await fleet.kill_one()
    elif what == "disk" and plan.database == "sqlite":
        await fleet.fill_disk(folder / "storm.sqlite", 4.0)
    elif what == "disk" and ballast is not None:
        await _fill(fleet, ballast)
    elif what == "disk":
        print("  the disk was not filled: no small disk could be mounted")
    else:
        # One process only, where there are several: its clock is wrong and the others' is right.
        member = next(member for member in fleet.members if member.sends)
        fleet.move_clock(member, int(what))


async def _fill(fleet: Fleet, ballast: Path) -> None:
    began, file = time.monotonic(), ballast / "ballast"
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as out:
        while True:
            out.write(b"\0" * 65536)
    await asyncio.sleep(4.0)
    file.unlink()
    fleet.hurt.append((began - 3.0, time.monotonic() + 3.0, "disk full"))


def _message(number: int, person: int, text: str) -> tuple[str, str, dict[str, object]]:
    if person % 2:
        update = telegram.text_update(10_000 + number, 700_000 + person, text)
        return "telegram", f"telegram:{10_000 + number}.{10_000 + number}", update
    sid = f"SM{number:032x}"
    return "whatsapp", f"whatsapp:{sid}", dict(twilio.inbound(sid, body_address("whatsapp", person), text))


def body_address(kind: str, person: int) -> str:
    """The address of a person on a channel."""
    return str(700_000 + person) if kind == "telegram" else f"+336{person:08d}"


async def _calm_down(url: str) -> None:
    """Return when nothing waits any more, or after CALM seconds: what still waits then is lost or unanswered."""
    database = Database(async_database_url(url))
    deadline = time.monotonic() + CALM
    try:
        while time.monotonic() < deadline:
            async with database.read() as session:
                waiting = select(func.count()).where(OutboundRow.status.in_(WAITING_STATES))
                unanswered = select(func.count()).where(InboundRow.answered_at.is_(None))
                left = (await session.execute(waiting)).scalar_one() + (await session.execute(unanswered)).scalar_one()
            if left == 0:
                return
            await asyncio.sleep(0.5)
    finally:
        await database.close()


async def _reckon(
    url: str, expected: dict[str, str], providers: tuple[StormyTelegram, StormyTwilio], fleet: Fleet
) -> Ledger:
    database = Database(async_database_url(url))
    try:
        async with database.read() as session:
            return await reckon(session, Keyring((KEYS,)), expected, providers, fleet.hurt)
    finally:
        await database.close()


def _print_delays(
    postman: Postman, sent: dict[str, tuple[str, float]], providers: tuple[StormyTelegram, StormyTwilio]
) -> None:
    """From a webhook's first thanks to the next message at the provider for that person; none where the thanks came after it."""
    at = {provider.name: provider.taken for provider in providers}
    for label, wanted in (("emergencies", 1.0), ("everybody", 0.0)):
        delays = []
        for name, (address, is_emergency) in sent.items():
            if is_emergency < wanted or not postman.taken[name]:
                continue
            first = min(postman.taken[name])
            told = [item.at for item in at[name.partition(":")[0]] if item.address == address]
            # A process that stored and answered may be killed before it could thank for the webhook.
            answered = min((moment for moment in told if moment >= postman.tried[name]), default=first + CALM)
            delays.append(max(0.0, answered - first))
        if delays:
            delays.sort()
            print(
                f"  webhook to the next message out, {label}: median {statistics.median(delays):.1f} s, "
                f"p99 {delays[int(len(delays) * 0.99)]:.1f} s, longest {delays[-1]:.1f} s"
            )


if __name__ == "__main__":
    main()
