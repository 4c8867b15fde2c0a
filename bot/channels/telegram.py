"""Telegram, through python-telegram-bot used as a library: updates become messages, messages become Bot API calls.

Limits and rules: Bot API (text 1-4096 UTF-16 units, callback data 64 bytes, one consumer of getUpdates).
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import structlog
from telegram import (
    Bot,
    CallbackQuery,
    ChatMember,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    MaybeInaccessibleMessage,
    Message,
    Update,
    User,
)
from telegram.constants import ChatAction, ChatType, MessageLimit
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from bot.domain.delivery import refusal
from bot.domain.messages import (
    ContactNews,
    InboundKind,
    InboundMessage,
    OutboundMessage,
    Parsed,
    SendError,
    SendResult,
    Sent,
)
from bot.domain.parts import split, whole

NAME = "telegram"
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
COMMANDS = {
    "menu": "/ask_menu",
    "aide": "/ask_menu",
    "help": "/ask_menu",
    "humain": "/request_human",
    "human": "/request_human",
    "stop": "/stop",
    "oublie": "/delete_my_data",
    "forget": "/delete_my_data",
    "donnees": "/access_my_data",
    "données": "/access_my_data",
    "mydata": "/access_my_data",
    "langue": "/change_language",
    "language": "/change_language",
    "pays": "/change_country",
    "country": "/change_country",
    "discret": "/discreet",
    "discreet": "/discreet",
    "sortie": "/quick_exit",
    "exit": "/quick_exit",
    "recommencer": "/start_over",
    "restart": "/start_over",
}
FILE_NAME = "notes.pdf"
_DELETED_AT_ONCE = 100
_BUTTONS_IN_A_ROW = 24
"""Quick replies share a row while their titles have at most this many characters together."""
_MEDIA = (
    ("photo", InboundKind.PHOTO),
    ("video", InboundKind.VIDEO),
    ("video_note", InboundKind.VIDEO),
    ("voice", InboundKind.VOICE),
    ("audio", InboundKind.VOICE),
    ("sticker", InboundKind.STICKER),
    ("animation", InboundKind.STICKER),
    ("location", InboundKind.LOCATION),
    ("venue", InboundKind.LOCATION),
    ("contact", InboundKind.CONTACT),
    ("document", InboundKind.FILE),
)
# python-telegram-bot 22 gives delays as whole seconds with a warning unless it is told to give timedeltas.
os.environ.setdefault("PTB_TIMEDELTA", "true")
_log = structlog.get_logger(__name__)


class InvalidUpdateError(ValueError):
    """The body is JSON but not an update of the Bot API."""


def parse_update(data: object, now: datetime) -> Parsed:
    """What an update holds; empty for kinds we do not handle and for groups. InvalidUpdateError when it is not an update."""
    if not isinstance(data, dict) or not _is_id(data.get("update_id")):
        raise InvalidUpdateError("expected an object with an integer update_id")
    try:
        return _read_update(Update.de_json(data, None), now)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, OSError, RecursionError) as error:
        # The library checks no types: a field of the wrong shape fails where it is first looked at.
        raise InvalidUpdateError(f"not an update of the Bot API ({type(error).__name__})") from None


def _is_id(value: object) -> bool:
    """What the Bot API calls an integer: at most 64 bits."""
    return isinstance(value, int) and abs(value) < 2**63


def _address(message: Message | MaybeInaccessibleMessage) -> str:
    """The chat of a message whose ids are what they should be; the library checks no types."""
    if not (_is_id(message.chat.id) and _is_id(message.message_id)):
        raise TypeError("expected integers")
    return str(message.chat.id)


def _text(value: object) -> str:
    """Words as text that can be stored and sent on."""
    if not isinstance(value, str):
        raise TypeError("expected text")
    return whole(value)


def _read_update(update: Update, now: datetime) -> Parsed:
    if update.callback_query is not None:
        return _parse_tap(update.update_id, update.callback_query, now)
    if update.my_chat_member is not None:
        member = update.my_chat_member
        if member.chat.type != ChatType.PRIVATE:
            return Parsed()
        gone = member.new_chat_member.status in (ChatMember.BANNED, ChatMember.LEFT)
        if not _is_id(member.chat.id):
            raise TypeError("expected an integer")
        return Parsed(contact_news=ContactNews(NAME, str(member.chat.id), reachable=not gone))
    message = update.message or update.edited_message
    if message is None or message.chat.type != ChatType.PRIVATE:
        return Parsed()
    return Parsed(message=_parse_message(update, message, now))


def _parse_message(update: Update, message: Message, now: datetime) -> InboundMessage:
    text = _text(message.text or message.caption or "")
    kind, payload = _kind_of(message), ""
    if kind is InboundKind.TEXT and text.startswith("/"):
        kind, payload, text = _parse_command(text)
    if update.edited_message is not None and kind is InboundKind.TEXT:
        kind = InboundKind.EDITED
    return InboundMessage(
        channel=NAME,
        address=_address(message),
        external_id=f"{update.update_id}.{message.message_id}",
        kind=kind,
        text=text,
        payload=payload,
        received_at=now,
        sent_at=message.edit_date or message.date,
        language_hint=_language(message.from_user),
    )


def _parse_command(text: str) -> tuple[InboundKind, str, str]:
    word, _, rest = text[1:].partition(" ")
    command = word.partition("@")[0].lower()
    if command == "start":
        return InboundKind.START, "", ""
    if command in COMMANDS:
        return InboundKind.QUICK_REPLY, COMMANDS[command], rest.strip()
    return InboundKind.TEXT, "", text.lstrip("/")


def _kind_of(message: Message) -> InboundKind:
    if message.text is not None:
        return InboundKind.TEXT
    return next((kind for field, kind in _MEDIA if getattr(message, field)), InboundKind.OTHER)


def _parse_tap(update_id: int, query: CallbackQuery, now: datetime) -> Parsed:
    if query.message is None or query.message.chat.type != ChatType.PRIVATE:
        return Parsed()
    message = InboundMessage(
        channel=NAME,
        address=_address(query.message),
        external_id=f"{update_id}.{query.message.message_id}",
        kind=InboundKind.QUICK_REPLY,
        text="",
        payload=_text(query.data or ""),
        received_at=now,
        language_hint=_language(query.from_user),
        ack_token=_text(query.id),
    )
    return Parsed(message=message)


def _language(user: User | None) -> str:
    """The language of the person's Telegram, as far as we speak it."""
    code = ((user.language_code if user else None) or "").lower().partition("-")[0]
    return code if code in ("fr", "en", "ar") else ""


class TelegramChannel:
    """Sends through the Bot API and reads updates from it."""

    name = NAME

    def __init__(self, token: str, api_base_url: str) -> None:
        request = HTTPXRequest(
            connection_pool_size=32, connect_timeout=5, read_timeout=10, write_timeout=10, pool_timeout=5
        )
        polling = HTTPXRequest(connection_pool_size=2, connect_timeout=5, read_timeout=10)
        self.bot = Bot(token, base_url=f"{api_base_url}/bot", request=request, get_updates_request=polling)

    def prepare(self, message: OutboundMessage) -> tuple[OutboundMessage, ...]:
        """Parts of 4,096 units; quick replies on the last, those whose payload passes 64 bytes being a programming error."""
        if message.document:
            return (message,)
        parts = split(message.text, MessageLimit.MAX_TEXT_LENGTH)
        replies = message.quick_replies
        last = len(parts) - 1
        return tuple(
            OutboundMessage(part, replies if index == last else (), message.key, message.urgent)
            for index, part in enumerate(parts)
        )

    async def send(self, address: str, message: OutboundMessage) -> SendResult:
        """sendMessage, without link previews so that nothing is fetched about a help page."""
        try:
            return await self._send(int(address), message)
        except ChatMigrated as moved:
            try:
                return await self._send(moved.new_chat_id, message)
            except TelegramError as error:
                return _send_error(error)
        except TelegramError as error:
            return _send_error(error)

    async def _send(self, chat: int, message: OutboundMessage) -> Sent:
        sent = await self.bot.send_message(
            chat_id=chat, text=message.text, reply_markup=_keyboard(message), disable_web_page_preview=True
        )
        return Sent(str(sent.message_id))

    async def send_document(self, address: str, message: OutboundMessage, content: bytes) -> SendResult:
        """The file under a name that tells nothing; the person may keep it and pass it on."""
        try:
            sent = await self.bot.send_document(
                chat_id=int(address),
                document=InputFile(content, filename=FILE_NAME),
                caption=message.text,
                reply_markup=_keyboard(message),
                protect_content=False,
                disable_content_type_detection=True,
            )
        except TelegramError as error:
            return _send_error(error)
        return Sent(str(sent.message_id))

    async def retract(self, address: str, external_ids: tuple[str, ...]) -> bool:
        """deleteMessages, a hundred at a time; Telegram lets a bot delete both sides of a private chat for 48 hours."""
        ids = sorted({int(external.rpartition(".")[2]) for external in external_ids})
        try:
            for start in range(0, len(ids), _DELETED_AT_ONCE):
                await self.bot.delete_messages(int(address), ids[start : start + _DELETED_AT_ONCE])
        except TelegramError as error:
            refused = _send_error(error)
            _log.warning("messages not deleted", code=refused.code)
            return not refused.retryable
        return True

    async def show_typing(self, address: str) -> None:
        """sendChatAction; whether it worked is of no consequence."""
        try:
            await self.bot.send_chat_action(chat_id=int(address), action=ChatAction.TYPING)
        except TelegramError as error:
            _log.debug("typing not shown", error=type(error).__name__)

    async def acknowledge(self, message: InboundMessage) -> None:
        """answerCallbackQuery, so that the tapped button stops spinning."""
        if not message.ack_token:
            return
        try:
            await self.bot.answer_callback_query(message.ack_token)
        except TelegramError as error:
            _log.debug("tap not acknowledged", error=type(error).__name__)

    async def delete(self, address: str, external_id: str) -> SendError | None:
        """deleteMessage: ours, and in private chats theirs, for 48 hours. What is gone already counts as deleted."""
        try:
            await self.bot.delete_message(chat_id=int(address), message_id=int(external_id))
        except ValueError:
            return SendError("id", retryable=False)
        except TelegramError as error:
            gone = isinstance(error, BadRequest) and "not found" in error.message.lower()
            return None if gone else _send_error(error)
        return None

    async def updates(self, offset: int, seconds: int) -> tuple[dict[str, Any], ...]:
        """The next updates from `offset` on, waiting up to `seconds` for one; raises TelegramError."""
        updates = await self.bot.get_updates(offset=offset, timeout=seconds, allowed_updates=ALLOWED_UPDATES)
        return tuple(update.to_dict() for update in updates)

    async def set_webhook(self, url: str, secret: str) -> None:
        """Tell Telegram to deliver to `url`; updates that wait are kept."""
        await self.bot.set_webhook(url, secret_token=secret, allowed_updates=ALLOWED_UPDATES, max_connections=40)

    async def delete_webhook(self) -> None:
        """Polling does not work while a webhook is set."""
        await self.bot.delete_webhook(drop_pending_updates=False)

    async def close(self) -> None:
        """Close the connections to the Bot API."""
        for request in self.bot._request:  # noqa: SLF001 - Bot.shutdown() does nothing for a bot that never called getMe
            await request.shutdown()

    async def open(self) -> None:
        """Open the connections without calling the Bot API."""
        for request in self.bot._request:  # noqa: SLF001 - Bot.initialize() would call getMe and fail offline
            await request.initialize()


def _keyboard(message: OutboundMessage) -> InlineKeyboardMarkup | None:
    if not message.quick_replies:
        return None
    rows: list[list[InlineKeyboardButton]] = []
    width = 0
    for reply in message.quick_replies:
        button = InlineKeyboardButton(reply.title, callback_data=reply.payload)
        if rows and width + len(reply.title) <= _BUTTONS_IN_A_ROW:
            rows[-1].append(button)
            width += len(reply.title)
        else:
            rows.append([button])
            width = len(reply.title)
    return InlineKeyboardMarkup(rows)


def seconds_of(delay: int | timedelta) -> float:
    """A delay as python-telegram-bot gives it, in seconds."""
    return delay.total_seconds() if isinstance(delay, timedelta) else float(delay)


def _send_error(error: TelegramError) -> SendError:
    """The Bot API's answer as data. Order matters: BadRequest and TimedOut are NetworkErrors in python-telegram-bot."""
    match error:
        case RetryAfter():
            return refusal(NAME, "429", retry_after=seconds_of(error.retry_after))
        case Forbidden():
            return refusal(NAME, "403")
        case ChatMigrated():
            return refusal(NAME, "migrated")
        case BadRequest():
            text = error.message.lower()
            gone = "chat not found" in text or "user is deactivated" in text
            return refusal(NAME, "chat_not_found" if gone else "400")
        case InvalidToken():
            return refusal(NAME, "401")
        case Conflict():
            return refusal(NAME, "409")
        case TimedOut():
            return refusal(NAME, "timeout")
        case NetworkError():
            return refusal(NAME, "network")
        case _:
            return refusal(NAME, "telegram")
