"""Risk levels and the verdict of the triage: the words everything else speaks about danger in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class RiskLevel(IntEnum):
    """How worried a careful listener is (`facts/safe-messaging.md` calls these L0 to L3)."""

    NONE = 0
    CONCERN = 1
    HIGH = 2
    IMMINENT = 3

    @property
    def word(self) -> str:
        """The name used in data and interfaces: none, concern, high, imminent."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> RiskLevel:
        """The level called `word`; KeyError when there is none."""
        return cls[word.upper()]


class Danger(StrEnum):
    """What kind of danger a message speaks of; it chooses the fixed words and the lines offered."""

    SUICIDE = "suicide"
    SELF_HARM = "self_harm"
    MEDICAL = "medical"
    VIOLENCE_HOME = "violence_home"
    SEXUAL_VIOLENCE = "sexual_violence"
    SEXTORTION = "sextortion"
    GROOMING = "grooming"
    THREATS = "threats"
    PURSUED = "pursued"
    EATING = "eating"
    SUBSTANCE = "substance"
    WORRIED = "worried"
    DISTRESS = "distress"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is what it is: the rule (`fr/means`, `model/high`, `context/darker`, `engine/<intent>`) and the words."""

    rule: str
    risk: RiskLevel
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The verdict on one message, read with its conversation. `dangers` is ordered, the gravest first; may be empty."""

    risk: RiskLevel
    language: str
    dangers: tuple[Danger, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when a message is judged: the conversation's risk and language, and the risks of its last messages."""

    risk: RiskLevel = RiskLevel.NONE
    recent: tuple[RiskLevel, ...] = ()
    language: str = ""
    language_hint: str = ""
    language_is_chosen: bool = False
