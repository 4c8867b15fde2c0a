"""How alike messages are: near-duplicates by shared four-letter pieces, and openings used again and again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

PIECE = 4
ALIKE = 0.7
"""Two messages whose pieces overlap so much (Jaccard) say the same in the same words."""
RAREST = 4
OPENING = 4
LONG_ENOUGH = 6


def pieces(text: str) -> frozenset[str]:
    """The overlapping four-letter pieces of a normalised message."""
    return frozenset(text[start : start + PIECE] for start in range(max(1, len(text) - PIECE + 1)))


def near_duplicates(texts: Sequence[str], among: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each of `texts` that is nearly one of `among`, with it. Compared are those that share one of their rarest pieces."""
    cut = [pieces(text) for text in among]
    frequency = Counter(piece for found in cut for piece in found)
    index: dict[str, list[int]] = defaultdict(list)
    for position, found in enumerate(cut):
        for piece in found:
            index[piece].append(position)
    for text in texts:
        own = pieces(text)
        rare = sorted((piece for piece in own if piece in index), key=lambda piece: frequency[piece])[:RAREST]
        for position in {position for piece in rare for position in index[piece]}:
            if _overlap(own, cut[position]) >= ALIKE:
                yield text, among[position]
                break


def repeats(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Each message that is nearly an earlier one of the same list."""
    found: list[tuple[str, str]] = []
    cut = [pieces(text) for text in texts]
    frequency = Counter(piece for own in cut for piece in own)
    index: dict[str, list[int]] = defaultdict(list)
    for position, own in enumerate(cut):
        rare = sorted(own, key=lambda piece: frequency[piece])[:RAREST]
        earlier = {other for piece in rare for other in index[piece]}
        alike = next((other for other in sorted(earlier) if _overlap(own, cut[other]) >= ALIKE), None)
        if alike is not None:
            found.append((texts[position], texts[alike]))
        for piece in own:
            index[piece].append(position)
    return found


def reused_openings(texts: Sequence[str]) -> float:
    """The share of longer messages whose first four words open an earlier one too."""
    openings = Counter(tuple(words[:OPENING]) for text in texts if len(words := text.split()) >= LONG_ENOUGH)
    return sum(count - 1 for count in openings.values()) / max(1, sum(openings.values()))


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    smaller, larger = sorted((len(first), len(second)))
    if smaller < ALIKE * larger:
        return 0.0
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)
