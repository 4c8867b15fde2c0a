"""Decides a turn: from what was written, what the triage saw and what the engine chose, to everything that is said and done.

Nothing here touches rows or the network. The safety order of docs/dialogue.md is the order of the functions below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.dialogue.content import Words
from bot.domain.directory import Directory
from bot.domain.intents import DANGER_OF_INTENT, HIGH_INTENTS, INTENT_OF_DANGER
from bot.domain.messages import InboundKind, OutboundMessage, QuickReply
from bot.domain.replies import EngineAnswer, EngineReply, ReplyPlan
from bot.domain.rights import Right
from bot.domain.risk import Assessment, Danger, RiskLevel
from bot.domain.turns import Thread, Turn
from bot.flows.controls import finish, leave, perform
from bot.flows.wording import Lines, Wording

QUESTION = "utter_ask_"
NOT_UNDERSTOOD = "nlu_fallback"
FAILED = 2
"""Turns in a row that the bot could not answer, after which a person is asked for instead of one more try."""
KEPT_USED = 60
AT_HOME = frozenset({"violence_home", "sexual_violence"})
"""Themes of those whose phone the aggressor may hold: no link is shown before they were asked about it (R24)."""
JUST_SAID = 8
"""About two turns of messages."""


@dataclass(frozen=True, slots=True)
class Said:
    """The words of a turn in the making: messages in order, whether a person was asked for, settings to change."""

    messages: tuple[OutboundMessage, ...] = ()
    escalate: str = ""
    settings: tuple[tuple[str, str], ...] = ()

    def then(self, *messages: OutboundMessage, escalate: str = "", setting: tuple[str, str] | None = None) -> Said:
        """The same, with more said or done after it."""
        settings = (*self.settings, setting) if setting else self.settings
        return Said((*self.messages, *messages), self.escalate or escalate, settings)


class Planner:
    """Plans turns with the words and the directory of this helpline."""

    def __init__(self, words: Words, directory: Directory) -> None:
        self._words = words
        self._directory = directory

    def emergency(self, thread: Thread, assessment: Assessment, now: datetime) -> ReplyPlan:
        """Imminent danger: numbers first, by call and in silence, then what to do meanwhile, then a human (R2, R4)."""
        wording = self._wording(thread, now)
        said = Said((self._emergency_words(thread, assessment, wording), wording.urgent("utter_emergency_stay")))
        said = said.then(wording.team("utter_emergency_team"), escalate="imminent")
        if thread.is_first_turn:
            said = said.then(wording.say("utter_welcome_after_emergency"))
        return self._plan(thread, assessment, said, intent="emergency_now")

    def _emergency_words(self, thread: Thread, assessment: Assessment, wording: Wording) -> OutboundMessage:
        """Whom to call. Where the law may turn on the victim, the police are a choice, never the only answer (R9)."""
        kind = _emergency_kind(assessment)
        never = self._directory.country(thread.country).never_authorities
        calls_for_police = kind == "violence" and _theme(assessment) not in never
        if "sexual_violence" not in never or calls_for_police:
            return wording.emergency(kind)
        return wording.urgent("utter_emergency_choice")

    def leave(self, turn: Turn, assessment: Assessment, now: datetime) -> ReplyPlan:
        """Gone in one tap or one word, engine or not (R24); the dialogue is forgotten, what a team must know is not."""
        done = leave(turn.thread, self._wording(turn.thread, now))
        plan = self._plan(turn.thread, assessment, Said(done.messages, settings=done.settings), intent="quick_exit")
        return replace(plan, state=replace(plan.state, engine=None))

    def engine_down(self, turn: Turn, assessment: Assessment, now: datetime, theme: str = "") -> ReplyPlan:
        """No answer from the engine: the truth, the lines open now, a way to a human (R4, R18).

        `theme`: what the triage thinks it is about, for lines that fit; danger has its own.
        """
        thread, wording = turn.thread, self._wording(turn.thread, now)
        theme = _theme(assessment) if assessment.dangers or not theme else theme
        key = "utter_high_unsure" if assessment.risk >= RiskLevel.HIGH else "utter_engine_down"
        said = Said((wording.say(key), wording.refer(theme, assessment.risk, thread.age_band).message))
        said = self._offered(said, wording, thread, "engine_down", at_once=assessment.risk >= RiskLevel.HIGH)
        return self._plan(thread, assessment, self._welcomed(said, wording, turn, assessment.risk), understood=False)

    def media(self, turn: Turn, assessment: Assessment, now: datetime) -> ReplyPlan:
        """Something that is never opened, without words: said kindly, with a way on (P26)."""
        wording = self._wording(turn.thread, now)
        said = Said((wording.say("utter_media_refused"),))
        return self._plan(turn.thread, assessment, self._welcomed(said, wording, turn, assessment.risk))

    def away(self, turn: Turn, assessment: Assessment, now: datetime) -> ReplyPlan:
        """Much was written while nothing worked: the truth about it once, and a way on (R18)."""
        wording = self._wording(turn.thread, now)
        said = Said((wording.say("utter_away"), wording.say("utter_menu")))
        return self._plan(turn.thread, assessment, self._welcomed(said, wording, turn, assessment.risk), intent="away")

    def welcome(self, turn: Turn, assessment: Assessment, now: datetime) -> ReplyPlan:
        """/start, or a first greeting: who this is, what it can do, emergency numbers, limits of confidentiality (R1, R8)."""
        wording = self._wording(turn.thread, now)
        return self._plan(
            turn.thread, assessment, Said((wording.emergency_numbers("utter_welcome"), wording.say("utter_menu")))
        )

    def right(self, turn: Turn, assessment: Assessment, right: Right, now: datetime) -> ReplyPlan:
        """A right asked for in plain words: it needs neither the engine nor a proof of identity (P12, P13)."""
        thread, wording = turn.thread, self._wording(turn.thread, now)
        match right:
            case Right.ERASE:
                said = Said((wording.say("utter_ask_erase"),))
            case Right.ERASE_CONFIRMED:
                said = Said((wording.say("utter_erased"),), settings=(("erase", "yes"),))
            case Right.ACCESS:
                age = thread.age_band or wording.say("utter_access_unknown").text
                facts = {"language": thread.language, "country": thread.country, "age": age}
                said = Said((wording.say("utter_access_intro", **facts),), settings=(("access", "yes"),))
            case Right.PRIVACY:
                said = Said((wording.say("utter_privacy_short"),))
        return self._plan(thread, assessment, said, intent=f"right_{right}")

    def blocked(self, turn: Turn, assessment: Assessment, now: datetime) -> ReplyPlan:
        """Paused by a supervisor: said once, with the numbers that always answer, then silence; danger never comes here."""
        key = "utter_blocked"
        if key in turn.thread.state.used:
            return ReplyPlan((), assessment, turn.thread.state)
        return self._plan(turn.thread, assessment, Said((self._wording(turn.thread, now).emergency_numbers(key),)))

    def answer(self, turn: Turn, assessment: Assessment, answer: EngineAnswer, now: datetime) -> ReplyPlan:
        """What the engine chose, done and said, with what safety adds to it."""
        thread, wording = turn.thread, self._wording(turn.thread, now)
        if answer.intent == NOT_UNDERSTOOD or _answers_nothing(turn, answer, assessment):
            said, understood = self._not_understood(turn, assessment, answer, wording)
        else:
            said, understood = Said(), True
            for reply in answer.replies:
                said = self._perform(said, reply, thread, assessment, answer, wording)
        if assessment.risk >= RiskLevel.HIGH and answer.intent not in HIGH_INTENTS:
            said = self._high(wording, thread, assessment, understood=understood)
        said = self._welcomed(said, wording, turn, assessment.risk)
        if dict(said.settings).get("helped"):
            said = replace(said, settings=(*said.settings, ("topic", str(answer.slots.get("topic") or ""))))
        plan = self._plan(thread, assessment, said, intent=answer.intent, understood=understood)
        forget = plan.settings.get("restart") or plan.settings.get("leave")
        return replace(plan, state=replace(plan.state, engine=None if forget else answer.state))

    def _high(self, wording: Wording, thread: Thread, assessment: Assessment, *, understood: bool) -> Said:
        """Serious, but the engine saw something else: fixed words, a line around the clock, the offer of a human."""
        referral = wording.refer(_theme(assessment), assessment.risk, thread.age_band)
        said = Said((wording.say("utter_high_unsure"), referral.message))
        if understood:
            return said.then(wording.team("utter_offer_human"))
        return self._offered(said, wording, thread, "bot_failed")

    def _not_understood(
        self, turn: Turn, assessment: Assessment, answer: EngineAnswer, wording: Wording
    ) -> tuple[Said, bool]:
        """Suffering is listened to even when not understood; otherwise one clarifying question, then a person."""
        thread = turn.thread
        if assessment.risk >= RiskLevel.CONCERN:
            referral = wording.refer(_theme(assessment), assessment.risk, thread.age_band)
            listening = Said((wording.say("utter_listening"), referral.message))
            return self._offered(listening, wording, thread, "bot_failed"), False
        if thread.not_understood + 1 >= FAILED:
            return self._offered(Said((wording.say("utter_lost"),)), wording, thread, "bot_failed"), False
        return Said((self._clarify(answer, wording),)), False

    def _offered(self, said: Said, wording: Wording, thread: Thread, reason: str, *, at_once: bool = False) -> Said:
        """A person offered the first time the bot fails; asked for the second, or at once where it cannot wait."""
        if at_once or thread.is_waiting or thread.not_understood + 1 >= FAILED:
            return self._escalated(said, wording, thread, reason)
        return said.then(wording.team("utter_offer_human"))

    def _clarify(self, answer: EngineAnswer, wording: Wording) -> OutboundMessage:
        """“Tu veux dire…” with the two likeliest meanings that have a name a person would use."""
        likely = [name for name, _ in answer.ranking if f"utter_label_{name}" in self._words][:2]
        if not likely:
            return wording.say("utter_menu")
        replies = [QuickReply(wording.say(f"utter_label_{name}").text, f"/{name}") for name in likely]
        replies.append(QuickReply(wording.say("utter_clarify_neither").text, "/ask_menu"))
        return replace(wording.say("utter_ask_clarify"), quick_replies=tuple(replies))

    def _perform(
        self,
        said: Said,
        reply: EngineReply,
        thread: Thread,
        assessment: Assessment,
        answer: EngineAnswer,
        wording: Wording,
    ) -> Said:
        """One response of the engine: its words, or what it orders."""
        order = reply.do or {}
        match order.get("do"):
            case None:
                message = OutboundMessage(wording.filled(reply.text), reply.quick_replies, reply.key)
                return said.then(message)
            case "refer":
                theme = str(order.get("theme", ""))
                if _was_just_given(theme, said, thread, assessment, answer):
                    return said
                return self._refer(said, theme, thread, assessment, wording)
            case "service":
                return said.then(wording.service(str(order.get("id", ""))))
            case "offer_human":
                return said.then(
                    wording.say("utter_handover_already") if thread.is_waiting else wording.team("utter_offer_human")
                )
            case "escalate":
                danger = DANGER_OF_INTENT.get(str(answer.slots.get("topic") or ""))
                theme = danger.value if danger else "distress"
                return self._escalated(said, wording, thread, str(order.get("reason", "asked")), theme=theme)
            case "clarify":
                return said.then(self._clarify(answer, wording))
            case "exercise" if max(thread.risk, assessment.risk) >= RiskLevel.HIGH and not _has_door(said):
                help_first = said.then(wording.say("utter_exercise_help_first"))
                help_first = self._refer(help_first, "distress", thread, assessment, wording)
                return self._control(help_first, order, thread, wording)
            case _:
                return self._control(said, order, thread, wording)

    def _control(self, said: Said, order: dict[str, Any], thread: Thread, wording: Wording) -> Said:
        """What is asked of the dialogue itself, said and noted."""
        done = perform(order, thread, lambda there: self._wording(there, wording.now), wording.now)
        said = said.then(*done.messages)
        return replace(said, settings=(*said.settings, *done.settings))

    def _refer(self, said: Said, theme: str, thread: Thread, assessment: Assessment, wording: Wording) -> Said:
        """The lines of a theme; when the fitting one is closed for somebody who suffers, a person is asked for too."""
        risk = max(assessment.risk, thread.risk)
        age_band = dict(said.settings).get("age") or thread.age_band
        referral = self._lines(wording, thread, theme, risk, age_band)
        said = said.then(referral.message)
        if referral.fitting_is_open or risk < RiskLevel.CONCERN or said.escalate or thread.is_waiting:
            return said
        return self._escalated(said, wording, thread, "service_closed", with_lines=False)

    def _escalated(
        self,
        said: Said,
        wording: Wording,
        thread: Thread,
        reason: str,
        *,
        theme: str = "distress",
        with_lines: bool = True,
    ) -> Said:
        """Ask for a person and say the truth about when one can answer, with the lines open now if that is not now (R18)."""
        if thread.is_waiting:
            return said.then(wording.say("utter_handover_already"))
        said = said.then(wording.team("utter_handover"), escalate=reason)
        if with_lines and not wording.team_is_open:
            said = said.then(
                self._lines(wording, thread, theme, max(thread.risk, RiskLevel.CONCERN), thread.age_band).message
            )
        return said

    def _lines(self, wording: Wording, thread: Thread, theme: str, risk: RiskLevel, age_band: str | None) -> Lines:
        """The lines of a theme, without links while it is not known who reads the phone."""
        phone_is_known = f"{QUESTION}phone_private" in thread.state.used
        return wording.refer(theme, risk, age_band, with_links=phone_is_known or theme not in AT_HOME)

    def _welcomed(self, said: Said, wording: Wording, turn: Turn, risk: RiskLevel) -> Said:
        """The first turn says who answers, before anything else unless somebody is in danger (R1, P1)."""
        if not turn.thread.is_first_turn:
            return said
        welcome = wording.emergency_numbers("utter_welcome_short")
        if risk < RiskLevel.HIGH:
            return replace(said, messages=(welcome, *said.messages))
        # In danger help comes first; the question, with its quick replies, stays last.
        return replace(said, messages=(*said.messages[:-1], welcome, *said.messages[-1:]))

    def _plan(
        self, thread: Thread, assessment: Assessment, said: Said, *, intent: str | None = None, understood: bool = True
    ) -> ReplyPlan:
        settings = dict(said.settings)
        is_discreet = settings.get("discreet", "yes" if thread.is_discreet else "no") == "yes"
        messages = finish(said.messages, thread, self._words, is_discreet=is_discreet)
        keys = tuple(message.key for message in messages)
        asked = next((key.removeprefix(QUESTION) for key in reversed(keys) if key.startswith(QUESTION)), "")
        state = replace(
            thread.state, asked=asked, quick_replies=_offered(messages), used=(*thread.state.used, *keys)[-KEPT_USED:]
        )
        return ReplyPlan(messages, assessment, state, intent, said.escalate, understood, settings)

    def _wording(self, thread: Thread, now: datetime) -> Wording:
        return Wording(self._words, self._directory, thread.language, thread.country, thread.state.used, now)


def reads_words(turn: Turn) -> bool:
    """Whether the breath holds words or a tap, rather than only things we never open."""
    return bool(turn.text.strip() or turn.payload)


def is_start(turn: Turn) -> bool:
    """Whether the person only pressed Start."""
    return not reads_words(turn) and any(message.kind is InboundKind.START for message in turn.messages)


def danger_payload(assessment: Assessment) -> str:
    """The intent of the gravest danger the triage saw, as a payload for the engine; empty when it saw none by name."""
    intents = (INTENT_OF_DANGER.get(danger) for danger in assessment.dangers)
    return next((f"/{intent}" for intent in intents if intent), "")


def _emergency_kind(assessment: Assessment) -> str:
    match assessment.dangers[:1]:
        case (Danger.SUICIDE | Danger.SELF_HARM,):
            return "suicide"
        case (
            Danger.VIOLENCE_HOME
            | Danger.SEXUAL_VIOLENCE
            | Danger.THREATS
            | Danger.PURSUED
            | Danger.GROOMING
            | Danger.SEXTORTION,
        ):
            return "violence"
        case _:
            return "medical"


def _theme(assessment: Assessment) -> str:
    """The theme of the directory for what the triage saw."""
    if not assessment.dangers:
        return "distress"
    names = {Danger.MEDICAL: "emergency", Danger.PURSUED: "threats"}
    return names.get(assessment.dangers[0], assessment.dangers[0].value)


def _offered(messages: tuple[OutboundMessage, ...]) -> tuple[QuickReply, ...]:
    """The choices a typed word or number may name: those of the last message first, which is what a number counts."""
    lists = (message.quick_replies for message in reversed(messages))
    return tuple(dict.fromkeys(reply for replies in lists for reply in replies))


def _was_just_given(theme: str, said: Said, thread: Thread, assessment: Assessment, answer: EngineAnswer) -> bool:
    """Whether the same lines stand a turn or two above; in danger, or when lines are asked for, they are said again."""
    asked_for = (
        answer.intent.startswith("ask_") or bool(said.settings) or max(thread.risk, assessment.risk) >= RiskLevel.HIGH
    )
    return not asked_for and f"utter_refer_{theme}" in thread.state.used[-JUST_SAID:]


def _has_door(said: Said) -> bool:
    """Whether lines to call or a person were given in this turn already."""
    return bool(said.escalate) or any(message.key.startswith("utter_refer_") for message in said.messages)


def _answers_nothing(turn: Turn, answer: EngineAnswer, assessment: Assessment) -> bool:
    """Words of suffering that look like an answer while nothing was asked: to be listened to, not noted."""
    is_loose = answer.intent == "inform" and not turn.payload and not turn.thread.state.asked
    return is_loose and assessment.risk >= RiskLevel.CONCERN
