"""Aside of the guided report: a question on the way, danger, other choices; and how one comes back to the account."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.messages import OutboundMessage
from bot.domain.replies import ReplyPlan
from bot.domain.report import Report, ReportStep, Stage
from bot.domain.risk import RiskLevel
from bot.flows import report_words as words
from bot.flows.report_turn import ASIDE, HELD, KEPT_USED, OPEN, ReportTurn, name_of

MANY_CHOICES = 8
JOURNEY = frozenset({"utter_adult_yes", "utter_adult_no", "utter_adult_afraid"})
"""Where a journey with steps ends: what to do was said, and a person is offered."""
FINAL = frozenset({"leave", "erase", "stopped", "restart", "people", "access"})
SAID_ONCE = frozenset({"utter_report_waits", "utter_report_later"})


def interrupted(one: ReportTurn, plan: ReplyPlan, report: Report) -> ReplyPlan:
    """Danger comes first; what was written is kept, and the account waits until it is asked for again."""
    step = ReportStep(report, one.heard if report != one.report else ())
    return replace(_now(plan, HELD), report=step)


def aside(one: ReportTurn, plan: ReplyPlan) -> ReplyPlan:
    """After an answer to something else: the account's question again, or a way back to it."""
    if not _is_calm(plan) or not plan.messages:
        return _now(plan, HELD)
    typed = not one.turn.payload and bool(one.turn.text.strip())
    kept = plan.messages
    if typed and len(kept) > 1 and kept[-1].key.startswith("utter_ask_"):
        kept = kept[:-1]
    if kept[-1].quick_replies and not typed:
        return _with_way_back(one, plan)
    return _asked_again(one, replace(plan, messages=kept))


def alongside(one: ReportTurn, plan: ReplyPlan) -> ReplyPlan:
    """A turn of the dialogue while an account waits: back to it once nothing else is asked, or a word that it is there."""
    state = one.turn.thread.state
    if one.stored is None or not _is_calm(plan):
        return _now(plan, HELD if one.stored is not None else "")
    has_choices = any(message.quick_replies for message in plan.messages)
    if has_choices or plan.state.asked or not plan.messages:
        return offered(one, plan)
    if state.report == ASIDE:
        return _asked_again(one, plan)
    left = any(key.startswith("utter_left_") for key in state.used)
    is_done = one.report.stage is Stage.READY
    if left or is_done or SAID_ONCE & set(state.used):
        return plan
    waits = words.with_choices(one.said, "waits", ("resume", "resume"))
    return _extended(one, plan, (waits,), asked="", report=HELD)


def offered(one: ReportTurn, plan: ReplyPlan) -> ReplyPlan:
    """Where it is natural, the offer to put it in writing: in the menu, and after the steps of a journey that had proof."""
    if not plan.messages or not _is_calm(plan):
        return plan
    *before, last = plan.messages
    start = words.choices(one.said, ("start", "start"))
    if last.key == "utter_menu" and last.quick_replies:
        *others, settings = last.quick_replies
        return _with_choices(plan, tuple(before), replace(last, quick_replies=(*others, *start, settings)))
    used, keys = one.turn.thread.state.used, {message.key for message in before}
    had_proof = any(key.startswith("utter_keep_proof") for key in used)
    if not (JOURNEY & keys and last.key == "utter_ask_want_human" and had_proof and "utter_report_offer" not in used):
        return plan
    offer = one.finished((one.said.say("utter_report_offer"),))
    plan = replace(plan, state=replace(plan.state, used=(*plan.state.used, "utter_report_offer")[-KEPT_USED:]))
    return _with_choices(plan, (*before, *offer), replace(last, quick_replies=(*last.quick_replies, *start)))


def _is_calm(plan: ReplyPlan) -> bool:
    """Whether nothing graver or more final than a question was answered."""
    return plan.assessment.risk < RiskLevel.HIGH and not plan.escalate and not FINAL & plan.settings.keys()


def _now(plan: ReplyPlan, report: str) -> ReplyPlan:
    return replace(plan, state=replace(plan.state, report=report))


def _with_choices(plan: ReplyPlan, before: tuple[OutboundMessage, ...], last: OutboundMessage) -> ReplyPlan:
    messages = (*before, last)
    return replace(plan, messages=messages, state=replace(plan.state, quick_replies=words.last_choices(messages)))


def _with_way_back(one: ReportTurn, plan: ReplyPlan) -> ReplyPlan:
    """The choices of where they went, and one that leads back."""
    plan = _now(plan, ASIDE)
    *before, last = plan.messages
    if len(last.quick_replies) >= MANY_CHOICES:
        return plan
    replies = (*last.quick_replies, *words.choices(one.said, ("resume", "resume")))
    return _with_choices(plan, tuple(before), replace(last, quick_replies=replies))


def _asked_again(one: ReportTurn, plan: ReplyPlan) -> ReplyPlan:
    """The account's own question after the answer to another."""
    said = one.speaking(plan.settings.get("language", one.turn.thread.language))
    asked = words.now_asked(one.report, said, is_handed=one.is_handed, is_back=True)
    return _extended(one, plan, asked, asked=name_of(one.report), report=OPEN)


def _extended(
    one: ReportTurn, plan: ReplyPlan, more: tuple[OutboundMessage, ...], *, asked: str, report: str
) -> ReplyPlan:
    added = one.finished(more)
    before = tuple(replace(message, quick_replies=()) for message in plan.messages)
    state = replace(
        plan.state,
        asked=asked,
        quick_replies=words.last_choices(added),
        used=(*plan.state.used, *(message.key for message in added))[-KEPT_USED:],
        report=report,
    )
    return replace(plan, messages=(*before, *added), state=state)
