"""Rows of what two people decide: asked by one, confirmed or not by another, each step in the audit log (P17, P21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.decisions import DECIDE_WITHIN, Kind
from bot.domain.handover import Refusal
from bot.domain.risk import RiskLevel
from bot.store import audit
from bot.store.handover import record
from bot.store.tables import ContactRow, ConversationRow
from bot.store.tables_console import DecisionRow


class DecisionRefusedError(Exception):
    """Not this person, not now, or not any more."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: of which kind, what exactly (a code), what the person knows of it, for how many days."""

    kind: Kind
    what: str
    told: str = ""
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A question and what became of it. `is_late`: its second person has been awaited for too long."""

    id: int
    conversation_id: int
    alias: str
    risk: RiskLevel
    question: Question
    asked_by: int
    asked_at: datetime
    decided_by: int | None
    decided_at: datetime | None
    is_agreed: bool | None
    made_by: int | None
    made_at: datetime | None
    is_late: bool

    @property
    def state(self) -> str:
        """One of asked, agreed, refused, made."""
        if self.is_agreed is None:
            return "asked"
        if not self.is_agreed:
            return "refused"
        return "made" if self.made_at is not None else "agreed"


async def ask(session: AsyncSession, conversation_id: int, by: int, question: Question, now: datetime) -> int:
    """Ask for a decision; its id. The same question is not asked twice while the first waits."""
    same = (
        (DecisionRow.conversation_id == conversation_id)
        & (DecisionRow.kind == question.kind)
        & (DecisionRow.what == question.what)
        & DecisionRow.is_agreed.is_(None)
    )
    if (await session.execute(select(DecisionRow.id).where(same))).first() is not None:
        raise DecisionRefusedError(Refusal.ALREADY_ASKED)
    row = DecisionRow(
        conversation_id=conversation_id,
        kind=question.kind,
        what=question.what,
        told=question.told,
        days=question.days,
        asked_by=by,
        asked_at=now,
    )
    session.add(row)
    await session.flush()
    await _note(session, row, by, "asked", now)
    return row.id


async def decide(session: AsyncSession, decision_id: int, by: int, now: datetime, *, agree: bool) -> DecisionRow:
    """The second person confirms or does not; never who asked."""
    row = await _locked(session, decision_id)
    if row.asked_by == by:
        raise DecisionRefusedError(Refusal.SAME_PERSON)
    if row.is_agreed is not None:
        raise DecisionRefusedError(Refusal.DECIDED)
    row.decided_by, row.decided_at, row.is_agreed = by, now, agree
    await _note(session, row, by, "agreed" if agree else "refused", now)
    return row


async def mark_made(session: AsyncSession, decision_id: int, by: int, now: datetime) -> None:
    """The authority was told: what two people decided has been done."""
    row = await _locked(session, decision_id)
    if row.kind != Kind.ALERT or not row.is_agreed or row.made_at is not None:
        raise DecisionRefusedError(Refusal.DECIDED)
    row.made_by, row.made_at = by, now
    await _note(session, row, by, "made", now)


async def of_conversation(session: AsyncSession, conversation_id: int, now: datetime) -> list[Decision]:
    """Everything asked about a conversation, oldest first."""
    query = _query().where(DecisionRow.conversation_id == conversation_id).order_by(DecisionRow.id)
    return [_decision(*found, now) for found in (await session.execute(query)).all()]


async def open_ones(session: AsyncSession, now: datetime) -> list[Decision]:
    """What waits for a second person, and alerts decided but not made yet; the gravest first."""
    to_make = (DecisionRow.kind == Kind.ALERT) & DecisionRow.is_agreed.is_(True) & DecisionRow.made_at.is_(None)
    query = _query().where(or_(DecisionRow.decided_at.is_(None), to_make))
    query = query.order_by(ConversationRow.risk.desc(), DecisionRow.asked_at)
    return [_decision(*found, now) for found in (await session.execute(query)).all()]


async def has_alert(session: AsyncSession, conversation_id: int) -> bool:
    """Whether two people decided to alert somebody about this conversation."""
    query = select(DecisionRow.id).where(
        DecisionRow.conversation_id == conversation_id,
        DecisionRow.kind == Kind.ALERT,
        DecisionRow.is_agreed.is_(True),
    )
    return (await session.execute(query)).first() is not None


def _query() -> Select[DecisionRow, str, int]:
    return (
        select(DecisionRow, ContactRow.alias, ConversationRow.risk)
        .join(ConversationRow, ConversationRow.id == DecisionRow.conversation_id)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
    )


def _decision(row: DecisionRow, alias: str, risk: int, now: datetime) -> Decision:
    level = RiskLevel(risk)
    return Decision(
        id=row.id,
        conversation_id=row.conversation_id,
        alias=alias,
        risk=level,
        question=Question(Kind(row.kind), row.what, row.told, row.days),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        is_agreed=row.is_agreed,
        made_by=row.made_by,
        made_at=row.made_at,
        is_late=row.is_agreed is None and now - row.asked_at > DECIDE_WITHIN[level],
    )


async def _note(session: AsyncSession, row: DecisionRow, by: int, step: str, now: datetime) -> None:
    actor, action = f"account:{by}", f"{row.kind}_{step}"
    record(session, row.conversation_id, now, actor, action, row.what)
    await audit.append(session, now, actor, action, f"conversation:{row.conversation_id}", row.what)


async def _locked(session: AsyncSession, decision_id: int) -> DecisionRow:
    query = select(DecisionRow).where(DecisionRow.id == decision_id).with_for_update()
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None:
        raise DecisionRefusedError(Refusal.DECIDED)
    return row
