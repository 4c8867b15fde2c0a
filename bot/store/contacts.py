"""Contacts: found by a keyed hash of their address, known to everyone else by an alias."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.messages import ContactNews, InboundMessage
from bot.store.crypto import Keyring
from bot.store.tables import ContactRow, ConversationRow

ANIMALS = [
    "Loutre",
    "Renard",
    "Pie",
    "Geai",
    "Hérisson",
    "Chouette",
    "Martre",
    "Lynx",
    "Castor",
    "Écureuil",
    "Biche",
    "Cigogne",
    "Dauphin",
    "Fauvette",
    "Girafe",
    "Hibou",
    "Isard",
    "Koala",
    "Lama",
    "Marmotte",
    "Narval",
    "Orque",
    "Panda",
    "Phoque",
    "Raton",
    "Salamandre",
    "Tortue",
    "Vison",
    "Yack",
    "Zèbre",
    "Belette",
    "Colibri",
    "Flamant",
    "Grue",
    "Huppe",
]
"""Two words never heard in the region or the story: an alias is easy to say and tells nothing."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What is assumed of a new contact until they say otherwise."""

    language: str
    country: str


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What may be known of a contact without their address."""

    contact_id: int
    language: str
    country: str
    age_band: str | None


async def lock_contact(
    session: AsyncSession, keyring: Keyring, message: InboundMessage, defaults: Defaults
) -> ContactRow:
    """The contact who wrote, created when new, locked until the transaction ends so that their messages take turns."""
    hashes = keyring.lookup_hashes(message.channel, message.address)
    row = await _find(session, message.channel, hashes)
    if row is None:
        insert = insert_sqlite if session.get_bind().dialect.name == "sqlite" else insert_postgresql
        values = {
            "channel": message.channel,
            "address_hash": hashes[0],
            "address_sealed": keyring.seal_address(message.address, f"contacts.address:{hashes[0].hex()}"),
            "alias": f"{random.choice(ANIMALS)} {random.randint(2, 99)}",  # noqa: S311 - a name, not a secret
            "language": message.language_hint or defaults.language,
            "language_is_chosen": False,
            "country": message.country_hint or defaults.country,
            "is_discreet": False,
            "is_reachable": True,
            "created_at": message.received_at,
            "last_inbound_at": message.received_at,
        }
        await session.execute(insert(ContactRow).values(**values).on_conflict_do_nothing())
        row = await _find(session, message.channel, hashes)
    if row is None:
        raise LookupError("a contact was not found right after it was stored")
    return row


async def _find(session: AsyncSession, channel: str, hashes: tuple[bytes, ...]) -> ContactRow | None:
    query = select(ContactRow).where(ContactRow.channel == channel, ContactRow.address_hash.in_(hashes))
    return (await session.execute(query.with_for_update())).scalar_one_or_none()


def address_of(keyring: Keyring, row: ContactRow) -> str:
    """The address to deliver to. Only delivery asks for it; it must not be logged or shown (P14)."""
    return keyring.open_address(row.address_sealed, f"contacts.address:{row.address_hash.hex()}")


async def record_reachable(session: AsyncSession, keyring: Keyring, news: ContactNews) -> None:
    """The person blocked us, or came back."""
    hashes = keyring.lookup_hashes(news.channel, news.address)
    await session.execute(
        update(ContactRow)
        .where(ContactRow.channel == news.channel, ContactRow.address_hash.in_(hashes))
        .values(is_reachable=news.reachable)
    )


async def address_of_conversation(session: AsyncSession, keyring: Keyring, conversation_id: int) -> tuple[str, str]:
    """Channel and address of whoever a conversation is with; for channels only, never for pages (P14)."""
    query = (
        select(ContactRow)
        .join(ConversationRow, ConversationRow.contact_id == ContactRow.id)
        .where(ConversationRow.id == conversation_id)
    )
    row = (await session.execute(query)).scalar_one()
    return row.channel, address_of(keyring, row)


async def facts_of(session: AsyncSession, contact_id: int) -> ContactFacts:
    """What may be known of a contact."""
    row = await session.get_one(ContactRow, contact_id)
    return ContactFacts(row.id, row.language, row.country, row.age_band)


async def facts_of_conversation(session: AsyncSession, conversation_id: int) -> ContactFacts:
    """What may be known of whoever a conversation is with."""
    row = await session.get_one(ConversationRow, conversation_id)
    return await facts_of(session, row.contact_id)
