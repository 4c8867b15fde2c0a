"""Messages to us and from us, and the news about their delivery, which only ever moves forward."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class InboundKind(StrEnum):
    """What a person sent. Media is never fetched: only its kind is known (P26)."""

    TEXT = "text"
    QUICK_REPLY = "quick_reply"
    START = "start"
    EDITED = "edited"
    PHOTO = "photo"
    VIDEO = "video"
    VOICE = "voice"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACT = "contact"
    FILE = "file"
    OTHER = "other"

    @property
    def is_words(self) -> bool:
        """Whether there are words to read, rather than something we never open."""
        return self in (InboundKind.TEXT, InboundKind.QUICK_REPLY, InboundKind.START, InboundKind.EDITED)


@dataclass(frozen=True, slots=True)
class QuickReply:
    """A tap-to-answer: what the person reads (20 characters at most) and the intent it stands for (`/affirm`)."""

    title: str
    payload: str


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message as a channel parsed it. `external_id` is the provider's id, unique per channel."""

    channel: str
    address: str
    external_id: str
    kind: InboundKind
    text: str
    received_at: datetime
    payload: str = ""
    language_hint: str = ""
    country_hint: str = ""
    sent_at: datetime | None = None
    ack_token: str = ""


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One message for a person; `key` names the words in responses/ it came from.

    `after`: seconds to wait after the message before it, as in an exercise; what waits is given up when the person writes.
    `content_sid`: the approved template sent in its place; `valid_for`: seconds after which a provider that still has it
    drops it, 0 for the channel's own choice.
    `document` names what goes with it as a file, made when it is delivered; only channels that carry files are given any.
    """

    text: str
    quick_replies: tuple[QuickReply, ...] = ()
    key: str = ""
    urgent: bool = False
    after: float = 0.0
    content_sid: str = ""
    valid_for: int = 0
    document: str = ""


class DeliveryStatus(IntEnum):
    """How far an outbound message got. The order is the order of progress; `failed` is where it ends badly.

    `parked`: the channel takes no free words now, and it waits for the person's next message.
    """

    PARKED = -1
    QUEUED = 0
    RETRYING = 1
    ACCEPTED = 2
    SENT = 3
    DELIVERED = 4
    READ = 5
    FAILED = 6
    WITHDRAWN = 7

    @property
    def is_final(self) -> bool:
        """Nothing more will be done for it."""
        return self >= DeliveryStatus.READ


def advance(current: DeliveryStatus, news: DeliveryStatus) -> DeliveryStatus:
    """The status after `news`: receipts arrive late and out of order, and must never move a message backwards.

    A failure reported after the provider took it counts; one reported after the person received it does not.
    """
    if current.is_final:
        return current
    if news is DeliveryStatus.FAILED:
        return current if current is DeliveryStatus.DELIVERED else news
    return max(current, news)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Delivery news from a provider about a message of ours."""

    channel: str
    external_id: str
    status: DeliveryStatus
    error_code: str = ""


@dataclass(frozen=True, slots=True)
class SendError:
    """A send that failed, as data: whether to try again, when, and the provider's code."""

    code: str
    retryable: bool
    retry_after: float | None = None
    contact_gone: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A send the provider took."""

    external_id: str


SendResult = Sent | SendError


@dataclass(frozen=True, slots=True)
class ContactNews:
    """The person blocked us or came back, as the channel tells it."""

    channel: str
    address: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one webhook or update held: at most one message, receipts, and news of the contact."""

    message: InboundMessage | None = None
    receipts: tuple[Receipt, ...] = field(default=())
    contact_news: ContactNews | None = None
