"""WhatsApp's closed window on the page: what was typed is kept, and the page says what can be done about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.async_api import expect

from bot.config import async_database_url
from bot.store.database import Database
from bot.store.tables import ContactRow, ConversationRow
from tests.web.browsers import IN_DANGER, NEEDS_CHROMIUM, claim, house, on_duty, violations
from tests.wires import twilio

pytestmark = NEEDS_CHROMIUM


async def a_day_passes(database_url: str) -> None:
    """The person has not written for a day."""
    database = Database(async_database_url(database_url))
    async with database.write() as session:
        row = await session.get_one(ConversationRow, 1)
        contact = await session.get_one(ContactRow, row.contact_id)
        row.last_inbound_at = contact.last_inbound_at = datetime.now(UTC) - timedelta(hours=25)
    await database.close()


async def test_a_closed_window_is_said_and_what_was_typed_is_kept(sqlite_url: str) -> None:
    """Nothing typed for a closed window is swallowed: it stays, and without a template the page says that none is set up."""
    async with house(sqlite_url) as here:
        sam = await here.volunteer(1)
        await on_duty(sam)
        await here.gateway.form(twilio.inbound("SM" + "1" * 32, "+33600000042", IN_DANGER))
        await expect(sam.locator("#queue .card")).to_have_count(1)
        await claim(sam)
        await sam.goto(f"{here.url}/console/c/1")
        await expect(sam.locator(".beside .window")).to_contain_text("23 h")
        await expect(sam.locator(".window-closed")).to_be_hidden()
        await a_day_passes(sqlite_url)
        await sam.reload()
        await expect(sam.locator(".window-closed")).to_contain_text("Aucun modèle WhatsApp")
        await sam.fill(".composer textarea[name=text]", "tu es encore là ?")
        await sam.press(".composer textarea[name=text]", "Control+Enter")
        await expect(sam.locator("#news")).to_contain_text("gardé en brouillon")
        problems = await violations(sam)
        await sam.reload()

        await expect(sam.locator(".composer textarea[name=text]")).to_have_value("tu es encore là ?")
        assert "" == problems
