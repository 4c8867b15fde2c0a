"""Keeping company to whoever waits for a person: place and estimate, the choice of what to do meanwhile, feedback after.

Taps on these choices are answered here and never reach the engine: they are about our people, not about the dialogue.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot import i18n
from bot.domain.conversations import Mode
from bot.domain.handover import Choice, estimate, in_order
from bot.domain.messages import OutboundMessage, QuickReply
from bot.domain.replies import ReplyPlan
from bot.domain.risk import Assessment, RiskLevel
from bot.domain.turns import Turn
from bot.flows.helpline import Helpline
from bot.flows.wording import Wording
from bot.store import casework, handover
from bot.store.inbox import OpenThread

PREFIX = "/people_"
SETTING = "people"
FEEDBACK = {"/people_feedback_good": 3, "/people_feedback_little": 2, "/people_feedback_bad": 1}
REQUIRED_KEYS = (
    "utter_people_joined",
    "utter_people_lost",
    "utter_people_passed",
    "utter_people_queued_again",
    "utter_people_back",
    "utter_people_back_referral",
    "utter_people_closed",
    "utter_people_feedback_good",
    "utter_people_feedback_little",
    "utter_people_feedback_bad",
    "utter_people_feedback_thanks",
    "utter_people_wait_known",
    "utter_people_wait_unknown",
    "utter_people_choose",
    "utter_people_choose_closed",
    "utter_people_label_stay",
    "utter_people_label_write",
    "utter_people_label_line",
    "utter_people_label_breathe",
    "utter_people_label_no",
    "utter_people_label_soon",
    "utter_people_label_tonight",
    "utter_people_label_tomorrow",
    "utter_people_staying",
    "utter_people_write_when",
    "utter_people_write_noted",
    "utter_people_write_soon",
    "utter_people_no_need",
    "utter_people_breathe",
    "utter_people_written_back",
    "utter_people_follow_up",
    "utter_people_alert_call",
    "utter_people_alert_imminent",
    "utter_people_alert_high",
    "utter_people_alert_concern",
    "utter_people_alert_silent",
    "utter_people_alerts_on",
)
"""Words this module and the passage say; `bot.app` refuses to start when one is missing."""


def wording(helpline: Helpline, opened: OpenThread, now: datetime) -> Wording:
    """The words for a conversation as it stands in a transaction."""
    row, contact = opened.row, opened.contact
    return Wording(helpline.words, helpline.directory, row.language, contact.country, opened.thread.state.used, now)


async def words_of_the_wait(
    helpline: Helpline, session: AsyncSession, opened: OpenThread, now: datetime
) -> tuple[OutboundMessage, ...]:
    """Honest place and estimate with the choices; with nobody on duty, the offer to be written back (R18)."""
    said = wording(helpline, opened, now)
    if not said.team_is_open:
        return (_with(said, "choose_closed", ("label_write", "write"), ("label_line", "line"), ("label_no", "no")),)
    place = await place_of(helpline, session, opened, now)
    choices = [("label_stay", "stay"), ("label_write", "write"), ("label_line", "line"), ("label_breathe", "breathe")]
    if opened.row.risk < RiskLevel.HIGH:
        # Whoever did not ask for a person themselves may say so; at high risk a team member decides.
        choices.append(("label_no", "no"))
    return (place, _with(said, "choose", *choices))


async def place_of(helpline: Helpline, session: AsyncSession, opened: OpenThread, now: datetime) -> OutboundMessage:
    """How many are before them, and what our own recent waits at this hour say; or that we do not know yet."""
    await session.flush()
    said = wording(helpline, opened, now)
    queue = in_order(await handover.waiting(session))
    ids = [one.conversation_id for one in queue]
    ahead = str(ids.index(opened.row.id) if opened.row.id in ids else len(ids))
    found = estimate(await handover.recent_waits(session, now, i18n.time_zone(opened.contact.country)))
    if found is None:
        return said.say("utter_people_wait_unknown", ahead=ahead)
    return said.say("utter_people_wait_known", ahead=ahead, median=str(found.median), ninth=str(found.ninth))


def _with(said: Wording, key: str, *choices: tuple[str, str]) -> OutboundMessage:
    replies = tuple(QuickReply(said.say(f"utter_people_{label}").text, PREFIX + payload) for label, payload in choices)
    return replace(said.say(f"utter_people_{key}"), quick_replies=replies)


def feedback_question(said: Wording) -> OutboundMessage:
    """The end of a conversation with a person, and whether it helped."""
    names = ("feedback_good", "feedback_little", "feedback_bad")
    return _with(said, "closed", *((name, name) for name in names))


def plan_choice(helpline: Helpline, turn: Turn, assessment: Assessment, now: datetime) -> ReplyPlan:
    """What is said about a choice; what it changes is done by `apply_choice` in the same transaction."""
    thread = turn.thread
    said = Wording(helpline.words, helpline.directory, thread.language, thread.country, thread.state.used, now)
    choice = turn.payload.removeprefix(PREFIX)
    messages: tuple[OutboundMessage, ...]
    match choice:
        case "stay":
            messages = (said.say("utter_people_staying"),)
        case "write":
            times = (("label_soon", "soon"), ("label_tonight", "tonight"), ("label_tomorrow", "tomorrow"))
            messages = (_with(said, "write_when", *times),)
        case "soon" | "tonight" | "tomorrow":
            due = write_back_at(choice, said, now, thread.country)
            if due is None:
                messages = (said.say("utter_people_write_soon"),)
            else:
                messages = (said.say("utter_people_write_noted", when=said.when(due)),)
        case "line":
            messages = (said.refer("distress", max(thread.risk, RiskLevel.CONCERN), thread.age_band).message,)
        case "breathe":
            messages = (said.say("utter_people_breathe"),)
        case "no":
            messages = (said.say("utter_people_no_need"),)
        case _:
            messages = (said.say("utter_people_feedback_thanks"),)
            if thread.is_first_turn:
                messages = (*messages, said.emergency_numbers("utter_welcome_short"))
    offered = next((message.quick_replies for message in messages if message.quick_replies), ())
    keys = tuple(message.key for message in messages)
    state = replace(thread.state, asked="", quick_replies=offered, used=(*thread.state.used, *keys)[-60:])
    return ReplyPlan(messages, assessment, state, settings={SETTING: turn.payload})


def write_back_at(choice: str, said: Wording, now: datetime, country: str) -> datetime | None:
    """The moment somebody asked to be written to; None for as soon as possible when we do not know when that is."""
    zone = i18n.time_zone(country)
    local = now.astimezone(zone)
    if choice == "tonight":
        tonight = datetime.combine(local.date(), time(20), zone)
        return tonight if tonight > local else tonight + timedelta(days=1)
    if choice == "tomorrow":
        return datetime.combine(local.date() + timedelta(days=1), time(18), zone)
    return None if said.team_is_open else said.team_opens_at


async def apply_choice(
    helpline: Helpline, session: AsyncSession, opened: OpenThread, payload: str, now: datetime
) -> None:
    """Do what a choice means: keep the place, be written back, go with a line; or keep the feedback."""
    conversation_id, choice = opened.row.id, payload.removeprefix(PREFIX)
    if payload in FEEDBACK:
        await casework.record_feedback_of(session, opened.contact.id, FEEDBACK[payload])
    elif choice in ("soon", "tonight", "tomorrow"):
        await handover.choose(session, conversation_id, Choice.WRITE_BACK, now)
        due = write_back_at(choice, wording(helpline, opened, now), now, opened.contact.country)
        if due is not None:
            casework.plan_follow_up(session, conversation_id, due, "contact")
    elif choice in ("stay", "line"):
        await handover.choose(session, conversation_id, Choice.WAIT if choice == "stay" else Choice.LINE, now)
    elif choice == "no" and Mode(opened.row.mode) is Mode.WAITING and opened.row.risk < RiskLevel.HIGH:
        # At high risk the request stays: a team member decides, not a tap at four in the morning.
        await handover.leave_queue(session, conversation_id, now)
        await handover.change_owner(session, opened.row, Mode.BOT, None, now, "contact", "no_need")
