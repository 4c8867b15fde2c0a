"""Seeing an address, blocking, and keeping words for a report: two people, a reason, a trace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from bot.config import async_database_url
from bot.domain.accounts import Role
from bot.domain.messages import InboundKind, InboundMessage
from bot.domain.risk import Assessment, RiskLevel
from bot.store import holds, inbox, reveals
from bot.store.contacts import Defaults
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.holds import HoldReason
from bot.store.reveals import RevealReason, RevealRefusedError
from bot.store.tables_accounts import AuditRow
from tests.people import COOKIE, KEY, browser, cookie_of, csrf_of, enrolled, settings_for, started

NUMBER = "+33600000055"
PAGE = "/console/reveals"


async def somebody_wrote(url: str) -> None:
    """One conversation, number 1."""
    database, now = Database(async_database_url(url)), datetime.now(UTC)
    message = InboundMessage("whatsapp", NUMBER, "SM1", InboundKind.TEXT, "x", now)
    async with database.write() as session:
        opened = await inbox.open_thread(session, Keyring((KEY,)), message, Defaults("fr", "FR"))
        await inbox.store_inbound(session, opened, message, Assessment(RiskLevel.NONE, "fr"), due=None)
    await database.close()


async def supervisor(app: Starlette, url: str, name: str) -> httpx.AsyncClient:
    """A supervisor's browser, signed in."""
    account, _ = await enrolled(url, name, Role.SUPERVISOR)
    client = browser(app)
    client.cookies.set(COOKIE, await cookie_of(url, account), domain="127.0.0.1")
    return client


async def press(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Send a form of the page."""
    token = csrf_of((await client.get(PAGE)).text)
    return await client.post(path, data={**fields, "csrf": token})


async def actions(url: str) -> list[str]:
    """What the audit log holds."""
    database = Database(async_database_url(url))
    async with database.read() as session:
        rows = (await session.execute(select(AuditRow).order_by(AuditRow.id))).scalars().all()
    await database.close()
    assert not [row for row in rows if NUMBER in f"{row.subject}{row.why}"]
    return [row.action for row in rows]


async def test_an_address_takes_two_people_and_leaves_a_trace(database_url: str) -> None:
    """Nobody alone finds out who a child is: another supervisor agrees, and every look is in the log."""
    read = settings_for(database_url)
    async with started(read) as app:
        await somebody_wrote(database_url)
        first, second, third = [await supervisor(app, database_url, name) for name in ("Ada", "Bo", "Cy")]
        wrong = await press(first, PAGE, conversation="1", reason="curious")
        unknown = await press(first, PAGE, conversation="99", reason="vital_danger")
        asked = await press(first, PAGE, conversation="1", reason="vital_danger")
        early = await press(first, f"{PAGE}/1/show")
        alone = await press(first, f"{PAGE}/1/grant")
        granted = await press(second, f"{PAGE}/1/grant")
        twice = await press(third, f"{PAGE}/1/refuse")
        seen = [await press(who, f"{PAGE}/1/show") for who in (first, second, third)]
        listed = await first.get(PAGE)
        for client in (first, second, third):
            await client.aclose()

    assert (422, 404, 303, 403, 409, 303, 409) == tuple(
        answer.status_code for answer in (wrong, unknown, asked, early, alone, granted, twice)
    )
    assert [True, True, False] == [NUMBER in answer.text for answer in seen]
    assert NUMBER not in listed.text
    assert "no-store" == seen[0].headers["cache-control"]
    found = await actions(database_url)
    assert ["reveal_asked", "reveal_of", "reveal_granted", "address_seen", "address_seen"] == found


async def test_a_grant_ends_after_a_quarter_of_an_hour(sqlite_url: str) -> None:
    """What was needed in an emergency is closed again soon after it."""
    async with started(settings_for(sqlite_url)):
        await somebody_wrote(sqlite_url)
        ada, _ = await enrolled(sqlite_url, "Ada", Role.SUPERVISOR)
        bo, _ = await enrolled(sqlite_url, "Bo", Role.SUPERVISOR)
        database, now, keyring = Database(async_database_url(sqlite_url)), datetime.now(UTC), Keyring((KEY,))
        async with database.write() as session:
            number = await reveals.ask(session, 1, ada.id, RevealReason.REPORT, now)
            await reveals.decide(session, number, bo.id, now, grant=True)
            address = await reveals.show(session, keyring, number, ada.id, now + timedelta(minutes=14))
            with pytest.raises(RevealRefusedError, match="closed"):
                await reveals.show(session, keyring, number, ada.id, now + timedelta(minutes=16))
            old = await reveals.ask(session, 1, ada.id, RevealReason.REPORT, now)
            with pytest.raises(RevealRefusedError, match="too_late"):
                await reveals.decide(session, old, bo.id, now + timedelta(hours=3), grant=True)
        await database.close()

    assert NUMBER == address


async def test_a_supervisor_blocks_for_a_while_and_lifts(sqlite_url: str) -> None:
    """A block has a reason and an end, and both its beginning and its lifting are logged."""
    async with started(settings_for(sqlite_url)) as app:
        await somebody_wrote(sqlite_url)
        client = await supervisor(app, sqlite_url, "Ada")
        answers = [
            await press(client, "/console/blocks", conversation="1", reason="insults", hours="24"),
            await press(client, "/console/blocks", conversation="1", reason="insults", hours="9999"),
            await press(client, "/console/blocks", conversation="99", reason="insults", hours="1"),
            await press(client, "/console/blocks/1/lift"),
            await press(client, "/console/blocks/1/lift"),
        ]
        await client.aclose()

    assert [303, 422, 404, 303, 404] == [answer.status_code for answer in answers]
    assert ["blocked", "unblocked"] == await actions(sqlite_url)


async def test_keeping_words_for_a_report_takes_two_people(sqlite_url: str) -> None:
    """Words are kept beyond their time only by two people's decision, which is logged and can be ended (P21)."""
    async with started(settings_for(sqlite_url)):
        await somebody_wrote(sqlite_url)
        database, now = Database(async_database_url(sqlite_url)), datetime.now(UTC)
        async with database.write() as session:
            with pytest.raises(holds.SamePersonError):
                await holds.hold(session, 1, 1, 1, HoldReason.CRIP, timedelta(days=90), now)
            await holds.hold(session, 1, 1, 2, HoldReason.CRIP, timedelta(days=90), now)
            released = [await holds.release(session, 1, 2, now) for _ in range(2)]
        await database.close()

    assert [True, False] == released
    assert ["held", "hold_released"] == await actions(sqlite_url)
