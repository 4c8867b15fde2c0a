"""Rotating the secret keys: everything sealed with an old one is sealed anew, so that the old one may go."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store import accounts, alerts, debriefs
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.tables import ContactRow, ConversationRow
from bot.store.tables_accounts import AccountRow
from bot.store.tables_console import DebriefRow
from bot.store.tables_people import VolunteerRow

BATCH = 200


async def rotate(database: Database, keyring: Keyring) -> dict[str, int]:
    """Seal with the first key whatever another sealed; how many of each kind. Can be run again."""
    steps = {
        "addresses": _addresses,
        "conversations": _conversations,
        "second_factors": _second_factors,
        "alerts": _alerts,
        "debriefs": _debriefs,
    }
    report = dict.fromkeys(steps, 0)
    for name, step in steps.items():
        last = 0
        while True:
            async with database.write(heavy=True) as session:
                last, count = await step(session, keyring, last)
            report[name] += count
            if not last:
                break
    return report


async def count_old(session: AsyncSession, keyring: Keyring) -> int:
    """How many values still need a key that is not the first."""
    columns = (
        ContactRow.address_sealed,
        ConversationRow.key_wrapped,
        AccountRow.totp_sealed,
        VolunteerRow.alert_chat_sealed,
        DebriefRow.note_sealed,
    )
    return sum(
        [
            1
            for column in columns
            for value in (await session.execute(select(column))).scalars()
            if value and not keyring.is_current(value)
        ]
    )


async def _addresses(session: AsyncSession, keyring: Keyring, after: int) -> tuple[int, int]:
    query = select(ContactRow).where(ContactRow.id > after).order_by(ContactRow.id).limit(BATCH).with_for_update()
    rows = (await session.execute(query)).scalars().all()
    count = 0
    for row in rows:
        if not row.address_sealed or keyring.is_current(row.address_sealed):
            continue
        address = keyring.open_address(row.address_sealed, f"contacts.address:{row.address_hash.hex()}")
        row.address_hash = keyring.lookup_hashes(row.channel, address)[0]
        row.address_sealed = keyring.seal_address(address, f"contacts.address:{row.address_hash.hex()}")
        count += 1
    await session.flush()
    return (rows[-1].id if rows else 0), count


async def _conversations(session: AsyncSession, keyring: Keyring, after: int) -> tuple[int, int]:
    query = select(ConversationRow).where(ConversationRow.id > after).order_by(ConversationRow.id).limit(BATCH)
    rows = (await session.execute(query.with_for_update())).scalars().all()
    count = 0
    for row in rows:
        if not keyring.is_current(row.key_wrapped):
            row.key_wrapped = keyring.rewrap(row.key_wrapped, f"conversations.key:{row.contact_id}")
            count += 1
    await session.flush()
    return (rows[-1].id if rows else 0), count


async def _second_factors(session: AsyncSession, keyring: Keyring, after: int) -> tuple[int, int]:
    query = select(AccountRow).where(AccountRow.id > after).order_by(AccountRow.id).limit(BATCH).with_for_update()
    rows = (await session.execute(query)).scalars().all()
    count = 0
    for row in rows:
        if row.totp_sealed and not keyring.is_current(row.totp_sealed):
            place = accounts.place_of_second_factor(row.id)
            row.totp_sealed = keyring.seal_secret(keyring.open_secret(row.totp_sealed, place), place)
            count += 1
    await session.flush()
    return (rows[-1].id if rows else 0), count


async def _alerts(session: AsyncSession, keyring: Keyring, after: int) -> tuple[int, int]:
    query = select(VolunteerRow).where(VolunteerRow.id > after).order_by(VolunteerRow.id).limit(BATCH).with_for_update()
    rows = (await session.execute(query)).scalars().all()
    count = 0
    for row in rows:
        if row.alert_chat_sealed and not keyring.is_current(row.alert_chat_sealed):
            place = alerts.place_of_chat(row.id)
            row.alert_chat_sealed = keyring.seal_address(keyring.open_address(row.alert_chat_sealed, place), place)
            count += 1
    await session.flush()
    return (rows[-1].id if rows else 0), count


async def _debriefs(session: AsyncSession, keyring: Keyring, after: int) -> tuple[int, int]:
    query = select(DebriefRow).where(DebriefRow.id > after).order_by(DebriefRow.id).limit(BATCH).with_for_update()
    rows = (await session.execute(query)).scalars().all()
    count = 0
    for row in rows:
        if row.note_sealed and not keyring.is_current(row.note_sealed):
            place = debriefs.place_of_note(row.id)
            row.note_sealed = keyring.seal_secret(keyring.open_secret(row.note_sealed, place), place)
            count += 1
    await session.flush()
    return (rows[-1].id if rows else 0), count
