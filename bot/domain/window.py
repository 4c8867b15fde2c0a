"""WhatsApp's service window: free words only within 24 hours of the person's last message (Twilio 63016, facts: channels 5.2)."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.handover import SERVICE_WINDOW, WINDOWED

MARGIN = timedelta(minutes=2)
"""Our clock, Twilio's and the way in between differ: we stop a little before the provider does."""


def window_left(last_inbound_at: datetime, now: datetime) -> timedelta:
    """How long free words still reach the person; zero once the window is closed."""
    return max(last_inbound_at + SERVICE_WINDOW - MARGIN - now, timedelta(0))


def is_closed(channel: str, last_inbound_at: datetime, now: datetime) -> bool:
    """Whether this channel takes no free words now; never where it sets no window."""
    return channel in WINDOWED and not window_left(last_inbound_at, now)
