"""Volunteers on duty, and who holds which conversation since when, with the lease that keeps it theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.accounts import Account
from bot.domain.handover import CAPACITY, COOL_DOWN, SILENCE, Volunteer
from bot.domain.risk import RiskLevel
from bot.store.tables import ConversationRow
from bot.store.tables_people import AssignmentRow, VolunteerRow


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation somebody holds."""

    conversation_id: int
    volunteer_id: int
    risk: RiskLevel
    claimed_at: datetime
    seen_at: datetime


async def meet(session: AsyncSession, account: Account, now: datetime) -> VolunteerRow:
    """The row of an account, made on their first visit and kept in step with what the account says."""
    row = await session.get(VolunteerRow, account.id, with_for_update=True)
    if row is None:
        row = VolunteerRow(id=account.id, seen_at=now, capacity=CAPACITY, high_taken=0, debrief_due=False)
        session.add(row)
    row.name, row.role = account.name, account.role.value
    row.languages, row.skills = ",".join(sorted(account.languages)), ",".join(sorted(account.skills))
    row.seen_at = now
    await session.flush()
    return row


async def met(session: AsyncSession, account: Account, now: datetime) -> Volunteer:
    """The same, as the queue sees them."""
    row = await meet(session, account, now)
    mine = (AssignmentRow.volunteer_id == row.id) & AssignmentRow.ended_at.is_(None)
    holding = (await session.execute(select(func.count()).select_from(AssignmentRow).where(mine))).scalar_one()
    return _volunteer(row, holding)


async def find(session: AsyncSession, volunteer_id: int) -> Volunteer | None:
    """A volunteer as the queue sees them."""
    row = await session.get(VolunteerRow, volunteer_id, populate_existing=True)
    if row is None:
        return None
    return _volunteer(row, (await _holding(session)).get(row.id, 0))


async def everyone(session: AsyncSession) -> list[Volunteer]:
    """Everybody who ever opened the console, those on duty first."""
    holding = await _holding(session)
    rows = (await session.execute(select(VolunteerRow).order_by(VolunteerRow.name))).scalars()
    found = [_volunteer(row, holding.get(row.id, 0)) for row in rows]
    return sorted(found, key=lambda one: not one.is_on_duty)


async def names(session: AsyncSession) -> dict[int, str]:
    """Who is who."""
    rows = (await session.execute(select(VolunteerRow.id, VolunteerRow.name))).all()
    return {row[0]: row[1] for row in rows}


async def _holding(session: AsyncSession) -> dict[int, int]:
    query = select(AssignmentRow.volunteer_id, func.count()).where(AssignmentRow.ended_at.is_(None))
    rows = (await session.execute(query.group_by(AssignmentRow.volunteer_id))).all()
    return {row[0]: row[1] for row in rows}


def _volunteer(row: VolunteerRow, holding: int) -> Volunteer:
    return Volunteer(
        id=row.id,
        name=row.name,
        role=row.role,
        languages=frozenset(filter(None, row.languages.split(","))),
        skills=frozenset(filter(None, row.skills.split(","))),
        on_duty_since=row.on_duty_since,
        on_duty_until=row.on_duty_until,
        capacity=row.capacity,
        holding=holding,
        high_taken=row.high_taken,
        cool_until=row.cool_until,
        debrief_due=row.debrief_due,
    )


async def go_on_duty(session: AsyncSession, volunteer_id: int, until: datetime | None, now: datetime) -> None:
    """A shift begins, with a fresh exposure budget."""
    row = await session.get_one(VolunteerRow, volunteer_id)
    row.on_duty_since, row.on_duty_until, row.seen_at = now, until, now
    row.high_taken, row.cool_until = 0, None


async def go_off_duty(session: AsyncSession, volunteer_id: int) -> None:
    """A shift ends."""
    row = await session.get_one(VolunteerRow, volunteer_id)
    row.on_duty_since = row.on_duty_until = None


async def assign(
    session: AsyncSession, conversation_id: int, volunteer_id: int, risk: RiskLevel, now: datetime
) -> None:
    """A lease begins; one at high risk counts against the shift's exposure budget."""
    session.add(
        AssignmentRow(
            conversation_id=conversation_id,
            volunteer_id=volunteer_id,
            risk=risk,
            claimed_at=now,
            seen_at=now,
            how="",
        )
    )
    if risk >= RiskLevel.HIGH:
        values = {"high_taken": VolunteerRow.high_taken + 1}
        await session.execute(update(VolunteerRow).where(VolunteerRow.id == volunteer_id).values(values))
    await session.flush()


async def release(session: AsyncSession, conversation_id: int, how: str, now: datetime, *, tired: bool = True) -> None:
    """The lease ends. After a conversation at high risk comes a pause, and the question how the volunteer is."""
    query = select(AssignmentRow).where(
        AssignmentRow.conversation_id == conversation_id, AssignmentRow.ended_at.is_(None)
    )
    risk = (
        await session.execute(select(ConversationRow.risk).where(ConversationRow.id == conversation_id))
    ).scalar_one()
    for row in (await session.execute(query)).scalars().all():
        row.ended_at, row.how = now, how
        if tired and risk >= RiskLevel.HIGH:
            values = {"cool_until": now + COOL_DOWN, "debrief_due": True}
            await session.execute(update(VolunteerRow).where(VolunteerRow.id == row.volunteer_id).values(values))
    await session.flush()


async def answer_debrief(session: AsyncSession, volunteer_id: int, now: datetime, *, asked: bool) -> None:
    """The volunteer said how they are, and may have asked for somebody to talk to."""
    row = await session.get_one(VolunteerRow, volunteer_id)
    row.debrief_due = False
    if asked:
        row.debrief_asked_at = now


async def touch(session: AsyncSession, volunteer_id: int, now: datetime) -> None:
    """The heartbeat: everything this volunteer holds stays theirs."""
    await session.execute(update(VolunteerRow).where(VolunteerRow.id == volunteer_id).values(seen_at=now))
    mine = (AssignmentRow.volunteer_id == volunteer_id) & AssignmentRow.ended_at.is_(None)
    await session.execute(update(AssignmentRow).where(mine).values(seen_at=now))


async def held(session: AsyncSession) -> list[Held]:
    """Who holds what, at the risk the conversation has now."""
    query = (
        select(AssignmentRow, ConversationRow.risk)
        .join(ConversationRow, ConversationRow.id == AssignmentRow.conversation_id)
        .where(AssignmentRow.ended_at.is_(None))
    )
    return [
        Held(row.conversation_id, row.volunteer_id, RiskLevel(risk), row.claimed_at, row.seen_at)
        for row, risk in (await session.execute(query)).all()
    ]


async def silent(session: AsyncSession, now: datetime) -> list[Held]:
    """Leases whose volunteer has been silent for longer than the risk allows."""
    return [one for one in await held(session) if now - one.seen_at > SILENCE[one.risk]]
