"""Deleting on the person's phone what a provider lets a bot delete: asked for in the turn's transaction, done at delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.messages import DeliveryStatus
from bot.store.inbox import OpenThread
from bot.store.outbox import WAITING_STATES
from bot.store.tables import ConversationRow, InboundRow, OutboundRow
from bot.store.tables_words import RetractionRow

DELETABLE_FOR = timedelta(hours=48)
"""Telegram lets a bot delete messages of a private chat for this long (Bot API, deleteMessages)."""


@dataclass(frozen=True, slots=True)
class Retraction:
    """Messages to delete, by the provider's ids."""

    id: int
    external_ids: tuple[str, ...]


async def ask(session: AsyncSession, opened: OpenThread, now: datetime) -> None:
    """Note everything exchanged with this contact that may still be deleted, and give up what waits to be sent.

    Before erasing, which forgets the ids.
    """
    mine = select(ConversationRow.id).where(ConversationRow.contact_id == opened.contact.id)
    newest = now - DELETABLE_FOR
    waiting = OutboundRow.conversation_id.in_(mine) & OutboundRow.status.in_(WAITING_STATES)
    await session.execute(update(OutboundRow).where(waiting).values(status=DeliveryStatus.WITHDRAWN))
    inbound = select(InboundRow.external_id).where(
        InboundRow.conversation_id.in_(mine), InboundRow.received_at > newest
    )
    outbound = select(OutboundRow.external_id).where(
        OutboundRow.conversation_id.in_(mine), OutboundRow.accepted_at > newest, OutboundRow.external_id.is_not(None)
    )
    ids = [*(await session.execute(inbound)).scalars(), *(await session.execute(outbound)).scalars()]
    if ids:
        session.add(RetractionRow(conversation_id=opened.row.id, external_ids=" ".join(map(str, ids)), asked_at=now))


async def pending(session: AsyncSession, conversation_id: int) -> tuple[Retraction, ...]:
    """What is still to be deleted in a conversation."""
    query = select(RetractionRow.id, RetractionRow.external_ids).where(
        RetractionRow.conversation_id == conversation_id, RetractionRow.done_at.is_(None)
    )
    return tuple(Retraction(id_, tuple(ids.split())) for id_, ids in (await session.execute(query)).all())


async def done(session: AsyncSession, retraction_id: int, now: datetime) -> None:
    """It is deleted, or will never be."""
    await session.execute(update(RetractionRow).where(RetractionRow.id == retraction_id).values(done_at=now))
