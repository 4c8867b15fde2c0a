"""Rights a person asks for in chat: erasing, access, the privacy notice. Plain words, no proof of identity (P12)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bot.domain.normalise import normalise
from bot.domain.turns import Turn

COMMANDS = {
    "/oublie": "erase",
    "/forget": "erase",
    "/donnees": "access",
    "/données": "access",
    "/mydata": "access",
}
"""Typed where a channel has no commands of its own; Telegram's come as payloads."""
PAYLOADS = {"/delete_my_data": "erase", "/access_my_data": "access", "/ask_privacy": "privacy"}


class Right(StrEnum):
    """What is asked for; erasing is asked once more before it is done."""

    ERASE = "erase"
    ERASE_CONFIRMED = "erase_confirmed"
    ACCESS = "access"
    PRIVACY = "privacy"


def asked_for(phrases: Mapping[str, Right], turn: Turn) -> Right | None:
    """The right a turn asks for with its last message; None when it asks for none."""
    last = turn.messages[-1]
    if last.payload == "/affirm" and turn.thread.state.asked == "erase":
        return Right.ERASE_CONFIRMED
    if last.payload:
        return Right(PAYLOADS[last.payload]) if last.payload in PAYLOADS else None
    words = last.text.strip().rstrip(".!? ")
    if words.lower() in COMMANDS:
        return Right(COMMANDS[words.lower()])
    right = phrases.get(normalise(words))
    return None if right is Right.ERASE_CONFIRMED and turn.thread.state.asked != "erase" else right
