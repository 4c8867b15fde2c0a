"""The guard in front of every route: denied unless public, signed in with both factors, and allowed to the role.

Sets `request.state.account` and `request.state.csrf`. Unsafe methods need the token of the session in the form field `csrf`
or the header `X-CSRF-Token`. An event stream ends soon after its session does.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.config import Settings
from bot.domain.permissions import is_enrolment, is_public, may_call
from bot.flows.helpline import Helpline
from bot.store import audit, sessions
from bot.store.sessions import Session
from bot.web.body import read_body
from bot.web.console.headers import protect

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SIGN_IN = "/console/sign-in"
FORM = "application/x-www-form-urlencoded"
LONGEST_FORM = 64 * 1024
STREAM_CHECK = timedelta(seconds=20)


class Door:
    """What the guard asks: which session a cookie names. Put into `app.state.door` once the helpline runs."""

    def __init__(self, helpline: Helpline, settings: Settings) -> None:
        self._database = helpline.database
        self.clock: Callable[[], datetime] = helpline.clock
        self.is_secure = settings.is_public
        self.own_host = urlsplit(settings.public_url).netloc
        self.cookie = "__Host-relais" if settings.is_public else "relais"

    async def session_of(self, token: str) -> Session | None:
        """The live session of a token; its last use is noted once a minute."""
        now = self.clock()
        async with self._database.read() as session:
            found = await sessions.find(session, token, now)
        if found is not None and now - found.seen_at >= sessions.SEEN_EVERY:
            async with self._database.write(first=True) as session:
                await sessions.touch(session, found.id, now)
        return found

    async def is_live(self, token: str) -> bool:
        """Whether the session still exists, without counting as use."""
        async with self._database.read() as session:
            return await sessions.find(session, token, self.clock()) is not None

    async def note_refusal(self, found: Session, path: str) -> None:
        """Somebody signed in asked for what is not theirs."""
        async with self._database.write() as session:
            subject = "/".join(path.split("/")[:3])
            await audit.append(session, self.clock(), f"account:{found.account.id}", "route_refused", subject, "role")


class _SessionEndedError(Exception):
    """The session ended while a response was streaming."""


class Guard:
    """ASGI middleware: the only way to a route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        door: Door | None = getattr(scope["app"].state, "door", None)
        path = scope["path"]
        is_console = path == "/console" or path.startswith("/console/")
        if is_console:
            send = _protecting(send, is_secure=door is not None and door.is_secure, may_be_kept="/static/" in path)
        if is_public(path):
            await self._app(scope, receive, send)
            return
        if not is_console:
            await JSONResponse({"error": "Not Found"}, HTTPStatus.NOT_FOUND)(scope, receive, send)
            return
        if door is None:
            await JSONResponse({"error": "starting"}, HTTPStatus.SERVICE_UNAVAILABLE)(scope, receive, send)
            return
        await self._enter(door, Request(scope, receive), send)

    async def _enter(self, door: Door, request: Request, send: Send) -> None:
        token = request.cookies.get(door.cookie, "")
        found = await door.session_of(token) if token else None
        if found is None or not (found.is_full or is_enrolment(request.url.path)):
            await _ask_to_sign_in(request, found)(request.scope, request.receive, send)
            return
        if found.is_full and not may_call(found.account, request.url.path):
            await door.note_refusal(found, request.url.path)
            refusal = JSONResponse({"error": f"not for the role {found.account.role}"}, HTTPStatus.FORBIDDEN)
            await refusal(request.scope, request.receive, send)
            return
        try:
            receive = await _checked_body(request, found, door)
        except HTTPException as error:
            refusal = JSONResponse({"error": error.detail}, error.status_code)
            await refusal(request.scope, request.receive, send)
            return
        request.scope["state"] = {
            **request.scope.get("state", {}),
            "account": found.account,
            "csrf": found.csrf,
            "session_id": found.id,
        }
        try:
            await self._app(request.scope, receive, _ending_with_session(door, token, send))
        except _SessionEndedError:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def is_same_origin(request: Request, own_host: str) -> bool:
    """Whether the browser says that a page of ours sent this; browsers that say nothing are held to the token alone."""
    site = request.headers.get("sec-fetch-site", "")
    if site:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin", "")
    if not origin:
        return True
    return urlsplit(origin).netloc in (own_host, request.headers.get("host", ""))


async def _checked_body(request: Request, found: Session, door: Door) -> Receive:
    """How to receive the body of a request whose CSRF token is right; HTTPException when it is not."""
    if request.method in SAFE:
        return request.receive
    if not is_same_origin(request, door.own_host):
        raise HTTPException(HTTPStatus.FORBIDDEN, "expected a request from our own pages")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "nothing can be uploaded here")
    body = await read_body(request, LONGEST_FORM)
    given = request.headers.get("x-csrf-token", "")
    if not given and kind == FORM:
        given = dict(parse_qsl(body.decode("utf-8", "replace"))).get("csrf", "")
    if not secrets.compare_digest(given.encode(), found.csrf.encode()):
        raise HTTPException(HTTPStatus.FORBIDDEN, "expected the page's csrf token: reload the page and try again")
    return _replaying(body, request.receive)


def _replaying(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


def _protecting(send: Send, *, is_secure: bool, may_be_kept: bool) -> Send:
    async def protecting(message: Message) -> None:
        if message["type"] == "http.response.start":
            protect(message, is_secure=is_secure, may_be_kept=may_be_kept)
        await send(message)

    return protecting


def _ending_with_session(door: Door, token: str, send: Send) -> Send:
    """Event streams live for hours: look now and then whether the session still does."""
    checked = door.clock()
    is_stream = False

    async def watching(message: Message) -> None:
        nonlocal checked, is_stream
        if message["type"] == "http.response.start":
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            is_stream = any(value.startswith(b"text/event-stream") for value in kinds)
        elif is_stream and door.clock() - checked >= STREAM_CHECK:
            checked = door.clock()
            if not await door.is_live(token):
                raise _SessionEndedError
        await send(message)

    return watching


def _ask_to_sign_in(request: Request, found: Session | None) -> Response:
    to = "/console/account/enrol" if found is not None else SIGN_IN
    if "hx-request" in request.headers:
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": to})
    accepted = request.headers.get("accept", "*/*")
    if request.method in SAFE and ("text/html" in accepted or "*/*" in accepted):
        return RedirectResponse(to, HTTPStatus.SEE_OTHER)
    return JSONResponse({"error": "expected a signed-in session"}, HTTPStatus.UNAUTHORIZED)
