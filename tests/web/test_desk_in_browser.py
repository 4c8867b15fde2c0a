"""The console in a real Chromium, on real rows: a teen in the simulator, two volunteers and a supervisor in three browsers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from bot.config import async_database_url
from bot.store import audit, debriefs
from bot.store.database import Database
from bot.store.tables import ConversationRow
from tests.web.browsers import IN_DANGER, NEEDS_CHROMIUM, claim, house, on_duty, picture, say, violations

pytestmark = NEEDS_CHROMIUM


async def is_cut(page: Page) -> list[str]:
    """What sticks out of the page to the side."""
    script = """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
        ['the page', ...[...document.querySelectorAll('body *')]
            .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
            .map(one => one.outerHTML.slice(0, 120))]"""
    found: list[str] = await page.evaluate(script)
    return found


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
        await nour.fill("textarea[name=facts]", "« j'ai compté mes cachets », 20 h")
        await nour.get_by_role("button", name="Demander l'alerte").click()
        await expect(nour.locator(".beside .decision")).to_contain_text("attend une deuxième personne")
        for name in ("board", "holds?c=1", "rota", "alerts", "reveals"):
            await nour.goto(f"{here.gateway.url}/console/{name}")
            await picture(nour, f"{name.partition('?')[0]}-{'dark' if dark else 'light'}")
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

        assert not await is_cut(sam)
        assert await violations(sam) == ""
        await sam.get_by_role("tab", name="Contexte").click()
        await expect(sam.get_by_role("button", name="Appeler un·e superviseur·e")).to_be_in_viewport()
        await expect(sam.locator("article.talk")).to_be_hidden()
        await picture(sam, f"context-{width}")
        nour = await here.volunteer(3, width=width)
        for name in ("board", "holds", "rota", "alerts", "reveals"):
            await nour.goto(f"{here.gateway.url}/console/{name}")
            await picture(nour, f"{name}-{width}")
            assert not await is_cut(nour), name


async def test_an_alert_asked_by_a_volunteer_is_confirmed_and_its_state_is_seen_live(sqlite_url: str) -> None:
    """The volunteer sees, without a reload, that somebody confirmed: nobody decides alone, and nobody waits in the dark."""
    async with house(sqlite_url) as here:
        sam, nour, teen = await here.volunteer(1), await here.volunteer(3), await here.teen()
        await on_duty(sam)
        await say(teen, IN_DANGER)
        await sam.locator("#queue .acts button").first.click()
        await sam.locator("summary", has_text="Étapes d'alerte").click()
        await sam.fill("textarea[name=facts]", "« j'ai compté mes cachets », 20 h")
        await sam.get_by_role("button", name="Demander l'alerte").click()
        await expect(sam.locator(".beside .decision")).to_contain_text("attend une deuxième personne")
        await nour.goto(f"{here.gateway.url}/console/board")
        await nour.get_by_role("button", name="Confirmer").click()
        await expect(sam.locator(".beside .decision")).to_contain_text("confirmation de Nour")
        await nour.get_by_role("button", name="C'est transmis").click()

        await expect(sam.locator(".beside .decision")).to_contain_text("transmission par Nour")
        await expect(nour.locator("#board")).to_contain_text("Rien à décider")


async def test_an_earlier_conversation_opens_to_read_only_for_who_holds_the_person(sqlite_url: str) -> None:
    """What somebody said another night is read by who holds them now, not by who guesses an address; each look is logged."""
    async with house(sqlite_url) as here:
        sam, lina, teen = await here.volunteer(1), await here.volunteer(2), await here.teen()
        await on_duty(sam)
        await say(teen, IN_DANGER)
        await expect(sam.locator("#queue .card")).to_have_count(1)
        await another_night(sqlite_url)
        await say(teen, "je pense au suicide, je veux parler à quelqu'un")
        await expect(sam.locator("#queue .card")).to_contain_text("suicide")
        read = f"{here.gateway.url}/console/c/2"
        before = await sam.request.get(f"{read}/earlier/1")
        await sam.goto(read)
        await sam.get_by_role("button", name="Prendre Loutre").or_(sam.locator(".composer button")).first.click()
        await expect(sam.locator(".composer textarea[name=text]")).to_be_visible()
        await sam.locator("summary", has_text="Conversations passées").click()
        await sam.locator("details[open] a[href$='/earlier/1']").click()
        await expect(sam.locator(".lines")).to_contain_text("compté mes cachets")
        problems = await violations(sam)
        refused = [await lina.request.get(f"{read}/earlier/1"), await sam.request.get(f"{read}/earlier/2")]

        assert "" == problems
        assert [404, 404, 404] == [answer.status for answer in (before, *refused)]
        assert 0 == await sam.locator("textarea").count()
        assert 1 == await openings(sqlite_url, conversation=1, volunteer=1)


async def another_night(database_url: str) -> None:
    """The first conversation ended days ago."""
    database = Database(async_database_url(database_url))
    long_ago = datetime.now(UTC) - timedelta(days=3)
    async with database.write() as session:
        row = await session.get_one(ConversationRow, 1)
        row.last_inbound_at = row.started_at = long_ago
        row.mode = "closed"
    await database.close()


async def openings(database_url: str, conversation: int, volunteer: int) -> int:
    """How often the audit log says that somebody opened a conversation."""
    database = Database(async_database_url(database_url))
    async with database.read() as session:
        found = await audit.newest(session, subject=f"conversation:{conversation}")
    await database.close()
    return sum(entry.action == "opened" and entry.actor == f"account:{volunteer}" for entry in found)


async def test_a_note_typed_on_the_board_survives_its_refresh(sqlite_url: str) -> None:
    """The board is live; what a supervisor is writing about a volunteer who asked to talk is not wiped by news."""
    async with house(sqlite_url) as here:
        sam, nour, teen = await here.volunteer(1), await here.volunteer(3), await here.teen()
        database = Database(async_database_url(sqlite_url))
        async with database.write() as session:
            await debriefs.ask(session, 1, datetime.now(UTC))
        await database.close()
        await nour.goto(f"{here.url}/console/board")
        await nour.fill("input[name=note]", "on se rappelle lundi")
        await say(teen, IN_DANGER)
        await expect(nour.locator("#board .cards .card")).to_have_count(1)
        await expect(nour.locator("input[name=note]")).to_have_value("on se rappelle lundi")
        await nour.get_by_role("button", name="On s'est parlé").click()

        await expect(nour.locator("#board")).to_contain_text("on se rappelle lundi")
        await expect(sam.locator("#queue .card")).to_have_count(1)
