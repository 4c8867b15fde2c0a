"""The simulator: a page that looks like a phone, so that a newcomer can be the teen. Never on where real people can reach us."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot import i18n
from bot.channels.simulator import NAME
from bot.domain.messages import InboundKind, InboundMessage
from bot.domain.parts import whole
from bot.flows.helpline import Helpline
from bot.flows.receive import accept
from bot.store import transcripts
from bot.web.body import read_body

HERE = Path(__file__).parent
MAX_TEXT = 8_000
_PHONE = re.compile(r"[0-9a-f]{32}")


class Simulator:
    """The page, and the two calls it makes: send a message, read the conversation."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline

    def routes(self) -> list[BaseRoute]:
        """Routes under /simulator; the page's files come from us."""
        return [
            Route("/simulator", self.page),
            Route("/simulator/messages", self.send, methods=["POST"]),
            Route("/simulator/messages", self.read, methods=["GET"]),
            Mount("/simulator/static", StaticFiles(directory=HERE / "static")),
        ]

    async def page(self, request: Request) -> Response:
        """The phone."""
        return FileResponse(HERE / "static" / "simulator.html", headers={"Cache-Control": "no-store"})

    async def send(self, request: Request) -> Response:
        """What the teen typed, tapped or pressed."""
        data = await _json(request)
        kind = data.get("kind", "text")
        if kind not in ("text", "quick_reply", "start", "photo", "voice"):
            raise HTTPException(400, "kind: expected text, quick_reply, start, photo or voice")
        message = InboundMessage(
            channel=NAME,
            address=_phone(request),
            external_id=uuid.uuid4().hex,
            kind=InboundKind(kind),
            text=whole(str(data.get("text", ""))[:MAX_TEXT]),
            payload=whole(str(data.get("payload", ""))[:64]),
            received_at=self._helpline.clock(),
            language_hint=whole(str(data.get("language", ""))[:3]),
        )
        await accept(self._helpline, message)
        return JSONResponse({"id": message.external_id}, 202)

    async def read(self, request: Request) -> Response:
        """The conversation so far."""
        async with self._helpline.database.read() as session:
            lines = await transcripts.of_address(session, self._helpline.keyring, NAME, _phone(request))
        return JSONResponse(
            [
                {
                    "id": line.id,
                    "ours": line.is_ours,
                    "text": line.text,
                    "quick_replies": [[reply.title, reply.payload] for reply in line.quick_replies],
                    "time": line.at.astimezone(i18n.time_zone("FR")).strftime("%H:%M"),
                }
                for line in lines
            ],
            headers={"Cache-Control": "no-store"},
        )


def _phone(request: Request) -> str:
    """The random name of this browser's phone, from a header so that it is in no URL."""
    phone = request.headers.get("x-simulator-phone", "")
    if not _PHONE.fullmatch(phone):
        raise HTTPException(400, "X-Simulator-Phone: expected 32 hexadecimal digits")
    return phone


async def _json(request: Request) -> dict[str, object]:
    try:
        data = json.loads(await read_body(request))
    except (ValueError, RecursionError):
        raise HTTPException(400, "expected JSON") from None
    if not isinstance(data, dict):
        raise HTTPException(400, "expected a JSON object")
    return data
