"""Marked words, numbers and tokens go through every flow of a real server, and are then looked for everywhere (P14)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.config import ROOT, async_database_url
from bot.domain.accounts import Role
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.conftest import ENGINE_TOKEN, RunningEngine, start_engine
from tests.people import KEY, PASSWORD, code_of, csrf_of, enrolled
from tests.wires import telegram, twilio
from tests.wires.server import free_port, serving
from tests.wires.telegram import tap_update, text_update

WORDS = ("zinzolin", "amarante", "smaragdin")
NUMBER = "+33600000077"
CHAT = 7_700_700_707
WEBHOOK_SECRET = "canary-webhook-secret-000"
SECRETS = (WEBHOOK_SECRET, telegram.TOKEN, twilio.TOKEN, KEY, PASSWORD, "x" * 16 + "engine-canary")
MARKS = (*WORDS, NUMBER.removeprefix("+"), str(CHAT), *SECRETS)


@dataclass
class Server:
    """A `bot serve` of our own, with the fake providers."""

    url: str
    http: httpx.AsyncClient
    telegram: telegram.FakeTelegram
    twilio: twilio.FakeTwilio
    process: subprocess.Popen[bytes]
    folder: Path

    async def update(self, update: object, secret: str = WEBHOOK_SECRET) -> None:
        """An update as Telegram delivers it."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
        await self.http.post(f"{self.url}/webhooks/telegram", json=update, headers=headers)

    async def form(self, fields: dict[str, str], signature: str = "") -> None:
        """A form as Twilio delivers it."""
        url = f"{self.url}/webhooks/whatsapp"
        await self.http.post(url, data=fields, headers={"X-Twilio-Signature": signature or twilio.sign(url, fields)})

    async def until_said(self, chat: int, count: int) -> None:
        """Return when a chat was sent so many messages."""
        async with asyncio.timeout(10):
            while len(self.telegram.texts(chat)) < count:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def serve(folder: Path, engine_url: str, engine_token: str) -> AsyncIterator[Server]:
    """Start it, wait until it answers, stop it."""
    temporary = folder / "tmp"
    temporary.mkdir()
    fake_telegram, fake_twilio, port = telegram.FakeTelegram(), twilio.FakeTwilio(), free_port()
    url = f"http://127.0.0.1:{port}"
    async with serving(fake_telegram.app) as telegram_url, serving(fake_twilio.app) as twilio_url:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(temporary),
            "DATABASE_URL": f"sqlite:///{folder / 'relais.sqlite'}",
            "ENGINE_URL": engine_url,
            "ENGINE_TOKEN": engine_token,
            "PUBLIC_URL": url,
            "PORT": str(port),
            "SECRET_KEYS": KEY,
            "TELEGRAM_BOT_TOKEN": telegram.TOKEN,
            "TELEGRAM_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "TELEGRAM_MODE": "webhook",
            "TELEGRAM_API_BASE_URL": telegram_url,
            "TWILIO_ACCOUNT_SID": twilio.ACCOUNT,
            "TWILIO_AUTH_TOKEN": twilio.TOKEN,
            "TWILIO_WHATSAPP_FROM": twilio.SENDER,
            "TWILIO_API_BASE_URL": twilio_url,
            "LOG_FORMAT": "json",
            "QUIET_WINDOW": "0.1",
        }
        with (folder / "output.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
                [sys.executable, "-m", "bot", "serve"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
            try:
                async with httpx.AsyncClient(trust_env=False) as http:
                    await _until_alive(http, url, process)
                    yield Server(url, http, fake_telegram, fake_twilio, process, folder)
            finally:
                process.terminate()
                await asyncio.to_thread(process.wait, 20)


async def _until_alive(http: httpx.AsyncClient, url: str, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(40):
        while True:
            assert process.poll() is None, "the server ended while starting"
            try:
                if (await http.get(f"{url}/healthz")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)


async def live_through_everything(server: Server) -> str:
    """Every flow with marked words: both channels, refusals, rights, signing in and failing to. The metrics at the end."""
    photo = telegram.message(2, CHAT) | {"caption": WORDS[1], "photo": [{"file_id": WORDS[2], "file_unique_id": "y"}]}
    await server.update(text_update(1, CHAT, f"{WORDS[0]} je suis triste, appelle {NUMBER}"))
    await server.until_said(CHAT, 3)
    await server.update({"update_id": 2, "message": photo})
    await server.update(text_update(3, CHAT, f"{WORDS[1]} j'ai avalé toute la boîte de médicaments"))
    await asyncio.sleep(1)
    await server.update(text_update(4, CHAT, "mes données"))
    async with asyncio.timeout(10):
        while not any(WORDS[0] in said for said in server.telegram.texts(CHAT)):
            await asyncio.sleep(0.05)
    await server.update(tap_update(5, CHAT, f'/inform{{"since": "{WORDS[2]}"}}'))
    await server.form(twilio.inbound("SM1", NUMBER, WORDS[0], ProfileName=WORDS[1], MediaUrl0=WORDS[2], NumMedia="1"))
    await server.form(twilio.inbound("SM2", NUMBER, WORDS[0]), signature=WORDS[1])
    await server.form({"MessageSid": "SM3", "From": f"whatsapp:{WORDS[0]}", "Body": WORDS[1]})
    await server.update(text_update(6, CHAT, WORDS[0]), secret=WORDS[1])
    await server.update({"update_id": 7, "message": {"text": WORDS[0], "chat": WORDS[1]}})
    await server.update([WORDS[0]])
    server.telegram.failures.append((400, {"description": f"Bad Request: {WORDS[0]} {NUMBER}"}))
    await server.update(text_update(8, CHAT, f"{WORDS[2]} oui"))
    await console(server)
    for number, does in enumerate(("start", "say_class", *("skip",) * 8, "ok", "text", "pdf"), 20):
        await server.update(tap_update(number, CHAT, f"/paper_{does}"))
        if does == "start":
            await server.update(text_update(40, CHAT, f"{WORDS[1]} un groupe se moque de moi"))
        await asyncio.sleep(0.3)
    async with asyncio.timeout(60):
        # A message a second is all Telegram takes for one chat.
        while not server.telegram.documents:
            await asyncio.sleep(0.05)
    await server.update(text_update(9, CHAT, "/oublie"))
    await server.update(tap_update(10, CHAT, "/affirm"))
    await server.http.get(f"{server.url}/console/{WORDS[0]}?q={NUMBER}")
    await asyncio.sleep(4)
    return (await server.http.get(f"{server.url}/metrics")).text + (await server.http.get(f"{server.url}/readyz")).text


async def console(server: Server) -> None:
    _, secret = await enrolled(f"sqlite:///{server.folder / 'relais.sqlite'}", "Alex", Role.ADMIN)
    for password, code in ((WORDS[0], WORDS[1]), (PASSWORD, code_of(secret))):
        form = {"name": "Alex", "password": password, "code": code}
        await server.http.post(f"{server.url}/console/sign-in", data=form)
    page = (await server.http.get(f"{server.url}/console/accounts")).text
    await server.http.post(f"{server.url}/console/sign-out", data={"csrf": csrf_of(page)})


def found_in(data: bytes) -> set[str]:
    """The marks that stand in the clear in these bytes."""
    return {mark for mark in MARKS if mark.encode() in data}


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def command_lines() -> bytes:
    """What anybody on the machine sees of the processes that run."""
    lines = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines += path.read_bytes()
        except OSError:
            continue
    return lines


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc here")
async def test_no_mark_stands_anywhere_in_the_clear(tmp_path: Path) -> None:
    """P14: no log, metric, file, temporary file or process list shows a word, a number or a token."""
    database = Database(async_database_url(f"sqlite:///{tmp_path / 'relais.sqlite'}"))
    await migrate(database)
    await database.close()
    async with serve(tmp_path, "http://127.0.0.1:9", SECRETS[-1]) as server:
        shown = await live_through_everything(server)
        processes = await asyncio.to_thread(command_lines)
        while_running = {path.name: found_in(path.read_bytes()) for path in files_under(tmp_path)}
    afterwards = {path.name: found_in(path.read_bytes()) for path in files_under(tmp_path)}
    log = (tmp_path / "output.log").read_bytes()

    assert set() == found_in(shown.encode())
    assert set() == found_in(processes)
    assert not {name: marks for name, marks in {**while_running, **afterwards}.items() if marks}
    assert b"engine gave no answer" in log
    assert b"webhook refused" in log


@pytest.mark.engine
async def test_the_engine_keeps_nothing(tmp_path: Path) -> None:
    """The engine writes no file, logs no word, and its store is empty between two requests."""
    before = {path: path.stat().st_mtime_ns for path in _engine_files()}
    port = free_port()
    os.environ["TMPDIR"], old = str(tmp_path), os.environ.get("TMPDIR")
    try:
        process = await asyncio.to_thread(start_engine, port)
    finally:
        os.environ.pop("TMPDIR")
        if old is not None:
            os.environ["TMPDIR"] = old
    try:
        engine = RunningEngine(f"http://127.0.0.1:{port}", ENGINE_TOKEN)
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            for number in range(5):
                body = {
                    "text": f"{WORDS[0]} {NUMBER} {number}",
                    "payload": "",
                    "state": None,
                    "slots": {"language": "fr"},
                }
                headers = {"Authorization": f"Bearer {engine.token}"}
                answer = await http.post(f"{engine.url}/webhooks/relais/turn", json=body, headers=headers)
                assert answer.status_code == 200
        open_files = _written_by(process.pid)
        changed = [path for path in _engine_files() if path.stat().st_mtime_ns != before.get(path)]
        held = {path.name: found_in(path.read_bytes()) for path in [*files_under(tmp_path), *open_files, *changed]}
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)

    assert not {name: marks for name, marks in held.items() if marks}
    assert [] == [path for path in open_files if path.suffix in (".db", ".sqlite", ".log")]


def _engine_files() -> list[Path]:
    """The engine's working folder, without its libraries."""
    folders = [ROOT / "engine", ROOT / "models", ROOT / ".rasa"]
    found = [path for folder in folders if folder.exists() for path in folder.rglob("*")]
    return [path for path in found if ".venv" not in path.parts and "__pycache__" not in path.parts and path.is_file()]


def _written_by(pid: int) -> list[Path]:
    """The regular files a process has open for writing."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            flags = int((Path(f"/proc/{pid}/fdinfo") / link.name).read_text().split("flags:")[1].split()[0], 8)
            path = link.resolve()
        except (OSError, IndexError, ValueError):
            continue
        if flags & (os.O_WRONLY | os.O_RDWR) and path.is_file():
            found.append(path)
    return found


@pytest.mark.engine
def test_the_engine_s_store_forgets_with_the_request() -> None:
    """A tracker lives as long as its request, whatever becomes of it."""
    script = (
        "import asyncio\n"
        "from rasa.shared.core.trackers import DialogueStateTracker\n"
        "from engine.trackers import RequestTrackerStore, _being_served, discard\n"
        "async def main():\n"
        "    store = RequestTrackerStore(None)\n"
        "    await store.save(DialogueStateTracker('a', []))\n"
        "    assert list(await store.keys()) == ['a']\n"
        "    discard('a')\n"
        "    assert list(await store.keys()) == [] and not _being_served\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [str(ROOT / "engine/.venv/bin/python"), "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        check=False,
        timeout=120,
    )

    assert 0 == done.returncode, done.stderr.decode()[-500:]
