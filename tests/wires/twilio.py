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
    deleted: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        """The server."""
        account = f"/2010-04-01/Accounts/{ACCOUNT}"
        routes = [
            Route(f"{account}/Messages.json", self._create, methods=["POST"]),
            Route(f"{account}/Messages/{{sid}}/Media.json", self._list_media, methods=["GET"]),
            Route(f"{account}/Messages/{{sid}}/Media/{{media}}.json", self._delete, methods=["DELETE", "GET"]),
            Route(f"{account}/Messages/{{sid}}.json", self._delete, methods=["DELETE"]),
            Route(f"{account}.json", self._account, methods=["GET"]),
        ]
        return Starlette(routes=routes)

    async def _account(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return JSONResponse({"sid": ACCOUNT, "status": "active"})

    async def _list_media(self, request: Request) -> Response:
        sid = request.path_params["sid"]
        media = {"sid": f"ME{sid[2:]}", "account_sid": ACCOUNT, "parent_sid": sid, "content_type": "image/jpeg"}
        gone = any(path.endswith(f"/{media['sid']}.json") for path in self.deleted)
        page = {"page": 0, "page_size": 20, "next_page_uri": None, "uri": request.url.path}
        return JSONResponse({**page, "media_list": [] if gone else [media]})

    async def _delete(self, request: Request) -> Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if request.method == "DELETE":
            self.deleted.append(request.url.path)
        return Response(status_code=204)

    async def _create(self, request: Request) -> Response:
        form = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
        if self.failures:
            status, body = self.failures.popleft()
            return JSONResponse({"status": status, "more_info": "", **body}, status)
        self.sent.append(form)
        sid = f"SM{len(self.sent):032d}"
        return JSONResponse({"sid": sid, "status": "queued", "to": form["To"], "body": form.get("Body", "")}, 201)

    def texts(self, number: str) -> list[str]:
        """What this number was sent, in order."""
        return [item.get("Body", "") for item in self.sent if item["To"] == f"whatsapp:{number}"]


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
