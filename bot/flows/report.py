"""The guided report in a conversation: which turn is an answer, which one leads aside, what is said and kept (ADR 6).

Danger is judged before; its words always come first, and the account waits. A question on the way is answered by the
dialogue, then the account's own question is asked again. The account needs no engine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.channels.base import Documents
from bot.domain import report as accounts
from bot.domain.messages import OutboundMessage, QuickReply
from bot.domain.replies import EngineFailure, EngineVerdict, ReplyPlan
from bot.domain.report import PART_OF, Part, Report, ReportStep, Stage
from bot.domain.rights import asked_for
from bot.domain.risk import Assessment, Danger, RiskLevel
from bot.domain.triage import raise_by_intent
from bot.domain.turns import Turn
from bot.flows import report_words as words
from bot.flows.answers import typed_one_of
from bot.flows.helpline import Helpline
from bot.flows.plan import is_start
from bot.flows.report_aside import alongside, aside, interrupted, offered
from bot.flows.report_turn import ASIDE, HELD, ReportTurn
from bot.flows.wording import Wording
from bot.store import papers, reports
from bot.store.inbox import OpenThread

PREFIX = words.PREFIX
SURE, FEW_WORDS = 0.5, 8
ASIDES = frozenset(
    {
        "ask_confidentiality",
        "ask_bot_identity",
        "ask_helpline",
        "ask_3018",
        "ask_nightline",
        "ask_legal_rights",
        "ask_platform_report",
        "ask_professional_help",
        "request_human",
        "change_language",
        "insult_bot",
    }
)
"""What somebody may ask in the middle of their account; anything else they write is part of it."""
TOLD = {
    Danger.SEXTORTION: "utter_refer_sextortion",
    Danger.GROOMING: "utter_refer_grooming",
    Danger.THREATS: "utter_refer_threats",
    Danger.PURSUED: "utter_refer_threats",
}
"""Dangers an account may be about, and the words that say they were answered: told again, they do not stop it."""
MEANS = {"later": "later", "skip": "skip", "done": "skip"}
ANSWERS = {
    (Stage.READ_BACK, "affirm"): "ok",
    (Stage.CONSENT, "affirm"): "give_yes",
    (Stage.CONSENT, "deny"): "give_no",
}
Dialogue = Callable[[Turn, Assessment, datetime], Awaitable[ReplyPlan]]


async def guided(
    helpline: Helpline, turn: Turn, assessment: Assessment, now: datetime, dialogue: Dialogue
) -> ReplyPlan:
    """Answer a turn as part of the account, or let the dialogue do it and come back to the account."""
    thread = turn.thread
    is_tap = turn.payload.startswith(PREFIX) and assessment.risk < RiskLevel.HIGH
    if turn.payload.startswith(PREFIX) and not is_tap:
        # Words of danger in the same breath as a tap: the words count, and the engine knows nothing of the tap.
        turn = replace(turn, messages=(*turn.messages[:-1], replace(turn.messages[-1], payload="")))
    one = ReportTurn(helpline, turn, assessment, now)
    is_asked = thread.state.asked.startswith(words.ASKED)
    if thread.is_blocked or not (is_tap or is_asked or thread.state.report):
        return offered(one, await dialogue(turn, assessment, now))
    async with helpline.database.read() as session:
        one = replace(one, stored=await reports.of_contact(session, helpline.keyring, thread.contact_id, now))
    if is_asked and assessment.risk < RiskLevel.HIGH:
        one = _caught_up(one, is_tap=is_tap)
    if is_tap:
        return _moved(one, turn.payload.removeprefix(PREFIX))
    # What the engine knows nothing of is not told to it as a question of its own.
    outside = replace(turn, thread=replace(thread, state=replace(thread.state, asked=""))) if is_asked else turn
    if is_asked and one.stored is not None:
        return await _while_asked(one, outside, dialogue)
    return alongside(one, await dialogue(outside, assessment, now))


async def commit(
    helpline: Helpline, session: AsyncSession, opened: OpenThread, plan: ReplyPlan, now: datetime
) -> ReplyPlan:
    """Keep what a turn did to the account, in the turn's transaction; the plan, as true as it can be said."""
    step = plan.report
    if step is None:
        return plan
    if step.report is None:
        if await reports.erase(session, opened.contact.id, now):
            return plan
        return replace(plan, messages=(helpline.words.say("utter_erased_held", opened.row.language),))
    report_id = await reports.keep(session, opened, step, step.report, now)
    if step.link:
        await papers.add(session, report_id, step.link, now)
    return plan


def _caught_up(one: ReportTurn, *, is_tap: bool) -> ReportTurn:
    """The account with what came before the last message of the same breath: words and then a tap, or one tap after another."""
    if one.stored is None or len(one.turn.messages) == 1:
        return one
    report = one.report
    for message in one.turn.messages[:-1]:
        if message.payload.startswith(PREFIX):
            report = _changed(report, message.payload.removeprefix(PREFIX), one.said)
        elif is_tap and not message.payload:
            report = accounts.answer(report, message.text)
    return replace(one, stored=replace(one.stored, report=report))


async def _while_asked(one: ReportTurn, outside: Turn, dialogue: Dialogue) -> ReplyPlan:
    """A turn while the account waits for an answer."""
    turn, report, text = one.turn, one.report, one.turn.text.strip()
    if not text and not turn.payload and not is_start(turn):
        return one.ask(report, (one.said.say("utter_report_media"),), ReportStep(report), is_back=True)
    if turn.payload or not text or asked_for(one.helpline.rights, turn) is not None:
        return aside(one, await dialogue(outside, one.assessment, one.now))
    typed = typed_one_of(text, words.TYPED_WHEN_ASKED, one.helpline.words)
    if typed and one.assessment.risk < RiskLevel.HIGH:
        return _moved(one, MEANS[typed])
    verdict = await _understood(one, text)
    raised = raise_by_intent(one.assessment, verdict.intent, verdict.confidence)
    if raised.risk >= RiskLevel.HIGH and not _was_told(one, raised):
        told = accounts.answer(report, text) if raised.risk < RiskLevel.IMMINENT else report
        return interrupted(one, await dialogue(outside, one.assessment, one.now), told)
    if tap := ANSWERS.get((report.stage, verdict.intent)):
        return _moved(one, tap)
    if report.stage is not Stage.ASKING or _is_question(text, verdict, report):
        return aside(one, await dialogue(outside, one.assessment, one.now))
    return _answered(replace(one, assessment=raised), accounts.answer(report, text))


async def _understood(one: ReportTurn, text: str) -> EngineVerdict:
    """What the engine makes of the words; nothing when it is away, and the account goes on without it."""
    verdicts = await one.helpline.engine.understand((text,))
    return EngineVerdict("", 0.0) if isinstance(verdicts, EngineFailure) else verdicts[0]


def _is_question(text: str, verdict: EngineVerdict, report: Report) -> bool:
    """Whether somebody asks us something, rather than telling what they want written down."""
    if verdict.intent not in ASIDES or verdict.confidence < SURE:
        return False
    return text.endswith(("?", "؟")) or (len(text.split()) <= FEW_WORDS and report.part is not Part.WISH)


def _was_told(one: ReportTurn, raised: Assessment) -> bool:
    """Whether this danger is what the account is about, and was answered with help before."""
    used = one.turn.thread.state.used
    if raised.reasons and raised.reasons[0].rule == "context/darker":
        return "utter_refer_distress" in used
    return bool(raised.dangers) and all(TOLD.get(danger, "-") in used for danger in raised.dangers)


def _answered(one: ReportTurn, report: Report) -> ReplyPlan:
    """An answer was noted; what is asked next."""
    used = one.turn.thread.state.used
    is_heavy = one.assessment.risk >= RiskLevel.CONCERN and "utter_report_heavy" not in used[-4:]
    if report.is_begun and not is_heavy:
        return one.ask(report, (), ReportStep(report, one.heard))
    noted = one.said.say("utter_report_heavy" if is_heavy else "utter_report_noted")
    return one.ask(report, (noted,), ReportStep(report, one.heard))


def _moved(one: ReportTurn, does: str) -> ReplyPlan:
    """A tap on one of the account's own choices."""
    report, said = one.report, one.said
    if one.stored is None and does != "start":
        return one.say((words.with_choices(said, "gone", ("start", "start")),), "")
    match does:
        case "start" | "resume":
            return _begun(one)
        case "later":
            return one.say((words.with_choices(said, "later", ("resume", "resume")),), HELD, ReportStep(report))
        case "text" | "pdf" if not report.is_empty and report.stage is not Stage.ASKING:
            return _delivered(one, replace(report, stage=Stage.READY, part=None), does)
        case "give_yes" | "give_no" if report.stage is Stage.CONSENT:
            return _settled(one, accounts.settle(report), is_given=does == "give_yes")
        case "erase":
            sure = words.with_choices(said, "erase_sure", ("erase_yes", "erase_yes"), ("erase_no", "resume"))
            return one.say((sure,), ASIDE)
        case "erase_yes":
            menu = QuickReply(said.say("utter_report_label_menu").text, "/ask_menu")
            erased = replace(said.say("utter_report_erased"), quick_replies=(menu,))
            return one.say((erased,), "", ReportStep(None))
        case _:
            changed = _changed(report, does, said)
            first = (said.say("utter_report_skipped"),) if _was_skipped(report, changed) else ()
            return one.ask(
                changed, first, ReportStep(changed, one.heard if does.startswith("say_") or one.turn.text else ())
            )


def _changed(report: Report, does: str, said: Wording) -> Report:
    """The account after a tap; a tap that means nothing here leaves it as it is."""
    kind, _, name = does.partition("_")
    match kind, name:
        case "skip", "":
            return accounts.skip(report)
        case "remove", "":
            return accounts.take_out(report)
        case "ok", "":
            return accounts.confirm(report)
        case "fix", "":
            return accounts.read_again(report)
        case "fix", part if part in tuple(Part):
            return accounts.fix(report, Part(part))
        case "give", "":
            return accounts.ask_consent(report)
        case "say", choice if choice in PART_OF:
            return accounts.choose(report, PART_OF[choice], said.say(f"utter_report_label_{choice}").text)
        case _:
            return report


def _was_skipped(before: Report, after: Report) -> bool:
    return len(after.passed) > len(before.passed) and not before.is_fixing


def _begun(one: ReportTurn) -> ReplyPlan:
    """A new account, or the one that was begun."""
    report = one.report
    if one.stored is None or (report.is_empty and not report.passed):
        return one.ask(Report(), (one.said.say("utter_report_start"),), ReportStep(Report()))
    return one.ask(report, (one.said.say("utter_report_resumed"),), ReportStep(report), is_back=True)


def _delivered(one: ReportTurn, report: Report, how: str) -> ReplyPlan:
    """The account as text, or as a paper: a file where the channel carries files, a link that opens once elsewhere."""
    said, channel = one.said, one.turn.thread.channel
    if how == "text":
        return one.ask(report, _as_text(one, report), ReportStep(report))
    kept = said.say("utter_report_document_kept")
    if isinstance(one.helpline.channels[channel], Documents):
        paper = replace(said.say("utter_report_document"), document="report")
        return one.ask(report, (paper, kept), ReportStep(report))
    token = papers.new_token()
    link = words.with_choices(said, "link", link=f"{one.helpline.public_url}/papers/{token}")
    return one.ask(report, (link, kept), ReportStep(report, link=papers.hash_of(token)))


def _as_text(one: ReportTurn, report: Report) -> tuple[OutboundMessage, ...]:
    """The account, the steps on the platform it names, and where to turn."""
    said, thread = one.said, one.turn.thread
    text = words.with_choices(said, "text", account=words.account(report, said))
    platform = accounts.platform_in(report.text, one.helpline.platforms)
    steps = one.helpline.words.about("utter_platform_steps", thread.language, "platform", platform)
    lines = said.refer(one.theme, max(thread.risk, RiskLevel.CONCERN), thread.age_band).message
    return (text, *((OutboundMessage(steps, key="utter_platform_steps"),) if steps else ()), lines)


def _settled(one: ReportTurn, report: Report, *, is_given: bool) -> ReplyPlan:
    """Given to a volunteer, with consent and the truth about when one is there; or not."""
    said, thread = one.said, one.turn.thread
    if not is_given:
        return one.ask(report, (said.say("utter_report_not_given"),), ReportStep(report))
    messages = [said.say("utter_report_given")]
    if thread.is_waiting:
        messages.append(said.say("utter_handover_already"))
    else:
        messages.append(said.team("utter_handover"))
        if not said.team_is_open:
            messages.append(said.refer(one.theme, max(thread.risk, RiskLevel.CONCERN), thread.age_band).message)
    return one.say(tuple(messages), HELD, ReportStep(report, hands_over=True), escalate="report")
