"""From a message received to an answer stored: accept() in the webhook, answer() in the worker."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import i18n
from bot.dialogue.content import SPOKEN
from bot.domain.conversations import Mode, Route, due_at, route
from bot.domain.intents import HIGH_INTENTS
from bot.domain.messages import ContactNews, InboundKind, InboundMessage
from bot.domain.replies import EngineAnswer, EngineFailure, ReplyPlan
from bot.domain.rights import asked_for
from bot.domain.risk import Assessment, Context, RiskLevel
from bot.domain.schedules import Hours
from bot.domain.triage import raise_by_intent
from bot.domain.turns import DialogueState, Thread, Turn
from bot.flows import alerts, away, passage, report, shifts, waiting
from bot.flows.answers import answer_known, resolve_control, resolve_tap, second_thought, taken_as_answer
from bot.flows.arrivals import Accepted, Take
from bot.flows.controls import LEAVE
from bot.flows.helpline import Helpline
from bot.flows.plan import Planner, danger_payload, is_start, reads_words
from bot.flows.report_words import judged
from bot.flows.rights import export
from bot.store import contacts, feedback, inbox, outbox, parked, retractions
from bot.store.erasure import erase
from bot.store.inbox import LaneClaim, LaneLostError, OpenThread

FLOOD, FLOOD_WINDOW, FLOOD_PAUSE = 30, timedelta(minutes=1), timedelta(seconds=20)
"""More messages than this in a minute from one address are answered together, every so often."""
LEAVING = frozenset({"leave", "stopped", "erase"})
"""Settings of a turn after which nothing that waited for the person is said any more."""
_log = structlog.get_logger(__name__)


async def accept(helpline: Helpline, message: InboundMessage) -> Accepted:
    """Store a message once, with its verdict. At imminent risk the emergency words are queued in the same transaction.

    What one person sends while that is under way goes into the next transaction together (flows.arrivals).
    """
    if await alerts.enrol(helpline, message):
        return Accepted(is_new=False)
    return await helpline.arrivals.join(message, partial(_store, helpline))


async def _store(helpline: Helpline, take: Take) -> list[Accepted]:
    """Store what `take` gives once it is our turn to write, in one transaction."""
    messages: tuple[InboundMessage, ...] = ()
    await shifts.rota(helpline)
    try:
        async with helpline.database.write(first=True) as session:
            messages = take()
            taken = await _take_all(helpline, session, messages)
    except IntegrityError:
        # Another process stored one of them at the same time: the others are stored without it.
        if len(messages) < 2:
            return [Accepted(is_new=False) for _ in messages]
        return [accepted for one in messages for accepted in await _store(helpline, partial(_only, one))]
    if any(accepted.plan for accepted in taken):
        helpline.outbox_changed.ring()
    if any(accepted.is_new and not accepted.plan for accepted in taken):
        helpline.inbox_changed.ring()
    return taken


def _only(message: InboundMessage) -> tuple[InboundMessage, ...]:
    return (message,)


async def _take_all(helpline: Helpline, session: AsyncSession, messages: tuple[InboundMessage, ...]) -> list[Accepted]:
    """Store the messages of one person in their order; what they have in common is read once."""
    known = await inbox.known_ids(session, messages[0].channel, {message.external_id for message in messages})
    taken: list[Accepted] = []
    opened, earlier, is_quiet = None, 0, False
    for message in messages:
        if message.external_id in known:
            taken.append(Accepted(is_new=False))
            continue
        known.add(message.external_id)
        if opened is None:
            opened = await inbox.open_thread(session, helpline.keyring, message, helpline.defaults)
            earlier = await inbox.count_since(session, opened, FLOOD_WINDOW)
        taken.append(await _take_in(helpline, session, opened, message, earlier))
        earlier += 1
        if taken[-1].plan:
            # Emergency words change what the thread is: it is read anew.
            opened, is_quiet = None, False
            continue
        inbox.went_on(opened)
        if not is_quiet:
            await outbox.withdraw_scheduled(session, opened.row.id)
            is_quiet = True
    return taken


async def reassure(helpline: Helpline, message: InboundMessage) -> None:
    """Stop the tapped button spinning, and show that an answer is coming where it waits for the end of a burst.

    Whether that works is of no consequence.
    """
    channel = helpline.channels[message.channel]
    await channel.acknowledge(message)
    if _window(helpline, message) > 0:
        await channel.show_typing(message.address)


async def _take_in(
    helpline: Helpline, session: AsyncSession, opened: OpenThread, message: InboundMessage, earlier: int
) -> Accepted:
    thread = opened.thread
    context = Context(
        risk=thread.risk,
        recent=thread.recent,
        language=thread.language if thread.turns else "",
        language_hint=message.language_hint,
        language_is_chosen=thread.language_is_chosen,
    )
    assessment = judged(helpline.triage.assess(message.text, context), message.text, helpline.words, thread)
    if assessment.risk is RiskLevel.IMMINENT:
        await inbox.store_inbound(session, opened, message, assessment, due=None)
        plan = await _answer_emergency(helpline, session, opened, assessment, message.received_at)
        return Accepted(is_new=True, plan=plan)
    started = opened.row.pending_since or message.received_at
    due = due_at(assessment.risk, message.received_at, started, _window(helpline, message))
    is_flood = earlier >= FLOOD
    if is_flood and assessment.risk < RiskLevel.HIGH:
        # Everything is kept and read for danger; only answering at every line waits, and danger never does (R4).
        due = max(due, message.received_at + FLOOD_PAUSE)
    inbox.add_inbound(session, opened, message, assessment, due)
    return Accepted(is_new=True, is_flood=is_flood)


async def _answer_emergency(
    helpline: Helpline, session: AsyncSession, opened: OpenThread, assessment: Assessment, now: datetime
) -> ReplyPlan:
    """Emergency words need no engine: they are stored in the transaction that stores the message."""
    thread = opened.thread.at(assessment.risk, assessment.language)
    plan = Planner(helpline.words, helpline.directory).emergency(thread, assessment, now)
    await inbox.mark_answered(session, opened, None, now)
    await _commit_plan(helpline, session, opened, plan, now)
    return plan


def _window(helpline: Helpline, message: InboundMessage) -> float:
    """A tap or a command is one thing said whole; typed words may be the first of a burst."""
    is_whole = message.payload or message.kind is InboundKind.START
    return 0.0 if is_whole else helpline.quiet_window


@dataclass(frozen=True, slots=True)
class Claimed:
    """A lane taken, with what is to be answered in it."""

    claim: LaneClaim
    turn: Turn | None


async def claim_turn(helpline: Helpline, *, only_urgent: bool = False, held: Collection[int] = ()) -> Claimed | None:
    """Take the most urgent lane that is due, if asked only one at high risk, none of those `held` here. None when there is none."""
    least = RiskLevel.HIGH if only_urgent else RiskLevel.NONE
    async with helpline.database.write() as session:
        claim = await inbox.claim_lane(session, helpline.clock(), least, held)
        if claim is None:
            return None
        return Claimed(claim, await inbox.load_turn(session, helpline.keyring, claim))


async def answer(helpline: Helpline, claimed: Claimed) -> ReplyPlan | None:
    """Answer a lane: everything the turn changes is committed at once, or nothing (None) when the lane was lost meanwhile."""
    turn, claim = claimed.turn, claimed.claim
    plan = await plan_turn(helpline, turn) if turn is not None else None
    now = helpline.clock()
    try:
        async with helpline.database.write() as session:
            opened = await inbox.lock_claimed(session, helpline.keyring, claim)
            ids = tuple(message.inbound_id for message in turn.messages) if turn is not None else ()
            await inbox.mark_answered(session, opened, ids, now)
            if plan is not None:
                await _commit_plan(helpline, session, opened, plan, now)
    except LaneLostError:
        _log.info("turn discarded, the lane moved on", conversation=claim.conversation_id)
        return None
    helpline.outbox_changed.ring()
    return plan


async def plan_turn(helpline: Helpline, turn: Turn) -> ReplyPlan:
    """What to say and do about a turn. Never raises for the engine: whatever it does, there is a plan."""
    clock = helpline.clock()
    now = away.moment_of(turn, clock)
    await shifts.rota(helpline)
    planner = Planner(helpline.words, helpline.directory)
    turn = resolve_control(resolve_tap(turn), helpline.words)
    assessment = _breath(helpline, turn)
    turn = replace(turn, thread=turn.thread.at(assessment.risk, assessment.language))
    match route(turn.thread.mode, assessment.risk):
        case Route.EMERGENCY:
            return planner.emergency(turn.thread, assessment, now)
        case _ if turn.payload == LEAVE:
            # In one tap or one word, also while a volunteer has the conversation.
            return planner.leave(turn, assessment, now)
        case Route.SILENT:
            return ReplyPlan((), assessment, turn.thread.state)
        case Route.DIALOGUE:
            plan = await report.guided(helpline, turn, assessment, now, partial(_dialogue, helpline, planner))
            return away.apologise(helpline, turn, plan, clock)


def _breath(helpline: Helpline, turn: Turn) -> Assessment:
    """The verdict on the whole breath: what is harmless line by line may not be when read together."""
    worst = turn.worst
    if len(turn.messages) == 1:
        return worst
    context = Context(turn.thread.risk, turn.thread.recent, worst.language, "", turn.thread.language_is_chosen)
    together = helpline.triage.assess(turn.text, context)
    return together if together.risk > worst.risk else worst


def _without_engine(
    helpline: Helpline, planner: Planner, turn: Turn, assessment: Assessment, now: datetime
) -> ReplyPlan | None:
    """What the engine is not asked about; None when it is to be asked."""
    if turn.payload.startswith(waiting.PREFIX):
        return waiting.plan_choice(helpline, turn, assessment, now)
    if is_start(turn):
        return planner.welcome(turn, assessment, now)
    if not reads_words(turn):
        return planner.media(turn, assessment, now)
    right = asked_for(helpline.rights, turn)
    if right is not None and assessment.risk < RiskLevel.HIGH:
        return planner.right(turn, assessment, right, now)
    if turn.thread.is_blocked and assessment.risk < RiskLevel.HIGH:
        return planner.blocked(turn, assessment, now)
    if assessment.risk is RiskLevel.NONE and away.is_small_talk(turn, now):
        return planner.away(turn, assessment, now)
    return None


async def _dialogue(
    helpline: Helpline, planner: Planner, turn: Turn, assessment: Assessment, now: datetime
) -> ReplyPlan:
    if (fixed := _without_engine(helpline, planner, turn, assessment, now)) is not None:
        return fixed
    answer = await _ask(helpline, turn, turn.payload, assessment, now)
    if isinstance(answer, EngineFailure):
        _log.error("engine gave no answer", code=answer.code, conversation=turn.thread.conversation_id)
        return planner.engine_down(turn, assessment, now, helpline.triage.theme(turn.text))
    meant = second_thought(turn, answer)
    if assessment.risk < RiskLevel.HIGH:
        meant = meant or taken_as_answer(turn, answer)
    # What the first reading raised stays raised, though the words are taken for an answer.
    raised = raise_by_intent(assessment, answer.intent, answer.confidence)
    if meant:
        again = await _ask(helpline, turn, meant, assessment, now)
        answer = again if isinstance(again, EngineAnswer) else answer
    # Tapping “dark thoughts” says as much as writing it.
    raised = raise_by_intent(raised, answer.intent, answer.confidence)
    if raised.risk is RiskLevel.IMMINENT:
        return planner.emergency(turn.thread.at(raised.risk, raised.language), raised, now)
    payload = danger_payload(raised)
    if raised.risk is RiskLevel.HIGH and answer.intent not in HIGH_INTENTS and payload:
        again = await _ask(helpline, turn, payload, raised, now)
        answer = again if isinstance(again, EngineAnswer) else answer
    turn = replace(turn, thread=turn.thread.at(raised.risk, raised.language))
    return planner.answer(turn, raised, await _skip_known(helpline, turn, answer, raised, now), now)


async def _skip_known(
    helpline: Helpline, turn: Turn, answer: EngineAnswer, assessment: Assessment, now: datetime
) -> EngineAnswer:
    """A question about what was said already answers itself: who wrote “snap” is not asked which app."""
    known = answer_known(answer)
    if not known:
        return answer
    asked = replace(turn.thread.state, engine=answer.state, asked="platform")
    turn = replace(turn, thread=replace(turn.thread, state=asked))
    more = await _ask(helpline, turn, known, assessment, now)
    if isinstance(more, EngineFailure):
        return answer
    return replace(answer, replies=(*answer.replies[:-1], *more.replies), state=more.state)


async def _ask(
    helpline: Helpline, turn: Turn, payload: str, assessment: Assessment, now: datetime
) -> EngineAnswer | EngineFailure:
    thread = turn.thread
    return await helpline.engine.turn(
        turn.text, payload, thread.state.engine, _slots(helpline, thread, assessment, now)
    )


def _slots(helpline: Helpline, thread: Thread, assessment: Assessment, now: datetime) -> dict[str, str | None]:
    """What the gateway tells the engine each turn (docs/dialogue.md)."""
    team = helpline.directory.team.status(now).hours
    hour = now.astimezone(i18n.time_zone(thread.country)).hour
    return {
        "language": SPOKEN.get(thread.language, "fr"),
        "country": thread.country if thread.country in helpline.directory.countries else helpline.defaults.country,
        "risk": assessment.risk.word,
        "conversation_risk": max(thread.risk, assessment.risk).word,
        "team": {Hours.OPEN: "open", Hours.CLOSED: "closed", Hours.UNKNOWN: "unknown"}[team],
        "hour": "day" if 6 <= hour < 20 else "evening" if 20 <= hour < 23 else "night",
        "channel": thread.channel,
        "asked": thread.state.asked or None,
        "age_band": thread.age_band,
    }


async def _commit_plan(
    helpline: Helpline, session: AsyncSession, opened: OpenThread, plan: ReplyPlan, now: datetime
) -> None:
    """Write everything a plan changes, in the caller's transaction."""
    channel = helpline.channels[opened.contact.channel]
    if plan.settings.get("access"):
        plan = replace(plan, messages=(*plan.messages, *await export(helpline, session, opened)))
    if plan.settings.get("leave"):
        await retractions.ask(session, opened, now)
    if helped := plan.settings.get("helped"):
        feedback.record(session, opened, helped, plan.settings.get("topic", ""), now)
    if plan.settings.get("erase"):
        plan = replace(plan, state=DialogueState())
        if await erase(session, helpline.keyring, opened, now):
            held = helpline.words.say("utter_erased_held", opened.row.language)
            plan = replace(plan, messages=(held,))
    plan = await report.commit(helpline, session, opened, plan, now)
    prepared = tuple(
        replace(part, after=message.after if index == 0 else 0.0)
        for message in plan.messages
        for index, part in enumerate(channel.prepare(message))
    )
    await parked.settle(session, helpline.keyring, opened, now, is_leaving=not LEAVING.isdisjoint(plan.settings))
    await inbox.record_turn(session, opened, plan, now)
    if payload := plan.settings.get(waiting.SETTING):
        await waiting.apply_choice(helpline, session, opened, payload, now)
    elif plan.escalate or (opened.thread.is_waiting and not plan.settings.get("erase")):
        await passage.escalate(session, opened, plan, now)
    if Mode(opened.row.mode) is Mode.VOLUNTEER:
        # A volunteer took over while this answer was in the making: only emergency words are still said.
        prepared = tuple(message for message in prepared if message.urgent)
    await outbox.enqueue(session, opened, prepared, now)
    if plan.escalate and plan.assessment.risk < RiskLevel.IMMINENT and not plan.state.asked:
        await passage.offer_company(helpline, session, opened, plan.state, now)


async def record_contact_news(helpline: Helpline, news: ContactNews) -> None:
    """The person blocked us, or came back."""
    async with helpline.database.write() as session:
        await contacts.record_reachable(session, helpline.keyring, news)
