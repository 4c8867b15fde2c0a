"""The rota, its exceptions and the closures, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.schedules import Schedule
from bot.domain.shifts import Change, Closure, Rota, Shift
from bot.store.tables_people import ClosureRow, PhraseRow, RotaRow, ShiftChangeRow


async def load_rota(session: AsyncSession, usual: Schedule, now: datetime) -> Rota:
    """The rota as it stands, with what is still to come of exceptions and closures."""
    shifts = [
        Shift(row.weekday, _time(row.start_minute), _time(row.end_minute), row.volunteer_id)
        for row in await rota(session)
    ]
    changes = (await session.execute(select(ShiftChangeRow).where(ShiftChangeRow.end > now))).scalars()
    return Rota(
        usual,
        usual.zone,
        tuple(shifts),
        tuple(Change(row.start, row.end, row.is_added, row.volunteer_id) for row in changes),
        tuple(Closure(row.start, row.end) for row in await closures(session, now)),
    )


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


async def rota(session: AsyncSession) -> list[RotaRow]:
    """The weekly shifts, in order."""
    query = select(RotaRow).order_by(RotaRow.weekday, RotaRow.start_minute, RotaRow.id)
    return list((await session.execute(query)).scalars())


def add_shift(session: AsyncSession, weekday: int, start: time, end: time, volunteer_id: int | None) -> None:
    """A weekly shift."""
    minutes = (start.hour * 60 + start.minute, end.hour * 60 + end.minute)
    session.add(RotaRow(weekday=weekday, start_minute=minutes[0], end_minute=minutes[1], volunteer_id=volunteer_id))


async def remove_shift(session: AsyncSession, shift_id: int) -> None:
    """No longer every week."""
    await session.execute(delete(RotaRow).where(RotaRow.id == shift_id))


def add_change(session: AsyncSession, change: Change) -> None:
    """An exception to the rota."""
    session.add(
        ShiftChangeRow(start=change.start, end=change.end, is_added=change.is_added, volunteer_id=change.volunteer_id)
    )


async def end_own_changes(session: AsyncSession, volunteer_id: int, now: datetime) -> None:
    """A volunteer who leaves takes back the hours they had added."""
    mine = (ShiftChangeRow.volunteer_id == volunteer_id) & ShiftChangeRow.is_added
    under_way = mine & (ShiftChangeRow.start <= now) & (ShiftChangeRow.end > now)
    await session.execute(update(ShiftChangeRow).where(under_way).values(end=now))


async def closures(session: AsyncSession, now: datetime) -> list[ClosureRow]:
    """Closures that hold or are to come."""
    query = select(ClosureRow).where(
        ClosureRow.cancelled_at.is_(None), or_(ClosureRow.end.is_(None), ClosureRow.end > now)
    )
    return list((await session.execute(query.order_by(ClosureRow.start))).scalars())


def close(session: AsyncSession, start: datetime, end: datetime | None, reason: str, made_by: int) -> None:
    """An exceptional closure, or the pause of intake when it has no end."""
    session.add(ClosureRow(start=start, end=end, reason=reason, made_by=made_by))


async def reopen(session: AsyncSession, closure_id: int, now: datetime) -> None:
    """The closure no longer holds."""
    row = await session.get(ClosureRow, closure_id)
    if row is not None:
        row.cancelled_at = now


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase to adapt, and why."""

    id: int
    language: str
    text: str
    why: str


async def phrases(session: AsyncSession) -> list[Phrase]:
    """The helpline's own phrases."""
    query = select(PhraseRow).where(PhraseRow.removed_at.is_(None)).order_by(PhraseRow.id)
    return [Phrase(row.id, row.language, row.text, row.why) for row in (await session.execute(query)).scalars()]


def add_phrase(session: AsyncSession, language: str, text: str, why: str) -> None:
    """One more phrase."""
    session.add(PhraseRow(language=language, text=text, why=why))


async def remove_phrase(session: AsyncSession, phrase_id: int, now: datetime) -> None:
    """No longer suggested."""
    row = await session.get(PhraseRow, phrase_id)
    if row is not None:
        row.removed_at = now
