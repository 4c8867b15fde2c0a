"""Time travel: how long everything is kept, over every table."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from bot.commands.purge import purge_backups
from bot.config import async_database_url
from bot.domain.accounts import Role
from bot.domain.conversations import Mode
from bot.domain.messages import DeliveryStatus, InboundKind, InboundMessage, OutboundMessage
from bot.domain.retention import BY_TABLE, RULES, Way
from bot.domain.risk import Assessment, Danger, Reason, RiskLevel
from bot.domain.turns import DialogueState
from bot.store import accounts, audit, blocks, deletions, handover, inbox, outbox, retention, sessions
from bot.store.contacts import Defaults
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.erasure import erase
from bot.store.migrate import migrate
from bot.store.sealed import seal_state
from bot.store.tables import Base, ContactRow, ConversationRow, InboundRow, ReceiptRow
from bot.store.tables_accounts import DailyCountRow, HoldRow, RevealRequestRow

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
KEYRING = Keyring(("a-secret-key-for-tests",))
WORD = "zinzolin"
NUMBER = "+33600000099"
DAY = timedelta(days=1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database."""
    database = Database(async_database_url(database_url))
    await migrate(database)
    yield database
    await database.close()


@dataclass
class Written:
    """What `write` made."""

    conversation_id: int
    contact_id: int
    key: bytes


async def write(
    database: Database, risk: RiskLevel, mode: Mode = Mode.BOT, sid: str = "SM1", number: str = NUMBER
) -> Written:
    """One conversation with a row in every table that hangs on it, at START."""
    message = InboundMessage("whatsapp", number, sid, InboundKind.TEXT, f"{WORD} je suis triste", START)
    verdict = Assessment(risk, "fr", (Danger.DISTRESS,), (Reason("fr/x", risk, WORD),))
    async with database.write() as session:
        opened = await inbox.open_thread(session, KEYRING, message, Defaults("fr", "FR"))
        await inbox.store_inbound(session, opened, message, verdict, due=None)
        row = opened.row
        row.risk, row.turns, row.state_sealed = int(risk), 1, seal_state(opened.key, DialogueState(asked="x"), row.id)
        await outbox.enqueue(session, opened, (OutboundMessage(f"{WORD} bonjour", key="utter_x"),), START)
        await session.execute(
            text("UPDATE outbound_messages SET external_id = :sid, accepted_at = created_at, status = :status"),
            {"sid": f"{sid}out", "status": int(DeliveryStatus.DELIVERED)},
        )
        await handover.escalate(session, opened, "asked", risk, START, frozenset())
        row.mode = mode
        await session.flush()
        return Written(row.id, opened.contact.id, row.key_wrapped)


async def travel(database: Database, by: timedelta) -> dict[str, int]:
    return await retention.sweep(database, KEYRING, START + by, at_provider=True)


async def count(database: Database, table: str) -> int:
    async with database.read() as session:
        return int((await session.execute(select(func.count()).select_from(Base.metadata.tables[table]))).scalar_one())


async def has_words(database: Database) -> bool:
    async with database.read() as session:
        return await retention.count_words(session) > 0


def test_every_table_has_a_rule_and_every_rule_a_table() -> None:
    """Whoever adds a table decides how long it keeps what it holds, or the build fails (P11)."""
    assert set(Base.metadata.tables) == set(BY_TABLE)
    assert len(RULES) == len(BY_TABLE)
    for rule in RULES:
        table = Base.metadata.tables[rule.table]
        assert not rule.column or rule.column in table.c
        assert rule.way is not Way.WORDS or "conversation_id" in table.c
        assert rule.source


def test_nothing_holds_more_than_it_should() -> None:
    """No birth date, no real name, no identity document: an age band at most (P6)."""
    columns = {column.name for table in Base.metadata.tables.values() for column in table.c}

    assert not {name for name in columns if any(word in name for word in ("birth", "email", "surname", "passport"))}
    assert {"age_band"} == {name for name in columns if name.split("_")[0] == "age"}


@pytest.mark.parametrize(
    ("risk", "mode", "kept", "gone"),
    [
        (RiskLevel.NONE, Mode.BOT, timedelta(hours=35), timedelta(hours=37)),
        (RiskLevel.CONCERN, Mode.CLOSED, timedelta(hours=35), timedelta(hours=37)),
        (RiskLevel.HIGH, Mode.BOT, 30 * DAY, 31 * DAY),
        (RiskLevel.IMMINENT, Mode.CLOSED, 90 * DAY, 91 * DAY),
        (RiskLevel.NONE, Mode.WAITING, 30 * DAY, 32 * DAY),
        (RiskLevel.HIGH, Mode.VOLUNTEER, 59 * DAY, 61 * DAY),
    ],
)
async def test_words_go_when_their_time_has_come(
    database: Database, risk: RiskLevel, mode: Mode, kept: timedelta, gone: timedelta
) -> None:
    """What a person wrote is kept as long as helping them needs, by risk, and not a day longer (P9, P11)."""
    written = await write(database, risk, mode)
    await travel(database, kept)
    before = await has_words(database)
    await travel(database, gone)

    assert (True, False) == (before, await has_words(database))
    async with database.read() as session:
        row = await session.get_one(ConversationRow, written.conversation_id)
        message = (await session.execute(select(InboundRow))).scalar_one()
        waiting = (await session.execute(text("SELECT count(*) FROM escalations WHERE closed_at IS NULL"))).scalar_one()
    assert 0 == waiting
    assert row.key_wrapped != written.key
    assert (None, None, None) == (row.state_sealed, message.text_sealed, message.verdict_sealed)
    assert 0 == await count(database, "outbound_messages")


def on_disk(path: Path) -> bytes:
    return b"".join(Path(f"{path}{end}").read_bytes() for end in ("", "-wal"))


async def test_the_destroyed_key_is_nowhere_on_disk(sqlite_url: str) -> None:
    """Erasing is destroying a key: neither the file nor its journal still holds it afterwards."""
    database = Database(async_database_url(sqlite_url))
    await migrate(database)
    written = await write(database, RiskLevel.NONE)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    before = on_disk(path)
    await travel(database, 2 * DAY)
    after = on_disk(path)
    await database.close()

    assert written.key in before
    assert written.key not in after


async def test_after_a_year_nothing_is_left_but_numbers(database: Database) -> None:
    """Time travel over every table: after 400 days only what is about nobody remains (P11, P14)."""
    written = await write(database, RiskLevel.HIGH)
    async with database.write() as session:
        account, _ = await accounts.add(session, "Sam", Role.SUPERVISOR, START)
        await sessions.start(session, account.id, sessions.FULL, START)
        await sessions.record_failure(session, b"name", b"network", START)
        await blocks.block(session, written.conversation_id, account.id, blocks.BlockReason.INSULTS, DAY, START)
        session.add(
            RevealRequestRow(contact_id=written.contact_id, asked_by=account.id, asked_at=START, reason="alert")
        )
        session.add(ReceiptRow(channel="whatsapp", external_id="SM9", status=3, error_code="", received_at=START))
        await audit.append(session, START, "account:1", "opened", "conversation:1", "")
        await accounts.disable(session, account.id, START)
        await deletions.ask(session, "whatsapp", "SM5", written.contact_id, START)
    for days in (1, 2, 32, 33, 40, 370, 380, 800, 810):
        await travel(database, days * DAY)
    left = {name: rows for name in Base.metadata.tables if (rows := await count(database, name))}
    async with database.read() as session:
        name = (await session.execute(text("SELECT name FROM accounts"))).scalar_one()
        conversations = (await session.execute(select(DailyCountRow.conversations))).scalar_one()

    assert {"accounts": 1, "daily_counts": 1, "audit_log": 1} == left
    assert ("left-1", 1) == (name, conversations)


async def test_an_address_is_destroyed_before_the_traces_are(database: Database) -> None:
    """Thirty days after the last word nobody can be found again from a trace (P14)."""
    await write(database, RiskLevel.NONE)
    await travel(database, 2 * DAY)
    await travel(database, 31 * DAY)
    async with database.read() as session:
        contact = (await session.execute(select(ContactRow))).scalar_one()

    assert b"" == contact.address_sealed
    assert contact.address_hash not in KEYRING.lookup_hashes("whatsapp", NUMBER)
    assert 1 == await count(database, "escalations")


@pytest.mark.parametrize("days", [0, 3, 45, 380])
async def test_an_old_delivery_played_again_is_recognised(database: Database, days: int) -> None:
    """A signed request copied long ago and sent again never counts as somebody writing, even once the words are gone."""
    await write(database, RiskLevel.NONE)
    for day in range(0, days + 1, 5):
        await travel(database, day * DAY)
    await travel(database, days * DAY)
    async with database.read() as session:
        known = [bool(await inbox.known_ids(session, "whatsapp", {sid})) for sid in ("SM1", "SM2")]

    assert [True, False] == known


async def hold(database: Database, conversation_id: int, until: timedelta) -> None:
    async with database.write() as session:
        session.add(
            HoldRow(
                conversation_id=conversation_id,
                reason="report",
                decided_by="account:1",
                seconded_by="account:2",
                created_at=START,
                until=START + until,
            )
        )


async def test_a_safeguarding_report_keeps_the_words_and_says_so(database: Database) -> None:
    """Words a report for the child's protection rests on stay while it runs, whatever is asked; the asking is noted (P12)."""
    written = await write(database, RiskLevel.IMMINENT)
    await hold(database, written.conversation_id, 200 * DAY)
    message = InboundMessage("whatsapp", NUMBER, "SM2", InboundKind.TEXT, "x", START)
    async with database.write() as session:
        opened = await inbox.open_thread(session, KEYRING, message, Defaults("fr", "FR"))
        is_held = await erase(session, KEYRING, opened, START + DAY)
    await travel(database, 150 * DAY)
    kept = await has_words(database)
    async with database.read() as session:
        asked = (await session.execute(select(HoldRow.erasure_asked_at))).scalar_one()
    await travel(database, 201 * DAY)

    assert (True, True, START + DAY) == (is_held, kept, asked)
    assert not await has_words(database)


async def test_a_conversation_being_answered_is_left_alone(database: Database) -> None:
    """Retention never takes words away under somebody who is being answered."""
    written = await write(database, RiskLevel.NONE)
    async with database.write() as session:
        (await session.get_one(ConversationRow, written.conversation_id)).due_at = START + 5 * DAY
    await travel(database, 5 * DAY)

    assert await has_words(database)


async def test_many_conversations_go_in_small_steps(sqlite_url: str) -> None:
    """A purge of hundreds of conversations keeps nobody waiting and forgets none."""
    database = Database(async_database_url(sqlite_url))
    await migrate(database)
    for number in range(retention.BATCH + 7):
        await write(database, RiskLevel.NONE, sid=f"SM{number}", number=f"+336000{number:05d}")
    report = await travel(database, 3 * DAY)
    left = await has_words(database)
    await database.close()

    assert retention.BATCH + 7 == report["emptied"]
    assert not left


def test_backups_expire(tmp_path: Path) -> None:
    """What was erased is gone from every copy after fourteen days (P11)."""
    for name, days in (("old.sqlite", 15), ("young.sqlite", 13), ("notes.txt", 99)):
        path = tmp_path / name
        path.write_text("x")
        at = (START - days * DAY).timestamp()
        os.utime(path, (at, at))
    removed = purge_backups(tmp_path, START)

    assert 1 == removed
    assert ["notes.txt", "young.sqlite"] == sorted(path.name for path in tmp_path.iterdir())
