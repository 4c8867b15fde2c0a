"""The pages of signing in and of accounts, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pyotp
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright

from bot.app import build_web
from bot.commands.serve import prepare_demo
from bot.config import async_database_url
from bot.domain.accounts import Role
from bot.store import accounts
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.people import PASSWORD, settings_for
from tests.wires.server import free_port, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]


@asynccontextmanager
async def opened(database_url: str, *, demo: bool) -> AsyncIterator[tuple[Page, str, list[str]]]:
    """A phone-sized dark page on a running helpline, and what the browser complains about."""
    port = free_port()
    read = settings_for(database_url, public_url=f"http://127.0.0.1:{port}", port=port)
    database = Database(read.database_url)
    await migrate(database)
    await database.close()
    if demo:
        await prepare_demo(read)
    complaints: list[str] = []
    async with serving(build_web(read, "web", None), port) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="dark", locale="fr-FR")
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page, url, complaints
        await browser.close()


async def judged(page: Page) -> list[str]:
    """What axe finds wrong, and whether the page is wider than the phone."""
    found = await Axe().run(page)
    wide = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    problems = [f"{page.url}: {item['id']} {item['nodes'][0]['html'][:120]}" for item in found.response["violations"]]
    return [*problems, *([f"{page.url}: wider than the phone"] if wide else [])]


async def test_a_volunteer_sets_up_their_second_factor_on_a_phone(sqlite_url: str) -> None:
    """From the first password to the recovery codes, by keyboard, on a phone, with nothing axe objects to."""
    async with opened(sqlite_url, demo=False) as (page, url, complaints):
        database = Database(async_database_url(sqlite_url))
        async with database.write() as session:
            _, password = await accounts.add(session, "Alex", Role.ADMIN, datetime.now(UTC))
        await database.close()
        await page.goto(f"{url}/console/accounts")
        problems = await judged(page)
        await page.fill("#name", "Alex")
        await page.fill("#password", password)
        await page.press("#password", "Enter")
        await page.wait_for_url("**/console/account/enrol")
        problems += await judged(page)
        drawn = await page.evaluate("document.querySelector('img.qr').naturalWidth")
        secret = (await page.inner_text("code")).replace(" ", "")
        await page.fill("#code", pyotp.TOTP(secret).now())
        await page.fill("input[name=password]", PASSWORD)
        await page.press("input[name=password]", "Enter")
        await page.wait_for_selector("ol.codes li:nth-child(10)")
        problems += await judged(page)
        await page.click("a.button")
        await page.wait_for_url("**/console/accounts")
        problems += await judged(page)
        await page.fill("main form #name", "Noor")
        await page.click("text=Ajouter un compte >> nth=-1")
        await page.wait_for_selector("dl")
        problems += await judged(page)
        await page.goto(f"{url}/console/account")
        problems += await judged(page)
        await page.click("text=Se déconnecter")
        await page.wait_for_url("**/console/sign-in")

    assert drawn > 100
    assert [] == problems
    assert [] == complaints


async def test_the_demonstration_shows_a_code_that_works(sqlite_url: str) -> None:
    """On a developer's machine what the sign-in page shows, loudly, opens the door; supervisors find their pages."""
    async with opened(sqlite_url, demo=True) as (page, url, complaints):
        await page.goto(f"{url}/console/sign-in")
        problems = await judged(page)
        # A code lives thirty seconds, and judging a page takes its time on a slow machine.
        await page.reload()
        loud = await page.inner_text(".loud")
        row = page.locator(".loud tbody tr").filter(has_text="superviseur")
        name, code = [await row.locator("code").nth(place).inner_text() for place in range(2)]
        password = await page.inner_text(".loud p code")
        await page.fill("#name", name)
        await page.fill("#password", password)
        await page.fill("#code", code)
        async with page.expect_navigation(url=f"{url}/console"):
            await page.click("button[type=submit]")
        await page.goto(f"{url}/console/reveals")
        problems += await judged(page)
        title = await page.inner_text("h1")

    assert "DÉMONSTRATION" in loud.upper()
    assert "Voir une adresse" == title
    assert [] == problems
    assert [] == [complaint for complaint in complaints if "404" not in complaint]
