"""The page of an account given with consent: for who may read the conversation, and every opening noted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from bot.config import async_database_url
from bot.domain.accounts import Role
from bot.domain.report import Part, Report, ReportStep, Stage
from bot.store import handover, reports
from bot.store.crypto import Keyring
from bot.store.database import Database
from tests.flows.house import IN_DANGER, house
from tests.people import COOKIE, KEY, browser, cookie_of, enrolled, settings_for, started

TOLD = Report(((Part.WHAT, "un groupe <script>alert(1)</script>"),), frozenset(), Stage.READY, None)


@pytest.fixture
async def conversation(sqlite_url: str) -> AsyncIterator[int]:
    """Somebody waits for a person, and has an account begun."""
    async with house(sqlite_url) as here:
        yield await here.write(IN_DANGER)


async def keep(database_url: str, conversation: int, *, hands_over: bool) -> None:
    """Their account, given or not."""
    database, keyring = Database(async_database_url(database_url)), Keyring((KEY,))
    async with database.write() as session:
        opened = await handover.lock(session, keyring, conversation)
        assert opened is not None
        step = ReportStep(TOLD, (), hands_over)
        await reports.keep(session, opened, step, TOLD, opened.row.last_inbound_at)
    await database.close()


async def looks(database_url: str, role: Role, conversation: int) -> tuple[httpx.Response, httpx.Response]:
    """What somebody of a role gets: the account's page, and the conversation's."""
    account, _ = await enrolled(database_url, f"Alex {role}", role)
    cookie = await cookie_of(database_url, account)
    async with started(settings_for(database_url)) as app, browser(app) as client:
        client.cookies.set(COOKIE, cookie)
        page = await client.get(f"/console/c/{conversation}/report")
        return page, await client.get(f"/console/c/{conversation}")


async def audited(database_url: str) -> list[str]:
    """What the audit log says was opened."""
    database = Database(async_database_url(database_url))
    async with database.read() as session:
        query = text("SELECT subject FROM audit_log WHERE action = 'opened_report'")
        found = [str(subject) for subject in (await session.execute(query)).scalars()]
    await database.close()
    return found


async def test_a_draft_is_on_no_page(sqlite_url: str, conversation: int) -> None:
    """What nobody gave us is not there to be read, nor is it said that it exists."""
    await keep(sqlite_url, conversation, hands_over=False)
    page, desk = await looks(sqlite_url, Role.VOLUNTEER, conversation)

    assert 404 == page.status_code
    assert 200 == desk.status_code
    assert "/report" not in desk.text
    assert [] == await audited(sqlite_url)


async def test_what_was_given_is_read_by_who_may_and_that_is_noted(sqlite_url: str, conversation: int) -> None:
    """A volunteer who may open the conversation reads the account, as text and nothing else; the log knows."""
    await keep(sqlite_url, conversation, hands_over=True)
    page, desk = await looks(sqlite_url, Role.VOLUNTEER, conversation)

    assert 200 == page.status_code
    assert "un groupe &lt;script&gt;" in page.text
    assert "no-store" in page.headers["cache-control"]
    assert f"/console/c/{conversation}/report" in desk.text
    assert [f"conversation:{conversation}"] == await audited(sqlite_url)


async def test_administrators_read_no_account(sqlite_url: str, conversation: int) -> None:
    """Who runs the machine is not who hears the children (P17)."""
    await keep(sqlite_url, conversation, hands_over=True)
    page, _ = await looks(sqlite_url, Role.ADMIN, conversation)

    assert 403 == page.status_code
    assert [] == await audited(sqlite_url)
