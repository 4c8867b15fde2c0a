"""Backups: every row goes out sealed and comes back whole, on both databases and from one to the other."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.config import async_database_url
from bot.domain.messages import DeliveryStatus, InboundKind, InboundMessage, OutboundMessage
from bot.domain.risk import Assessment, Danger, Reason, RiskLevel
from bot.store import audit, inbox, outbox
from bot.store.backup import BackupError, dump, load
from bot.store.contacts import Defaults
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.dead_letters import dead_letters, replay
from bot.store.migrate import migrate
from bot.store.sealed import open_inbound
from bot.store.tables import ContactRow, ConversationRow, InboundRow, OutboundRow

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
KEYRING = Keyring(("a-secret-key-for-tests",))
WORD = "zinzolin"
NUMBER = "+33600000099"


async def migrated(url: str) -> Database:
    database = Database(async_database_url(url))
    await migrate(database)
    return database


async def write(database: Database) -> None:
    message = InboundMessage("whatsapp", NUMBER, "SM1", InboundKind.TEXT, f"{WORD} je veux mourir", NOW)
    verdict = Assessment(RiskLevel.HIGH, "fr", (Danger.SUICIDE,), (Reason("fr/x", RiskLevel.HIGH, WORD),))
    async with database.write() as session:
        opened = await inbox.open_thread(session, KEYRING, message, Defaults("fr", "FR"))
        await inbox.store_inbound(session, opened, message, verdict, due=None)
        opened.row.turns, opened.row.risk = 1, int(RiskLevel.HIGH)
        await outbox.enqueue(session, opened, (OutboundMessage(f"{WORD} je suis là", key="utter_x"),), NOW)
        await audit.append(session, NOW, "account:1", "opened", "conversation:1", "")


async def lines_of(database: Database) -> list[str]:
    return [line async for line in dump(database)]


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
async def test_a_backup_comes_back_whole_in_either_database(
    database_url: str, target: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """After a disaster the conversation goes on: same words, same keys, same order, new ids after the old ones."""
    source = await migrated(database_url)
    await write(source)
    lines = await lines_of(source)
    await source.close()
    other = f"sqlite:///{tmp_path / 'restored.sqlite'}"
    url = other if target == "sqlite" else str(request.getfixturevalue("postgres_url"))
    if url == database_url:
        pytest.skip("the same database cannot be empty too")
    restored = await migrated(url)
    try:
        count = await load(restored, lines)
        async with restored.read() as session:
            row = (await session.execute(select(InboundRow))).scalar_one()
            conversation = (await session.execute(select(ConversationRow))).scalar_one()
            contact = (await session.execute(select(ContactRow))).scalar_one()
            key = KEYRING.unwrap(conversation.key_wrapped, f"conversations.key:{contact.id}")
            text = open_inbound(key, row).text
        async with restored.write() as session:
            await audit.append(session, NOW, "account:1", "opened", "conversation:1", "")
    finally:
        await restored.close()

    assert count >= 4
    assert f"{WORD} je veux mourir" == text


async def test_a_backup_holds_no_word_and_no_address(sqlite_url: str) -> None:
    """Whoever finds a backup file reads nothing: words and addresses are sealed, and the keys are not in it."""
    database = await migrated(sqlite_url)
    await write(database)
    whole = "\n".join(await lines_of(database))
    await database.close()

    assert WORD not in whole
    assert NUMBER not in whole


async def test_only_a_backup_of_this_schema_goes_into_an_empty_database(sqlite_url: str) -> None:
    """A wrong file, another schema or a database in use is refused with a reason, and nothing is changed."""
    database = await migrated(sqlite_url)
    await write(database)
    lines = await lines_of(database)
    try:
        with pytest.raises(BackupError, match="not empty"):
            await load(database, lines)
        with pytest.raises(BackupError, match="expected a backup"):
            await load(database, ["hello"])
        with pytest.raises(BackupError, match="schema 0000"):
            await load(database, [json.dumps({**json.loads(lines[0]), "revision": "0000"})])
    finally:
        await database.close()


async def test_a_dead_letter_is_seen_and_can_be_tried_again(database_url: str) -> None:
    """What no provider took is listed without its words, and one command sends it again; nothing else is touched."""
    database = await migrated(database_url)
    await write(database)
    try:
        async with database.write() as session:
            row = (await session.execute(select(OutboundRow))).scalar_one()
            await outbox.record_refused(session, row.id, "63014", None)
        async with database.read() as session:
            found = await dead_letters(session)
        async with database.write() as session:
            replayed = await replay(session, found[0].outbound_id, NOW)
            replayed_twice = await replay(session, found[0].outbound_id, NOW)
        async with database.read() as session:
            status = (await session.execute(select(OutboundRow.status))).scalar_one()
    finally:
        await database.close()

    assert ["63014"] == [letter.code for letter in found]
    assert RiskLevel.HIGH is found[0].risk
    assert (found[0].conversation_id, None, DeliveryStatus.QUEUED) == (replayed, replayed_twice, status)
