"""How French and English are written in a hurry: each training message once more as a hurried hand might have spelled it.

Runs on Python 3.10 too. Measured in docs/understanding.md; only for training, nothing here touches what people write.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Sequence
from functools import partial

OFTEN = {"fr": 0.5, "en": 0.3}
"""The chance of each habit at each place it could show."""
SHARE = {"fr": 1.0, "en": 0.5}
"""How many of a language's messages are written a second time."""
SHORTEST = 12
"""A shorter message keeps its letters: with one of them lost it may mean something else."""
_SMALL_WORDS = {
    "fr": "je j tu il elle on les des une est et que qui pas dans sur pour mon ma mes moi c ca ai suis",
    "en": "i the a my and to is it me you of in was im he she they for not that with have",
}
_HABITS = {
    "fr": (
        (r"qu(?=[eiaou'])", "k"),
        (r"\bc'est\b", "c"),
        (r"\bj'ai\b", "g"),
        (r"\bje suis\b", "chui"),
        (r"\bje\b", "j"),
        (r"\b(?:tu es|t'es)\b", "t"),
        (r"\btoujours\b", "tjr"),
        (r"\bbeaucoup\b", "bcp"),
        (r"\bdans\b", "ds"),
        (r"\bpourquoi\b", "pk"),
        (r"\bparce que?\b", "pcq"),
        (r"\bavec\b", "ac"),
        (r"\bpas\b", "pa"),
        (r"\bmais\b", "mé"),
        (r"\bne? ", ""),
        (r"eaux?\b", "o"),
        (r"au", "o"),
        (r"ai[st]?\b", "é"),
        (r"(?:ez|er|és?)\b", "é"),
        (r"tion\b", "sion"),
        (r"(?<=\w{3})(?:es|e|s|t|x|ent)\b", ""),
        (r"oi", "wa"),
        (r"en|an", "en"),
        (r"gu(?=[ei])", "g"),
        (r"ph", "f"),
        (r"ç|ss", "s"),
        (r"([ltnmprc])\1", r"\1"),
        (r"é", "e"),
        (r"'", ""),
    ),
    "en": (
        (r"\byou\b", "u"),
        (r"\bare\b", "r"),
        (r"\bto\b", "2"),
        (r"\bfor\b", "4"),
        (r"\band\b", "n"),
        (r"\bthe\b", "da"),
        (r"\bwith\b", "w"),
        (r"\bwhat\b", "wat"),
        (r"\bplease\b", "pls"),
        (r"\bpeople\b", "ppl"),
        (r"\bbecause\b", "cuz"),
        (r"\bsomething\b", "smth"),
        (r"\bsomeone\b", "sm1"),
        (r"ing\b", "in"),
        (r"ight\b", "ite"),
        (r"(?<=\w\w)e\b", ""),
        (r"ee|ea", "e"),
        (r"th", "d"),
        (r"([lnmprstc])\1", r"\1"),
        (r"'", ""),
    ),
}
_WORDS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_PATTERNS = {
    language: tuple((re.compile(pattern), written) for pattern, written in habits)
    for language, habits in _HABITS.items()
}


def hurried(text: str) -> str | None:
    """The message as somebody in a hurry might write it, always the same; None where it is left as it is."""
    language = _language(text)
    dice = random.Random(zlib.crc32(text.encode("utf-8")))  # noqa: S311
    if language is None or dice.random() >= SHARE[language]:
        return None
    written = text.lower()
    for pattern, instead in _PATTERNS[language]:
        written = pattern.sub(partial(_perhaps, instead, OFTEN[language], dice), written)
    return _slip(written, dice)


def _perhaps(instead: str, chance: float, dice: random.Random, match: re.Match[str]) -> str:
    return match.expand(instead) if dice.random() < chance else match[0]


def with_hurried(texts: Sequence[str], labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """The messages and their labels, followed by those that were written once more."""
    again = [(written, label) for text, label in zip(texts, labels, strict=False) if (written := hurried(text))]
    return [*texts, *(written for written, _ in again)], [*labels, *(label for _, label in again)]


def _language(text: str) -> str | None:
    """By its small words; None without any, and where both languages have as many."""
    words = re.findall(r"\w+", text.lower())
    french, english = (sum(word in _WORDS[language] for word in words) for language in ("fr", "en"))
    if french == english:
        return None
    return "fr" if french > english else "en"


def _slip(text: str, dice: random.Random) -> str:
    """Every sixty characters two letters change places, one is lost or one comes twice."""
    letters = list(text)
    for _ in range(1 + len(letters) // 60):
        if len(letters) <= SHORTEST:
            break
        at, kind = dice.randrange(1, len(letters) - 2), dice.randrange(3)
        if kind == 0:
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        elif kind == 1:
            del letters[at]
        else:
            letters.insert(at, letters[at])
    return "".join(letters)
