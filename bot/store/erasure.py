"""Erasing what a person wrote and what was written to them: words go, and with them the key that sealed them (P12).

A conversation under a safeguarding hold keeps its words; that erasing was asked for is noted with the hold (GDPR 17(3)).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.domain.retention import RULES, Way
from bot.store import deletions
from bot.store.crypto import DataKey, Keyring
from bot.store.handover import record
from bot.store.inbox import OpenThread
from bot.store.marks import masked
from bot.store.tables import Base, ConversationRow, EscalationRow, InboundRow
from bot.store.tables_accounts import HoldRow

TELEGRAM_DELETES = timedelta(hours=47)
"""Telegram deletes messages of private chats for 48 hours after they were sent; an hour is left for trying."""


async def erase(session: AsyncSession, keyring: Keyring, opened: OpenThread, now: datetime) -> bool:
    """Erase every conversation of the contact but those on hold; whether any is. The talk goes on with a fresh key.

    What stays is that messages came, so that none is taken in twice, and how grave the risk was.
    """
    is_held = False
    query = select(ConversationRow).where(ConversationRow.contact_id == opened.contact.id)
    for row in (await session.execute(query)).scalars().all():
        if await _note_asked(session, row.id, now):
            record(session, row.id, now, "contact", "erasure_refused", "safeguarding")
            is_held = True
            continue
        await deletions.ask_for_conversation(session, row, now, telegram_since=now - TELEGRAM_DELETES)
        waiting = (EscalationRow.conversation_id == row.id) & EscalationRow.closed_at.is_(None)
        await session.execute(update(EscalationRow).where(waiting).values(closed_at=now))
        key = await erase_words(session, keyring, row)
        record(session, row.id, now, "contact", "erased", "asked")
        if row.id == opened.row.id:
            opened.key = key
            row.mode = Mode.BOT if Mode(row.mode) is Mode.WAITING else row.mode
    opened.contact.age_band = None
    return is_held


async def erase_words(session: AsyncSession, keyring: Keyring, row: ConversationRow) -> DataKey:
    """Empty a conversation and destroy its key, whoever may still hold a copy of the sealed words; the fresh key."""
    inbound = await session.execute(select(InboundRow).where(InboundRow.conversation_id == row.id))
    for message in inbound.scalars():
        message.text_sealed = message.verdict_sealed = None
        message.external_id = masked(message.external_id)
    for table in tables_of_words():
        await session.execute(delete(table).where(table.c.conversation_id == row.id))
    key, row.key_wrapped = keyring.new_data_key(f"conversations.key:{row.contact_id}")
    row.state_sealed = None
    await session.flush()
    return key


def tables_of_words() -> tuple[Table, ...]:
    """The tables whose rows go with the words: messages of ours, notes, drafts."""
    return tuple(Base.metadata.tables[rule.table] for rule in RULES if rule.way is Way.WORDS)


async def _note_asked(session: AsyncSession, conversation_id: int, now: datetime) -> bool:
    """Whether a hold keeps this conversation; the hold then knows that erasing was asked for."""
    held = (HoldRow.conversation_id == conversation_id) & (HoldRow.until > now)
    found = await session.execute(update(HoldRow).where(held).values(erasure_asked_at=now))
    return bool(found.rowcount)  # type: ignore[attr-defined]
