"""Deciding with two people: a volunteer or supervisor asks, another supervisor confirms; one transaction each.

Calling for rescue never waits for this: in danger to life one calls first, and the two of them write it down after.
"""

from __future__ import annotations

from datetime import timedelta

from bot.domain.accounts import Account, Role
from bot.domain.conversations import Mode
from bot.domain.decisions import Authority, Kind, Release, Told
from bot.domain.handover import Refusal
from bot.domain.permissions import may_write
from bot.flows.helpline import Helpline
from bot.store import casework, decisions, handover, holds
from bot.store.decisions import DecisionRefusedError, Question
from bot.store.holds import HoldReason

MAX_FACTS = 3_000
LONGEST_HOLD = 365


async def ask_alert(
    helpline: Helpline, account: Account, conversation_id: int, authority: Authority, told: Told, facts: str
) -> Refusal | None:
    """Ask to alert an authority, with the facts in the person's words; they are kept as a note, sealed with the rest."""
    if not facts.strip():
        return Refusal.FACTS_MISSING
    now = helpline.clock()
    try:
        async with helpline.database.write() as session:
            opened = await handover.lock(session, helpline.keyring, conversation_id)
            if opened is None or not _may_ask(account, Mode(opened.row.mode), opened.row.volunteer_id):
                return Refusal.NOT_YOURS
            question = Question(Kind.ALERT, authority, told)
            await decisions.ask(session, conversation_id, account.id, question, now)
            words = facts.strip()[:MAX_FACTS]
            casework.add_note(session, opened.key, conversation_id, account, "alert", words, now)
    except DecisionRefusedError as refused:
        return refused.refusal
    return None


async def ask_hold(
    helpline: Helpline, account: Account, conversation_id: int, reason: HoldReason, days: int
) -> Refusal | None:
    """Ask to keep a conversation's words for a report, whatever is asked (P12); a supervisor asks, another confirms."""
    now = helpline.clock()
    try:
        async with helpline.database.write() as session:
            opened = await handover.lock(session, helpline.keyring, conversation_id)
            if opened is None or account.role is not Role.SUPERVISOR:
                return Refusal.NOT_YOURS
            question = Question(Kind.HOLD, reason, days=max(1, min(days, LONGEST_HOLD)))
            await decisions.ask(session, conversation_id, account.id, question, now)
    except DecisionRefusedError as refused:
        return refused.refusal
    return None


async def decide(helpline: Helpline, account: Account, decision_id: int, *, agree: bool) -> Refusal | None:
    """The second person. A hold they agree to holds from this moment."""
    if account.role is not Role.SUPERVISOR:
        return Refusal.NOT_YOURS
    now = helpline.clock()
    try:
        async with helpline.database.write() as session:
            row = await decisions.decide(session, decision_id, account.id, now, agree=agree)
            if agree and row.kind == Kind.HOLD:
                length, reason = timedelta(days=row.days or LONGEST_HOLD), HoldReason(row.what)
                await holds.hold(session, row.conversation_id, row.asked_by, account.id, reason, length, now)
    except DecisionRefusedError as refused:
        return refused.refusal
    return None


async def made(helpline: Helpline, account: Account, decision_id: int) -> Refusal | None:
    """The authority has been told."""
    if account.role is not Role.SUPERVISOR:
        return Refusal.NOT_YOURS
    try:
        async with helpline.database.write() as session:
            await decisions.mark_made(session, decision_id, account.id, helpline.clock())
    except DecisionRefusedError as refused:
        return refused.refusal
    return None


async def release_hold(helpline: Helpline, account: Account, conversation_id: int, why: Release) -> Refusal | None:
    """The words are no longer needed for a report: erasing and retention apply again."""
    if account.role is not Role.SUPERVISOR:
        return Refusal.NOT_YOURS
    async with helpline.database.write() as session:
        if not await holds.release(session, conversation_id, account.id, helpline.clock(), why):
            return Refusal.DECIDED
    return None


def _may_ask(account: Account, mode: Mode, volunteer_id: int | None) -> bool:
    return account.role is Role.SUPERVISOR or may_write(account, mode, volunteer_id)
