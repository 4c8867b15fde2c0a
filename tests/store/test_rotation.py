"""Rotating keys, and data somebody tampered with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from bot.config import async_database_url
from bot.domain.accounts import Role
from bot.domain.messages import InboundKind, InboundMessage
from bot.domain.risk import Assessment, RiskLevel
from bot.store import accounts, inbox, transcripts
from bot.store.contacts import Defaults, address_of
from bot.store.crypto import Keyring, TamperedError
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.rotation import count_old, rotate
from bot.store.tables import ContactRow
from bot.store.tables_accounts import AccountRow

OLD, NEW = "the-old-secret-key-00", "the-new-secret-key-00"
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
NUMBERS = ("+33600000001", "+33600000002")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Two people and one account, sealed with the old key."""
    database = Database(async_database_url(database_url))
    await migrate(database)
    for number in NUMBERS:
        await say(database, Keyring((OLD,)), number, f"mot de {number}")
    async with database.write() as session:
        account, _ = await accounts.add(session, "Sam", Role.VOLUNTEER, NOW)
        row = await session.get_one(AccountRow, account.id)
        await accounts.propose_second_factor(session, Keyring((OLD,)), row)
    yield database
    await database.close()


async def say(database: Database, keyring: Keyring, number: str, words: str, sid: str = "") -> None:
    message = InboundMessage("whatsapp", number, sid or f"SM{number}", InboundKind.TEXT, words, NOW)
    async with database.write() as session:
        opened = await inbox.open_thread(session, keyring, message, Defaults("fr", "FR"))
        await inbox.store_inbound(session, opened, message, Assessment(RiskLevel.NONE, "fr"), due=None)


async def read(database: Database, keyring: Keyring, number: str) -> list[str]:
    async with database.read() as session:
        return [line.text for line in await transcripts.of_address(session, keyring, "whatsapp", number)]


async def test_after_a_rotation_the_old_key_can_be_thrown_away(database: Database) -> None:
    """Every word, address and second factor is sealed anew; people are found again, and the old key opens nothing."""
    both, new, old = Keyring((NEW, OLD)), Keyring((NEW,)), Keyring((OLD,))
    async with database.read() as session:
        before = await count_old(session, both)
    report = await rotate(database, both)
    again = await rotate(database, both)
    await say(database, new, NUMBERS[0], "un autre mot", "SM9")
    async with database.read() as session:
        after = await count_old(session, new)
        contacts = (await session.execute(select(ContactRow).order_by(ContactRow.id))).scalars().all()
        addresses = [address_of(new, contact) for contact in contacts]
        secret = await accounts.second_factor(session, new, 1)

    assert {"addresses": 2, "conversations": 2, "second_factors": 1, "alerts": 0, "debriefs": 0} == report
    assert {0} == set(again.values())
    assert (5, 0) == (before, after)
    assert list(NUMBERS) == addresses
    assert 32 == len(secret)
    assert [f"mot de {NUMBERS[0]}", "un autre mot"] == await read(database, new, NUMBERS[0])
    with pytest.raises(TamperedError):
        old.unwrap((await _wrapped(database))[0], "conversations.key:1")


async def test_a_rotation_without_the_old_key_changes_nothing(database: Database) -> None:
    """A key taken out too early is noticed before anything is lost."""
    with pytest.raises(TamperedError):
        await rotate(database, Keyring((NEW,)))

    assert [f"mot de {NUMBERS[1]}"] == await read(database, Keyring((OLD,)), NUMBERS[1])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE inbound_messages SET text_sealed = (SELECT text_sealed FROM inbound_messages WHERE id = 2) WHERE id = 1",
        "UPDATE conversations SET key_wrapped = (SELECT key_wrapped FROM conversations WHERE id = 2) WHERE id = 1",
        "UPDATE inbound_messages SET external_id = 'SMother' WHERE id = 1",
    ],
)
async def test_words_moved_to_somebody_else_s_row_are_refused(database: Database, change: str) -> None:
    """Whoever can write to the database cannot put one child's words into another's mouth."""
    async with database.write() as session:
        await session.execute(text(change))

    with pytest.raises(TamperedError):
        await read(database, Keyring((OLD,)), NUMBERS[0])


async def test_an_address_swapped_in_the_database_is_refused(database: Database) -> None:
    """An answer cannot be led to another phone."""
    swap = "UPDATE contacts SET address_sealed = (SELECT address_sealed FROM contacts WHERE id = 2) WHERE id = 1"
    async with database.write() as session:
        await session.execute(text(swap))
        contact = await session.get_one(ContactRow, 1)

    with pytest.raises(TamperedError):
        address_of(Keyring((OLD,)), contact)


async def _wrapped(database: Database) -> list[bytes]:
    async with database.read() as session:
        return list((await session.execute(text("SELECT key_wrapped FROM conversations ORDER BY id"))).scalars())
