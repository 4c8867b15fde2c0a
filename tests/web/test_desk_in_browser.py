"""The console in a real Chromium, on real rows: a teen in the simulator, two volunteers and a supervisor in three browsers."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.web.browsers import IN_DANGER, NEEDS_CHROMIUM, claim, house, on_duty, picture, say, violations

pytestmark = NEEDS_CHROMIUM


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
