"""What volunteers do with a conversation: take it, speak in it, pass it on, hand it back, close it; one transaction each.

Each returns why it was refused, as data, or None when it is done. The owner is compared and set in the row itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.accounts import Account, Role
from bot.domain.conversations import Mode
from bot.domain.handover import Refusal, in_order, may_take, next_for
from bot.domain.messages import OutboundMessage
from bot.domain.risk import RiskLevel
from bot.domain.window import is_closed
from bot.flows.helpline import Helpline
from bot.flows.passage import speak
from bot.flows.waiting import feedback_question, wording
from bot.store import casework, decisions, handover, inbox, volunteers
from bot.store.casework import Ending
from bot.store.inbox import OpenThread

MAX_REPLY = 3_000


class RefusedError(Exception):
    """Raised inside a transaction to leave nothing behind; becomes the refusal it carries."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Act:
    """One act of somebody on one conversation, inside its transaction."""

    session: AsyncSession
    opened: OpenThread
    account: Account
    now: datetime

    @property
    def actor(self) -> str:
        """The actor of the action log."""
        return f"account:{self.account.id}"

    async def owner(self, mode: Mode, volunteer_id: int | None, why: str) -> None:
        """Compare and set the owner, or leave nothing behind."""
        row = self.opened.row
        if not await handover.change_owner(self.session, row, mode, volunteer_id, self.now, self.actor, why):
            raise RefusedError(Refusal.TAKEN)


@asynccontextmanager
async def _acting(helpline: Helpline, account: Account, conversation_id: int) -> AsyncIterator[Act]:
    async with helpline.database.write(first=True) as session:
        opened = await handover.lock(session, helpline.keyring, conversation_id)
        if opened is None:
            raise RefusedError(Refusal.NOT_YOURS)
        yield Act(session, opened, account, helpline.clock())
    helpline.outbox_changed.ring()


@asynccontextmanager
async def _holding(helpline: Helpline, account: Account, conversation_id: int) -> AsyncIterator[Act]:
    """The same, by the volunteer who holds it; acting in it is a heartbeat too."""
    async with _acting(helpline, account, conversation_id) as act:
        row = act.opened.row
        if Mode(row.mode) is not Mode.VOLUNTEER or row.volunteer_id != account.id:
            raise RefusedError(Refusal.NOT_YOURS)
        await volunteers.touch(act.session, account.id, act.now)
        yield act


async def claim(
    helpline: Helpline, account: Account, conversation_id: int, version: int | None = None
) -> Refusal | None:
    """Take somebody from the queue by hand. Of two who try at once, one is told that the other was first."""
    try:
        async with _acting(helpline, account, conversation_id) as act:
            if version is not None and act.opened.row.version != version and act.opened.row.mode != Mode.WAITING:
                return Refusal.TAKEN
            await _take(helpline, act)
    except RefusedError as refused:
        return refused.refusal
    return None


async def take_next(helpline: Helpline, account: Account) -> int | Refusal:
    """Give a volunteer whoever needs them most; the conversation, or why there is none for them now."""
    for _ in range(5):
        now = helpline.clock()
        async with helpline.database.read() as session:
            volunteer = await volunteers.find(session, account.id)
            queue = await handover.waiting(session)
        if volunteer is None or not volunteer.is_on_duty:
            return Refusal.OFF_DUTY
        if volunteer.holding >= volunteer.capacity:
            return Refusal.FULL
        chosen = next_for(volunteer, queue, now)
        if chosen is None:
            return (
                may_take(volunteer, in_order(queue)[0].risk, now) or Refusal.NOBODY_WAITS
                if queue
                else Refusal.NOBODY_WAITS
            )
        refusal = await claim(helpline, account, chosen.conversation_id, chosen.version)
        if refusal is not Refusal.TAKEN:
            return refusal or chosen.conversation_id
    return Refusal.TAKEN


async def _take(helpline: Helpline, act: Act) -> None:
    row, volunteer = act.opened.row, await volunteers.met(act.session, act.account, act.now)
    if Mode(row.mode) is not Mode.WAITING:
        raise RefusedError(Refusal.TAKEN)
    refusal = may_take(volunteer, RiskLevel(row.risk), act.now)
    if refusal is not None:
        raise RefusedError(refusal)
    await act.owner(Mode.VOLUNTEER, volunteer.id, "claimed")
    await handover.take_from_queue(act.session, row.id, act.now)
    await volunteers.assign(act.session, row.id, volunteer.id, RiskLevel(row.risk), act.now)
    await speak(helpline, act.session, act.opened, (_word(helpline, act, "joined"),), act.now)


def _word(helpline: Helpline, act: Act, key: str, **values: str) -> OutboundMessage:
    return wording(helpline, act.opened, act.now).say(f"utter_people_{key}", **values)


async def reply(helpline: Helpline, account: Account, conversation_id: int, text: str) -> Refusal | None:
    """Say something to the person. What cannot be sent stays a draft."""
    text = text.strip()[:MAX_REPLY]
    if not text:
        return Refusal.EMPTY
    try:
        async with _holding(helpline, account, conversation_id) as act:
            contact = act.opened.contact
            if is_closed(contact.channel, contact.last_inbound_at, act.now):
                await casework.save_draft(act.session, act.opened.key, conversation_id, account.id, text, act.now)
                return Refusal.WINDOW_CLOSED
            if not contact.is_reachable or contact.stopped_at is not None:
                await casework.save_draft(act.session, act.opened.key, conversation_id, account.id, text, act.now)
                return Refusal.NOT_REACHABLE
            await speak(helpline, act.session, act.opened, (OutboundMessage(text),), act.now, author="volunteer")
            await casework.save_draft(act.session, act.opened.key, conversation_id, account.id, "", act.now)
    except RefusedError as refused:
        return refused.refusal
    return None


async def pass_on(
    helpline: Helpline, account: Account, conversation_id: int, note: str, to: Account | None = None
) -> Refusal | None:
    """Hand over to another volunteer on duty, or to the head of the queue; never without a note."""
    if not note.strip():
        return Refusal.NOTE_MISSING
    try:
        async with _holding(helpline, account, conversation_id) as act:
            casework.add_note(act.session, act.opened.key, conversation_id, account, "transfer", note.strip(), act.now)
            await volunteers.release(act.session, conversation_id, "passed", act.now)
            await _give(helpline, act, to, "passed")
    except RefusedError as refused:
        return refused.refusal
    return None


async def reassign(helpline: Helpline, account: Account, conversation_id: int, to: Account | None) -> Refusal | None:
    """A supervisor gives a conversation to a volunteer, or puts it back at the head of the queue."""
    if account.role is not Role.SUPERVISOR:
        return Refusal.NOT_YOURS
    try:
        async with _acting(helpline, account, conversation_id) as act:
            await _end_previous(act, "reassigned")
            await _give(helpline, act, to, "reassigned")
    except RefusedError as refused:
        return refused.refusal
    return None


async def take_over(helpline: Helpline, account: Account, conversation_id: int) -> Refusal | None:
    """A supervisor takes a conversation, whoever has it, at once; the person hears one word about it."""
    if account.role is not Role.SUPERVISOR:
        return Refusal.NOT_YOURS
    try:
        async with _acting(helpline, account, conversation_id) as act:
            before = Mode(act.opened.row.mode)
            if before is Mode.CLOSED or act.opened.row.volunteer_id == account.id:
                raise RefusedError(Refusal.TAKEN)
            await volunteers.meet(act.session, act.account, act.now)
            await _end_previous(act, "taken_over")
            await _give(helpline, act, account, "taken_over", word="passed" if before is Mode.VOLUNTEER else "joined")
            await casework.answer_calls(act.session, conversation_id, account.id, act.now)
    except RefusedError as refused:
        return refused.refusal
    return None


async def _end_previous(act: Act, how: str) -> None:
    row = act.opened.row
    if Mode(row.mode) is Mode.VOLUNTEER:
        await volunteers.release(act.session, row.id, how, act.now)
    elif Mode(row.mode) is Mode.WAITING:
        await handover.take_from_queue(act.session, row.id, act.now)


async def _give(helpline: Helpline, act: Act, to: Account | None, why: str, word: str = "passed") -> None:
    row = act.opened.row
    if to is None:
        await act.owner(Mode.WAITING, None, why)
        await handover.put_back(act.session, act.opened, why, act.now, at_head=True)
        await speak(helpline, act.session, act.opened, (_word(helpline, act, "queued_again"),), act.now)
        return
    receiver = await volunteers.find(act.session, to.id)
    if receiver is None or not (receiver.is_on_duty or to.id == act.account.id):
        raise RefusedError(Refusal.OFF_DUTY)
    if receiver.holding >= receiver.capacity and to.id != act.account.id:
        raise RefusedError(Refusal.FULL)
    await act.owner(Mode.VOLUNTEER, to.id, why)
    await volunteers.assign(act.session, row.id, to.id, RiskLevel(row.risk), act.now)
    await speak(helpline, act.session, act.opened, (_word(helpline, act, word),), act.now)


async def hand_back(
    helpline: Helpline, account: Account, conversation_id: int, ending: Ending, note: str = ""
) -> Refusal | None:
    """Back to the bot, which says that it is the one speaking now, and knows what was agreed."""
    try:
        async with _holding(helpline, account, conversation_id) as act:
            await _end(act, ending, note, "handed_back")
            await act.owner(Mode.BOT, None, f"back:{ending.outcome}")
            act.opened.row.not_understood = 0
            service = helpline.directory.services.get(ending.referral)
            message = _word(helpline, act, "back")
            if service is not None:
                spoken = service.name.get(act.opened.row.language) or service.name["fr"]
                message = _word(helpline, act, "back_referral", name=spoken)
            state = act.opened.thread.state
            used = (*state.used, message.key, *((f"utter_service_{service.id}",) if service is not None else ()))
            inbox.remember(act.opened, replace(state, asked="", quick_replies=(), used=used[-60:]))
            await speak(helpline, act.session, act.opened, (message,), act.now)
    except RefusedError as refused:
        return refused.refusal
    return None


async def close(
    helpline: Helpline,
    account: Account,
    conversation_id: int,
    ending: Ending,
    note: str = "",
    follow_up_in: timedelta | None = None,
) -> Refusal | None:
    """The end: coded, noted, said to the person, who may say whether it helped; an agreed follow-up becomes a message."""
    try:
        async with _holding(helpline, account, conversation_id) as act:
            await _end(act, ending, note, "closed")
            await act.owner(Mode.CLOSED, None, f"closed:{ending.outcome}")
            if follow_up_in is not None:
                casework.plan_follow_up(act.session, conversation_id, act.now + follow_up_in, "volunteer")
            message = feedback_question(wording(helpline, act.opened, act.now))
            state = act.opened.thread.state
            inbox.remember(act.opened, replace(state, asked="", quick_replies=message.quick_replies))
            await speak(helpline, act.session, act.opened, (message,), act.now)
    except RefusedError as refused:
        return refused.refusal
    return None


async def _end(act: Act, ending: Ending, note: str, how: str) -> None:
    row = act.opened.row
    # Whether an authority was alerted is what two people decided, not a box somebody ticks.
    alerted = await decisions.has_alert(act.session, row.id)
    casework.record_ending(act.session, row.id, act.account.id, replace(ending, alert_made=alerted), act.now)
    if note.strip():
        casework.add_note(act.session, act.opened.key, row.id, act.account, "note", note.strip(), act.now)
    await casework.save_draft(act.session, act.opened.key, row.id, act.account.id, "", act.now)
    await volunteers.release(act.session, row.id, how, act.now)


async def note(
    helpline: Helpline, account: Account, conversation_id: int, text: str, kind: str = "note"
) -> Refusal | None:
    """An internal note, or a supervisor's whisper to the volunteer: never sent to the person, who reads the first on request."""
    if not text.strip():
        return Refusal.EMPTY
    if kind == "whisper" and account.role is not Role.SUPERVISOR:
        return Refusal.NOT_YOURS
    try:
        async with _acting(helpline, account, conversation_id) as act:
            casework.add_note(act.session, act.opened.key, conversation_id, account, kind, text.strip(), act.now)
            handover.record(act.session, conversation_id, act.now, act.actor, kind, "")
    except RefusedError as refused:
        return refused.refusal
    return None


async def save_draft(helpline: Helpline, account: Account, conversation_id: int, text: str) -> Refusal | None:
    """Keep what is typed."""
    try:
        async with _holding(helpline, account, conversation_id) as act:
            await casework.save_draft(
                act.session, act.opened.key, conversation_id, account.id, text[:MAX_REPLY], act.now
            )
    except RefusedError as refused:
        return refused.refusal
    return None


async def call_supervisor(helpline: Helpline, account: Account, conversation_id: int) -> Refusal | None:
    """Nobody is alone with it: a supervisor is called."""
    try:
        async with _holding(helpline, account, conversation_id) as act:
            await casework.call_supervisor(act.session, conversation_id, account.id, "asked", act.now)
            handover.record(act.session, conversation_id, act.now, act.actor, "called", "supervisor")
    except RefusedError as refused:
        return refused.refusal
    return None
