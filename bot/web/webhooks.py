"""Webhooks of the channels: verify, parse, store, 200. Everything slow happens afterwards, in the worker."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import AsyncGenerator
from http import HTTPStatus

import structlog
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import FormParser, MultiPartException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.channels import telegram, whatsapp
from bot.config import Settings
from bot.domain.messages import Parsed
from bot.flows.deliver import record_receipt
from bot.flows.helpline import Helpline
from bot.flows.receive import accept, reassure, record_contact_news
from bot.web.body import read_body
from bot.web.metrics import INBOUND, REFUSED

_EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
UNSIGNED = "expected Twilio's signature for our public URL"
_FORM = "application/x-www-form-urlencoded"
_log = structlog.get_logger(__name__)


class Webhooks:
    """The routes of the configured channels; those of others answer 404 by not existing."""

    def __init__(self, helpline: Helpline, settings: Settings) -> None:
        self._helpline = helpline
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """Telegram's and WhatsApp's webhooks, as far as configured."""
        routes = []
        if self._settings.has_telegram and self._settings.telegram_webhook_secret:
            routes.append(Route("/webhooks/telegram", self.telegram, methods=["POST"]))
        if self._settings.has_whatsapp:
            routes.append(Route("/webhooks/whatsapp", self.whatsapp, methods=["POST"]))
            routes.append(Route("/webhooks/whatsapp/status", self.whatsapp_status, methods=["POST"]))
        return routes

    async def telegram(self, request: Request) -> Response:
        """One update. 403 without the secret we gave to Telegram, 400 when it is not an update."""
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode(), self._settings.telegram_webhook_secret.encode()):
            raise _refused("telegram", HTTPStatus.FORBIDDEN, "expected the webhook's secret token")
        body = await read_body(request)
        try:
            parsed = telegram.parse_update(json.loads(body), self._helpline.clock())
        except (ValueError, RecursionError):
            raise _refused("telegram", HTTPStatus.BAD_REQUEST, "expected an update of the Bot API as JSON") from None
        await self._take(parsed)
        return PlainTextResponse("ok")

    async def whatsapp(self, request: Request) -> Response:
        """One message from Twilio. 403 unless Twilio signed it for our public URL."""
        form = await self._signed_form(request)
        try:
            parsed = whatsapp.parse_message(form, self._helpline.clock())
        except whatsapp.InvalidFormError as error:
            raise _refused("whatsapp", HTTPStatus.BAD_REQUEST, str(error)) from None
        await self._take(parsed)
        return Response(_EMPTY_TWIML, media_type="application/xml")

    async def whatsapp_status(self, request: Request) -> Response:
        """One status callback from Twilio."""
        form = await self._signed_form(request)
        try:
            parsed = whatsapp.parse_status(form)
        except whatsapp.InvalidFormError as error:
            raise _refused("whatsapp", HTTPStatus.BAD_REQUEST, str(error)) from None
        await self._take(parsed)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def close(self) -> None:
        """Wait for the niceties under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self, parsed: Parsed) -> None:
        helpline = self._helpline
        if parsed.message is not None:
            accepted = await accept(helpline, parsed.message)
            INBOUND.labels(parsed.message.channel, "new" if accepted.is_new else "repeat").inc()
            if accepted.is_new and accepted.plan is None and not accepted.is_flood:
                task = asyncio.create_task(reassure(helpline, parsed.message))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        for receipt in parsed.receipts:
            await record_receipt(helpline, receipt)
        if parsed.contact_news is not None:
            await record_contact_news(helpline, parsed.contact_news)

    async def _signed_form(self, request: Request) -> FormData:
        signature = request.headers.get("x-twilio-signature", "")
        if not signature:
            # Before the body is read: forging must cost us as little as it costs the forger.
            raise _refused("whatsapp", HTTPStatus.FORBIDDEN, UNSIGNED)
        body = await read_body(request)
        if not request.headers.get("content-type", "").lower().startswith(_FORM):
            raise _refused("whatsapp", HTTPStatus.BAD_REQUEST, f"expected {_FORM}")
        form = await _parse_form(request, body)
        url = self._settings.public_url + request.url.path
        if request.url.query:
            url += f"?{request.url.query}"
        if not whatsapp.is_signed(self._settings.twilio_auth_token, url, form, signature):
            raise _refused("whatsapp", HTTPStatus.FORBIDDEN, UNSIGNED)
        return form


async def _parse_form(request: Request, body: bytes) -> FormData:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    try:
        return await FormParser(request.headers, chunks()).parse()
    except (MultiPartException, ValueError, AssertionError):
        raise _refused("whatsapp", HTTPStatus.BAD_REQUEST, "expected a form") from None


class _Budget:
    """So many log lines a minute: whoever floods us with forgeries fills no disk. Signed requests are never limited (R4)."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._minute, self._used = 0, 0

    def may_log(self) -> bool:
        """Whether there is a line left in this minute."""
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += 1
        return self._used <= self._per_minute


_refusals = _Budget(30)


def _refused(channel: str, status: HTTPStatus, expected: str) -> HTTPException:
    """A refusal: one log line without content, one metric, one answer that says what was expected."""
    REFUSED.labels(channel, str(int(status))).inc()
    if _refusals.may_log():
        _log.warning("webhook refused", channel=channel, status=int(status), expected=expected)
    return HTTPException(status, expected)
