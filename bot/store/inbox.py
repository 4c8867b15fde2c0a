"""The inbox: messages stored once, and the lane of each conversation, which one worker at a time may answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode, is_over
from bot.domain.messages import InboundMessage
from bot.domain.replies import ReplyPlan
from bot.domain.risk import Assessment, RiskLevel
from bot.domain.turns import DialogueState, Thread, Turn
from bot.store import blocks
from bot.store.contacts import Defaults, lock_contact
from bot.store.crypto import DataKey, Keyring
from bot.store.marks import mark_of, masked
from bot.store.moments import moment
from bot.store.sealed import open_inbound, open_state, seal_inbound, seal_state, seal_verdict
from bot.store.tables import ContactRow, ConversationRow, EscalationRow, InboundRow
from bot.store.tables_accounts import SeenDeliveryRow

SHARED_LEASE = timedelta(seconds=3.6)
"""How long a worker that died keeps what it held from the others: with their poll of a second, less than five in all."""
OWN_LEASE = timedelta(seconds=30)
"""With SQLite there are no others; a process that starts frees everything."""
RECENT = 6
MAX_TURN_MESSAGES = 50


class LaneLostError(Exception):
    """The lane was taken over, or emergency words went out meanwhile: what was prepared must not be stored."""


@dataclass(slots=True)
class OpenThread:
    """A conversation inside a transaction: its rows, its key, and the value the flows work with."""

    contact: ContactRow
    row: ConversationRow
    key: DataKey
    thread: Thread


@dataclass(frozen=True, slots=True)
class LaneClaim:
    """The right to answer one conversation until the lease ends; the fence tells a lost right."""

    conversation_id: int
    fence: int


async def known_ids(session: AsyncSession, channel: str, external_ids: Collection[str]) -> set[str]:
    """Which of these messages the provider delivered before."""
    stored_as = {name: id_ for id_ in external_ids for name in (id_, masked(id_))}
    query = select(InboundRow.external_id).where(InboundRow.channel == channel, InboundRow.external_id.in_(stored_as))
    known = {stored_as[name] for name in (await session.execute(query)).scalars()}
    marks = {mark_of(channel, id_): id_ for id_ in external_ids if id_ not in known}
    gone = select(SeenDeliveryRow.mark).where(SeenDeliveryRow.mark.in_(marks))
    return known | {marks[mark] for mark in (await session.execute(gone)).scalars()}


async def open_thread(
    session: AsyncSession, keyring: Keyring, message: InboundMessage, defaults: Defaults
) -> OpenThread:
    """The conversation a message belongs to, locked; a new one for a new contact or after a long silence."""
    contact = await lock_contact(session, keyring, message, defaults)
    query = (
        select(ConversationRow)
        .where(ConversationRow.contact_id == contact.id)
        .order_by(ConversationRow.id.desc())
        .limit(1)
    )
    row = (await session.execute(query.with_for_update())).scalar_one_or_none()
    if row is None or (row.due_at is None and is_over(Mode(row.mode), row.last_inbound_at, message.received_at)):
        row, key = await _start_conversation(session, keyring, contact, message.received_at)
    else:
        key = keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}")
    return OpenThread(contact, row, key, await _thread(session, contact, row, key))


async def _start_conversation(
    session: AsyncSession, keyring: Keyring, contact: ContactRow, now: datetime
) -> tuple[ConversationRow, DataKey]:
    key, wrapped = keyring.new_data_key(f"conversations.key:{contact.id}")
    row = ConversationRow(
        contact_id=contact.id,
        key_wrapped=wrapped,
        version=0,
        mode=Mode.BOT,
        risk=0,
        language=contact.language,
        turns=0,
        not_understood=0,
        recent_risks="",
        started_at=now,
        last_inbound_at=now,
        pending_risk=0,
        lane_fence=0,
        outbox_fence=0,
    )
    session.add(row)
    await session.flush()
    return row, key


async def _thread(session: AsyncSession, contact: ContactRow, row: ConversationRow, key: DataKey) -> Thread:
    waiting = False
    if Mode(row.mode) is not Mode.BOT:
        query = select(EscalationRow.id).where(
            EscalationRow.conversation_id == row.id, EscalationRow.closed_at.is_(None)
        )
        waiting = (await session.execute(query)).first() is not None
    return Thread(
        conversation_id=row.id,
        contact_id=contact.id,
        channel=contact.channel,
        mode=Mode(row.mode),
        risk=RiskLevel(row.risk),
        recent=tuple(RiskLevel(int(digit)) for digit in row.recent_risks),
        language=row.language,
        language_is_chosen=contact.language_is_chosen,
        country=contact.country,
        age_band=contact.age_band,
        is_discreet=contact.is_discreet,
        is_stopped=contact.stopped_at is not None,
        turns=row.turns,
        not_understood=row.not_understood,
        is_waiting=waiting,
        is_blocked=await blocks.is_blocked(session, contact.id, row.last_inbound_at),
        state=open_state(key, row.state_sealed, row.id),
    )


def add_inbound(
    session: AsyncSession, opened: OpenThread, message: InboundMessage, assessment: Assessment, due: datetime | None
) -> InboundRow:
    """Store a message with its verdict when the session is next flushed; `due`: when its lane is to be answered, None: never."""
    row = InboundRow(
        conversation_id=opened.row.id,
        channel=message.channel,
        external_id=message.external_id,
        kind=message.kind,
        text_sealed=seal_inbound(opened.key, message.text, message.payload, message.external_id),
        risk=assessment.risk,
        verdict_sealed=seal_verdict(opened.key, assessment, message.external_id),
        received_at=message.received_at,
        sent_at=message.sent_at,
    )
    session.add(row)
    conversation = opened.row
    conversation.last_inbound_at = opened.contact.last_inbound_at = message.received_at
    opened.contact.is_reachable = True
    conversation.recent_risks = (conversation.recent_risks + str(int(assessment.risk)))[-RECENT:]
    if due is not None:
        conversation.pending_since = conversation.pending_since or message.received_at
        conversation.pending_risk = max(conversation.pending_risk, assessment.risk)
        conversation.due_at = due
    return row


async def store_inbound(
    session: AsyncSession, opened: OpenThread, message: InboundMessage, assessment: Assessment, due: datetime | None
) -> InboundRow:
    """Store a message with its verdict; `due` is when its lane is to be answered, None when it is answered already."""
    row = add_inbound(session, opened, message, assessment, due)
    await session.flush()
    return row


def went_on(opened: OpenThread) -> None:
    """The thread after a message was stored in it, in the same transaction: its verdict is context for the next."""
    recent = tuple(RiskLevel(int(digit)) for digit in opened.row.recent_risks)
    opened.thread = replace(opened.thread, recent=recent)


async def count_since(session: AsyncSession, opened: OpenThread, window: timedelta) -> int:
    """How many messages came into a conversation within `window` before its last one."""
    recent = InboundRow.received_at > opened.row.last_inbound_at - window
    query = select(func.count()).where(InboundRow.conversation_id == opened.row.id, recent)
    return int((await session.execute(query)).scalar_one())


def lease_of(*, is_shared: bool) -> timedelta:
    """How long a claim holds unless it is renewed."""
    return SHARED_LEASE if is_shared else OWN_LEASE


def lease_in(session: AsyncSession) -> timedelta:
    """The same, for the database of a session."""
    return lease_of(is_shared=session.get_bind().dialect.name != "sqlite")


async def claim_lane(
    session: AsyncSession, now: datetime, least: RiskLevel = RiskLevel.NONE, held: Collection[int] = ()
) -> LaneClaim | None:
    """Take the lane that is due and most urgent: by risk, then by waiting time. None when nothing is due.

    `least`: only lanes in which somebody wrote something at least this grave. `held`: conversations not to be taken, as whoever
    asks is at work on them, though a clock set ahead may have ended their lease.
    """
    moment_now = moment(session, now)
    query = (
        select(ConversationRow)
        .where(
            ConversationRow.due_at <= moment_now,
            ConversationRow.pending_risk >= int(least),
            ConversationRow.id.not_in(held),
            or_(ConversationRow.lane_until.is_(None), ConversationRow.lane_until < moment_now),
        )
        .order_by(ConversationRow.pending_risk.desc(), ConversationRow.due_at, ConversationRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None:
        return None
    claim = LaneClaim(row.id, row.lane_fence + 1)
    mine = update(ConversationRow).where(ConversationRow.id == row.id)
    until = moment(session, now, lease_in(session))
    mine = mine.values(lane_until=until, lane_fence=claim.fence).execution_options(synchronize_session=False)
    await session.execute(mine)
    return claim


async def load_turn(session: AsyncSession, keyring: Keyring, claim: LaneClaim) -> Turn | None:
    """The unanswered messages of a claimed lane; None when there are none."""
    query = (
        select(ConversationRow, ContactRow)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(ConversationRow.id == claim.conversation_id)
    )
    row, contact = (await session.execute(query)).one()
    key = keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}")
    inbound = select(InboundRow).where(InboundRow.conversation_id == row.id, InboundRow.answered_at.is_(None))
    rows = (await session.execute(inbound.order_by(InboundRow.id).limit(MAX_TURN_MESSAGES))).scalars().all()
    if not rows:
        return None
    messages = tuple(open_inbound(key, inbound_row) for inbound_row in rows)
    return Turn(await _thread(session, contact, row, key), messages, rows[-1].received_at)


async def lock_claimed(session: AsyncSession, keyring: Keyring, claim: LaneClaim) -> OpenThread:
    """The conversation of a claim, locked for committing its turn; LaneLostError when the claim no longer holds."""
    query = select(ConversationRow).where(ConversationRow.id == claim.conversation_id).with_for_update()
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None or row.lane_fence != claim.fence:
        raise LaneLostError
    return await reopen(session, keyring, row)


async def reopen(session: AsyncSession, keyring: Keyring, row: ConversationRow) -> OpenThread:
    """A conversation whose row is at hand, with its contact, its key and the value the flows work with."""
    contact = (await session.execute(select(ContactRow).where(ContactRow.id == row.contact_id))).scalar_one()
    key = keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}")
    return OpenThread(contact, row, key, await _thread(session, contact, row, key))


async def mark_answered(
    session: AsyncSession, opened: OpenThread, inbound_ids: tuple[int, ...] | None, now: datetime
) -> None:
    """Mark messages answered (all pending ones when None) and free the lane; it stays due if more came meanwhile."""
    pending = (InboundRow.conversation_id == opened.row.id) & InboundRow.answered_at.is_(None)
    answered = pending if inbound_ids is None else pending & InboundRow.id.in_(inbound_ids)
    await session.execute(update(InboundRow).where(answered).values(answered_at=now))
    left = (await session.execute(select(InboundRow.risk, InboundRow.received_at).where(pending))).all()
    row = opened.row
    row.lane_until = None
    row.lane_fence += 1
    row.due_at = row.due_at if left else None
    row.pending_since = min((received_at for _, received_at in left), default=None)
    row.pending_risk = max((risk for risk, _ in left), default=0)


async def release_lane(session: AsyncSession, claim: LaneClaim, retry_at: datetime) -> None:
    """Give a lane back unanswered after an error, to be tried again at `retry_at`."""
    await session.execute(
        update(ConversationRow)
        .where(ConversationRow.id == claim.conversation_id, ConversationRow.lane_fence == claim.fence)
        .values(lane_until=None, due_at=retry_at)
    )


async def record_turn(session: AsyncSession, opened: OpenThread, plan: ReplyPlan, now: datetime) -> None:
    """What a turn changes about its conversation: risk (never down), language, dialogue state, settings asked for."""
    row, contact = opened.row, opened.contact
    row.turns += 1
    row.version += 1
    if plan.assessment.risk > row.risk:
        row.risk, row.risk_since = plan.assessment.risk, now
    if not contact.language_is_chosen and plan.assessment.language:
        row.language = contact.language = plan.assessment.language
    if language := plan.settings.get("language"):
        row.language = contact.language = language
        contact.language_is_chosen = True
    contact.stopped_at = now if plan.settings.get("stopped") else None
    contact.country = plan.settings.get("country", contact.country)
    contact.age_band = plan.settings.get("age", contact.age_band)
    if discreet := plan.settings.get("discreet"):
        contact.is_discreet = discreet == "yes"
    row.not_understood = 0 if plan.understood else row.not_understood + 1
    row.state_sealed = seal_state(opened.key, plan.state, row.id)
    await session.flush()


def remember(opened: OpenThread, state: DialogueState) -> None:
    """Keep the dialogue's state, changed outside a turn."""
    opened.row.state_sealed = seal_state(opened.key, state, opened.row.id)


async def read_mode(session: AsyncSession, keyring: Keyring, channel: str, address: str) -> str:
    """Who the newest conversation of an address is with; `bot` when there is none."""
    query = (
        select(ConversationRow.mode)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(ContactRow.channel == channel, ContactRow.address_hash.in_(keyring.lookup_hashes(channel, address)))
    )
    return (await session.execute(query.order_by(ConversationRow.id.desc()).limit(1))).scalar_one_or_none() or Mode.BOT
