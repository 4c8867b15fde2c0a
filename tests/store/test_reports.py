"""Rows of the guided account on both databases: sealed, moved, forgotten, and links that open once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from bot.config import async_database_url
from bot.domain.messages import InboundKind, InboundMessage
from bot.domain.report import Part, Report, ReportStep, Stage
from bot.domain.risk import Assessment, RiskLevel
from bot.store import inbox, papers, reports
from bot.store.contacts import Defaults
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.erasure import erase
from bot.store.migrate import migrate
from bot.store.tables import Base, InboundRow
from bot.store.tables_report import ReportRow

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
KEYRING = Keyring(("a-secret-key-for-tests",))
WORD = "zinzolin"
TOLD = Report(((Part.WHAT, WORD),), frozenset({Part.WHO}), Stage.READY, None, theme="threats")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database."""
    database = Database(async_database_url(database_url))
    await migrate(database)
    yield database
    await database.close()


async def tell(
    database: Database,
    report: Report = TOLD,
    at: timedelta = timedelta(0),
    *,
    risk: RiskLevel = RiskLevel.NONE,
    hands_over: bool = False,
) -> tuple[int, int, int]:
    """Somebody writes and their account is kept; the ids of contact, conversation and account."""
    now = START + at
    message = InboundMessage("whatsapp", "+33600000001", f"SM{now.isoformat()}", InboundKind.TEXT, WORD, now)
    async with database.write() as session:
        opened = await inbox.open_thread(session, KEYRING, message, Defaults("fr", "FR"))
        row = await inbox.store_inbound(session, opened, message, Assessment(risk, "fr"), due=None)
        step = ReportStep(report, (row.id,), hands_over)
        return opened.contact.id, opened.row.id, await reports.keep(session, opened, step, report, now)


async def found(database: Database, contact_id: int, at: timedelta) -> reports.StoredReport | None:
    async with database.read() as session:
        return await reports.of_contact(session, KEYRING, contact_id, START + at)


async def count(database: Database, table: str) -> int:
    async with database.read() as session:
        return int((await session.execute(select(func.count()).select_from(Base.metadata.tables[table]))).scalar_one())


async def test_what_is_kept_comes_back_as_it_was_and_stands_nowhere_in_the_clear(database: Database) -> None:
    """Every field returns, and the row holds no readable word."""
    contact, conversation, _ = await tell(database)
    stored = await found(database, contact, timedelta(0))
    async with database.read() as session:
        row = (await session.execute(select(ReportRow))).scalar_one()

    assert stored is not None
    assert (TOLD, conversation, START) == (stored.report, stored.conversation_id, stored.touched_at)
    assert WORD.encode() not in row.body_sealed


async def test_it_moves_into_the_next_conversation_and_its_key(database: Database) -> None:
    """Resumed the next morning, it outlives the evening's conversation and can still be read."""
    contact, first, id_ = await tell(database)
    _, second, moved = await tell(database, replace(TOLD, theme="hate"), timedelta(hours=13))
    stored = await found(database, contact, timedelta(hours=14))

    assert first != second
    assert id_ == moved
    assert stored is not None
    assert (second, "hate") == (stored.conversation_id, stored.report.theme)


@pytest.mark.parametrize(("hours", "is_there"), [(23, True), (25, False)])
async def test_a_draft_has_a_day(database: Database, hours: int, is_there: bool) -> None:
    """Not found after a day, even before upkeep came by; then the row is gone, too (P11)."""
    contact, _, _ = await tell(database)
    stored = await found(database, contact, timedelta(hours=hours))
    async with database.write() as session:
        await reports.forget_old(session, START + timedelta(hours=hours))

    assert is_there == (stored is not None)
    assert int(is_there) == await count(database, "reports")


async def test_words_of_danger_stay_as_long_as_danger_s_words_do(database: Database) -> None:
    """The answers it was made of are emptied with it, but those that showed danger: they follow their own rule."""
    await tell(database)
    await tell(database, at=timedelta(minutes=1), risk=RiskLevel.HIGH)
    async with database.write() as session:
        await reports.forget_old(session, START + timedelta(days=2))
    async with database.read() as session:
        kept = (await session.execute(select(InboundRow.text_sealed).order_by(InboundRow.id))).scalars().all()

    assert [True, False] == [text_ is None for text_ in kept]


async def test_what_was_given_stays_and_a_draft_is_never_given(database: Database) -> None:
    """Volunteers see what they were given, for as long as its conversation has words, and nothing else."""
    _, conversation, _ = await tell(database)
    async with database.read() as session:
        before = await reports.given(session, KEYRING, conversation)
    await tell(database, at=timedelta(minutes=1), hands_over=True)
    async with database.write() as session:
        forgotten = await reports.forget_old(session, START + timedelta(days=5))
        after = await reports.given(session, KEYRING, conversation)

    assert None is before
    assert 0 == forgotten
    assert after is not None
    assert TOLD == after.report


async def test_erasing_everything_takes_it_and_its_links_along(database: Database) -> None:
    """“Supprime tout” leaves no account and no link to one (P12)."""
    contact, _, id_ = await tell(database)
    message = InboundMessage("whatsapp", "+33600000001", "SMx", InboundKind.TEXT, "x", START)
    async with database.write() as session:
        await papers.add(session, id_, papers.hash_of("token"), START)
    async with database.write() as session:
        opened = await inbox.open_thread(session, KEYRING, message, Defaults("fr", "FR"))
        await erase(session, KEYRING, opened, START)

    assert None is await found(database, contact, timedelta(0))
    assert (0, 0) == (await count(database, "reports"), await count(database, "paper_links"))


async def test_of_two_who_open_a_link_at_once_one_has_the_paper(database: Database) -> None:
    """Single use holds when two taps race; and the database knows no token, only its hash."""
    _, _, id_ = await tell(database)
    token = papers.new_token()
    async with database.write() as session:
        await papers.add(session, id_, papers.hash_of(token), START)
    async with database.read() as session:
        link = await papers.find(session, token, START)
        stored = (await session.execute(text("SELECT token_hash FROM paper_links"))).scalar_one()
    assert link is not None

    async def spend() -> bool:
        async with database.write() as session:
            return await papers.spend(session, link, START)

    spent = await asyncio.gather(spend(), spend(), spend())
    async with database.read() as session:
        again = await papers.find(session, token, START)

    assert 1 == sum(spent)
    assert None is again
    assert token not in stored
