"""What the guided report says: its questions with their choices, the reading back, what may become of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.dialogue.content import Words
from bot.domain.messages import OutboundMessage, QuickReply
from bot.domain.report import CHOICES, Part, Report, Stage
from bot.domain.risk import Assessment, RiskLevel
from bot.domain.turns import Thread
from bot.flows.answers import typed_one_of
from bot.flows.wording import Wording

PREFIX = "/paper_"
ASKED = "paper_"
"""Before the name of a question of the account, in the dialogue's state."""
TYPED_ANYWHERE = ("start", "resume", "erase")
TYPED_WHEN_ASKED = ("later", "skip", "done")
A_FEW_WORDS = 3
REQUIRED_KEYS = (
    *(f"utter_report_{part}" for part in Part),
    *(f"utter_report_label_part_{part}" for part in Part),
    *(f"utter_report_label_{name}" for names in CHOICES.values() for name in names),
    *(f"utter_report_{name}" for name in ("offer", "start", "resumed", "more", "noted", "heavy", "skipped", "again")),
    *(
        f"utter_report_{name}"
        for name in ("again_empty", "go_on", "media", "read", "right", "empty", "ready", "text", "document", "link")
    ),
    *(f"utter_report_{name}" for name in ("document_kept", "consent", "given", "not_given", "erase_sure", "erased")),
    *(f"utter_report_{name}" for name in ("gone", "later", "waits", "page_open", "page_gone")),
    *(f"utter_report_paper_{name}" for name in ("title", "written", "own", "account", "proof", "steps", "law", "send")),
    *(f"utter_report_paper_{name}" for name in ("choice", "danger", "for_you", "detach")),
    *(f"utter_report_law_{name}" for name in ("flagger", "minors", "erase", "limits")),
    "utter_access_report",
    *(f"utter_words_paper_{name}" for name in ("start", "resume", "erase", "later", "skip", "done")),
)
"""Words this module, the paper and its page say; `bot.app` refuses to start when one is missing."""


def judged(verdict: Assessment, text: str, words: Words, thread: Thread) -> Assessment:
    """The verdict on a message, knowing what we asked and told the person to type.

    Words we told them to type, typed whole, are judged as the tap they stand for: the model knows nothing of “suivant” alone
    and may take it for a farewell; a reviewed rule that speaks still counts. And a name or two ("Snapchat") as an answer
    say nothing about the language somebody speaks.
    """
    is_asked = thread.state.asked.startswith(ASKED)
    if is_asked and thread.turns and len(text.split()) <= A_FEW_WORDS:
        verdict = replace(verdict, language=thread.language)
    names = (*TYPED_ANYWHERE, *TYPED_WHEN_ASKED) if is_asked else TYPED_ANYWHERE
    by_model_alone = all(reason.rule.startswith(("model/", "context/")) for reason in verdict.reasons)
    if verdict.risk is RiskLevel.NONE or not by_model_alone or not typed_one_of(text, names, words):
        return verdict
    return Assessment(RiskLevel.NONE, verdict.language)


def choices(said: Wording, *pairs: tuple[str, str]) -> tuple[QuickReply, ...]:
    """Quick replies by label and what they do."""
    return tuple(QuickReply(said.say(f"utter_report_label_{label}").text, PREFIX + does) for label, does in pairs)


def with_choices(said: Wording, key: str, *pairs: tuple[str, str], **values: str) -> OutboundMessage:
    """A message of the report with its quick replies; the person's own words go in as they are."""
    message = said.say(f"utter_report_{key}")
    text = message.text
    for name, words in values.items():
        text = text.replace("{" + name + "}", words)
    return replace(message, text=text, quick_replies=choices(said, *pairs))


def now_asked(report: Report, said: Wording, *, is_handed: bool, is_back: bool = False) -> tuple[OutboundMessage, ...]:
    """What is asked for at this point of the account; `is_back` from something else."""
    match report.stage:
        case Stage.ASKING:
            return (_part(report, report.part or Part.WHAT, said, is_back=is_back),)
        case Stage.READ_BACK:
            return _read_back(report, said)
        case Stage.CONSENT:
            return (with_choices(said, "consent", ("give_yes", "give_yes"), ("give_no", "give_no")),)
        case Stage.READY:
            offers = [("text", "text"), ("pdf", "pdf"), ("give", "give"), ("fix", "fix"), ("erase", "erase")]
            return (with_choices(said, "ready", *(pair for pair in offers if pair[0] != "give" or not is_handed)),)


def _part(report: Report, part: Part, said: Wording, *, is_back: bool) -> OutboundMessage:
    if report.is_begun:
        return with_choices(said, "go_on" if is_back else "more", ("done", "skip"), ("later", "later"))
    if report.is_fixing:
        given = tuple((name, f"say_{name}") for name in CHOICES[part])
        if words := report.of(part):
            return with_choices(said, "again", ("keep", "skip"), ("remove", "remove"), words=words)
        return with_choices(said, "again_empty", *given, ("skip", "skip"))
    given = tuple((name, f"say_{name}") for name in CHOICES[part])
    last = ("later", "later") if part is Part.WHAT else ("unsure", "skip")
    return with_choices(said, part.value, *given, last, ("skip", "skip"))


def _read_back(report: Report, said: Wording) -> tuple[OutboundMessage, ...]:
    parts = tuple((f"part_{part}", f"fix_{part}") for part in Part)
    if report.is_empty:
        return (with_choices(said, "empty", *parts, ("later", "later")),)
    read = with_choices(said, "read", account=account(report, said))
    return read, with_choices(said, "right", ("ok", "ok"), *parts, ("later", "later"))


def account(report: Report, said: Wording) -> str:
    """Everything told, each part under its name."""
    told = ((said.say(f"utter_report_label_part_{part}").text, words) for part, words in report.answers)
    return "\n\n".join(f"{title}\n{words}" for title, words in told)


def last_choices(messages: Iterable[OutboundMessage]) -> tuple[QuickReply, ...]:
    """The choices somebody who types a number counts."""
    lists = [message.quick_replies for message in messages]
    return tuple(dict.fromkeys(reply for replies in reversed(lists) for reply in replies))
