"""Volunteers who asked to talk after a hard conversation, until a supervisor has; what came of it is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store import audit
from bot.store.crypto import Keyring
from bot.store.tables_console import DebriefRow
from bot.store.tables_people import VolunteerRow


@dataclass(frozen=True, slots=True)
class Debrief:
    """One request, and what came of it."""

    id: int
    volunteer_id: int
    name: str
    asked_at: datetime
    done_at: datetime | None = None
    done_by: int | None = None
    note: str = ""


def place_of_note(debrief_id: int) -> str:
    """Where the note about a volunteer is sealed for."""
    return f"debriefs.note:{debrief_id}"


async def ask(session: AsyncSession, volunteer_id: int, now: datetime) -> None:
    """Somebody would like to talk; asking twice before it happened is asking once."""
    waiting = (DebriefRow.volunteer_id == volunteer_id) & DebriefRow.done_at.is_(None)
    if (await session.execute(select(DebriefRow.id).where(waiting))).first() is None:
        session.add(DebriefRow(volunteer_id=volunteer_id, asked_at=now))
        await session.flush()


async def waiting(session: AsyncSession) -> list[Debrief]:
    """Everybody who asked and nobody has talked to yet, who waits longest first."""
    query = (
        select(DebriefRow, VolunteerRow.name)
        .join(VolunteerRow, VolunteerRow.id == DebriefRow.volunteer_id)
        .where(DebriefRow.done_at.is_(None))
        .order_by(DebriefRow.asked_at)
    )
    rows = (await session.execute(query)).all()
    return [Debrief(row.id, row.volunteer_id, name, row.asked_at) for row, name in rows]


async def talked(session: AsyncSession, keyring: Keyring, since: datetime) -> list[Debrief]:
    """The talks there were, newest first, for the supervisors."""
    query = (
        select(DebriefRow, VolunteerRow.name)
        .join(VolunteerRow, VolunteerRow.id == DebriefRow.volunteer_id)
        .where(DebriefRow.done_at > since)
        .order_by(DebriefRow.done_at.desc())
        .limit(20)
    )
    return [
        Debrief(
            row.id,
            row.volunteer_id,
            name,
            row.asked_at,
            row.done_at,
            row.done_by,
            keyring.open_secret(row.note_sealed, place_of_note(row.id)) if row.note_sealed else "",
        )
        for row, name in (await session.execute(query)).all()
    ]


async def finish(session: AsyncSession, keyring: Keyring, debrief_id: int, by: int, note: str, now: datetime) -> bool:
    """Somebody talked with them. False when it was done already, or is about oneself."""
    query = select(DebriefRow).where(DebriefRow.id == debrief_id).with_for_update()
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None or row.done_at is not None or row.volunteer_id == by:
        return False
    row.done_at, row.done_by = now, by
    row.note_sealed = keyring.seal_secret(note, place_of_note(row.id)) if note else None
    await audit.append(session, now, f"account:{by}", "debriefed", f"account:{row.volunteer_id}", "")
    return True
