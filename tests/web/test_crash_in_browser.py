"""The server dies in the middle of the night, and two volunteers reach for the same person: nothing is lost, nobody is doubled."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from playwright.async_api import async_playwright, expect

from bot.config import ROOT, async_database_url
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.web.browsers import CHROMIUM, IN_DANGER, NEEDS_CHROMIUM, Front, house, on_duty, say, sign_in
from tests.wires.server import free_port

pytestmark = NEEDS_CHROMIUM
DRAFT = "Je suis là, je lis ce que tu écris."


@dataclass
class Server:
    """`bot serve` as a process of its own, which can be killed."""

    port: int
    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        nowhere = asyncio.subprocess.DEVNULL
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "serve", cwd=ROOT, env=self.environment, stdout=nowhere, stderr=nowhere
        )
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(60):
            while True:
                try:
                    if (await http.get(f"{self.url}/healthz")).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    assert self.process.returncode is None, "the server ended while starting"
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def mortal(database_url: str) -> AsyncIterator[tuple[Front, Server]]:
    """Browsers in front of a server that can be killed."""
    port = free_port()
    chosen = {
        "DATABASE_URL": database_url,
        "ENGINE_URL": "http://127.0.0.1:9",
        "ENGINE_TOKEN": "x" * 16,
        "SECRET_KEYS": "a-secret-key-for-tests",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "SIMULATOR": "1",
        "QUIET_WINDOW": "0.2",
    }
    server = Server(port, {**os.environ, **chosen})
    database = Database(async_database_url(database_url))
    await migrate(database)
    await database.close()
    cookies = await sign_in(database_url)
    await server.start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            try:
                yield Front(server.url, browser, cookies), server
            finally:
                await browser.close()
    finally:
        await server.kill()


async def test_a_crash_in_the_middle_loses_nothing(sqlite_url: str) -> None:
    """While a volunteer types and somebody waits the server dies: draft, claim and queue are there again, live."""
    async with mortal(sqlite_url) as (here, server):
        sam, held, waits = await here.volunteer(1), await here.teen(), await here.teen()
        await on_duty(sam)
        await say(held, IN_DANGER)
        await sam.locator("#queue .acts button").first.click()
        await expect(sam.locator("article.talk")).to_be_visible()
        await say(waits, IN_DANGER)
        await expect(sam.locator("#queue [data-risk=imminent]")).to_have_count(1)
        async with sam.expect_response(lambda answer: answer.url.endswith("/draft")):
            await sam.fill(".composer textarea", "Je suis là")
        await server.kill()
        await sam.fill(".composer textarea", DRAFT)
        await sam.press(".composer textarea", "Control+Enter")
        await expect(sam.locator("#lost")).to_be_visible()
        async with sam.expect_response(lambda answer: answer.url.endswith("/draft"), timeout=30_000):
            await server.start()
        await expect(sam.locator("#lost")).to_be_hidden()
        await expect(sam.locator(".composer textarea")).to_have_value(DRAFT)
        await sam.reload()
        await expect(sam.locator(".composer textarea")).to_have_value(DRAFT)
        await expect(sam.locator("#queue [data-risk=imminent]")).to_have_count(1)
        await sam.press(".composer textarea", "Control+Enter")
        await expect(held.locator("#thread")).to_contain_text(DRAFT, timeout=20_000)
        await say(held, "dans ma chambre")
        await expect(sam.locator(".lines")).to_contain_text("dans ma chambre")
        said = await held.locator("#thread").inner_text()

    assert 1 == said.count(DRAFT)


async def test_two_browsers_that_reach_for_the_same_person_at_once(sqlite_url: str) -> None:
    """Both press “take” in the same instant: one has the conversation, the other reads that somebody was faster."""
    async with house(sqlite_url) as here:
        sam, lina, teen = await here.volunteer(1), await here.volunteer(2), await here.teen()
        pages = (sam, lina)
        for page in pages:
            await on_duty(page)
        await say(teen, IN_DANGER)
        for page in pages:
            await expect(page.locator("#queue .acts button")).to_be_visible()
        pressing = "document.querySelector('#queue .acts form').requestSubmit()"
        await asyncio.gather(*(page.evaluate(pressing) for page in pages))
        for page in pages:
            await expect(page.locator("article.talk, #news .bad").first).to_be_visible()
        has_it = [await page.locator("article.talk .composer textarea[name=text]").count() for page in pages]
        loser = pages[has_it.index(0)]

        await expect(loser.locator("#news")).to_contain_text("plus rapide")
        assert [0, 1] == sorted(has_it)


async def test_a_volunteer_whose_conversation_was_taken_over_is_told_at_once(sqlite_url: str) -> None:
    """Who types into a conversation that a supervisor took reads it without a reload, and keeps the text."""
    async with house(sqlite_url) as here:
        sam, nour, teen = await here.volunteer(1), await here.volunteer(3), await here.teen()
        await on_duty(sam)
        await on_duty(nour)
        await say(teen, IN_DANGER)
        await sam.locator("#queue .acts button").first.click()
        await expect(sam.locator("article.talk")).to_be_visible()
        await sam.fill(".composer textarea[name=text]", DRAFT)
        await nour.goto(f"{here.url}/console/c/1")
        await nour.get_by_role("button", name="Prendre la conversation").click()

        await expect(sam.locator(".beside")).to_contain_text("n'est plus la tienne")
        await expect(sam.locator(".composer textarea[name=text]")).to_have_value(DRAFT)
        await expect(teen.locator("#thread")).to_contain_text("Une autre personne de l'équipe prend le relais")
