"""WhatsApp, through Twilio: signed forms become messages and receipts, messages become Messages API calls.

Limits and rules: Twilio's Messages API (1,600 characters), request validation, error dictionary (facts: channels).
"""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus
from ssl import SSLError

import aiohttp
import structlog
from starlette.datastructures import FormData
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.domain.delivery import refusal
from bot.domain.messages import (
    DeliveryStatus,
    InboundKind,
    InboundMessage,
    OutboundMessage,
    Parsed,
    Receipt,
    SendError,
    SendResult,
    Sent,
)
from bot.domain.parts import split

NAME = "whatsapp"
TEXT_LIMIT = 1600
SECONDS_VALID = 14_400
SECONDS_VALID_URGENT = 600
"""A crisis text that arrives hours late, without its context, does harm: Twilio drops it instead (ValidityPeriod)."""
COUNTRIES = {"33": "FR", "212": "MA", "32": "BE", "41": "CH", "352": "LU"}
_STATUSES = {
    "accepted": DeliveryStatus.ACCEPTED,
    "scheduled": DeliveryStatus.ACCEPTED,
    "queued": DeliveryStatus.ACCEPTED,
    "sending": DeliveryStatus.ACCEPTED,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "undelivered": DeliveryStatus.FAILED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,
}
_ADDRESS = re.compile(r"whatsapp:\+[0-9]{6,15}")
_SID = re.compile(r"[A-Za-z0-9]{1,64}")
_CODE = re.compile(r"[0-9]{1,9}")
_MEDIA = {"image": InboundKind.PHOTO, "video": InboundKind.VIDEO, "audio": InboundKind.VOICE}
_log = structlog.get_logger(__name__)


class InvalidFormError(ValueError):
    """The form is signed but lacks what every Twilio message has."""


def is_signed(auth_token: str, url: str, form: FormData, signature: str) -> bool:
    """Whether Twilio signed this form for this public URL; the multi-dict keeps repeated fields, which are signed too."""
    return bool(RequestValidator(auth_token).validate(url, form, signature))


def parse_message(form: FormData, now: datetime) -> Parsed:
    """The message in a signed form; InvalidFormError when it has no sender or no id."""
    sid, sender = _field(form, "MessageSid"), _field(form, "From")
    if not _SID.fullmatch(sid) or not _ADDRESS.fullmatch(sender):
        raise InvalidFormError("expected MessageSid and From=whatsapp:+<digits>")
    text, payload = _field(form, "Body"), _field(form, "ButtonPayload")
    kind = InboundKind.QUICK_REPLY if payload else _kind_of(form)
    address = sender.removeprefix("whatsapp:")
    return Parsed(
        message=InboundMessage(
            channel=NAME,
            address=address,
            external_id=sid,
            kind=kind,
            text=text,
            payload=payload,
            received_at=now,
            country_hint=country_of(address),
        )
    )


def parse_status(form: FormData) -> Parsed:
    """The receipt in a signed status callback; empty for a status unknown to us."""
    sid, word = _field(form, "MessageSid"), _field(form, "MessageStatus")
    if not _SID.fullmatch(sid) or not word:
        raise InvalidFormError("expected MessageSid and MessageStatus")
    status = _STATUSES.get(word.lower())
    if status is None:
        return Parsed()
    code = _field(form, "ErrorCode")
    return Parsed(receipts=(Receipt(NAME, sid, status, code if _CODE.fullmatch(code) else ""),))


def country_of(number: str) -> str:
    """The country of a phone number as far as the directory may cover it; empty when unknown."""
    return next((COUNTRIES[number[1 : 1 + size]] for size in (3, 2) if number[1 : 1 + size] in COUNTRIES), "")


def _kind_of(form: FormData) -> InboundKind:
    if _field(form, "Latitude") or _field(form, "Longitude"):
        return InboundKind.LOCATION
    if _field(form, "NumMedia") not in ("", "0"):
        major, _, minor = _field(form, "MediaContentType0").lower().partition("/")
        if minor == "webp":
            return InboundKind.STICKER
        if "vcard" in minor:
            return InboundKind.CONTACT
        return _MEDIA.get(major, InboundKind.FILE)
    return InboundKind.TEXT


def _field(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


class WhatsAppChannel:
    """Sends through Twilio's asynchronous client."""

    name = NAME

    def __init__(
        self, sid: str, token: str, sender: str, api_base_url: str, status_url: str, *, deletes_at_twilio: bool = True
    ) -> None:
        self.deletes_at_twilio = deletes_at_twilio
        self._http = AsyncTwilioHttpClient(timeout=10)
        self._client = Client(sid, token, http_client=self._http)
        self._client.api.base_url = api_base_url
        self._sender = f"whatsapp:{sender}"
        self._status_url = status_url

    def prepare(self, message: OutboundMessage) -> tuple[OutboundMessage, ...]:
        """Parts of 1,600 characters; quick replies become a numbered list under the last, answered by number or words."""
        choices = "\n".join(f"{number}. {reply.title}" for number, reply in enumerate(message.quick_replies, 1))
        room = TEXT_LIMIT - (len(choices) + 2 if choices else 0)
        parts = split(message.text, room)
        last = len(parts) - 1
        return tuple(
            OutboundMessage(
                f"{part}\n\n{choices}" if choices and index == last else part,
                message.quick_replies if index == last else (),
                message.key,
                message.urgent,
            )
            for index, part in enumerate(parts)
        )

    async def send(self, address: str, message: OutboundMessage) -> SendResult:
        """Messages.create. A time-out after Twilio took the message may double it once; an emergency is worth that."""
        try:
            # An approved template goes by its id: since April 2025 its words in the body are refused.
            content = {"content_sid": message.content_sid} if message.content_sid else {"body": message.text}
            sent = await self._client.messages.create_async(
                to=f"whatsapp:{address}",
                from_=self._sender,
                status_callback=self._status_url,
                validity_period=seconds_valid(message),
                **content,
            )
        except TwilioRestException as error:
            return _send_error(error)
        except TimeoutError:
            return refusal(NAME, "timeout")
        except (aiohttp.ClientError, TwilioException, SSLError, OSError, ValueError) as error:
            _log.warning("send to twilio failed", error=type(error).__name__)
            return refusal(NAME, "network")
        return Sent(str(sent.sid))

    async def delete(self, address: str, external_id: str) -> SendError | None:
        """Delete a message from Twilio's storage, or what it carried (`media:<sid>`), which is listed and never fetched."""
        sid = external_id.removeprefix("media:")
        try:
            message = self._client.messages(sid)
            if sid == external_id:
                await message.delete_async()
                return None
            for media in await message.media.list_async(limit=20):
                await media.delete_async()
        except TwilioRestException as error:
            return None if error.status == HTTPStatus.NOT_FOUND else _send_error(error)
        except TimeoutError:
            return refusal(NAME, "timeout")
        except (aiohttp.ClientError, TwilioException, SSLError, OSError, ValueError):
            return refusal(NAME, "network")
        return None

    async def retract(self, address: str, external_ids: tuple[str, ...]) -> bool:
        """Not possible on WhatsApp: the person is told how to do it."""
        return True

    async def show_typing(self, address: str) -> None:
        """Not possible by phone number on WhatsApp."""

    async def acknowledge(self, message: InboundMessage) -> None:
        """WhatsApp waits for nothing."""

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._http.close()


def seconds_valid(message: OutboundMessage) -> int:
    """How long Twilio may keep a message it cannot deliver yet: briefly in a crisis, and never past the service window."""
    usual = SECONDS_VALID_URGENT if message.urgent else SECONDS_VALID
    return max(1, min(usual, message.valid_for or usual))


def _send_error(error: TwilioRestException) -> SendError:
    """Twilio's answer as data, by its code, or by the HTTP status when it gives none."""
    status = int(error.status)
    return refusal(NAME, str(error.code or status), status)
