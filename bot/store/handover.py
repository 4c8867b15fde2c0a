"""The passage to a person: the queue row, who owns a conversation, and the action log of every change.

The owner is one row: `mode` and `volunteer_id` with a version, changed by compare-and-set and by nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from bot.domain.accounts import Account
from bot.domain.conversations import Mode
from bot.domain.handover import Wait, Waiting
from bot.domain.risk import RiskLevel
from bot.store import audit
from bot.store.crypto import Keyring
from bot.store.inbox import OpenThread, reopen
from bot.store.tables import ActionRow, ConversationRow, EscalationRow

RECENT_WAITS = timedelta(days=28)
MAX_WAITS = 2_000
OPENED_AGAIN = timedelta(minutes=15)


async def escalate(
    session: AsyncSession, opened: OpenThread, reason: str, risk: RiskLevel, now: datetime, needs: frozenset[str]
) -> None:
    """Put a conversation in the queue; one that waits already keeps its place, and what is written meanwhile can only raise it.

    A conversation that a volunteer holds stays with them: what got worse is recorded, not queued a second time.
    """
    risk = max(risk, RiskLevel(opened.row.risk))
    if Mode(opened.row.mode) is Mode.VOLUNTEER:
        record(session, opened.row.id, now, "bot", "raised", risk.word)
        return
    waiting = await _open_escalation(session, opened.row.id)
    if waiting is not None:
        waiting.needs = ",".join(sorted({*filter(None, waiting.needs.split(",")), *needs}))
        if risk > waiting.risk:
            waiting.risk = risk
            waiting.alerted_at, waiting.alerts = None, 0
            record(session, opened.row.id, now, "bot", "raised", risk.word)
        return
    _queue(session, opened, reason, risk, now, needs)
    if Mode(opened.row.mode) is Mode.BOT:
        opened.row.mode = Mode.WAITING
        opened.row.version += 1
    record(session, opened.row.id, now, "bot", "escalated", reason)


def _queue(
    session: AsyncSession, opened: OpenThread, reason: str, risk: RiskLevel, now: datetime, needs: frozenset[str]
) -> EscalationRow:
    row = EscalationRow(
        conversation_id=opened.row.id,
        reason=reason,
        risk=risk,
        language=opened.row.language,
        country=opened.contact.country,
        waiting_since=now,
        needs=",".join(sorted(needs)),
        is_back=False,
        choice="",
        alerts=0,
    )
    session.add(row)
    return row


async def _open_escalation(session: AsyncSession, conversation_id: int) -> EscalationRow | None:
    query = select(EscalationRow).where(
        EscalationRow.conversation_id == conversation_id, EscalationRow.closed_at.is_(None)
    )
    return (await session.execute(query.with_for_update())).scalars().first()


def record(session: AsyncSession, conversation_id: int, now: datetime, actor: str, action: str, why: str) -> None:
    """Append one action; `why` is a code, never a word of a message."""
    session.add(ActionRow(conversation_id=conversation_id, at=now, actor=actor, action=action, why=why))


async def lock(session: AsyncSession, keyring: Keyring, conversation_id: int) -> OpenThread | None:
    """A conversation locked until the transaction ends; None when there is none."""
    query = select(ConversationRow).where(ConversationRow.id == conversation_id).with_for_update()
    row = (await session.execute(query)).scalar_one_or_none()
    return await reopen(session, keyring, row) if row is not None else None


async def change_owner(
    session: AsyncSession,
    row: ConversationRow,
    mode: Mode,
    volunteer_id: int | None,
    now: datetime,
    actor: str,
    why: str,
) -> bool:
    """Compare and set who a conversation is with; False when somebody else changed it first."""
    result = await session.execute(
        update(ConversationRow)
        .where(ConversationRow.id == row.id, ConversationRow.version == row.version, ConversationRow.mode == row.mode)
        .values(mode=mode, volunteer_id=volunteer_id, version=row.version + 1)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)  # noqa: S101 - what an UPDATE gives
    if result.rowcount != 1:
        return False
    # The row at hand says the same as the database, without asking it again.
    for name, value in (("mode", mode.value), ("volunteer_id", volunteer_id), ("version", row.version + 1)):
        set_committed_value(row, name, value)
    record(session, row.id, now, actor, mode, why)
    return True


async def take_from_queue(session: AsyncSession, conversation_id: int, now: datetime) -> None:
    """The wait is over: somebody took them."""
    waiting = await _open_escalation(session, conversation_id)
    if waiting is not None:
        waiting.taken_at = waiting.closed_at = now


async def leave_queue(session: AsyncSession, conversation_id: int, now: datetime) -> None:
    """The wait is over without anybody: the person went on with the bot, or a line."""
    waiting = await _open_escalation(session, conversation_id)
    if waiting is not None:
        waiting.closed_at = now


async def put_back(session: AsyncSession, opened: OpenThread, reason: str, now: datetime, *, at_head: bool) -> None:
    """Back into the queue, before the others of the same risk when nobody of us may let them wait again."""
    row = _queue(session, opened, reason, RiskLevel(opened.row.risk), now, frozenset())
    row.is_back = at_head
    await session.flush()


async def choose(session: AsyncSession, conversation_id: int, choice: str, now: datetime) -> None:
    """What the person chose to do with the wait."""
    waiting = await _open_escalation(session, conversation_id)
    if waiting is not None:
        waiting.choice = choice
        record(session, conversation_id, now, "contact", "chose", choice)


async def waiting(session: AsyncSession) -> list[Waiting]:
    """Everybody in the queue, in no order."""
    query = (
        select(EscalationRow, ConversationRow.version)
        .join(ConversationRow, ConversationRow.id == EscalationRow.conversation_id)
        .where(EscalationRow.closed_at.is_(None), ConversationRow.mode == Mode.WAITING)
    )
    return [
        Waiting(
            row.conversation_id,
            version,
            RiskLevel(row.risk),
            row.language,
            row.waiting_since,
            frozenset(filter(None, row.needs.split(","))),
            row.is_back,
        )
        for row, version in (await session.execute(query)).all()
    ]


async def recent_waits(session: AsyncSession, now: datetime, zone: ZoneInfo) -> list[timedelta]:
    """Our own waits of the last weeks that began within an hour of this time of day."""
    query = (
        select(EscalationRow.waiting_since, EscalationRow.taken_at)
        .where(EscalationRow.taken_at.is_not(None), EscalationRow.waiting_since > now - RECENT_WAITS)
        .order_by(EscalationRow.id.desc())
        .limit(MAX_WAITS)
    )
    hour = now.astimezone(zone).hour
    return [
        taken_at - since
        for since, taken_at in (await session.execute(query)).all()
        if taken_at is not None and (since.astimezone(zone).hour - hour + 1) % 24 <= 2
    ]


async def ended_waits(session: AsyncSession, since: datetime) -> list[Wait]:
    """The waits since then that ended with a volunteer."""
    query = select(EscalationRow.risk, EscalationRow.waiting_since, EscalationRow.taken_at).where(
        EscalationRow.taken_at.is_not(None), EscalationRow.waiting_since > since
    )
    return [
        Wait(RiskLevel(risk), begun, taken_at - begun)
        for risk, begun, taken_at in (await session.execute(query.limit(MAX_WAITS))).all()
        if taken_at is not None
    ]


async def is_overtaken(session: AsyncSession, outbound_conversation: int, author: str) -> bool:
    """Whether a message of the bot would now be said over a volunteer."""
    if author != "bot":
        return False
    query = select(ConversationRow.mode).where(ConversationRow.id == outbound_conversation)
    return (await session.execute(query)).scalar_one_or_none() == Mode.VOLUNTEER


async def count_waiting(session: AsyncSession) -> int:
    """How many wait."""
    query = select(func.count()).select_from(EscalationRow).where(EscalationRow.closed_at.is_(None))
    return (await session.execute(query)).scalar_one()


async def was_opened(session: AsyncSession, conversation_id: int, account: Account, now: datetime) -> bool:
    """Whether the log already says that this reader opened it lately."""
    query = select(ActionRow.id).where(
        ActionRow.conversation_id == conversation_id,
        ActionRow.actor == f"account:{account.id}",
        ActionRow.action == "opened",
        ActionRow.at > now - OPENED_AGAIN,
    )
    return (await session.execute(query)).first() is not None


async def note_opened(session: AsyncSession, conversation_id: int, account: Account, now: datetime) -> None:
    """Somebody opened a conversation; every opening is in the log, once a quarter of an hour for each reader."""
    record(session, conversation_id, now, f"account:{account.id}", "opened", "")
    await audit.append(session, now, f"account:{account.id}", "opened", f"conversation:{conversation_id}", "")
