"""Structured logs that carry ids and codes, never words, addresses or tokens.

Exceptions are logged as their class and the places in our code they passed, not their message, which may quote anything.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

FORBIDDEN = frozenset(
    {"text", "body", "words", "address", "phone", "token", "payload", "message", "url", "to", "from_"}
)
QUIET = ("httpx", "httpcore", "telegram", "twilio", "aiohttp", "asyncio", "uvicorn.access", "alembic", "sqlalchemy")
_NUMBER = re.compile(r"\+?\d[\d .-]{7,}\d")
_TOKEN = re.compile(r"\d{6,}:[A-Za-z0-9_-]{20,}")
Event = MutableMapping[str, Any]


def configure(log_format: str = "") -> None:
    """Set up logging for the process: `console` or `json`; empty chooses by whether a terminal reads it."""
    chosen = log_format or ("console" if sys.stderr.isatty() else "json")
    renderer: Any = structlog.dev.ConsoleRenderer() if chosen == "console" else structlog.processors.JSONRenderer()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        explain_exception,
        drop_words,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:3], explain_exception, drop_words],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in QUIET:
        # These log addresses, URLs with tokens, or whole requests at lower levels.
        logging.getLogger(name).setLevel(logging.WARNING)


def explain_exception(_logger: Any, _name: str, event: Event) -> Event:
    """Replace exception information by the class and the file, line and function of each frame."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["error"] = type(error).__name__
        event["at"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-6:]]
    return event


def drop_words(_logger: Any, _name: str, event: Event) -> Event:
    """Drop fields that could hold words or addresses, and mask what looks like a number or a token in the rest."""
    for key in FORBIDDEN & event.keys():
        event[key] = "…"
    for key, value in event.items():
        if isinstance(value, str) and key != "timestamp":
            event[key] = _NUMBER.sub("…", _TOKEN.sub("…", value))
    return event
