"""Into the queue: what escalating a conversation changes, and the words that keep whoever waits company."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.conversations import Mode
from bot.domain.handover import needs_of
from bot.domain.messages import OutboundMessage
from bot.domain.replies import ReplyPlan
from bot.domain.risk import RiskLevel
from bot.domain.turns import DialogueState
from bot.flows.controls import veil
from bot.flows.helpline import Helpline
from bot.flows.waiting import words_of_the_wait
from bot.store import casework, handover, inbox, outbox
from bot.store.inbox import OpenThread


async def escalate(session: AsyncSession, opened: OpenThread, plan: ReplyPlan, now: datetime) -> None:
    """Queue a conversation, or raise one that waits; with a volunteer, a new danger also calls a supervisor."""
    needs = needs_of(plan.assessment.dangers, opened.contact.age_band)
    await handover.escalate(session, opened, plan.escalate or "raised", plan.assessment.risk, now, needs)
    holder = opened.row.volunteer_id
    if Mode(opened.row.mode) is Mode.VOLUNTEER and holder and plan.assessment.risk is RiskLevel.IMMINENT:
        await casework.call_supervisor(session, opened.row.id, holder, "imminent", now)


async def offer_company(
    helpline: Helpline, session: AsyncSession, opened: OpenThread, state: DialogueState, now: datetime
) -> None:
    """Place, estimate and choices, after the words that said a person was asked for."""
    if Mode(opened.row.mode) is not Mode.WAITING:
        return
    messages = await words_of_the_wait(helpline, session, opened, now)
    keys = tuple(message.key for message in messages)
    offered = messages[-1].quick_replies
    inbox.remember(opened, replace(state, quick_replies=offered, used=(*state.used, *keys)))
    await speak(helpline, session, opened, messages, now)


async def speak(
    helpline: Helpline,
    session: AsyncSession,
    opened: OpenThread,
    messages: tuple[OutboundMessage, ...],
    now: datetime,
    author: str = "system",
) -> None:
    """Store messages in a turn of their own, in the form the channel takes. Words of the passage are `system`'s.

    In discreet mode the first line tells nothing, whoever of us wrote the rest.
    """
    if opened.contact.is_discreet:
        messages = veil(messages, opened.row.language, opened.row.turns, helpline.words)
    channel = helpline.channels[opened.contact.channel]
    prepared = tuple(part for message in messages for part in channel.prepare(message))
    opened.row.turns += 1
    await session.flush()
    await outbox.enqueue(session, opened, prepared, now, author)
