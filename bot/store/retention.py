"""Enforces bot/domain/retention.py: what has had its time goes, table by table, and what a hold protects stays."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.domain.retention import BY_TABLE, CONTACT_KEPT, RULES, TRACES_KEPT, Way, words_end
from bot.domain.risk import RiskLevel
from bot.store import audit, deletions, reports
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.erasure import erase_words
from bot.store.handover import record
from bot.store.marks import mark_of
from bot.store.tables import Base, ContactRow, ConversationRow, EscalationRow, InboundRow
from bot.store.tables_accounts import AccountRow, DailyCountRow, HoldRow, RecoveryCodeRow, SeenDeliveryRow

BATCH = 100
_HELD_MODES = (Mode.WAITING, Mode.VOLUNTEER)


async def sweep(database: Database, keyring: Keyring, now: datetime, *, at_provider: bool) -> dict[str, int]:
    """Apply every rule; how many rows each met. In small transactions, so that nobody waits behind a purge."""
    report = {
        "emptied": await _repeat(database, lambda session: _words(session, keyring, now, at_provider=at_provider)),
        "reports": await _repeat(database, lambda session: reports.forget_old(session, now)),
        "traces": await _repeat(database, lambda session: _traces(session, now)),
        "contacts": await _repeat(database, lambda session: _contacts(session, now)),
    }
    async with database.write(heavy=True) as session:
        report["accounts"] = await _accounts(session, now)
        for rule in RULES:
            if rule.way is Way.AGE and rule.keeps is not None:
                report[rule.table] = await _old(session, rule.table, rule.column, now - rule.keeps)
        report["audit_log"] = await audit.forget_before(session, now - TRACES_KEPT, now)
    if database.is_sqlite and any(report.values()):
        await _empty_journal(database)
    return report


async def _repeat(database: Database, step: Callable[[AsyncSession], Awaitable[int]]) -> int:
    total = 0
    while True:
        async with database.write(heavy=True) as session:
            done = await step(session)
        total += done
        if done < BATCH:
            return total


async def _words(session: AsyncSession, keyring: Keyring, now: datetime, *, at_provider: bool) -> int:
    """Words whose time has come: emptied, the key destroyed. Counted into the day's numbers first."""
    held = exists().where(HoldRow.conversation_id == ConversationRow.id, HoldRow.until > now)
    done = 0
    for risk in RiskLevel:
        ended = or_(*(_ended(risk, now, is_held=is_held) for is_held in (False, True)))
        query = select(ConversationRow).where(ConversationRow.risk == int(risk), ended, _has_words(), ~held)
        query = query.where(ConversationRow.due_at.is_(None)).limit(BATCH - done).with_for_update(skip_locked=True)
        for row in (await session.execute(query)).scalars().all():
            if at_provider:
                await deletions.ask_for_conversation(session, row, now, telegram_since=now)
            await _count(session, row)
            await erase_words(session, keyring, row)
            row.mode, row.volunteer_id = Mode.CLOSED, None
            waiting = (EscalationRow.conversation_id == row.id) & EscalationRow.closed_at.is_(None)
            await session.execute(update(EscalationRow).where(waiting).values(closed_at=now))
            record(session, row.id, now, "system", "words_erased", f"retention_{risk.word}")
            done += 1
    await session.flush()
    return done


def _ended(risk: RiskLevel, now: datetime, *, is_held: bool) -> ColumnElement[bool]:
    modes = ConversationRow.mode.in_(_HELD_MODES)
    longest = now - (words_end(risk, now, is_held=is_held) - now)
    return and_(modes if is_held else ~modes, ConversationRow.last_inbound_at <= longest)


def _has_words() -> ColumnElement[bool]:
    inbound = exists().where(InboundRow.conversation_id == ConversationRow.id, InboundRow.text_sealed.is_not(None))
    others = [
        exists().where(table.c.conversation_id == ConversationRow.id)
        for table in (Base.metadata.tables[rule.table] for rule in RULES if rule.way is Way.WORDS)
    ]
    return or_(ConversationRow.state_sealed.is_not(None), inbound, *others)


async def _traces(session: AsyncSession, now: datetime) -> int:
    """Conversations without words, a year old: gone with all that hangs on them, but a hash of each delivery."""
    held = exists().where(HoldRow.conversation_id == ConversationRow.id, HoldRow.until > now - TRACES_KEPT)
    old = ConversationRow.last_inbound_at <= now - TRACES_KEPT
    rows = (
        (await session.execute(select(ConversationRow).where(old, ~held, ~_has_words()).limit(BATCH))).scalars().all()
    )
    for row in rows:
        ids = select(InboundRow.channel, InboundRow.external_id).where(InboundRow.conversation_id == row.id)
        for channel, external_id in (await session.execute(ids)).all():
            session.add(SeenDeliveryRow(mark=mark_of(channel, external_id), at=now))
        await session.execute(delete(ConversationRow).where(ConversationRow.id == row.id))
    await session.flush()
    return len(rows)


async def _contacts(session: AsyncSession, now: datetime) -> int:
    """Addresses nobody needs: destroyed; the nameless row goes when no trace points at it."""
    talks = exists().where(ConversationRow.contact_id == ContactRow.id)
    with_words = exists().where(ConversationRow.contact_id == ContactRow.id, _has_words())
    empty = await session.execute(delete(ContactRow).where(ContactRow.last_inbound_at <= now - CONTACT_KEPT, ~talks))
    query = select(ContactRow).where(
        ContactRow.last_inbound_at <= now - CONTACT_KEPT, ~with_words, ContactRow.address_sealed != b""
    )
    rows = (await session.execute(query.limit(BATCH))).scalars().all()
    for row in rows:
        row.address_hash, row.address_sealed = os.urandom(32), b""
        row.alias, row.age_band, row.stopped_at = "–", None, None
        await session.execute(
            update(InboundRow)
            .where(
                InboundRow.conversation_id.in_(select(ConversationRow.id).where(ConversationRow.contact_id == row.id))
            )
            .values(sent_at=None)
        )
    await session.flush()
    return max(len(rows), min(int(empty.rowcount), BATCH - 1))  # type: ignore[attr-defined]


async def _accounts(session: AsyncSession, now: datetime) -> int:
    """Volunteers who left long ago: nameless, so that the audit log's numbers stay and the person does not."""
    keeps = BY_TABLE["accounts"].keeps or timedelta(0)
    left = (AccountRow.disabled_at <= now - keeps) & (~AccountRow.name.startswith("left-"))
    rows = (await session.execute(select(AccountRow).where(left))).scalars().all()
    for row in rows:
        row.name, row.languages, row.skills, row.totp_sealed = f"left-{row.id}", "", "", None
        await session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == row.id))
    await session.flush()
    return len(rows)


async def _old(session: AsyncSession, name: str, column: str, before: datetime) -> int:
    table: Table = Base.metadata.tables[name]
    gone = await session.execute(delete(table).where(table.c[column] < before))
    return int(gone.rowcount)  # type: ignore[attr-defined]


async def _count(session: AsyncSession, row: ConversationRow) -> None:
    """One more conversation of that day: what statistics may know (P11)."""
    if not row.turns:
        return
    contact = await session.get_one(ContactRow, row.contact_id)
    key = (row.started_at.date().isoformat(), contact.channel, row.language, row.risk)
    found = await session.get(DailyCountRow, key)
    if found is None:
        day, channel, language, risk = key
        found = DailyCountRow(day=day, channel=channel, language=language, risk=int(RiskLevel(risk)), conversations=0)
        session.add(found)
    found.conversations += 1
    await session.flush()


async def _empty_journal(database: Database) -> None:
    """SQLite's journal still holds the pages as they were, keys included: write it back and empty it."""
    async with database.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        cursor = await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        await cursor.close()


async def count_words(session: AsyncSession) -> int:
    """How many conversations still hold words."""
    return len((await session.execute(select(ConversationRow.id).where(_has_words()))).all())
