"""Cutting a long text into messages a channel takes: at paragraphs, then sentences, then words, never inside a number or link."""

from __future__ import annotations

import re
from itertools import takewhile

_BREAKS = (
    re.compile(r"\n{2,}"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…؟])\s+"),
    re.compile(r"(?<!\d)\s+|\s+(?!\d)"),
)


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, as Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def whole(text: str) -> str:
    """`text` with halves of characters joined, or replaced where the other half is missing: UTF-8 cannot carry them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def split(text: str, limit: int) -> tuple[str, ...]:
    """`text` in parts of at most `limit` UTF-16 units each, in order; nothing but the white space at a cut is dropped.

    Digits separated by spaces (a phone number) stay together unless one word alone is longer than `limit`.
    """
    parts: list[str] = []
    rest = text.strip()
    while utf16_length(rest) > limit:
        head, rest = _cut(rest, limit)
        parts.append(head)
    return (*parts, rest) if rest or not parts else tuple(parts)


def _cut(text: str, limit: int) -> tuple[str, str]:
    window = text[:limit]
    while utf16_length(window) > limit:
        window = window[: len(window) - max(1, (utf16_length(window) - limit) // 2)]
    for pattern in _BREAKS:
        # Looked for in the text, not the window: at the window's edge a number would look as if it ended there.
        found = takewhile(lambda match: match.start() <= len(window), pattern.finditer(text))
        cuts = [match for match in found if match.start() > limit // 4]
        if cuts:
            return text[: cuts[-1].start()].rstrip(), text[cuts[-1].end() :].lstrip()
    return window, text[len(window) :].lstrip()
