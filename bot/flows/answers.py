"""Typed answers to quick replies: on every channel the words or the number of a choice count as a tap on it."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.messages import QuickReply
from bot.domain.normalise import normalise
from bot.domain.turns import Turn


def resolve_tap(turn: Turn) -> Turn:
    """The turn with the payload of the quick reply its last words name, if they name one of those offered last."""
    last = turn.messages[-1]
    if last.payload or not last.text.strip():
        return turn
    payload = _chosen(last.text, turn.thread.state.quick_replies)
    if not payload:
        return turn
    return replace(turn, messages=(*turn.messages[:-1], replace(last, payload=payload)))


def _chosen(text: str, replies: tuple[QuickReply, ...]) -> str:
    words = text.strip().rstrip(".)").strip()
    if words.isdecimal() and len(words) <= 2 and 1 <= int(words) <= len(replies):
        return replies[int(words) - 1].payload
    wanted = normalise(words)
    return next((reply.payload for reply in replies if normalise(reply.title) == wanted), "")
