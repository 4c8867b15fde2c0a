"""Facts that must not appear in any text: closed services, wrong numbers, old hours; and how a text is searched for them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_BLANK = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class NegativeFact:
    """Something that must not appear in any text, and why; `text` is how the file names it."""

    text: str
    why: str
    pattern: re.Pattern[str]

    def found_in(self, words: str) -> str:
        """Where it appears, whatever the accents, the case, the blanks, the digits and the marks of direction; or empty."""
        found = self.pattern.search(plain(words))
        return found[0] if found else ""


def negative_text(text: str, why: str) -> NegativeFact:
    """A wording that must not appear."""
    return NegativeFact(text, why, re.compile(re.escape(plain(text)), re.IGNORECASE))


def negative_pattern(pattern: str, why: str) -> NegativeFact:
    """A regular expression that must not match; accents in it do not count. re.error when it is none."""
    return NegativeFact(pattern, why, re.compile(plain(pattern), re.IGNORECASE))


def negative_number(number: str, why: str) -> NegativeFact:
    """A number that must not appear, however its digits are grouped, with or without the country's prefix."""
    digits = digits_of(number)
    first = rf"(?:\+?\d{{1,3}}[ .-]?)?{digits[0]}?" if digits.startswith("0") and len(digits) > 4 else digits[0]
    body = first + "".join(rf"[ .-]?{digit}" for digit in digits[1:])
    return NegativeFact(number, why, re.compile(rf"(?<!\d)(?<!\d[ .-]){body}(?![ .-]?\d)"))


def plain(words: str) -> str:
    """The words without accents, marks of direction and special blanks, with digits 0 to 9; lines are kept."""
    decomposed = unicodedata.normalize("NFKD", _INVISIBLE.sub("", words))
    bare = (char for char in decomposed if not unicodedata.combining(char))
    digits = (str(unicodedata.digit(char)) if char.isdigit() else char for char in bare)
    return _BLANK.sub(" ", "".join(digits)).replace("\u2011", "-").replace("’", "'")


def digits_of(number: str) -> str:
    """Only the digits."""
    return re.sub(r"\D", "", number)
