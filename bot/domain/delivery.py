"""What a provider's refusal means and what is done about it: one reviewed table, asked at sending and for receipts alike.

Sources: facts on the channels (Bot API, Bots FAQ, Twilio's error dictionary); A is verified there, C reported and unverified.
Twilio's own documentation says that its codes may change: whatever is not in the table goes through `default`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from bot.domain.messages import SendError

REVIEWED_ON = "2026-11-21"


class Trouble(StrEnum):
    """What went wrong."""

    BLOCKED = "blocked"
    NO_SUCH_CHAT = "no_such_chat"
    MOVED = "moved"
    TOO_FAST = "too_fast"
    DAILY_LIMIT = "daily_limit"
    WINDOW = "window"
    NOT_DELIVERABLE = "not_deliverable"
    CONTENT = "content"
    EXPIRED = "expired"
    CREDENTIALS = "credentials"
    PROVIDER = "provider"
    NETWORK = "network"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What is done about it."""

    RETRY = "retry"
    """Soon, then ever later."""
    BACK_OFF = "back_off"
    """The provider is overrun: much later, then ever later."""
    LATER = "later"
    """A limit of the day: half an hour at a time."""
    PARK = "park"
    """It waits for the person's next message."""
    GIVE_UP = "give_up"
    """This message never; it becomes a dead letter."""
    GONE = "gone"
    """Nothing more to this person until they write again."""
    FOLLOW = "follow"
    """The chat has a new id, to which it is sent at once."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One code of one channel."""

    channel: str
    code: str
    trouble: Trouble
    action: Action
    source: str


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds before the second attempt, doubled each time up to `longest`; so many attempts in all."""

    first: float
    longest: float
    attempts: int


PACES: dict[Action, Pace] = {
    Action.RETRY: Pace(1.0, 300.0, 12),
    Action.BACK_OFF: Pace(15.0, 900.0, 12),
    Action.LATER: Pace(1_800.0, 1_800.0, 48),
}
"""Half an hour of trying; two hours when we were too fast; a day when the day's limit is reached. Then a dead letter."""
UNKNOWN_ATTEMPTS = 3
"""A code nobody knows, in news that came after the provider took the message, is worth so many attempts."""

TABLE: tuple[Rule, ...] = (
    Rule("telegram", "403", Trouble.BLOCKED, Action.GONE, "Bot API: sending fails 403 once the person blocked us (C)"),
    Rule("telegram", "chat_not_found", Trouble.NO_SUCH_CHAT, Action.GONE, "Bot API 400 “chat not found”, deleted (C)"),
    Rule("telegram", "400", Trouble.CONTENT, Action.GIVE_UP, "Bot API 400: the request itself is wrong (A)"),
    Rule("telegram", "401", Trouble.CREDENTIALS, Action.RETRY, "the token is wrong: for the operator, not the person"),
    Rule("telegram", "409", Trouble.PROVIDER, Action.RETRY, "Bot API: two consumers of getUpdates (A)"),
    Rule("telegram", "429", Trouble.TOO_FAST, Action.RETRY, "Bot API: `retry_after` seconds, exactly (A)"),
    Rule("telegram", "migrated", Trouble.MOVED, Action.FOLLOW, "Bot API: `migrate_to_chat_id` (A)"),
    Rule("telegram", "timeout", Trouble.NETWORK, Action.RETRY, "no answer in time; may double once (A)"),
    Rule("telegram", "network", Trouble.NETWORK, Action.RETRY, "connection, or HTTP 5xx (A)"),
    Rule("telegram", "telegram", Trouble.UNKNOWN, Action.RETRY, "an error the library does not know"),
    Rule("whatsapp", "63016", Trouble.WINDOW, Action.PARK, "Twilio 63016: outside the 24 h window (A)"),
    Rule("whatsapp", "63018", Trouble.TOO_FAST, Action.BACK_OFF, "Twilio 63018; WhatsApp 429, 471, 1015 (A)"),
    Rule("whatsapp", "63032", Trouble.NOT_DELIVERABLE, Action.GIVE_UP, "Twilio 63032; WhatsApp 472 (A, meaning C)"),
    Rule("whatsapp", "63024", Trouble.NOT_DELIVERABLE, Action.GIVE_UP, "Twilio 63024; 1026, 1002 (A, meaning C)"),
    Rule("whatsapp", "63014", Trouble.BLOCKED, Action.GONE, "Twilio 63014: blocked or opted out (A)"),
    Rule("whatsapp", "21610", Trouble.BLOCKED, Action.GONE, "Twilio 21610: opted out (A)"),
    Rule("whatsapp", "63021", Trouble.CONTENT, Action.GIVE_UP, "Twilio 63021: invalid content (A)"),
    Rule("whatsapp", "21617", Trouble.CONTENT, Action.GIVE_UP, "Twilio 21617: body past 1,600 characters (A)"),
    Rule("whatsapp", "21656", Trouble.CONTENT, Action.GIVE_UP, "Twilio 21656: invalid ContentVariables (A)"),
    Rule("whatsapp", "63012", Trouble.PROVIDER, Action.RETRY, "Twilio 63012; WhatsApp 500 (A, meaning C)"),
    Rule("whatsapp", "63003", Trouble.NO_SUCH_CHAT, Action.GIVE_UP, "Twilio 63003; 1006, 1013, 1021 (A, meaning C)"),
    Rule("whatsapp", "63015", Trouble.NO_SUCH_CHAT, Action.GIVE_UP, "Twilio 63015: sandbox not joined (C)"),
    Rule("whatsapp", "21211", Trouble.NO_SUCH_CHAT, Action.GIVE_UP, "Twilio 21211: invalid To (A)"),
    Rule("whatsapp", "63038", Trouble.DAILY_LIMIT, Action.LATER, "Twilio 63038: the account's daily limit (C)"),
    Rule("whatsapp", "30001", Trouble.TOO_FAST, Action.BACK_OFF, "Twilio 30001: queue overflow (A)"),
    Rule("whatsapp", "30036", Trouble.EXPIRED, Action.GIVE_UP, "Twilio 30036: ValidityPeriod passed (C)"),
    Rule("whatsapp", "20429", Trouble.TOO_FAST, Action.BACK_OFF, "Twilio 20429: too many requests (A)"),
    Rule("whatsapp", "429", Trouble.TOO_FAST, Action.BACK_OFF, "HTTP 429 (A)"),
    Rule("whatsapp", "20003", Trouble.CREDENTIALS, Action.RETRY, "Twilio 20003: for the operator, not the person (A)"),
    Rule("whatsapp", "timeout", Trouble.NETWORK, Action.RETRY, "no answer in time; may double once (A)"),
    Rule("whatsapp", "network", Trouble.NETWORK, Action.RETRY, "connection (A)"),
)
_BY_CODE = {(rule.channel, rule.code): rule for rule in TABLE}
_MAY_PASS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


def rule_for(channel: str, code: str, status: int = 0) -> Rule:
    """What a refusal means; `status` is the answer's HTTP status, 0 in news that came later."""
    return _BY_CODE.get((channel, code)) or default(channel, code, status)


def default(channel: str, code: str, status: int = 0) -> Rule:
    """A code that is not in the table: tried again when the HTTP status says it may pass, or when there is none to ask."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Rule(channel, code, Trouble.TOO_FAST, Action.BACK_OFF, "HTTP 429")
    may_pass = not status or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _MAY_PASS
    return Rule(channel, code, Trouble.UNKNOWN, Action.RETRY if may_pass else Action.GIVE_UP, "not in the table")


def refusal(channel: str, code: str, status: int = 0, retry_after: float | None = None) -> SendError:
    """A refused send as data."""
    action = rule_for(channel, code, status).action
    return SendError(code, retryable=action in PACES, retry_after=retry_after, contact_gone=action is Action.GONE)


def pause_before(error: SendError, channel: str, attempts: int) -> float | None:
    """Seconds until the next attempt after so many: what the provider asked for, otherwise doubling; None to give up."""
    if not error.retryable:
        return None
    pace = PACES.get(rule_for(channel, error.code).action, PACES[Action.RETRY])
    if attempts >= pace.attempts:
        return None
    if error.retry_after is not None:
        return error.retry_after
    return min(pace.first * 2.0 ** (attempts - 1), pace.longest)


def late_refusal(channel: str, code: str, attempts: int) -> SendError:
    """A failure reported after the provider took the message. Unknown codes are given few attempts."""
    rule = rule_for(channel, code)
    is_over = rule.trouble is Trouble.UNKNOWN and attempts >= UNKNOWN_ATTEMPTS
    return SendError(code, retryable=rule.action in PACES and not is_over, contact_gone=rule.action is Action.GONE)
