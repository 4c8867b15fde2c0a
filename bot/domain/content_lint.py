"""What may be wrong with the words people read: pure checks over responses/, each finding one line that names its place.

Rules R5-R7, R12, R16 and R21 of the safe-messaging list, the voice (one question, short sentences, no gender assumed) and
the form (every language, same choices, limits after interpolation, marks of direction in pairs).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.directory import THEMES
from bot.domain.directory_lint import Finding, Level
from bot.domain.forbidden import FORBIDDEN

LANGUAGES = ("fr", "en", "ar")
TITLE, PAYLOAD_BYTES, WHATSAPP, COMFORTABLE = 20, 64, 1600, 700
LONGEST_SENTENCE, HARDEST = 34, 52.0
"""Words in a sentence, and LIX (words a sentence plus the percentage of words over six letters; 50 reads like a novel)."""
_HOLE = re.compile(r"\{(\w+)\}")
_DIGITS = re.compile(r"(?<![\w{#])\d[\d .-]*\d(?![\w-])(?! ?(?:ans|years|سنة|عام))")
_NAMED = frozenset({"3018"})
_OPEN, _CLOSE = re.compile("[\u2066-\u2068]"), re.compile("\u2069")
_LOOSE = re.compile("[\u202a-\u202e\u200e\u200f\u061c]")
_QUOTED = re.compile(r"«[^»]*»|\"[^\"]*\"|“[^”]*”")
_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_ORDERS = frozenset(
    {"refer", "service", "offer_human", "escalate", "clarify", "language", "stop", "erase"}
    | {"exercise", "discreet", "country", "age", "feedback", "restart", "quick_exit"}
)


@dataclass(frozen=True, slots=True)
class Response:
    """One variation of one key: its words and choices, or the order it stands for (`do`)."""

    file: str
    key: str
    language: str
    text: str
    titles: tuple[str, ...] = ()
    payloads: tuple[str, ...] = ()
    do: Mapping[str, Any] | None = None
    waits_for_review: bool = False

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.file} {self.key} {self.language}".rstrip()

    @property
    def is_typed(self) -> bool:
        """Whether it lists words a person types rather than words they read."""
        return self.key.startswith("utter_words_")


def lint_content(
    responses: Iterable[Response], *, intents: Iterable[str], services: Iterable[str], longest: Mapping[str, int]
) -> tuple[Finding, ...]:
    """Everything wrong with the words. `longest`: how long each placeholder can get, in characters."""
    responses = tuple(responses)
    by_key: dict[str, list[Response]] = defaultdict(list)
    for response in responses:
        by_key[response.key].append(response)
    known, offered = frozenset(intents), frozenset(services)
    findings: list[Finding] = []
    for key, variations in by_key.items():
        if key.startswith("utter_do_"):
            findings += _orders(variations, by_key.keys(), offered)
            continue
        findings += _in_step(key, variations)
        for response in variations:
            findings += _choices(response, known)
            findings += _form(response, longest)
            findings += [] if response.is_typed else _manner(response)
    return tuple(sorted(set(findings)))


def _in_step(key: str, variations: Sequence[Response]) -> Iterator[Finding]:
    """Every language, the same choices, the same holes, as many variations."""
    place = f"{variations[0].file} {key}"
    if missing := [language for language in LANGUAGES if language not in {item.language for item in variations}]:
        yield _error(place, f"no words in {', '.join(missing)}")
    if len({item.payloads for item in variations}) > 1:
        yield _error(place, "its choices lead elsewhere in another language or variation")
    if len({frozenset(_HOLE.findall(item.text)) for item in variations}) > 1:
        yield _error(place, "fills in other facts in another language or variation")
    counts = {language: sum(item.language == language for item in variations) for language in LANGUAGES}
    if not variations[0].is_typed and len(set(counts.values())) > 1:
        yield _error(place, f"has {', '.join(f'{count} in {language}' for language, count in counts.items())}")
    if key.startswith("utter_ask_") and key != "utter_ask_clarify" and not variations[0].payloads:
        yield _error(place, "asks without choices: somebody who cannot type much has no way to answer")


def _choices(response: Response, intents: frozenset[str]) -> Iterator[Finding]:
    for title in response.titles:
        if not 0 < len(title) <= TITLE:
            yield _error(response.place, f"choice “{title}”: {len(title)} characters, {TITLE} at most")
    if len(set(response.titles)) < len(response.titles):
        yield _error(response.place, "two choices look alike")
    for payload in response.payloads:
        name = re.match(r"/(\w+)(?:\{.*\})?$", payload)
        if name is None or name[1] not in intents:
            yield _error(response.place, f"choice {payload}: not an intent of the domain")
        if len(payload.encode()) > PAYLOAD_BYTES:
            yield _error(response.place, f"choice {payload}: over {PAYLOAD_BYTES} bytes")


def _form(response: Response, longest: Mapping[str, int]) -> Iterator[Finding]:
    unknown = [hole for hole in _HOLE.findall(response.text) if hole not in longest]
    if unknown:
        yield _error(response.place, f"nothing is known to fill {{{unknown[0]}}}")
    full = len(_HOLE.sub(lambda hole: "x" * longest.get(hole[1], 0), response.text))
    full += sum(len(title) + 4 for title in response.titles)
    if full > WHATSAPP:
        yield _error(response.place, f"{full} characters once filled in: WhatsApp takes {WHATSAPP} with the choices")
    if len(response.text) > COMFORTABLE:
        yield _error(response.place, f"{len(response.text)} characters: two messages rather than a wall")
    if len(_OPEN.findall(response.text)) != len(_CLOSE.findall(response.text)) or _LOOSE.search(response.text):
        yield _error(response.place, "marks of direction that are not closed, or that override")
    if response.language == "ar" and not response.waits_for_review:
        yield _error(response.place, "Arabic without needs_native_review, nor anybody who reviewed it")


def _manner(response: Response) -> Iterator[Finding]:
    everything = "\n".join((response.text, *response.titles))
    for forbidden in FORBIDDEN:
        if forbidden.language in ("", response.language) and (found := forbidden.pattern.search(everything)):
            yield _error(response.place, f"“{found[0]}”: {forbidden.why} ({forbidden.rule})")
    if numbers := [found for found in _DIGITS.findall(everything) if found not in _NAMED]:
        yield _error(response.place, f"{numbers[0]}: numbers come from the directory alone (R20)")
    said = _QUOTED.sub("", response.text)
    if len(re.findall(r"[?؟]", said)) > (3 if response.key == "utter_ask_language" else 1) + 2 * (
        response.key == "utter_media_post"
    ) + (response.key == "utter_media_fake"):
        yield _error(response.place, "more than one question at a time")
    yield from _readable(response)


def _readable(response: Response) -> Iterator[Finding]:
    sentences = [_WORD.findall(item) for item in re.split(r"[.!?؟…:;\n]+", response.text)]
    sentences = [words for words in sentences if words]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return
    if max(map(len, sentences)) > LONGEST_SENTENCE:
        yield _error(response.place, f"a sentence of {max(map(len, sentences))} words, {LONGEST_SENTENCE} at most")
    long = 100 * sum(len(word) > 6 for word in words) / len(words)
    lix = len(words) / len(sentences) + long
    if response.language != "ar" and len(words) >= 12 and lix > HARDEST:
        yield _error(response.place, f"reads too hard for a twelve-year-old (LIX {lix:.0f}, {HARDEST:.0f} at most)")


def _orders(variations: Sequence[Response], keys: Iterable[str], services: frozenset[str]) -> Iterator[Finding]:
    for response in variations:
        order = response.do or {}
        if response.text or order.get("do") not in _ORDERS:
            yield _error(response.place, "an order has no words and a `do` the gateway knows")
        if order.get("do") == "refer" and order.get("theme") not in THEMES:
            yield _error(response.place, f"{order.get('theme')}: not a theme of the directory")
        if order.get("do") == "service" and order.get("id") not in services:
            yield _error(response.place, f"{order.get('id')}: no such service")
        said = [str(step["say"]) for step in order.get("steps", ())] + [
            str(order[name]) for name in ("otherwise",) if name in order
        ]
        if missing := sorted(set(said) - set(keys)):
            yield _error(response.place, f"{missing[0]}: no such words")


def _error(place: str, what: str) -> Finding:
    return Finding(Level.ERROR, place, what)
