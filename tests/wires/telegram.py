"""A Bot API server: methods and parameters named as Telegram names them, answers shaped as Telegram shapes them."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "123456:test-token-of-the-fake-server"


@dataclass
class FakeTelegram:
    """Keeps what was sent; gives out the updates that were put in; answers as told by `failures`."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    failures: deque[tuple[int, dict[str, Any]]] = field(default_factory=deque)
    updates: list[dict[str, Any]] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    deleted: list[tuple[int, int]] = field(default_factory=list)
    webhook: str = ""
    pending: int = 0
    retracted: list[int] = field(default_factory=list)
    refuses_to_delete: bool = False
    documents: list[dict[str, Any]] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        """The server."""
        return Starlette(routes=[Route("/bot{token}/{method}", self._call, methods=["POST", "GET"])])

    async def _call(self, request: Request) -> Response:
        if request.path_params["token"] != TOKEN:
            return JSONResponse({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        method = request.path_params["method"]
        self.calls.append(method)
        form = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
        if method == "sendMessage":
            return self._send(form)
        if method == "sendDocument":
            return await self._send_document(request, form)
        if method == "deleteMessage":
            self.deleted.append((int(form["chat_id"]), int(form["message_id"])))
        if method == "deleteMessages":
            return self._delete(form)
        if method == "getUpdates":
            return await self._get_updates(form)
        if method == "getMe":
            me = {"id": 123456, "is_bot": True, "first_name": "Relais", "username": "relais_bot"}
            return JSONResponse({"ok": True, "result": me})
        if method == "getWebhookInfo":
            hook = {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": self.pending}
            return JSONResponse({"ok": True, "result": hook})
        if method == "setWebhook":
            self.webhook = form["url"]
        return JSONResponse({"ok": True, "result": True})

    def _send(self, form: dict[str, str]) -> Response:
        if self.failures:
            status, body = self.failures.popleft()
            return JSONResponse({"ok": False, "error_code": status, **body}, status)
        markup = json.loads(form["reply_markup"]) if "reply_markup" in form else None
        self.sent.append({"chat_id": int(form["chat_id"]), "text": form["text"], "reply_markup": markup})
        message = {
            "message_id": len(self.sent),
            "date": 1_795_000_000,
            "chat": {"id": int(form["chat_id"]), "type": "private"},
            "text": form["text"],
        }
        return JSONResponse({"ok": True, "result": message})

    async def _send_document(self, request: Request, form: dict[str, str]) -> Response:
        upload = next(value for value in (await request.form()).values() if isinstance(value, UploadFile))
        self.documents.append({**form, "file_name": upload.filename, "content": await upload.read()})
        await upload.close()
        return self._send({"chat_id": form["chat_id"], "text": form.get("caption", "")})

    def _delete(self, form: dict[str, str]) -> Response:
        if self.refuses_to_delete:
            body = {"ok": False, "error_code": 400, "description": "Bad Request: message can't be deleted for everyone"}
            return JSONResponse(body, 400)
        self.retracted += json.loads(form["message_ids"])
        return JSONResponse({"ok": True, "result": True})

    async def _get_updates(self, form: dict[str, str]) -> Response:
        offset = int(form.get("offset", 0))
        self.offsets.append(offset)
        ready = [update for update in self.updates if update["update_id"] >= offset]
        if not ready:
            await asyncio.sleep(0.05)
        return JSONResponse({"ok": True, "result": ready})

    def texts(self, chat: int) -> list[str]:
        """What this chat was sent, in order."""
        return [item["text"] for item in self.sent if item["chat_id"] == chat]


def text_update(number: int, chat: int, text: str, *, language: str = "fr", key: str = "message") -> dict[str, Any]:
    """An update with a text message."""
    return {"update_id": number, key: message(number, chat, language) | {"text": text}}


def message(number: int, chat: int, language: str = "fr") -> dict[str, Any]:
    """The fields every message has."""
    return {
        "message_id": number,
        "date": 1_795_000_000,
        "chat": {"id": chat, "type": "private", "first_name": "X"},
        "from": {"id": chat, "is_bot": False, "first_name": "X", "language_code": language},
    }


def tap_update(number: int, chat: int, data: str) -> dict[str, Any]:
    """An update with a tap on an inline button."""
    query = {
        "id": f"q{number}",
        "from": {"id": chat, "is_bot": False, "first_name": "X"},
        "chat_instance": "1",
        "data": data,
        "message": {**message(number, chat), "text": "…"},
    }
    return {"update_id": number, "callback_query": query}
