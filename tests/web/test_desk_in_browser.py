"""The console in a real Chromium, on real rows: a teen in the simulator, two volunteers and a supervisor in three browsers."""

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
PICTURES = os.environ.get("CONSOLE_PICTURES", "")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium: apt-get install chromium"),
]
IN_DANGER = "j'ai compté mes cachets, je vais les prendre ce soir"


@dataclass
class House:
    """A gateway with browsers in front of it."""

    gateway: Gateway
    browser: Browser
    cookies: dict[int, str]

    async def volunteer(self, who: int, *, width: int = 1440, dark: bool = False) -> Page:
        """The console of an account, in a browser of its own."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", locale="fr-FR"
        )
        await context.add_cookies([{"name": COOKIE, "value": self.cookies[who], "url": self.gateway.url}])
        page = await context.new_page()
        page.set_default_timeout(8_000)
        await page.goto(f"{self.gateway.url}/console")
        return page

    async def teen(self) -> Page:
        """The phone of the simulator."""
        context = await self.browser.new_context(viewport={"width": 420, "height": 860}, locale="fr-FR")
        page = await context.new_page()
        page.set_default_timeout(8_000)
        await page.goto(f"{self.gateway.url}/simulator")
        return page


@asynccontextmanager
async def house(database_url: str) -> AsyncIterator[House]:
    """Everything running."""
    async with (
        running(database_url, simulator=True) as gateway,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield House(gateway, browser, await _sign_in(database_url))
        finally:
            await browser.close()


async def _sign_in(database_url: str) -> dict[int, str]:
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


async def test_from_escalation_to_hand_back_with_two_volunteers(sqlite_url: str) -> None:
    """A teen in danger is seen at once by both volunteers, taken by one, answered, and handed back with what was agreed."""
    async with house(sqlite_url) as here:
        sam, lina, teen = await here.volunteer(1), await here.volunteer(2), await here.teen()
        await on_duty(sam)
        await on_duty(lina)
        await say(teen, IN_DANGER)
        for page in (sam, lina):
            await expect(page.locator(".card .risk-imminent")).to_be_visible()
        await picture(sam, "queue")
        await sam.get_by_role("button", name="Prendre Loutre").or_(sam.locator("#queue .acts button")).first.click()
        await expect(sam.locator("article.talk")).to_contain_text("compté mes cachets")
        await expect(lina.locator("#queue .card .risk-imminent")).to_have_count(0)
        await expect(teen.locator("#thread")).to_contain_text("Une personne de l'équipe est là")
        await sam.fill(".composer textarea", "Je te promets que ça restera entre nous")
        await expect(sam.locator(".hint").first).to_contain_text("R7")
        await picture(sam, "conversation")
        await sam.fill(".composer textarea", "Je suis Sam, une vraie personne. Tu es où, là ?")
        await sam.press(".composer textarea", "Control+Enter")
        await expect(teen.locator("#thread")).to_contain_text("Je suis Sam")
        await expect(sam.locator(".composer textarea")).to_have_value("")
        await say(teen, "dans ma chambre")
        await expect(sam.locator(".lines")).to_contain_text("dans ma chambre")
        await sam.locator("summary", has_text="Rendre au bot").click()
        await sam.locator("form[action$='/back'] select[name=outcome]").select_option("referred")
        await sam.locator("form[action$='/back'] button").click()
        await expect(teen.locator("#thread")).to_contain_text("C'est de nouveau moi, le robot")
        await expect(sam.locator(".debrief")).to_be_visible()


async def test_a_draft_survives_a_reload_and_a_claim_raced_is_told(sqlite_url: str) -> None:
    """What a volunteer typed is never lost; who comes second is told so in words and loses nothing."""
    async with house(sqlite_url) as here:
        sam, lina, teen = await here.volunteer(1), await here.volunteer(2), await here.teen()
        await on_duty(sam)
        await on_duty(lina)
        await say(teen, IN_DANGER)
        await expect(lina.locator("#queue .acts button")).to_be_visible()
        await lina.evaluate(
            "document.body.querySelector('#queue').removeAttribute('hx-trigger'); htmx.process(document.body)"
        )
        await claim(sam)
        await sam.goto(f"{here.gateway.url}/console/c/1")
        async with sam.expect_response(lambda answer: answer.url.endswith("/draft")):
            await sam.fill(".composer textarea", "à finir")
        await sam.reload()

        await expect(sam.locator(".composer textarea")).to_have_value("à finir")
        assert "plus rapide" in await claim(lina)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_no_page_keeps_anybody_out(sqlite_url: str, *, dark: bool) -> None:
    """0 violations with axe-core on every page, in light and dark."""
    async with house(sqlite_url) as here:
        nour, teen = await here.volunteer(3, dark=dark), await here.teen()
        await on_duty(nour)
        await say(teen, IN_DANGER)
        await expect(nour.locator("#queue .card").first).to_be_visible()

        assert await violations(nour) == ""
        await nour.locator("#queue .acts button").first.click()
        await expect(nour.locator("article.talk")).to_be_visible()
        await nour.fill(".composer textarea", "Je te promets que tout ira bien")
        await expect(nour.locator(".hint").first).to_be_visible()
        for summary in await nour.locator("summary").all():
            await summary.click()
        assert await violations(nour) == ""
        await picture(nour, f"conversation-{'dark' if dark else 'light'}")
        for name in ("board", "rota", "alerts"):
            await nour.goto(f"{here.gateway.url}/console/{name}")
            await picture(nour, f"{name}-{'dark' if dark else 'light'}")
            assert await violations(nour) == "", name


@pytest.mark.parametrize("width", [360, 720])
async def test_it_works_on_a_phone_and_zoomed_in(sqlite_url: str, width: int) -> None:
    """At 360 px, and at 720 px as a screen of 1440 is at 200 %, nothing is cut off and everything can be reached."""
    async with house(sqlite_url) as here:
        sam, teen = await here.volunteer(1, width=width), await here.teen()
        await on_duty(sam)
        await say(teen, IN_DANGER)
        await expect(sam.locator("#queue .acts button")).to_be_visible()
        await picture(sam, f"queue-{width}")
        await sam.locator("#queue .acts button").click()
        await expect(sam.locator(".composer textarea")).to_be_visible()
        await picture(sam, f"conversation-{width}")
        cut = await sam.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

        assert not cut
        assert await violations(sam) == ""
        await sam.get_by_role("tab", name="Contexte").click()
        await expect(sam.get_by_role("button", name="Appeler un·e superviseur·e")).to_be_visible()
        await picture(sam, f"context-{width}")
