"""What a person reads of themselves on request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.config import async_database_url
from bot.domain.accounts import Account, Role
from bot.domain.messages import InboundKind, InboundMessage
from bot.domain.risk import Assessment, RiskLevel
from bot.store import casework, inbox, transcripts
from bot.store.contacts import Defaults
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.migrate import migrate

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
KEYRING = Keyring(("a-secret-key-for-tests",))
SAM = Account(1, "Sam", Role.VOLUNTEER, frozenset({"fr"}), frozenset())


async def test_the_right_of_access_covers_what_volunteers_noted(database_url: str) -> None:
    """P28: whoever asks for their data reads the team's notes about them too, in the order of time."""
    database = Database(async_database_url(database_url))
    await migrate(database)
    message = InboundMessage("telegram", "20", "1", InboundKind.TEXT, "je suis triste", NOW)
    try:
        async with database.write() as session:
            opened = await inbox.open_thread(session, KEYRING, message, Defaults("fr", "FR"))
            await inbox.store_inbound(session, opened, message, Assessment(RiskLevel.CONCERN, "fr"), due=None)
            later = NOW + timedelta(minutes=1)
            casework.add_note(session, opened.key, opened.row.id, SAM, "note", "parle de sa sœur", later)
            contact_id = opened.contact.id
        async with database.read() as session:
            lines = await transcripts.of_contact(session, KEYRING, contact_id)
    finally:
        await database.close()

    assert ["je suis triste", "parle de sa sœur"] == [line.text for line in lines]
    assert ["", transcripts.NOTE] == [line.key for line in lines]
