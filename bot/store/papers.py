"""Links that open a paper once: random, kept as a hash, gone with the report they open."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.retention import REPORTS_KEPT
from bot.store.tables import ContactRow, ConversationRow
from bot.store.tables_report import PaperLinkRow, ReportRow


@dataclass(frozen=True, slots=True)
class Link:
    """An unopened link: whose paper it opens and in which language its page speaks."""

    id: int
    contact_id: int
    language: str


def new_token() -> str:
    """A token nobody can guess; what is kept of it is `hash_of` it."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def add(session: AsyncSession, report_id: int, token_hash: str, now: datetime) -> None:
    """A new link to a report."""
    session.add(PaperLinkRow(report_id=report_id, token_hash=token_hash, made_at=now))
    await session.flush()


async def find(session: AsyncSession, token: str, now: datetime) -> Link | None:
    """The link of a token, if it was not opened and is not over; nothing tells why when it is not there."""
    query = (
        select(PaperLinkRow.id, ContactRow.id, ConversationRow.language)
        .join(ReportRow, ReportRow.id == PaperLinkRow.report_id)
        .join(ConversationRow, ConversationRow.id == ReportRow.conversation_id)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(PaperLinkRow.token_hash == hash_of(token), PaperLinkRow.opened_at.is_(None))
        .where(PaperLinkRow.made_at > now - REPORTS_KEPT)
    )
    found = (await session.execute(query)).first()
    return Link(*found) if found is not None else None


async def spend(session: AsyncSession, link: Link, now: datetime) -> bool:
    """Open a link; of two who try at once one is told that it was opened."""
    mine = (PaperLinkRow.id == link.id) & PaperLinkRow.opened_at.is_(None)
    result = await session.execute(update(PaperLinkRow).where(mine).values(opened_at=now))
    return isinstance(result, CursorResult) and result.rowcount == 1
