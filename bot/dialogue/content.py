"""The words of responses/*.yml, for the messages the gateway sends without Rasa: emergency, engine down, hand-over, referrals.

The files are in Rasa's format, with a condition on the slot `language` for each variation, and Rasa reads the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.domain.content_lint import Response
from bot.domain.messages import OutboundMessage, QuickReply

FALLBACK_LANGUAGE = "fr"
SPOKEN = {"fr": "fr", "en": "en", "ar": "ar", "ary": "ar"}
"""The language of the words for each language of the person: Darija is answered in simple Arabic."""


class ContentError(Exception):
    """A file under responses/ does not read, or a key that the gateway needs is missing."""


@dataclass(frozen=True, slots=True)
class _Variation:
    language: str
    text: str
    quick_replies: tuple[QuickReply, ...]
    slots: tuple[tuple[str, str], ...] = ()


class Words:
    """Every response by key and language."""

    def __init__(self, variations: dict[str, tuple[_Variation, ...]]) -> None:
        self._variations = variations

    @classmethod
    def load(cls, folder: Path) -> Words:
        """Read every file of the folder; ContentError names the file and what is wrong."""
        variations: dict[str, tuple[_Variation, ...]] = {}
        for path in sorted(folder.glob("*.yml")):
            try:
                responses = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["responses"]
                parsed = {key: tuple(map(_parse, items)) for key, items in responses.items()}
            except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
                raise ContentError(f"{path.name}: not a file of Rasa responses ({type(error).__name__})") from None
            if twice := variations.keys() & parsed.keys():
                raise ContentError(f"{path.name}: {min(twice)} is defined in another file too, and would replace it")
            variations |= parsed
        if not variations:
            raise ContentError(f"no responses under {folder}")
        return cls(variations)

    def __contains__(self, key: str) -> bool:
        return key in self._variations

    def say(self, key: str, language: str, *, used: tuple[str, ...] = ()) -> OutboundMessage:
        """The words of `key`, placeholders as they stand; the variation changes with how often the key is in `used`."""
        variations = self._in_language(key, language)
        chosen = variations[used.count(key) % len(variations)]
        return OutboundMessage(chosen.text, chosen.quick_replies, key)

    def lines(self, key: str) -> tuple[tuple[str, str], ...]:
        """Every line of a key with its language: the words a person may type for a control."""
        return tuple((item.language, line) for item in self._variations.get(key, ()) for line in item.text.splitlines())

    def about(self, key: str, language: str, slot: str, value: str) -> str:
        """The words of `key` for one value of a slot (a platform); empty when there are none for it."""
        found = (item.text for item in self._in_language(key, language) if (slot, value) in item.slots)
        return next(found, "")

    def _in_language(self, key: str, language: str) -> tuple[_Variation, ...]:
        variations = self._variations.get(key)
        if not variations:
            raise ContentError(f"no words for {key}")
        spoken = SPOKEN.get(language, FALLBACK_LANGUAGE)
        for wanted in (spoken, "", FALLBACK_LANGUAGE):
            if found := tuple(item for item in variations if item.language == wanted):
                return found
        return variations


def _parse(item: dict[str, Any]) -> _Variation:
    language = next((rule["value"] for rule in item.get("condition", ()) if rule["name"] == "language"), "")
    replies = tuple(QuickReply(reply["title"], reply["payload"]) for reply in item.get("buttons", ()))
    slots = tuple((str(rule["name"]), str(rule["value"])) for rule in item.get("condition", ()))
    return _Variation(language, item.get("text", "").strip(), replies, slots)


def read_responses(folder: Path) -> tuple[Response, ...]:
    """Every variation of every file as it stands, for the content gate; ContentError names a file that does not read."""
    return tuple(response for path in sorted(folder.glob("*.yml")) for response in _responses_of(path))


def _responses_of(path: Path) -> tuple[Response, ...]:
    try:
        responses = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["responses"]
        return tuple(_response(path.name, key, item) for key, items in responses.items() for item in items)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ContentError(f"{path.name}: not a file of Rasa responses ({type(error).__name__})") from None


def _response(file: str, key: str, item: dict[str, Any]) -> Response:
    variation = _parse(item)
    return Response(
        file,
        key,
        variation.language,
        variation.text,
        tuple(str(reply.title) for reply in variation.quick_replies),
        tuple(str(reply.payload) for reply in variation.quick_replies),
        item.get("custom"),
        bool(item.get("metadata", {}).get("needs_native_review") or item.get("metadata", {}).get("reviewed_by")),
    )
