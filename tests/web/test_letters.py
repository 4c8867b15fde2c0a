"""Dead letters in the console: seen without their words, sent again with one click, by supervisors alone."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from bot.config import async_database_url
from bot.domain.messages import DeliveryStatus, InboundKind, InboundMessage, OutboundMessage
from bot.domain.risk import Assessment, RiskLevel
from bot.store import inbox, outbox
from bot.store.contacts import Defaults
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.tables import ActionRow, OutboundRow
from tests.people import KEY, csrf_of, settings_for, started
from tests.web.test_last_resort import supervisor

PAGE = "/console/letters"


async def a_dead_letter(url: str) -> None:
    """Message 1 to conversation 1 did not arrive."""
    database, now = Database(async_database_url(url)), datetime.now(UTC)
    message = InboundMessage("whatsapp", "+33600000055", "SM1", InboundKind.TEXT, "x", now)
    async with database.write() as session:
        opened = await inbox.open_thread(session, Keyring((KEY,)), message, Defaults("fr", "FR"))
        await inbox.store_inbound(session, opened, message, Assessment(RiskLevel.HIGH, "fr"), due=None)
        opened.row.risk = RiskLevel.HIGH
        await outbox.enqueue(session, opened, (OutboundMessage("zinzolin"),), now)
        await outbox.record_refused(session, 1, "63021", None)
    await database.close()


async def test_a_supervisor_sees_what_did_not_arrive_and_sends_it_again(sqlite_url: str) -> None:
    """One click tries a dead letter again, the click is in the log, and no word of it is shown."""
    async with started(settings_for(sqlite_url)) as app:
        await a_dead_letter(sqlite_url)
        async with await supervisor(app, sqlite_url, "Nour") as client:
            page = (await client.get(PAGE)).text
            token = csrf_of(page)
            pressed = await client.post(f"{PAGE}/1/replay", data={"csrf": token})
            twice = await client.post(f"{PAGE}/1/replay", data={"csrf": token})
        database = Database(async_database_url(sqlite_url))
        async with database.read() as session:
            status = (await session.execute(select(OutboundRow.status))).scalar_one()
            actions = (await session.execute(select(ActionRow.action))).scalars().all()
        await database.close()

    assert "63021" in page
    assert "zinzolin" not in page
    assert 303 == pressed.status_code
    assert 404 == twice.status_code
    assert DeliveryStatus.FAILED != status
    assert "replayed" in actions
