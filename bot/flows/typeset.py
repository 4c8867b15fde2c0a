"""Sets a paper on A4 pages: real letters of both scripts, right to left where the words are, and nothing that says who made it.

Fonts stand in bot/fonts with their licences. What no font of ours can draw is marked, never left out in silence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

FONTS = Path(__file__).parent.parent / "fonts"
FAMILIES = (
    ("latin", "NotoSans-Regular.ttf", "NotoSans-SemiBold.ttf"),
    ("arabic", "NotoNaskhArabic-Regular.ttf", "NotoNaskhArabic-Bold.ttf"),
    ("emoji", "NotoEmoji-Regular.ttf", "NotoEmoji-Regular.ttf"),
)
MARGIN, BOTTOM = 24.0, 22.0
INK, QUIET, RULE = (34, 34, 40), (104, 104, 116), (190, 190, 200)
NEUTRAL_TITLE = "Notes"
_ARABIC, _LATIN = re.compile("[\u0621-\u064a]"), re.compile("[a-zà-ÿ]", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://\S+|@\S+|\S+\.(?:com|fr|ma|org|net)\S*")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_SILENT = re.compile(
    "[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\u200b\u200e\u200f\u061c\u2060-\u2069\u202a-\u202e\ufeff\u00ad]"
)
_IN_A_NUMBER = re.compile(r"(?<=\d) (?=\d)")
_BEFORE_A_SIGN, _AFTER_A_QUOTE = re.compile(r" (?=[»:;!?])"), re.compile(r"(?<=«) ")
_BETWEEN = "\u00a0"
"""Keeps a phone number in one piece, and in its order among Arabic letters; French signs stay with their word."""


class Style(StrEnum):
    """How a paragraph looks."""

    TITLE = "title"
    NOTE = "note"
    CHAPTER = "chapter"
    LABEL = "label"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Face:
    """Size in points, height of a line and space before in millimetres, weight and colour."""

    size: float
    line: float
    before: float
    weight: str = ""
    colour: tuple[int, int, int] = INK


FACES = {
    Style.TITLE: Face(21, 9.5, 0, "B"),
    Style.NOTE: Face(9.5, 5, 1.5, "", QUIET),
    Style.CHAPTER: Face(15, 7.5, 9, "B"),
    Style.LABEL: Face(10.5, 5.5, 5.5, "B", QUIET),
    Style.TEXT: Face(11.5, 6.4, 1.5),
}
ARABIC_LARGER = 1.18
"""Naskh looks smaller than Latin at the same size."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words in one style; `starts_page` puts them at the head of a new one."""

    style: Style
    text: str
    starts_page: bool = False


@dataclass(frozen=True, slots=True)
class Paper:
    """Everything on the pages, in order; `at` is when it was written."""

    language: str
    direction: str
    paragraphs: tuple[Paragraph, ...]
    at: datetime


def typeset(paper: Paper) -> bytes:
    """The pages as a PDF."""
    pages = _Pages(paper)
    pages.add_page()
    for number, paragraph in enumerate(paper.paragraphs):
        following = paper.paragraphs[number + 1 : number + 2]
        pages.put(paragraph, next(iter(following), None))
    return bytes(pages.output())


class _Pages(FPDF):
    """The pages of one paper."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(format="A4")
        self._paper = paper
        self._is_rtl = paper.direction == "rtl"
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=BOTTOM)
        for family, regular, bold in FAMILIES:
            self.add_font(family, "", FONTS / regular)
            self.add_font(family, "B", FONTS / bold)
        self.set_fallback_fonts([family for family, _, _ in FAMILIES], exact_match=False)
        self._drawn = frozenset(char for font in self.fonts.values() for char in getattr(font, "cmap", ()))
        self.set_title(NEUTRAL_TITLE)
        self.set_lang(paper.language)
        # What made a file is nobody's business who finds it on a phone.
        self.set_producer("")
        self.set_creation_date(paper.at)

    def footer(self) -> None:
        """The number of the page, in the middle."""
        self.set_y(-BOTTOM + 6)
        self._face(Style.NOTE, is_rtl=False)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align=Align.C)

    def put(self, paragraph: Paragraph, following: Paragraph | None) -> None:
        """One paragraph; a heading never stands alone at the foot of a page."""
        face = FACES[paragraph.style]
        text = printable(paragraph.text, self._drawn)
        if paragraph.starts_page:
            self.add_page()
        elif paragraph.style in (Style.CHAPTER, Style.LABEL):
            with_next = 2 * FACES[following.style].line + FACES[following.style].before if following else 0
            if self.will_page_break(face.before + face.line + with_next + 4):
                self.add_page()
        if self.get_y() > MARGIN + 1:
            self.ln(face.before)
        for line in text.split("\n"):
            is_rtl = reads_right_to_left(line)
            self._face(paragraph.style, is_rtl=is_rtl)
            height = face.line * (ARABIC_LARGER if is_rtl else 1)
            # A number or a link of its own stands where the page begins, and reads from left to right all the same.
            is_at_right = is_rtl or (self._is_rtl and is_alone(line))
            align = Align.R if is_at_right else Align.L
            self.multi_cell(0, height, line or " ", align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if paragraph.style is Style.CHAPTER:
            self._rule()

    def _face(self, style: Style, *, is_rtl: bool) -> None:
        face = FACES[style]
        self.set_text_color(*face.colour)
        self.set_font("arabic" if is_rtl else "latin", face.weight, face.size * (ARABIC_LARGER if is_rtl else 1))
        if is_rtl:
            self.set_text_shaping(use_shaping_engine=True, direction="rtl", script="arab", language="ara")
        else:
            self.set_text_shaping(use_shaping_engine=True, direction="ltr")

    def _rule(self) -> None:
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.line(MARGIN, self.get_y() + 1, self.w - MARGIN, self.get_y() + 1)
        self.ln(2)


def reads_right_to_left(line: str) -> bool:
    """The direction of a line: that of most of its letters, addresses aside. Numbers alone read from left to right."""
    line = _ADDRESS.sub("", line)
    return len(_ARABIC.findall(line)) > len(_LATIN.findall(line))


def is_alone(line: str) -> bool:
    """Whether a line is nothing but one number, link or sign."""
    return " " not in line or not _LATIN.search(line)


def printable(text: str, drawn: frozenset[int]) -> str:
    """The text in what can be drawn: flags as their letters, other signs marked, numbers kept in one piece."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\t", " "))
    text = _FLAG.sub(lambda flag: "[" + "".join(chr(ord(char) - 0x1F1E6 + 65) for char in flag[0]) + "]", text)
    marked = "".join(_marked(_SILENT.sub("", text), drawn))
    return _IN_A_NUMBER.sub(_BETWEEN, _BEFORE_A_SIGN.sub(_BETWEEN, _AFTER_A_QUOTE.sub(_BETWEEN, marked)))


def _marked(text: str, drawn: frozenset[int]) -> Iterator[str]:
    """Each character, or a mark once for a run that no font can draw."""
    last = ""
    for char in text:
        if ord(char) in drawn or char == "\n":
            last = ""
            yield char
            continue
        kind = unicodedata.category(char)
        if kind in ("Cc", "Cf", "Mn", "Cs"):
            continue
        mark = "[emoji]" if kind in ("So", "Sk", "Cn") else "[?]"
        if mark != last:
            yield mark
        last = mark
