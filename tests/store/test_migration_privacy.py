"""Migration 0003 with people's data in the database, up and down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bot.config import async_database_url
from bot.domain.messages import DeliveryStatus, InboundKind, InboundMessage, OutboundMessage
from bot.domain.risk import Assessment, RiskLevel
from bot.store import audit, inbox, outbox, transcripts
from bot.store.contacts import Defaults
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.migrate import _config

KEYRING = Keyring(("a-secret-key-for-tests",))
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
SCRIPT = ScriptDirectory.from_config(_config()).get_revision("0003")
OLD_CONTACT = (
    "INSERT INTO contacts (channel, address_hash, address_sealed, alias, language, language_is_chosen, country, "
    "is_discreet, is_reachable, created_at, last_inbound_at) VALUES "
    "('whatsapp', :hash, :sealed, 'Loutre 42', 'fr', :no, 'FR', :no, :yes, :at, :at)"
)


async def move(database: Database, to: str, *, up: bool) -> None:
    """Bring the schema to a revision."""

    def run(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, to)

    async with database.engine.begin() as connection:
        await connection.run_sync(run)


async def everything(database: Database, query: str) -> list[Any]:
    async with database.read() as session:
        return [tuple(row) for row in (await session.execute(text(query))).all()]


async def test_people_s_data_survives_the_way_up_and_down(database_url: str) -> None:
    """Nobody is forgotten by an update, and an update that has to be taken back takes nobody with it."""
    database = Database(async_database_url(database_url))
    before_revision = str(SCRIPT.down_revision)
    await move(database, before_revision, up=True)
    address_hash = KEYRING.lookup_hashes("whatsapp", "+33600000001")[0]
    sealed = KEYRING.seal_address("+33600000001", f"contacts.address:{address_hash.hex()}")
    async with database.write() as session:
        values = {"hash": address_hash, "sealed": sealed, "no": False, "yes": True, "at": NOW.replace(tzinfo=None)}
        await session.execute(text(OLD_CONTACT), values)
    before = await everything(database, "SELECT alias, address_hash FROM contacts")
    await move(database, "0003", up=True)
    message = InboundMessage("whatsapp", "+33600000001", "SM1", InboundKind.TEXT, "un mot", NOW)
    async with database.write() as session:
        opened = await inbox.open_thread(session, KEYRING, message, Defaults("fr", "FR"))
        await inbox.store_inbound(session, opened, message, Assessment(RiskLevel.NONE, "fr"), due=None)
        await audit.append(session, NOW, "account:1", "opened", "conversation:1", "")
    await move(database, before_revision, up=False)
    after = await everything(database, "SELECT alias, address_hash FROM contacts")
    await move(database, "0003", up=True)
    async with database.read() as session:
        said = await transcripts.of_address(session, KEYRING, "whatsapp", "+33600000001")
    await database.close()

    assert before == after
    assert ["un mot"] == [line.text for line in said]


async def test_what_is_erased_on_its_way_holds_nobody_up(sqlite_url: str) -> None:
    """A message erased while a provider had it neither comes back nor delays the next one."""
    database = Database(async_database_url(sqlite_url))
    await move(database, "head", up=True)
    message = InboundMessage("whatsapp", "+33600000001", "SM1", InboundKind.TEXT, "un mot", NOW)
    async with database.write() as session:
        opened = await inbox.open_thread(session, KEYRING, message, Defaults("fr", "FR"))
        await outbox.enqueue(session, opened, (OutboundMessage("a", key="x"), OutboundMessage("b", key="x")), NOW)
        claim = await outbox.claim_outbox(session, NOW)
        assert claim is not None
        first = await outbox.next_delivery(session, KEYRING, claim, NOW)
        assert first is not None
        await session.execute(text("DELETE FROM outbound_messages WHERE id = :id"), {"id": first.outbound_id})
        await outbox.record_accepted(session, first.outbound_id, "SMout", NOW)
        await outbox.record_refused(session, first.outbound_id, "x", None)
        second = await outbox.next_delivery(session, KEYRING, claim, NOW)
        statuses = (await session.execute(text("SELECT status FROM outbound_messages"))).scalars().all()
    await database.close()

    assert second is not None
    assert "b" == second.message.text
    assert [int(DeliveryStatus.QUEUED)] == list(statuses)
