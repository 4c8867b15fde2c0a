"""The guided report in rows: kept sealed with its conversation's key, found again within a day, handed over, forgotten."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.report import Part, Report, ReportStep, Stage
from bot.domain.retention import REPORTS_KEPT
from bot.domain.risk import RiskLevel
from bot.store.crypto import DataKey, Keyring
from bot.store.inbox import OpenThread
from bot.store.tables import ConversationRow, InboundRow, OutboundRow
from bot.store.tables_accounts import HoldRow
from bot.store.tables_report import ReportRow

BATCH = 100
WITH_ITS_WORDS = ("utter_report_read", "utter_report_text", "utter_report_again")
"""Messages of ours that repeat the account; they go when it goes."""


@dataclass(frozen=True, slots=True)
class StoredReport:
    """An account as it was kept, with whose it is and since when."""

    id: int
    conversation_id: int
    report: Report
    created_at: datetime
    touched_at: datetime
    handed_at: datetime | None


async def of_contact(session: AsyncSession, keyring: Keyring, contact_id: int, now: datetime) -> StoredReport | None:
    """The newest account of a contact that is still there to go on with; None when its day is over or none was begun."""
    query = (
        select(ReportRow, ConversationRow)
        .join(ConversationRow, ConversationRow.id == ReportRow.conversation_id)
        .where(ConversationRow.contact_id == contact_id)
        .order_by(ReportRow.touched_at.desc())
    )
    for row, conversation in (await session.execute(query)).all():
        if row.handed_at is not None or now - row.touched_at < REPORTS_KEPT:
            return _stored(row, keyring.unwrap(conversation.key_wrapped, f"conversations.key:{contact_id}"))
    return None


async def of_conversation(session: AsyncSession, key: DataKey, conversation_id: int) -> StoredReport | None:
    """The account kept with a conversation, drafts included: for its own author, who may see all we hold (P12)."""
    row = (await session.execute(select(ReportRow).where(ReportRow.conversation_id == conversation_id))).scalar()
    return _stored(row, key) if row is not None else None


async def given(session: AsyncSession, keyring: Keyring, conversation_id: int) -> StoredReport | None:
    """The account a conversation's volunteers were given; None when they were given none. A draft is nobody's but theirs."""
    query = (
        select(ReportRow, ConversationRow)
        .join(ConversationRow, ConversationRow.id == ReportRow.conversation_id)
        .where(ReportRow.conversation_id == conversation_id, ReportRow.handed_at.is_not(None))
    )
    found = (await session.execute(query)).first()
    if found is None:
        return None
    row, conversation = found
    return _stored(row, keyring.unwrap(conversation.key_wrapped, f"conversations.key:{conversation.contact_id}"))


async def is_given(session: AsyncSession, conversation_id: int) -> bool:
    """Whether volunteers were given an account with a conversation."""
    query = select(ReportRow.id).where(ReportRow.conversation_id == conversation_id, ReportRow.handed_at.is_not(None))
    return (await session.execute(query)).first() is not None


async def keep(session: AsyncSession, opened: OpenThread, step: ReportStep, report: Report, now: datetime) -> int:
    """Keep an account as it is now; its id. One begun in an earlier conversation of the contact moves into this one's key."""
    mine = select(ConversationRow.id).where(ConversationRow.contact_id == opened.contact.id)
    query = select(ReportRow).where(ReportRow.conversation_id.in_(mine)).order_by(ReportRow.touched_at.desc())
    row = (await session.execute(query.with_for_update())).scalars().first()
    if row is None or (row.handed_at is None and now - row.touched_at >= REPORTS_KEPT):
        row = ReportRow(conversation_id=opened.row.id, created_at=now, heard="")
        await session.execute(delete(ReportRow).where(ReportRow.conversation_id == opened.row.id))
        session.add(row)
    row.conversation_id = opened.row.id
    row.body_sealed = opened.key.seal(_packed(report), _place(opened.row.id))
    row.heard = " ".join(filter(None, (row.heard, *map(str, step.heard))))
    row.touched_at = now
    row.handed_at = now if step.hands_over else row.handed_at
    await session.flush()
    return row.id


async def erase(session: AsyncSession, contact_id: int, now: datetime) -> bool:
    """Take a contact's account back, with the messages it was made of and those that repeat it; False when a hold keeps it."""
    mine = select(ConversationRow.id).where(ConversationRow.contact_id == contact_id)
    rows = (await session.execute(select(ReportRow).where(ReportRow.conversation_id.in_(mine)))).scalars().all()
    is_held = False
    for row in rows:
        held = exists().where(HoldRow.conversation_id == row.conversation_id, HoldRow.until > now)
        if (await session.execute(select(held))).scalar_one():
            is_held = True
        else:
            await _forget(session, row)
    return not is_held


async def forget_old(session: AsyncSession, now: datetime) -> int:
    """Accounts nobody was given, a day after they were last touched."""
    held = exists().where(HoldRow.conversation_id == ReportRow.conversation_id, HoldRow.until > now)
    old = (ReportRow.handed_at.is_(None)) & (ReportRow.touched_at <= now - REPORTS_KEPT)
    rows = (await session.execute(select(ReportRow).where(old, ~held).limit(BATCH))).scalars().all()
    for row in rows:
        await _forget(session, row)
    return len(rows)


async def _forget(session: AsyncSession, row: ReportRow) -> None:
    """The account, the answers it was made of, and what repeated it. Words of danger stay as long as danger's words do."""
    ids = [int(number) for number in row.heard.split()]
    for start in range(0, len(ids), BATCH):
        some = InboundRow.id.in_(ids[start : start + BATCH]) & (InboundRow.risk < int(RiskLevel.HIGH))
        await session.execute(update(InboundRow).where(some).values(text_sealed=None, verdict_sealed=None))
    whose = select(ConversationRow.contact_id).where(ConversationRow.id == row.conversation_id).scalar_subquery()
    theirs = select(ConversationRow.id).where(ConversationRow.contact_id == whose)
    repeated = OutboundRow.conversation_id.in_(theirs) & OutboundRow.key.in_(WITH_ITS_WORDS)
    await session.execute(delete(OutboundRow).where(repeated))
    await session.delete(row)
    await session.flush()


def _stored(row: ReportRow, key: DataKey) -> StoredReport:
    report = _unpacked(key.open(row.body_sealed, _place(row.conversation_id)))
    return StoredReport(row.id, row.conversation_id, report, row.created_at, row.touched_at, row.handed_at)


def _place(conversation_id: int) -> str:
    return f"reports.body:{conversation_id}"


def _packed(report: Report) -> str:
    value = {
        "answers": [[part.value, words] for part, words in report.answers],
        "passed": sorted(part.value for part in report.passed),
        "stage": report.stage.value,
        "part": report.part.value if report.part else "",
        "begun": report.is_begun,
        "fixing": report.is_fixing,
        "theme": report.theme,
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _unpacked(text: str) -> Report:
    value: dict[str, Any] = json.loads(text)
    return Report(
        answers=tuple((Part(part), words) for part, words in value["answers"]),
        passed=frozenset(map(Part, value["passed"])),
        stage=Stage(value["stage"]),
        part=Part(value["part"]) if value["part"] else None,
        is_begun=value["begun"],
        is_fixing=value["fixing"],
        theme=value["theme"],
    )
