"""Erasing what a person wrote and what was written to them: words go, and with them the key that sealed them (P12)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.store.crypto import Keyring
from bot.store.handover import record
from bot.store.inbox import OpenThread
from bot.store.tables import ConversationRow, EscalationRow, InboundRow, OutboundRow
from bot.store.tables_people import DraftRow, FollowUpRow, NoteRow


async def erase(session: AsyncSession, keyring: Keyring, opened: OpenThread, now: datetime) -> None:
    """Erase every conversation of the contact. What stays: that messages came (so that none is taken in twice), and risk.

    The conversation goes on with a fresh key, so that the person can be told and can write again.
    """
    query = select(ConversationRow).where(ConversationRow.contact_id == opened.contact.id)
    for row in (await session.execute(query)).scalars().all():
        inbound = InboundRow.conversation_id == row.id
        await session.execute(update(InboundRow).where(inbound).values(text_sealed=None, verdict_sealed=None))
        await session.execute(delete(OutboundRow).where(OutboundRow.conversation_id == row.id))
        for about in (NoteRow, DraftRow, FollowUpRow):
            await session.execute(delete(about).where(about.conversation_id == row.id))
        waiting = (EscalationRow.conversation_id == row.id) & EscalationRow.closed_at.is_(None)
        await session.execute(update(EscalationRow).where(waiting).values(closed_at=now))
        key, row.key_wrapped = keyring.new_data_key(f"conversations.key:{row.contact_id}")
        row.state_sealed = None
        record(session, row.id, now, "contact", "erased", "asked")
        if row.id == opened.row.id:
            opened.key = key
            row.mode = Mode.BOT if Mode(row.mode) is Mode.WAITING else row.mode
