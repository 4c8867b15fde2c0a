"""The outbox: messages from us in strict order per conversation, their attempts, and the receipts that come back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.domain.messages import DeliveryStatus, OutboundMessage, Receipt, advance
from bot.domain.risk import RiskLevel
from bot.store.contacts import address_of
from bot.store.crypto import Keyring
from bot.store.inbox import OpenThread, lease_in
from bot.store.moments import moment
from bot.store.sealed import open_outbound, seal_outbound
from bot.store.tables import ContactRow, ConversationRow, OutboundRow, ReceiptRow

_AS_IT_IS = {"synchronize_session": False}
WAITING_STATES = (DeliveryStatus.QUEUED, DeliveryStatus.RETRYING)


@dataclass(frozen=True, slots=True)
class OutboxClaim:
    """The right to deliver the messages of one conversation."""

    conversation_id: int
    fence: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to hand to a provider now. `address` must not be logged."""

    outbound_id: int
    conversation_id: int
    channel: str
    address: str
    message: OutboundMessage
    attempts: int
    created_at: datetime
    last_inbound_at: datetime
    contact_id: int
    language: str
    risk: RiskLevel
    author: str = "bot"

    @property
    def is_to_danger(self) -> bool:
        """Whether somebody in danger waits for it."""
        return self.message.urgent or self.risk >= RiskLevel.HIGH


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that the provider took and could not deliver, with its code."""

    outbound_id: int
    conversation_id: int
    channel: str
    code: str
    attempts: int
    external_id: str


async def enqueue(
    session: AsyncSession, opened: OpenThread, messages: tuple[OutboundMessage, ...], now: datetime, author: str = "bot"
) -> None:
    """Store the messages of the turn `opened.row.turns`, in their order, each due when its time has come."""
    turn, due = opened.row.turns, now
    await withdraw_scheduled(session, opened.row.id)
    for position, message in enumerate(messages):
        due += timedelta(seconds=message.after)
        session.add(
            OutboundRow(
                conversation_id=opened.row.id,
                channel=opened.contact.channel,
                turn=turn,
                position=position,
                author=author,
                key=message.key,
                body_sealed=seal_outbound(opened.key, message, f"{opened.row.id}/{turn}/{position}"),
                is_urgent=message.urgent,
                status=DeliveryStatus.QUEUED,
                attempts=0,
                due_at=due,
                created_at=now,
            )
        )
    await session.flush()


async def withdraw_scheduled(session: AsyncSession, conversation_id: int) -> None:
    """Give up what was to be said later: whoever writes in the middle of an exercise has ended it."""
    later = and_(
        OutboundRow.conversation_id == conversation_id,
        OutboundRow.status == DeliveryStatus.QUEUED,
        OutboundRow.due_at > OutboundRow.created_at,
    )
    await session.execute(update(OutboundRow).where(later).values(status=DeliveryStatus.WITHDRAWN))


def _may_be_next(now: datetime) -> ColumnElement[bool]:
    """Not behind a message of the same conversation that waits for its next attempt, unless it is urgent."""
    behind = select(OutboundRow.conversation_id).where(
        OutboundRow.status == DeliveryStatus.RETRYING, OutboundRow.due_at > now
    )
    return or_(OutboundRow.is_urgent, OutboundRow.conversation_id.not_in(behind))


async def claim_outbox(
    session: AsyncSession, now: datetime, *, only_urgent: bool = False, held: Collection[int] = ()
) -> OutboxClaim | None:
    """Take the conversation whose next message is due, emergencies first. None when nothing is due.

    `held`: as in `inbox.claim_lane`.
    """
    query = (
        select(ConversationRow)
        .join(OutboundRow, OutboundRow.conversation_id == ConversationRow.id)
        .where(
            OutboundRow.status.in_(WAITING_STATES),
            OutboundRow.due_at <= now,
            OutboundRow.is_urgent if only_urgent else _may_be_next(now),
            ConversationRow.id.not_in(held),
            or_(ConversationRow.outbox_until.is_(None), ConversationRow.outbox_until < moment(session, now)),
        )
        .order_by(OutboundRow.is_urgent.desc(), OutboundRow.due_at, OutboundRow.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=ConversationRow)
    )
    row = (await session.execute(query)).scalar_one_or_none()
    if row is None:
        return None
    claim = OutboxClaim(row.id, row.outbox_fence + 1)
    until = moment(session, now, lease_in(session))
    mine = update(ConversationRow).where(ConversationRow.id == row.id)
    await session.execute(mine.values(outbox_until=until, outbox_fence=claim.fence).execution_options(**_AS_IT_IS))
    return claim


async def _give_back(session: AsyncSession, claim: OutboxClaim) -> None:
    """Nothing is left to be done under a claim; one that somebody took over is left alone."""
    mine = (ConversationRow.id == claim.conversation_id) & (ConversationRow.outbox_fence == claim.fence)
    over = update(ConversationRow).where(mine).values(outbox_until=None)
    await session.execute(over.execution_options(**_AS_IT_IS))


async def next_delivery(session: AsyncSession, keyring: Keyring, claim: OutboxClaim, now: datetime) -> Delivery | None:
    """The next message of a claimed conversation, or None when none is due now (the claim is then given back).

    Urgent ones that are due come first; otherwise a message waiting for its next attempt holds back those behind it. A
    bot's message that is not urgent is withdrawn when a volunteer has the conversation by now.
    """
    mine = (
        select(ConversationRow, ContactRow)
        .join(ContactRow, ContactRow.id == ConversationRow.contact_id)
        .where(ConversationRow.id == claim.conversation_id)
    )
    row, contact = (await session.execute(mine.execution_options(populate_existing=True))).one()
    if row.outbox_fence != claim.fence:
        return None
    waiting = and_(OutboundRow.conversation_id == row.id, OutboundRow.status.in_(WAITING_STATES))
    if Mode(row.mode) is Mode.VOLUNTEER:
        talking_over = and_(waiting, OutboundRow.author == "bot", OutboundRow.is_urgent.is_(False))
        await session.execute(update(OutboundRow).where(talking_over).values(status=DeliveryStatus.WITHDRAWN))
    overtakes = case((and_(OutboundRow.is_urgent, OutboundRow.due_at <= now), 0), else_=1)
    query = select(OutboundRow).where(waiting).order_by(overtakes, OutboundRow.id).limit(1)
    outbound = (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()
    if outbound is None or outbound.due_at > now:
        await _give_back(session, claim)
        return None
    return _delivery(keyring, row, contact, outbound)


def _delivery(keyring: Keyring, row: ConversationRow, contact: ContactRow, outbound: OutboundRow) -> Delivery:
    return Delivery(
        outbound_id=outbound.id,
        conversation_id=row.id,
        channel=outbound.channel,
        address=address_of(keyring, contact),
        message=open_outbound(keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}"), outbound),
        attempts=outbound.attempts,
        created_at=outbound.created_at,
        last_inbound_at=contact.last_inbound_at,
        contact_id=contact.id,
        language=row.language,
        risk=RiskLevel(row.risk),
        author=outbound.author,
    )


async def delivery_of(session: AsyncSession, keyring: Keyring, outbound_id: int) -> Delivery:
    """A message with all that sending it again needs."""
    outbound = await session.get_one(OutboundRow, outbound_id)
    row = await session.get_one(ConversationRow, outbound.conversation_id)
    return _delivery(keyring, row, await session.get_one(ContactRow, row.contact_id), outbound)


async def record_accepted(session: AsyncSession, outbound_id: int, external_id: str, now: datetime) -> Failed | None:
    """The provider took the message; receipts that came first are applied. As `record_receipt`, what failed comes back."""
    waited = OutboundRow.status.in_(WAITING_STATES)
    taken = (
        update(OutboundRow)
        .where(OutboundRow.id == outbound_id)
        .values(
            status=case((waited, DeliveryStatus.ACCEPTED), else_=OutboundRow.status),
            attempts=OutboundRow.attempts + 1,
            external_id=external_id,
            accepted_at=now,
        )
        .returning(OutboundRow.channel)
    )
    channel = (await session.execute(taken.execution_options(**_AS_IT_IS))).scalar_one_or_none()
    if channel is None:
        # Erased while it was on its way: those behind it must not wait for it.
        return None
    early = ReceiptRow.channel == channel, ReceiptRow.external_id == external_id
    found = delete(ReceiptRow).where(*early).returning(ReceiptRow.id, ReceiptRow.status, ReceiptRow.error_code)
    receipts = sorted((await session.execute(found.execution_options(**_AS_IT_IS))).all())
    if not receipts:
        return None
    mine = select(OutboundRow).where(OutboundRow.id == outbound_id).with_for_update()
    row = (await session.execute(mine.execution_options(populate_existing=True))).scalar_one()
    failed = None
    for _, status, code in receipts:
        failed = _apply(row, DeliveryStatus(status), code) or failed
    await session.flush()
    return failed if row.status < DeliveryStatus.DELIVERED else None


async def record_refused(session: AsyncSession, outbound_id: int, code: str, retry_at: datetime | None) -> None:
    """The send failed: tried again at `retry_at`, or for good when that is None."""
    row = (
        await session.execute(select(OutboundRow).where(OutboundRow.id == outbound_id).with_for_update())
    ).scalar_one_or_none()
    if row is None:
        return
    row.attempts += 1
    _end_attempt(row, code, retry_at)
    await session.flush()


async def record_failed_later(session: AsyncSession, outbound_id: int, code: str, retry_at: datetime | None) -> None:
    """It failed after the provider had taken it: tried again at `retry_at` as a new message of theirs, or failed for good."""
    row = await session.get_one(OutboundRow, outbound_id)
    row.external_id = None if retry_at else row.external_id
    _end_attempt(row, code, retry_at)
    await session.flush()


def _end_attempt(row: OutboundRow, code: str, retry_at: datetime | None) -> None:
    if DeliveryStatus(row.status).is_final:
        return
    row.error_code = code
    row.status = DeliveryStatus.RETRYING if retry_at else DeliveryStatus.FAILED
    row.due_at = retry_at or row.due_at


async def record_contact_gone(session: AsyncSession, conversation_id: int) -> None:
    """The person blocked us: nothing more is tried until they write again."""
    waiting = and_(OutboundRow.conversation_id == conversation_id, OutboundRow.status.in_(WAITING_STATES))
    await session.execute(update(OutboundRow).where(waiting).values(status=DeliveryStatus.FAILED, error_code="blocked"))
    contact = select(ConversationRow.contact_id).where(ConversationRow.id == conversation_id).scalar_subquery()
    await session.execute(update(ContactRow).where(ContactRow.id == contact).values(is_reachable=False))


async def record_receipt(session: AsyncSession, receipt: Receipt, now: datetime) -> Failed | None:
    """Delivery news, applied if the message is known by the provider's id, kept for it otherwise.

    A message that has failed by this news is given back, and stays as it was: whether it is tried again is not for rows.
    """
    query = select(OutboundRow).where(
        OutboundRow.channel == receipt.channel, OutboundRow.external_id == receipt.external_id
    )
    row = (await session.execute(query.with_for_update())).scalars().first()
    if row is None:
        session.add(
            ReceiptRow(
                channel=receipt.channel,
                external_id=receipt.external_id,
                status=receipt.status,
                error_code=receipt.error_code,
                received_at=now,
            )
        )
        return None
    return _apply(row, DeliveryStatus(receipt.status), receipt.error_code)


def _apply(row: OutboundRow, status: DeliveryStatus, code: str) -> Failed | None:
    before = DeliveryStatus(row.status)
    after = advance(before, status)
    row.error_code = code or row.error_code
    if after is DeliveryStatus.FAILED and before is not DeliveryStatus.FAILED:
        return Failed(row.id, row.conversation_id, row.channel, code, row.attempts, row.external_id or "")
    row.status = after
    return None


async def is_overtaken(session: AsyncSession, outbound_id: int) -> bool:
    """Whether something of a later turn went out meanwhile, so that an answer of the bot would come out of order."""
    mine = select(OutboundRow).where(OutboundRow.id == outbound_id)
    row = (await session.execute(mine)).scalar_one_or_none()
    if row is None or row.is_urgent or row.author != "bot":
        return False
    later = select(OutboundRow.id).where(
        OutboundRow.conversation_id == row.conversation_id,
        OutboundRow.turn > row.turn,
        OutboundRow.status.between(DeliveryStatus.ACCEPTED, DeliveryStatus.READ),
    )
    return (await session.execute(later.limit(1))).first() is not None


async def has_urgent(session: AsyncSession, conversation_id: int, now: datetime) -> bool:
    """Whether an urgent message of a conversation is due."""
    query = select(OutboundRow.id).where(
        OutboundRow.conversation_id == conversation_id,
        OutboundRow.status.in_(WAITING_STATES),
        OutboundRow.is_urgent,
        OutboundRow.due_at <= now,
    )
    return (await session.execute(query.limit(1))).first() is not None


def due_messages(session: AsyncSession, now: datetime) -> Select[datetime]:
    """When the messages of conversations nobody has in their hands are due, the first one first."""
    return (
        select(OutboundRow.due_at)
        .join(ConversationRow, ConversationRow.id == OutboundRow.conversation_id)
        .where(
            OutboundRow.status.in_(WAITING_STATES),
            or_(ConversationRow.outbox_until.is_(None), ConversationRow.outbox_until < moment(session, now)),
            or_(OutboundRow.due_at > now, _may_be_next(now)),
        )
        .order_by(OutboundRow.due_at)
    )


async def next_due(session: AsyncSession, now: datetime) -> datetime | None:
    """When the next message of a free conversation is due."""
    return (await session.execute(due_messages(session, now).limit(1))).scalar_one_or_none()
