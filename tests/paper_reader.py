"""Reads a PDF of ours as it looks: its words from left to right on each line, as an eye or a printer meets them."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from dataclasses import dataclass

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\n(.*?)\nendstream", re.DOTALL)
_STEP = re.compile(
    rb"/F(?P<font>\d+) [\d.]+ Tf|(?:1 0 0 1 )?(?P<x>[\d.]+) (?P<y>[\d.]+) (?:Td|Tm)|\((?P<words>(?:\\.|[^\\)])*)\) Tj",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_MEANS = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


@dataclass(frozen=True)
class Line:
    """One line of a page: where it begins and ends roughly (points from the left), and its letters as they stand."""

    left: float
    right: float
    text: str


def pages_of(content: bytes) -> list[list[Line]]:
    """The lines of every page, from the top."""
    objects = {int(number): body for number, body in _OBJECT.findall(content)}
    fonts = _fonts(objects)
    pages = [body for _, body in sorted(objects.items()) if b"/Type /Page\n" in body + b"\n"]
    return [_lines(_stream(objects[_reference(page, b"Contents")]), fonts) for page in pages]


def text_of(content: bytes) -> str:
    """Everything on the pages, line by line."""
    return "\n".join(line.text for page in pages_of(content) for line in page)


def _fonts(objects: dict[int, bytes]) -> dict[int, dict[int, str]]:
    found: dict[int, dict[int, str]] = {}
    for body in objects.values():
        for name, number in re.findall(rb"/F(\d+) (\d+) 0 R", body):
            font = objects[int(number)]
            if b"/ToUnicode" in font:
                found[int(name)] = _letters(_stream(objects[_reference(font, b"ToUnicode")]))
    return found


def _letters(cmap: bytes) -> dict[int, str]:
    pairs = re.findall(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>\n", cmap)
    return {int(code, 16): bytes.fromhex(letters.decode()).decode("utf-16-be") for code, letters in pairs}


def _lines(stream: bytes, fonts: dict[int, dict[int, str]]) -> list[Line]:
    placed: dict[float, list[tuple[float, int, str]]] = defaultdict(list)
    font, x, y = 0, 0.0, 0.0
    for block in re.findall(rb"BT (.*?) ET", stream, re.DOTALL):
        base = None
        for step in _STEP.finditer(block):
            if step["font"]:
                font = int(step["font"])
            elif step["x"]:
                x, y = float(step["x"]), float(step["y"])
                base = y if base is None else base
            elif step["words"] is not None and base is not None:
                words = _ESCAPE.sub(lambda found: _MEANS.get(found[1], found[1]), step["words"])
                codes = [int.from_bytes(words[at : at + 2], "big") for at in range(0, len(words), 2)]
                text = "".join(fonts.get(font, {}).get(code, "") for code in codes)
                placed[base].append((x, len(placed[base]), text))
    lines = []
    for _, pieces in sorted(placed.items(), reverse=True):
        # What follows without a new place stands to the right of it.
        text = "".join(text for _, _, text in pieces)
        lines.append(Line(min(x for x, _, _ in pieces), max(x for x, _, _ in pieces), text))
    return lines


def _stream(body: bytes) -> bytes:
    found = _STREAM.search(body)
    assert found is not None
    return zlib.decompress(found[1]) if b"/FlateDecode" in body else found[1]


def _reference(body: bytes, name: bytes) -> int:
    found = re.search(rb"/" + name + rb" (\d+) 0 R", body)
    assert found is not None
    return int(found[1])
