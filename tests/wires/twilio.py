"""Twilio's Messages API, and signed webhooks as Twilio sends them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator

ACCOUNT = "AC00000000000000000000000000000000"
TOKEN = "12345678901234567890123456789012"
SENDER = "+15005550006"


@dataclass
class FakeTwilio:
    """Keeps what was sent; answers as told by `failures`."""

    sent: list[dict[str, str]] = field(default_factory=list)
    failures: deque[tuple[int, dict[str, Any]]] = field(default_factory=deque)

    @property
    def app(self) -> Starlette:
        """The server."""
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        return Starlette(routes=[Route(path, self._create, methods=["POST"])])

    async def _create(self, request: Request) -> Response:
        form = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
        if self.failures:
            status, body = self.failures.popleft()
            return JSONResponse({"status": status, "more_info": "", **body}, status)
        self.sent.append(form)
        sid = f"SM{len(self.sent):032d}"
        return JSONResponse({"sid": sid, "status": "queued", "to": form["To"], "body": form["Body"]}, 201)

    def texts(self, number: str) -> list[str]:
        """What this number was sent, in order."""
        return [item["Body"] for item in self.sent if item["To"] == f"whatsapp:{number}"]


def sign(url: str, fields: dict[str, str]) -> str:
    """Twilio's signature of a form for a URL."""
    return str(RequestValidator(TOKEN).compute_signature(url, fields))


def inbound(sid: str, number: str, text: str, **fields: str) -> dict[str, str]:
    """The form of one WhatsApp message."""
    base = {
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": f"whatsapp:{number}",
        "To": f"whatsapp:{SENDER}",
        "Body": text,
        "NumMedia": "0",
        "ProfileName": "X",
        "WaId": number.removeprefix("+"),
    }
    return {**base, **fields}
