"""Everything the flows work with, put together once by `bot.app`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.channels.base import Channel
from bot.dialogue.content import Words
from bot.dialogue.rasa import Engine
from bot.domain.directory import Directory
from bot.domain.rights import Right
from bot.domain.triage import Triage
from bot.flows.arrivals import Arrivals
from bot.flows.bell import Bell
from bot.flows.limits import MESSAGES_PER_SECOND
from bot.store.contacts import Defaults
from bot.store.crypto import Keyring
from bot.store.database import Database

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Helpline:
    """The parts of a running helpline.

    `templates`: WhatsApp's approved template by language. `rates`: messages a second that each channel's provider takes.
    `inbox_changed` and `outbox_changed` are hints to the worker; rows are the truth.
    """

    database: Database
    keyring: Keyring
    triage: Triage
    engine: Engine
    words: Words
    directory: Directory
    channels: Mapping[str, Channel]
    clock: Clock
    defaults: Defaults
    quiet_window: float
    rights: Mapping[str, Right] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=lambda: MESSAGES_PER_SECOND)
    platforms: Mapping[str, str] = field(default_factory=dict)
    public_url: str = ""
    inbox_changed: Bell = field(default_factory=Bell)
    outbox_changed: Bell = field(default_factory=Bell)
    arrivals: Arrivals = field(default_factory=Arrivals)
