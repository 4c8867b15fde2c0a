"""One turn of the guided report: whose it is, what it says, what it keeps. The modules of the report build on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.messages import OutboundMessage
from bot.domain.replies import ReplyPlan
from bot.domain.report import Report, ReportStep
from bot.domain.risk import Assessment
from bot.domain.turns import Turn
from bot.flows import report_words as words
from bot.flows.controls import finish
from bot.flows.helpline import Helpline
from bot.flows.wording import Wording
from bot.store.reports import StoredReport

OPEN, ASIDE, HELD = "open", "aside", "held"
"""The account waits for an answer; for the end of something else; or until it is asked for again."""
KEPT_USED = 60
THEMES = ("harassment", "hate", "sextortion", "grooming", "account", "threats")


@dataclass(frozen=True, slots=True)
class ReportTurn:
    """One turn with everything needed to answer it."""

    helpline: Helpline
    turn: Turn
    assessment: Assessment
    now: datetime
    stored: StoredReport | None = None

    @property
    def report(self) -> Report:
        """The account as it stands."""
        return self.stored.report if self.stored is not None else Report()

    @property
    def said(self) -> Wording:
        """The words for this person now."""
        return self.speaking(self.turn.thread.language)

    @property
    def is_handed(self) -> bool:
        """Whether a volunteer was given the account."""
        return self.stored is not None and self.stored.handed_at is not None

    @property
    def heard(self) -> tuple[int, ...]:
        """The messages of this turn."""
        return tuple(message.inbound_id for message in self.turn.messages)

    @property
    def theme(self) -> str:
        """What the account is about, as the directory names it: the last lines given in the person's journey."""
        given = (key.removeprefix("utter_refer_") for key in reversed(self.turn.thread.state.used))
        return next((theme for theme in given if theme in THEMES), self.report.theme or "harassment")

    def speaking(self, language: str) -> Wording:
        """The words in a language just chosen."""
        thread, helpline = self.turn.thread, self.helpline
        return Wording(helpline.words, helpline.directory, language, thread.country, thread.state.used, self.now)

    def finished(self, messages: tuple[OutboundMessage, ...]) -> tuple[OutboundMessage, ...]:
        """The messages as they go out, veiled where that was asked for."""
        thread = self.turn.thread
        return finish(messages, thread, self.helpline.words, is_discreet=thread.is_discreet)

    def ask(
        self, report: Report, first: tuple[OutboundMessage, ...], step: ReportStep, *, is_back: bool = False
    ) -> ReplyPlan:
        """Say something, then what the account asks now."""
        report = replace(report, theme=self.theme)
        messages = (*first, *words.now_asked(report, self.said, is_handed=self.is_handed, is_back=is_back))
        return self.say(messages, OPEN, replace(step, report=report), asked=name_of(report))

    def say(
        self,
        messages: tuple[OutboundMessage, ...],
        report: str,
        step: ReportStep | None = None,
        *,
        asked: str = "",
        escalate: str = "",
    ) -> ReplyPlan:
        """The plan that says this and keeps that."""
        thread = self.turn.thread
        if thread.is_first_turn:
            messages = (self.said.emergency_numbers("utter_welcome_short"), *messages)
        said = self.finished(messages)
        state = replace(
            thread.state,
            asked=asked,
            quick_replies=words.last_choices(said),
            used=(*thread.state.used, *(message.key for message in said))[-KEPT_USED:],
            report=report,
        )
        return ReplyPlan(said, self.assessment, state, "guided_report", escalate, report=step)


def name_of(report: Report) -> str:
    """The name of what the account asks now."""
    return words.ASKED + (report.part.value if report.part else report.stage.value)
