"""Reads nlu/rights.tsv: the words by which people ask for their rights in chat."""

from __future__ import annotations

from pathlib import Path

from bot.domain.normalise import normalise
from bot.domain.rights import Right


def load_rights(path: Path) -> dict[str, Right]:
    """Each phrase, normalised, with the right it asks for."""
    found: dict[str, Right] = {}
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            right, _, words = line.partition("\t")
            found[normalise(words)] = Right(right)
    return found
