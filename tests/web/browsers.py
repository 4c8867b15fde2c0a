"""Volunteers, a supervisor and a teen, each in a real Chromium in front of a running gateway with real rows."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.domain.accounts import Role
from tests.end_to_end.gateway import Gateway, running
from tests.people import COOKIE, cookie_of, enrolled

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
NEEDS_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium: apt-get install chromium"),
]
PICTURES = os.environ.get("CONSOLE_PICTURES", "")
IN_DANGER = "j'ai compté mes cachets, je vais les prendre ce soir"


@dataclass
class Front:
    """Browsers in front of a gateway."""

    url: str
    browser: Browser
    cookies: dict[int, str]

    async def volunteer(self, who: int, *, width: int = 1440, dark: bool = False, script: str = "") -> Page:
        """The console of an account, in a browser of its own."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", locale="fr-FR"
        )
        await context.add_cookies([{"name": COOKIE, "value": self.cookies[who], "url": self.url}])
        await context.grant_permissions(["notifications"], origin=self.url)
        if script:
            await context.add_init_script(script)
        page = await context.new_page()
        page.set_default_timeout(8_000)
        await page.goto(f"{self.url}/console")
        return page

    async def teen(self) -> Page:
        """The phone of the simulator."""
        context = await self.browser.new_context(viewport={"width": 420, "height": 860}, locale="fr-FR")
        page = await context.new_page()
        page.set_default_timeout(8_000)
        await page.goto(f"{self.url}/simulator")
        return page


@dataclass
class House(Front):
    """The gateway of one test, and browsers in front of it."""

    gateway: Gateway


@asynccontextmanager
async def house(database_url: str) -> AsyncIterator[House]:
    """Everything running."""
    async with (
        running(database_url, simulator=True) as gateway,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield House(gateway.url, browser, await sign_in(database_url), gateway)
        finally:
            await browser.close()


async def sign_in(database_url: str) -> dict[int, str]:
    """Two volunteers and a supervisor with real accounts, and the cookie of each by the account's id."""
    people = (("Sam", Role.VOLUNTEER), ("Lina", Role.VOLUNTEER), ("Nour", Role.SUPERVISOR))
    accounts = [(await enrolled(database_url, name, role))[0] for name, role in people]
    return {account.id: await cookie_of(database_url, account) for account in accounts}


async def claim(page: Page) -> str:
    """Take the first conversation as htmx does, whatever the page shows by now; what comes back."""
    script = """() => fetch('/console/c/1/claim', {
        method: 'POST',
        headers: {...JSON.parse(document.body.getAttribute('hx-headers')), 'HX-Request': 'true',
                  'Content-Type': 'application/x-www-form-urlencoded'},
        body: '',
    }).then(answer => answer.text())"""
    return str(await page.evaluate(script))


async def say(teen: Page, words: str) -> None:
    """Write something on the phone."""
    await teen.fill("#words", words)
    await teen.press("#words", "Enter")


async def picture(page: Page, name: str) -> None:
    """Keep a screenshot when asked to."""
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/{name}.png")


async def violations(page: Page) -> str:
    """What axe-core finds, in words; empty when nothing."""
    found = await Axe().run(page)
    return "" if found.violations_count == 0 else str(found.generate_report())


async def on_duty(page: Page) -> None:
    """Start a shift."""
    await page.get_by_role("button", name="Prendre mon service").click()
    await expect(page.locator(".duty")).to_contain_text("en service jusqu'à")
