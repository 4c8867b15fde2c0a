"""Who signs in to the console, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody who signs in may do."""

    VOLUNTEER = "volunteer"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who signed in; `languages` are those they answer in, `skills` what they were trained for."""

    id: int
    name: str
    role: Role
    languages: frozenset[str]
    skills: frozenset[str]
