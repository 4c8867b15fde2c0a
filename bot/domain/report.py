"""A person's own account of what happened, made one question at a time; a value that only their own moves change.

Nothing is ever required, nothing said is lost: a part is replaced by new words for it, or taken back by who wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Part(StrEnum):
    """What an account may tell, in the order it is asked for. Who did it is never required, nor anybody's name."""

    WHAT = "what"
    WHERE = "where"
    SINCE = "since"
    WHO = "who"
    PROOF = "proof"
    EFFECTS = "effects"
    WISH = "wish"


class Stage(StrEnum):
    """How far an account is: a part is asked for, all is read back, it is ready, or giving it to a person is asked about."""

    ASKING = "asking"
    READ_BACK = "read_back"
    READY = "ready"
    CONSENT = "consent"


CHOICES: Mapping[Part, tuple[str, ...]] = {
    Part.WHAT: (),
    Part.WHERE: ("snapchat", "tiktok", "instagram", "whatsapp", "school", "street"),
    Part.SINCE: ("today", "days", "weeks", "long"),
    Part.WHO: ("class", "known", "unknown"),
    Part.PROOF: ("captures", "links", "witnesses", "nothing"),
    Part.EFFECTS: ("sleep", "afraid", "avoid", "alone"),
    Part.WISH: ("stop", "removed", "talked", "helped"),
}
"""Answers one may tap; any words will do as well."""
_ARABIC, _LATIN = re.compile("[\u0621-\u064a]"), re.compile("[a-zà-ÿ]", re.IGNORECASE)
PART_OF = {name: part for part, names in CHOICES.items() for name in names}


@dataclass(frozen=True, slots=True)
class Report:
    """An account in the making. `part` is asked for now, while the stage is `asking`.

    `is_begun` says that words for it came since it was asked: for what happened they may come in several messages.
    `is_fixing` says that it is asked again, after everything was read back. `theme` is the directory's, for whom to turn to.
    """

    answers: tuple[tuple[Part, str], ...] = ()
    passed: frozenset[Part] = frozenset()
    stage: Stage = Stage.ASKING
    part: Part | None = Part.WHAT
    is_begun: bool = False
    is_fixing: bool = False
    theme: str = ""

    def of(self, part: Part) -> str:
        """What was said of a part; empty when nothing was."""
        return dict(self.answers).get(part, "")

    @property
    def is_empty(self) -> bool:
        """Whether nothing was told."""
        return not self.answers

    @property
    def text(self) -> str:
        """Everything told, where it happened first."""
        return "\n".join((self.of(Part.WHERE), *(words for _, words in self.answers)))

    @property
    def has_arabic_letters(self) -> bool:
        """Whether it is mostly written in Arabic letters, rather than Darija in Latin ones."""
        arabic, latin = len(_ARABIC.findall(self.text)), len(_LATIN.findall(self.text))
        return arabic >= latin


@dataclass(frozen=True, slots=True)
class ReportStep:
    """What a turn does to the account: the account as it is now (None: erased), the messages it took its words from.

    `hands_over`: a volunteer may read it from now on. `link`: the hash of a link that opens it once.
    """

    report: Report | None
    heard: tuple[int, ...] = ()
    hands_over: bool = False
    link: str = ""


def answer(report: Report, words: str) -> Report:
    """The words for the part that is asked for; what happened may go on in the next message, every other part is done."""
    words = words.strip()
    if report.stage is not Stage.ASKING or report.part is None or not words:
        return report
    part = report.part
    said = f"{report.of(part)}\n{words}" if part is Part.WHAT and report.is_begun else words
    told = replace(_told(report, part, said), is_begun=True)
    return told if part is Part.WHAT else _go_on(told)


def choose(report: Report, part: Part, words: str) -> Report:
    """A tapped answer counts for the question it stood under, however much later; several taps are several answers."""
    if report.stage is Stage.ASKING and report.part is part:
        return answer(report, words)
    words, before = words.strip(), report.of(part)
    if not words or words in before.split(", "):
        return report
    return _told(report, part, f"{before}, {words}" if before else words)


def skip(report: Report) -> Report:
    """On to the next: what was said of this part is all, or it is rather not told and not asked again."""
    if report.stage is not Stage.ASKING or report.part is None:
        return report
    if report.of(report.part):
        return _go_on(report)
    return _go_on(replace(report, passed=report.passed | {report.part}))


def fix(report: Report, part: Part) -> Report:
    """Ask for a part again, after it was read back; the old words stay until there are new ones."""
    is_fixing = report.is_fixing or report.stage is not Stage.ASKING
    if not is_fixing:
        return report
    return replace(report, stage=Stage.ASKING, part=part, is_begun=False, is_fixing=True)


def take_out(report: Report) -> Report:
    """What was said of the part being corrected is taken back."""
    if report.stage is not Stage.ASKING or report.part is None or not report.is_fixing:
        return report
    left = tuple(item for item in report.answers if item[0] is not report.part)
    return _go_on(replace(report, answers=left, passed=report.passed | {report.part}))


def confirm(report: Report) -> Report:
    """It is right as read back; what becomes of it is asked next."""
    return replace(report, stage=Stage.READY) if report.stage is Stage.READ_BACK and not report.is_empty else report


def read_again(report: Report) -> Report:
    """Back to the reading, to correct something."""
    return replace(report, stage=Stage.READ_BACK) if report.stage in (Stage.READY, Stage.CONSENT) else report


def ask_consent(report: Report) -> Report:
    """May a volunteer read it? Asked before anything is handed over."""
    return replace(report, stage=Stage.CONSENT) if report.stage is Stage.READY else report


def settle(report: Report) -> Report:
    """Consent was given or refused: either way the account stays theirs."""
    return replace(report, stage=Stage.READY) if report.stage is Stage.CONSENT else report


def platform_in(text: str, names: Mapping[str, str]) -> str:
    """The platform named first in a text, by any of its names (Arabic ones with their particles); empty when none is."""
    places: dict[int, str] = {}
    for name, platform in names.items():
        start = "" if _ARABIC.search(name) else r"(?<!\w)"
        found = re.search(rf"{start}{re.escape(name)}(?!\w)", text, re.IGNORECASE) if len(name) > 2 else None
        if found is not None:
            places.setdefault(found.start(), platform)
    return places[min(places)] if places else ""


def is_well_formed(report: Report) -> bool:
    """Every part at most once and in order, with words; a part is asked for exactly while one is."""
    told = [part for part, _ in report.answers]
    in_order = told == [part for part in Part if part in told]
    return (
        in_order
        and all(words.strip() for _, words in report.answers)
        and not report.passed & set(told)
        and (report.part is not None) == (report.stage is Stage.ASKING)
        and (not report.is_fixing or report.stage is Stage.ASKING)
    )


def _told(report: Report, part: Part, words: str) -> Report:
    answers = dict(report.answers) | {part: words}
    ordered = tuple((each, answers[each]) for each in Part if each in answers)
    return replace(report, answers=ordered, passed=report.passed - {part})


def _go_on(report: Report) -> Report:
    """The next part nothing is known of; all is read back when there is none, or when a part was being corrected."""
    done = {*dict(report.answers), *report.passed}
    following = None if report.is_fixing else next((part for part in Part if part not in done), None)
    if following is not None:
        return replace(report, part=following, is_begun=False)
    return replace(report, stage=Stage.READ_BACK, part=None, is_begun=False, is_fixing=False)
