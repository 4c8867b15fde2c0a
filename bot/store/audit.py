"""The audit log: who did what to whose data, appended only, each row chained to the one before by its hash (P17).

A row that is altered, added in between or taken out breaks the chain. Cutting off its newest end does not, so the head is
written to the log stream once a day and printed by `bot audit verify`: compare it with one noted before.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.tables_accounts import AuditRow

GENESIS = bytes(32)
SYSTEM = "system"
_LOCK = 7_301_603
"""Name of PostgreSQL's advisory lock that makes writers of the chain take turns."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as pages and commands show it."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of the chain: its length, its head in hexadecimal, and the first row that does not fit, if any."""

    rows: int
    head: str
    broken_at: int | None = None


async def append(session: AsyncSession, now: datetime, actor: str, action: str, subject: str, why: str) -> None:
    """Append one row. `actor` is `account:<id>` or `system`, `why` a code: never an address or a word of a message."""
    await _append(session, now, actor, action, subject, why, through=None)


async def _append(
    session: AsyncSession, now: datetime, actor: str, action: str, subject: str, why: str, through: int | None
) -> None:
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _LOCK})
    await session.flush()
    newest = select(AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)
    previous = (await session.execute(newest)).scalar_one_or_none() or GENESIS
    row = AuditRow(
        at=now,
        actor=actor[:40],
        action=action[:40],
        subject=subject[:80],
        why=why[:200],
        through=through,
        previous=previous,
    )
    row.hash = _hash(row)
    session.add(row)
    await session.flush()


async def verify(session: AsyncSession) -> Verdict:
    """Walk the chain from its oldest row; what retention removed must end where a row of the chain says it does."""
    count, expected, head, last_id = 0, GENESIS, GENESIS, 0
    ends = {bytes.fromhex(row.subject) for row in await _markers(session)}
    while batch := (
        (await session.execute(select(AuditRow).where(AuditRow.id > last_id).order_by(AuditRow.id).limit(1000)))
        .scalars()
        .all()
    ):
        for row in batch:
            follows = row.previous == expected or (count == 0 and row.previous in ends)
            if not follows or row.hash != _hash(row):
                return Verdict(count, head.hex(), row.id)
            count, expected, head, last_id = count + 1, row.hash, row.hash, row.id
        session.expunge_all()
    return Verdict(count, head.hex())


async def head(session: AsyncSession) -> str:
    """The hash of the newest row."""
    newest = select(AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)
    return ((await session.execute(newest)).scalar_one_or_none() or GENESIS).hex()


async def holds(session: AsyncSession, head: str) -> bool:
    """Whether a head noted earlier is that of a row, or of the part retention removed since."""
    try:
        wanted = bytes.fromhex(head)
    except ValueError:
        return False
    row = (await session.execute(select(AuditRow.id).where(AuditRow.hash == wanted))).first()
    return row is not None or wanted.hex() in {marker.subject for marker in await _markers(session)}


async def forget_before(session: AsyncSession, before: datetime, now: datetime) -> int:
    """Remove rows older than `before`, leaving a row that says how far and with which hash the removed part ended."""
    last = select(AuditRow).where(AuditRow.at < before).order_by(AuditRow.id.desc()).limit(1)
    row = (await session.execute(last)).scalar_one_or_none()
    if row is None:
        return 0
    await _append(session, now, SYSTEM, "audit_shortened", row.hash.hex(), "retention", through=row.id)
    removed = (
        await session.execute(select(func.count()).select_from(AuditRow).where(AuditRow.id <= row.id))
    ).scalar_one()
    await session.execute(delete(AuditRow).where(AuditRow.id <= row.id))
    return int(removed)


async def newest(session: AsyncSession, count: int = 100, subject: str = "") -> tuple[Entry, ...]:
    """The newest rows, newest first; of one subject when given."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(count)
    if subject:
        query = query.where(AuditRow.subject == subject)
    rows = (await session.execute(query)).scalars()
    return tuple(Entry(row.id, row.at, row.actor, row.action, row.subject, row.why) for row in rows)


async def _markers(session: AsyncSession) -> list[AuditRow]:
    query = select(AuditRow).where(AuditRow.through.is_not(None))
    return list((await session.execute(query)).scalars())


def _hash(row: AuditRow) -> bytes:
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [at, row.actor, row.action, row.subject, row.why, row.through]
    return hashlib.sha256(row.previous + json.dumps(fields, ensure_ascii=True).encode()).digest()
