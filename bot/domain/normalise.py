"""One way of writing for the triage and the engine: what people type, made comparable, without losing what it means.

Runs on Python 3.10 too (the engine imports it). Idempotent; never empty for text that can be seen; linear in its length.
"""

from __future__ import annotations

import re
import unicodedata

from bot.domain.spellings import DISGUISED, EMOJI, FORMS

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]+"
)
_ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
_ARABIC = str.maketrans(
    {
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ئ": "ي",
        "ؤ": "و",
        "ة": "ه",
        "ـ": None,
        "گ": "ك",
        "ڭ": "ك",
        "پ": "ب",
        "ڤ": "ف",
        "؟": "?",
        "،": " ",
        "؛": " ",
    }
    | {chr(0x660 + digit): str(digit) for digit in range(10)}
)
_LEET = str.maketrans("013457@$!|*", "oieastasiiu")
_TOKEN = re.compile(r"[^\W_]+(?:[@$!|*\d][^\W_]+)*|[?!]+|[^\w\s]")
_NEGATED = re.compile(r"n['’]t\b")
_ELIDED = frozenset("ct")
_VOWEL = re.compile(r"[\s'’]*[aeiouyh]")
_LETTERS = re.compile(r"[^\W\d_]")


def normalise(text: str) -> str:
    """`text` in lower case without accents, elongations, disguises, text-message spellings or invisible characters."""
    flat = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text).translate(_ARABIC)).lower()
    flat = unicodedata.normalize("NFKD", flat)
    flat = "".join(char for char in flat if not unicodedata.combining(char)).translate(_ARABIC)
    flat = _NEGATED.sub("nt", _INVISIBLE.sub("", flat))
    words: list[str] = []
    for match in _TOKEN.finditer(flat):
        token = match.group()
        # "c", "t" before a vowel are elided words ("c'est", "t'as"), not text-message spellings.
        elided = token in _ELIDED and _VOWEL.match(flat, match.end()) is not None
        words += [token] if elided else _word(token)
    return " ".join(words) or ("…" if _visible(text) else "")


def _word(token: str) -> list[str]:
    if token in EMOJI:
        return [EMOJI[token]]
    if token[0] in "?!":
        return ["?"] if "?" in token else ["!"]
    if not _LETTERS.search(token):
        return [token] if token.isalnum() else []
    token = _ELONGATED.sub(r"\1", token)
    plain = token.translate(_LEET)
    if plain != token and plain in DISGUISED:
        token = plain
    found = FORMS.get(token)
    if found is not None:
        return found.split()
    return ["".join(char for char in token if char.isalnum())]


def _visible(text: str) -> bool:
    return bool(_INVISIBLE.sub("", text).strip())


def sentences(text: str) -> list[str]:
    """The sentences and lines of `text` as written, for judging them one by one and quoting them."""
    return [part.strip() for part in re.split(r"[.!?…؟;\n]+", text) if part.strip()]
