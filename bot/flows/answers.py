"""Typed answers to quick replies: on every channel the words or the number of a choice count as a tap on it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache

from bot.dialogue.content import Words
from bot.domain.intents import CONCERN_INTENTS, CONTROLS
from bot.domain.messages import QuickReply
from bot.domain.normalise import normalise
from bot.domain.replies import EngineAnswer
from bot.domain.turns import Turn

LIKELY = 0.1
SURE = 0.7
FEW_WORDS = 8
MENUS = frozenset({"clarify", "harm_kind", "low_kind", "other_kind", "info_kind"})
"""Questions about what it is all about, to which a theme is the answer."""
STOP_EXERCISE = "exercise_stop"
"""In an exercise “stop” ends the exercise; anywhere else it means what the engine reads in it."""
KNOWN_PLATFORM = "utter_ask_platform"


def resolve_tap(turn: Turn) -> Turn:
    """The turn with the payload of the quick reply its last words name, if they name one of those offered last."""
    last = turn.messages[-1]
    if last.payload or not last.text.strip():
        return turn
    payload = _chosen(last.text, turn.thread.state.quick_replies)
    if not payload:
        return turn
    return replace(turn, messages=(*turn.messages[:-1], replace(last, payload=payload)))


def resolve_control(turn: Turn, words: Words) -> Turn:
    """The turn with the payload of the control its last words ask for; someone in a hurry types one word and no more."""
    last = turn.messages[-1]
    if last.payload or not last.text.strip():
        return turn
    found = _controls(words).get(_bare(last.text))
    is_in_exercise = any(reply.payload == f"/{STOP_EXERCISE}" for reply in turn.thread.state.quick_replies)
    if found is None or (found[0] == STOP_EXERCISE and not is_in_exercise):
        return turn
    control, language = found
    # One word is too little to tell a language by; the list it stands in is not.
    tapped = replace(last, payload=f"/{control}", assessment=replace(last.assessment, language=language))
    return replace(turn, messages=(*turn.messages[:-1], tapped))


def typed_one_of(text: str, names: tuple[str, ...], words: Words) -> str:
    """Which of the guided report's own words a text is, whole (`utter_words_paper_…`); empty when none."""
    wanted = _bare(text)
    lines = ((name, line) for name in names for _, line in words.lines(f"utter_words_paper_{name}"))
    return next((name for name, line in lines if wanted and _bare(line) == wanted), "")


@lru_cache(maxsize=4)
def _controls(words: Words) -> dict[str, tuple[str, str]]:
    """Every word for a control, bare, with the control and the language of its list."""
    return {
        _bare(line): (control, language)
        for control in CONTROLS
        for language, line in words.lines(f"utter_words_{control}")
    }


def second_thought(turn: Turn, answer: EngineAnswer) -> str:
    """The payload of what was probably meant by words that look like an answer while nothing was asked; or empty."""
    if answer.intent != "inform" or turn.payload or turn.thread.state.asked:
        return ""
    likely = (name for name, confidence in answer.ranking if confidence >= LIKELY and name in CONCERN_INTENTS)
    intent = next(likely, "")
    entities = {name: value for name, value in answer.entities if name == "platform"}
    return f"/{intent}{json.dumps(entities) if entities else ''}" if intent else ""


def taken_as_answer(turn: Turn, answer: EngineAnswer) -> str:
    """The payload of an answer, where a few words after our question look half like another theme; or empty.

    “C'est lui seul qui les a”, after “who has them?”, is not about being alone.
    """
    is_asked = turn.thread.state.asked not in ("", *MENUS) and not turn.payload
    is_half_sure = answer.intent in CONCERN_INTENTS and answer.confidence < SURE
    return "/inform" if is_asked and is_half_sure and len(turn.text.split()) <= FEW_WORDS else ""


def answer_known(answer: EngineAnswer) -> str:
    """The payload that answers the engine's question from what it knows already; empty when it does not."""
    platform = str(answer.slots.get("platform") or "")
    asks = bool(answer.replies) and answer.replies[-1].key == KNOWN_PLATFORM
    if not asks or platform in ("", "other"):
        return ""
    return f'/inform{{"platform": "{platform}"}}'


def _chosen(text: str, replies: tuple[QuickReply, ...]) -> str:
    words = text.strip().rstrip(".)").strip()
    if words.isdecimal() and len(words) <= 2 and 1 <= int(words) <= len(replies):
        return replies[int(words) - 1].payload
    wanted = _bare(words)
    return next((reply.payload for reply in replies if wanted and _bare(reply.title) == wanted), "")


def _bare(words: str) -> str:
    """The letters alone: “jy arrive pas” is “J'y arrive pas”."""
    return re.sub(r"\W", "", normalise(words))
