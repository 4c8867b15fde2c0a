"""What people ask of the dialogue itself: language, country, age, discreet mode, exercises, feedback, erasing, leaving fast."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot import i18n
from bot.dialogue.content import Words
from bot.domain.messages import OutboundMessage
from bot.domain.turns import Thread
from bot.flows.wording import Wording

LEAVE = "/quick_exit"
ASKED_ONCE = "utter_ask_helped"
_SAID_AND_SET = {"stop": ("utter_stopped", "stopped"), "erase": ("utter_erased", "erase")}
_ONLY_SET = {"age": "age", "feedback": "helped"}
WordingFor = Callable[[Thread], Wording]


@dataclass(frozen=True, slots=True)
class Done:
    """What an order says and which settings it changes."""

    messages: tuple[OutboundMessage, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


def perform(order: dict[str, Any], thread: Thread, wording_for: WordingFor, now: datetime) -> Done:
    """Do one order of the engine (docs/dialogue.md, “Things to do”); an unknown one says nothing."""
    wording, value = wording_for(thread), str(order.get("value", ""))
    match order.get("do"):
        case "language":
            return Done(
                (wording_for(replace(thread, language=value)).say("utter_language_changed"),), (("language", value),)
            )
        case "exercise":
            return Done(_exercise(order, thread, wording, now))
        case "discreet":
            key, setting = ("utter_discreet_off", "no") if thread.is_discreet else ("utter_discreet_on", "yes")
            return Done((wording.say(key),), (("discreet", setting),))
        case "country":
            moved = wording_for(replace(thread, country=value))
            return Done((moved.say("utter_country_changed"), moved.say("utter_menu")), (("country", value),))
        case "restart":
            return Done((wording.say("utter_restarted"), wording.say("utter_menu")), (("restart", "yes"),))
        case "quick_exit":
            return leave(thread, wording)
        case "stop" | "erase" as name:
            key, setting = _SAID_AND_SET[name]
            return Done((wording.say(key),), ((setting, "yes"),))
        case "age" | "feedback" as name:
            return Done(settings=((_ONLY_SET[name], value),))
        case _:
            return Done()


def leave(thread: Thread, wording: Wording) -> Done:
    """Neutral words that anybody may read; what a bot may delete is deleted before they are said (R24)."""
    key = "utter_left_cleared" if thread.channel == "telegram" else "utter_left_how"
    return Done((wording.urgent(key),), (("leave", "yes"), ("discreet", "yes")))


def _exercise(order: dict[str, Any], thread: Thread, wording: Wording, now: datetime) -> tuple[OutboundMessage, ...]:
    """Its steps, each after so many seconds; the words for later outside its hours."""
    if hours := order.get("hours"):
        first, last = hours
        hour = now.astimezone(i18n.time_zone(thread.country)).hour
        if not (hour >= first or hour < last):
            return (wording.say(str(order["otherwise"])),)
    said: list[OutboundMessage] = []
    for step in order.get("steps", ()):
        key = str(step["say"])
        times = sum(message.key == key for message in said)
        said.append(replace(wording.again(key, times), after=float(step["after"])))
    return tuple(said)


def finish(
    messages: tuple[OutboundMessage, ...], thread: Thread, words: Words, *, is_discreet: bool
) -> tuple[OutboundMessage, ...]:
    """The messages as they go out: one list of choices at a time, nothing asked twice, nothing to see in the first line."""
    kept = [message for message in messages if message.key != ASKED_ONCE or ASKED_ONCE not in thread.state.used]
    if thread.is_waiting:
        # Who waits for a person is not asked whether they want one.
        already = words.say("utter_handover_already", thread.language, used=thread.state.used)
        kept = [already if message.key == "utter_ask_want_human" else message for message in kept]
    kept = _one_choice_at_a_time(kept)
    return veil(kept, thread.language, thread.turns, words) if is_discreet else tuple(kept)


def veil(messages: Iterable[OutboundMessage], language: str, turns: int, words: Words) -> tuple[OutboundMessage, ...]:
    """The messages with a first line that tells nothing to who reads a notification over a shoulder."""
    line = "utter_discreet_line"
    veiled: list[OutboundMessage] = []
    for number, message in enumerate(messages):
        if message.key.startswith("utter_left_"):
            veiled.append(message)
            continue
        neutral = words.say(line, language, used=(line,) * (turns + number)).text
        veiled.append(replace(message, text=f"{neutral}\n\n{message.text}"))
    return tuple(veiled)


def _one_choice_at_a_time(messages: list[OutboundMessage]) -> list[OutboundMessage]:
    """Choices stay on the last message that has some, so that “1” on WhatsApp means one thing; later messages start anew."""
    kept: list[OutboundMessage] = []
    has_choices = False
    for message in reversed(messages):
        clean = replace(message, quick_replies=()) if has_choices else message
        has_choices = bool(clean.quick_replies or has_choices) and not message.after
        kept.append(clean)
    return kept[::-1]
