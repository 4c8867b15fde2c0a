"""Every route for every role: whatever is added later is walked too."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Message

from bot.domain.accounts import Role
from bot.domain.permissions import ADMINS, EVERYONE, is_public, roles_for
from bot.store import sessions
from tests.people import COOKIE, cookie_of, enrolled, settings_for, started

OPEN = {
    "GET /metrics",
    "GET /healthz",
    "GET /readyz",
    "POST /webhooks/telegram",
    "POST /webhooks/whatsapp",
    "POST /webhooks/whatsapp/status",
    "GET /simulator",
    "POST /simulator/messages",
    "GET /simulator/messages",
    "GET /simulator/static/x",
    "GET /papers/x",
    "POST /papers/x",
    "GET /console/sign-in",
    "POST /console/sign-in",
    "GET /console/static/x",
    "GET /console/account/static/x",
}
"""All that may ever answer without signing in. Adding to it is a decision about children's words."""
WHO = ("nobody", "enrolling", *(str(role) for role in Role))
PARAMETER = re.compile(r"\{\w+(?::(\w+))?\}")
CHANNELS: dict[str, object] = {
    "telegram_bot_token": "1:x",
    "telegram_mode": "webhook",
    "telegram_webhook_secret": "s" * 20,
    "telegram_api_base_url": "http://127.0.0.1:9",
    "twilio_account_sid": "AC1",
    "twilio_auth_token": "t" * 20,
    "twilio_whatsapp_from": "+33600000000",
    "twilio_api_base_url": "http://127.0.0.1:9",
    "simulator": True,
}


def walk(routes: list[BaseRoute], prefix: str = "") -> list[tuple[str, str]]:
    """Every (method, path) there is, parameters filled in."""
    found: list[tuple[str, str]] = []
    for route in routes:
        if isinstance(route, Mount):
            inner = list(route.routes)
            found += walk(inner, prefix + route.path) if inner else [("GET", f"{prefix}{route.path}/x")]
        elif isinstance(route, Route):
            path = PARAMETER.sub(lambda match: "1" if match[1] == "int" else "x", prefix + route.path)
            found += [(method, path) for method in sorted(route.methods or ()) if method != "HEAD"]
        else:
            raise TypeError(f"a route of unknown kind: {route}")
    return found


async def ask(app: Starlette, method: str, path: str, cookie: str = "") -> tuple[int, dict[str, str], str]:
    """Status, headers and beginning of the body: event streams are left as soon as they start."""
    begun: list[Message] = []
    has_begun = asyncio.Event()
    body: list[bytes] = []

    pending: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return pending.pop() if pending else await _never()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            begun.append(message)
            has_begun.set()
        else:
            body.append(message.get("body", b""))

    headers = [(b"host", b"127.0.0.1:8000"), (b"accept", b"text/html")]
    if cookie:
        headers.append((b"cookie", f"{COOKIE}={cookie}".encode()))
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    task = asyncio.create_task(app(scope, receive, send))
    async with asyncio.timeout(10):
        await has_begun.wait()
    await asyncio.wait([task], timeout=0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    message = begun[0]
    return (
        message["status"],
        {name.decode().lower(): value.decode() for name, value in message["headers"]},
        b"".join(body).decode("utf-8", "replace"),
    )


@asynccontextmanager
async def everyone(database_url: str, **settings: object) -> AsyncIterator[tuple[Starlette, dict[str, str]]]:
    """The application with every channel on, and a cookie for each kind of person."""
    async with started(settings_for(database_url, **settings)) as app:
        cookies = {"nobody": ""}
        for role in Role:
            account, _ = await enrolled(database_url, f"the {role}", role)
            cookies[role] = await cookie_of(database_url, account)
            if role is Role.ADMIN:
                cookies["enrolling"] = await cookie_of(database_url, account, sessions.ENROL)
        yield app, cookies


async def test_every_route_for_every_role(sqlite_url: str) -> None:
    """Deny by default: each route answers exactly those whom a rule allows, and no unsafe request without its token."""
    wrong: list[str] = []
    async with everyone(sqlite_url, **CHANNELS) as (app, cookies):
        walked = walk(list(app.router.routes))
        for method, path in walked:
            for who in WHO:
                status, headers, body = await ask(app, method, path, cookies[who])
                problem = judge(who, method, path, status, headers, body)
                if problem:
                    wrong.append(f"{who}: {method} {path} -> {status}: {problem}")

    assert [] == wrong
    assert {f"{method} {path}" for method, path in walked if is_public(path)} <= OPEN
    assert len(walked) > 15


def judge(who: str, method: str, path: str, status: int, headers: dict[str, str], body: str) -> str:
    """What is wrong about an answer; nothing when it is as it must be."""
    if is_public(path):
        return ""
    if not path.startswith("/console"):
        return "" if status == 404 else "a route outside the console that no rule makes public"
    if not roles_for(path):
        return "no rule in bot/domain/permissions.py"
    is_out = status == 401 or (status == 303 and headers["location"] in ("/console/sign-in", "/console/account/enrol"))
    if who == "nobody" or (who == "enrolling" and not path.startswith(("/console/account/enrol", "/console/sign-out"))):
        return "" if is_out else "open to somebody who is not signed in"
    if who == "enrolling":
        return "" if method == "GET" or status == 403 else "changed without the page's token"
    if Role(who) not in roles_for(path):
        return "" if status == 403 and "not for the role" in body else "open to a role no rule allows"
    if is_out or (status == 403 and "not for the role" in body):
        return "closed to a role a rule allows"
    if method not in ("GET", "HEAD", "OPTIONS") and not (status == 403 and "csrf" in body):
        return "changed without the page's token"
    return ""


@pytest.mark.parametrize("path", ["/debug", "/consol", "/console2", "/Console/accounts", "//console"])
async def test_a_route_no_rule_knows_answers_nobody(sqlite_url: str, path: str) -> None:
    """A page somebody adds in a hurry is closed until a rule opens it."""

    async def leak(request: object) -> StreamingResponse:
        return StreamingResponse(iter([b"zinzolin"]))

    async with everyone(sqlite_url) as (app, cookies):
        app.router.routes.append(Route(path, leak))
        answers = [await ask(app, "GET", path, cookies[who]) for who in WHO]

    assert not [answer for answer in answers if "zinzolin" in answer[2]]


async def test_an_event_stream_ends_with_its_session(sqlite_url: str) -> None:
    """A live page stops within seconds of its session: what a child writes does not stream to who was sent away."""
    sent: list[bytes] = []

    async def stream(request: object) -> StreamingResponse:
        async def beats() -> AsyncIterator[bytes]:
            while True:
                yield b"data: x\n\n"
                await asyncio.sleep(0.01)

        return StreamingResponse(beats(), media_type="text/event-stream")

    async with everyone(sqlite_url) as (app, cookies):
        app.router.routes.append(Route("/console/events", stream))
        real = app.state.door.clock
        begun = real()
        app.state.door.clock = lambda: begun + (real() - begun) * 3000
        async with asyncio.timeout(20):
            await app(
                {
                    "type": "http",
                    "method": "GET",
                    "path": "/console/events",
                    "root_path": "",
                    "query_string": b"",
                    "headers": [(b"cookie", f"{COOKIE}={cookies['volunteer']}".encode())],
                    "client": ("127.0.0.1", 1),
                },
                _never,
                lambda message: _keep(sent, message),
            )

    assert sent
    assert b"" == sent[-1]


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def _keep(sent: list[bytes], message: Message) -> None:
    sent.append(message.get("body", b""))


def test_the_rules_cover_what_they_should() -> None:
    """Administration reads no conversation, listeners manage no account, and the longest rule decides."""
    assert Role.ADMIN not in roles_for("/console/conversations/1")
    assert ADMINS == roles_for("/console/accounts/3/disable")
    assert EVERYONE == roles_for("/console/account")
    assert frozenset() == roles_for("/elsewhere")
