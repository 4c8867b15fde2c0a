"""Showing an address takes a reason and two supervisors; it can then be seen for a quarter of an hour, each time audited (P14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store import audit
from bot.store.contacts import address_of
from bot.store.crypto import Keyring
from bot.store.tables import ContactRow, ConversationRow
from bot.store.tables_accounts import RevealRequestRow

OPEN_FOR = timedelta(minutes=15)
DECIDE_WITHIN = timedelta(hours=2)


class RevealReason(StrEnum):
    """Why an address may have to be known; a code, so that no story is written into the log."""

    VITAL_DANGER = "vital_danger"
    REPORT = "report_to_authorities"
    COURT_ORDER = "court_order"


class RevealRefusedError(Exception):
    """Not now, not this person, or not any more; the message is a code."""


@dataclass(frozen=True, slots=True)
class Reveal:
    """A request as supervisors see it, without the address."""

    id: int
    alias: str
    reason: str
    asked_by: int
    asked_at: datetime
    is_granted: bool | None
    open_until: datetime | None


async def ask(session: AsyncSession, conversation_id: int, by: int, reason: RevealReason, now: datetime) -> int:
    """Ask for the address of a conversation's contact; the request's id."""
    conversation = await session.get(ConversationRow, conversation_id)
    if conversation is None:
        raise RevealRefusedError("unknown")
    row = RevealRequestRow(contact_id=conversation.contact_id, asked_by=by, asked_at=now, reason=reason)
    session.add(row)
    await session.flush()
    await audit.append(session, now, f"account:{by}", "reveal_asked", f"reveal:{row.id}", reason)
    await audit.append(
        session, now, f"account:{by}", "reveal_of", f"conversation:{conversation_id}", f"reveal:{row.id}"
    )
    return row.id


async def decide(session: AsyncSession, reveal_id: int, by: int, now: datetime, *, grant: bool) -> None:
    """A second supervisor grants or refuses; never who asked."""
    row = await _locked(session, reveal_id)
    if row.asked_by == by:
        raise RevealRefusedError("same_person")
    if row.is_granted is not None or row.asked_at + DECIDE_WITHIN < now:
        raise RevealRefusedError("too_late")
    row.decided_by, row.decided_at, row.is_granted = by, now, grant
    row.open_until = now + OPEN_FOR if grant else None
    action = "reveal_granted" if grant else "reveal_refused"
    await audit.append(session, now, f"account:{by}", action, f"reveal:{reveal_id}", row.reason)


async def show(session: AsyncSession, keyring: Keyring, reveal_id: int, by: int, now: datetime) -> str:
    """The address, to the two who decided and for a quarter of an hour. It must not be logged or put into a URL."""
    row = await _locked(session, reveal_id)
    if by not in (row.asked_by, row.decided_by):
        raise RevealRefusedError("other_person")
    if not row.is_granted or row.open_until is None or row.open_until < now:
        raise RevealRefusedError("closed")
    contact = await session.get_one(ContactRow, row.contact_id)
    await audit.append(session, now, f"account:{by}", "address_seen", f"reveal:{reveal_id}", row.reason)
    return address_of(keyring, contact)


async def recent(session: AsyncSession, now: datetime) -> tuple[Reveal, ...]:
    """The requests of the last day, newest first."""
    query = (
        select(RevealRequestRow, ContactRow.alias)
        .join(ContactRow, ContactRow.id == RevealRequestRow.contact_id)
        .where(RevealRequestRow.asked_at > now - timedelta(days=1))
        .order_by(RevealRequestRow.id.desc())
    )
    return tuple(
        Reveal(row.id, alias, row.reason, row.asked_by, row.asked_at, row.is_granted, row.open_until)
        for row, alias in (await session.execute(query)).all()
    )


async def _locked(session: AsyncSession, reveal_id: int) -> RevealRequestRow:
    query = select(RevealRequestRow).where(RevealRequestRow.id == reveal_id).with_for_update()
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None:
        raise RevealRefusedError("unknown")
    return row
