"""Signing in, being signed in, and being signed out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import text, update
from starlette.applications import Starlette

from bot.config import async_database_url
from bot.domain.accounts import Role
from bot.store import accounts
from bot.store.database import Database
from bot.store.tables_accounts import SessionRow
from tests.people import COOKIE, PASSWORD, browser, code_of, csrf_of, enrolled, settings_for, started

SIGN_IN = "/console/sign-in"


@asynccontextmanager
async def console(database_url: str, **settings: object) -> AsyncIterator[tuple[Starlette, httpx.AsyncClient]]:
    """A running helpline and a browser."""
    read = settings_for(database_url, **settings)
    async with started(read) as app, browser(app, read.public_url) as client:
        yield app, client


async def sign_in(client: httpx.AsyncClient, name: str, code: str, password: str = PASSWORD) -> httpx.Response:
    """Fill in the form."""
    return await client.post(SIGN_IN, data={"name": name, "password": password, "code": code})


async def rows(database_url: str, query: str) -> list[Any]:
    """Rows as they stand in the database."""
    database = Database(async_database_url(database_url))
    try:
        async with database.read() as session:
            return [tuple(row) for row in (await session.execute(text(query))).all()]
    finally:
        await database.close()


async def test_both_factors_open_the_door_and_one_does_not(database_url: str) -> None:
    """A stolen password alone lets nobody read what a child wrote (P17)."""
    async with console(database_url) as (_, client):
        _, secret = await enrolled(database_url, "Sam", Role.VOLUNTEER)
        refused = [
            await sign_in(client, "Sam", ""),
            await sign_in(client, "Sam", "000000"),
            await sign_in(client, "Sam", code_of(secret), password="not this one"),
            await sign_in(client, "Nobody", code_of(secret)),
        ]
        accepted = await sign_in(client, "Sam", code_of(secret))

    assert [401] * 4 == [answer.status_code for answer in refused]
    assert 1 == len({re.sub(r"\d{6}", "", answer.text) for answer in refused})
    assert (303, "/console") == (accepted.status_code, accepted.headers["location"])


async def test_a_code_works_once(sqlite_url: str) -> None:
    """A code read over a shoulder is worth nothing any more."""
    async with console(sqlite_url) as (_, client):
        _, secret = await enrolled(sqlite_url, "Sam", Role.VOLUNTEER)
        code = code_of(secret)
        answers = [await sign_in(client, "Sam", code) for _ in range(2)]

    assert [303, 401] == [answer.status_code for answer in answers]


async def test_the_first_sign_in_leads_to_the_second_factor_and_nowhere_else(sqlite_url: str) -> None:
    """Every role sets up a second factor before anything is shown, and the recovery codes stand in for it once."""
    async with console(sqlite_url) as (_, client):
        database = Database(async_database_url(sqlite_url))
        async with database.write() as session:
            _, password = await accounts.add(session, "Alex", Role.ADMIN, datetime.now(UTC))
        await database.close()
        invited = await sign_in(client, "Alex", "", password)
        elsewhere = await client.get("/console/accounts")
        page = (await client.get("/console/account/enrol")).text
        picture = await client.get("/console/account/enrol/qr.svg")
        secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
        assert secret is not None
        code = pyotp.TOTP(secret[1].replace(" ", "")).now()
        weak = await client.post(
            "/console/account/enrol", data={"csrf": csrf_of(page), "code": code, "password": "alexalexalexalex"}
        )
        before = client.cookies[COOKIE]
        done = await client.post(
            "/console/account/enrol", data={"csrf": csrf_of(page), "code": code, "password": PASSWORD}
        )
        again = await client.get("/console/account/enrol/qr.svg")
        home = await client.get("/console/accounts")
        codes = re.findall(r"<li><code>([^<]+)</code>", done.text)
        used = [await sign_in(client, "Alex", codes[0]) for _ in range(2)]

    assert "/console/account/enrol" == invited.headers["location"] == elsewhere.headers["location"]
    assert "image/svg+xml" == picture.headers["content-type"]
    assert "style=" not in picture.text
    assert (422, 200, 409, 200) == (weak.status_code, done.status_code, again.status_code, home.status_code)
    assert before != client.cookies[COOKIE]
    assert 10 == len(set(codes))
    assert [303, 401] == [answer.status_code for answer in used]


async def test_too_many_attempts_are_put_off_even_with_the_right_password(sqlite_url: str) -> None:
    """Nobody guesses their way in."""
    async with console(sqlite_url) as (_, client):
        _, secret = await enrolled(sqlite_url, "Sam", Role.VOLUNTEER)
        answers = [await sign_in(client, "Sam", "000000", "wrong") for _ in range(9)]
        right = await sign_in(client, "Sam", code_of(secret))

    assert [401] * 8 + [429] == [answer.status_code for answer in answers]
    assert 429 == right.status_code
    assert "900" == right.headers["retry-after"]


async def test_a_session_is_new_at_each_sign_in_and_the_old_one_is_dead(sqlite_url: str) -> None:
    """A cookie planted or stolen before signing in opens nothing afterwards."""
    async with console(sqlite_url) as (app, client):
        _, secret = await enrolled(sqlite_url, "Alex", Role.ADMIN)
        client.cookies.set(COOKIE, "planted-by-somebody", domain="127.0.0.1")
        await sign_in(client, "Alex", code_of(secret))
        first = client.cookies[COOKIE]
        await client.post(
            "/console/account/sessions/end", data={"csrf": csrf_of((await client.get("/console/account")).text)}
        )
        async with browser(app) as thief:
            stolen = await thief.get("/console/accounts", headers={"Cookie": f"{COOKIE}={first}"})
            planted = await thief.get("/console/accounts", headers={"Cookie": f"{COOKIE}=planted-by-somebody"})
        stored = await rows(sqlite_url, "SELECT token_hash FROM console_sessions")

    assert "planted-by-somebody" != first
    assert (303, 303) == (stolen.status_code, planted.status_code)
    assert [] == [row for row in stored if first.encode() in row[0]]


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": datetime.now(UTC) - timedelta(seconds=1)},
        {"seen_at": datetime.now(UTC) - timedelta(minutes=46)},
    ],
)
async def test_a_session_ends_by_itself(sqlite_url: str, change: dict[str, datetime]) -> None:
    """A page left open on a shared computer closes: after 45 minutes without use, after twelve hours in any case."""
    async with console(sqlite_url) as (_, client):
        _, secret = await enrolled(sqlite_url, "Alex", Role.ADMIN)
        await sign_in(client, "Alex", code_of(secret))
        before = await client.get("/console/accounts")
        database = Database(async_database_url(sqlite_url))
        async with database.write() as session:
            await session.execute(update(SessionRow).values(**change))
        await database.close()
        after = await client.get("/console/accounts")

    assert (200, 303) == (before.status_code, after.status_code)


async def test_a_disabled_account_is_out_at_once(sqlite_url: str) -> None:
    """Whoever leaves the association reads nothing more, in the page they have open either."""
    async with console(sqlite_url) as (app, client):
        _, secret = await enrolled(sqlite_url, "Alex", Role.ADMIN)
        _, other = await enrolled(sqlite_url, "Sam", Role.ADMIN)
        await sign_in(client, "Alex", code_of(secret))
        page = (await client.get("/console/accounts")).text
        number = re.search(r"/console/accounts/(\d+)/disable", page)
        assert number is not None
        async with browser(app) as leaving:
            await sign_in(leaving, "Sam", code_of(other))
            await client.post(f"/console/accounts/{number[1]}/disable", data={"csrf": csrf_of(page)})
            gone = await leaving.get("/console/accounts")
            back = await sign_in(leaving, "Sam", code_of(other))

    assert (303, 401) == (gone.status_code, back.status_code)


async def test_cookies_and_headers_are_strict(sqlite_url: str) -> None:
    """On https the cookie belongs to this host alone and no page can be framed, cached or made to run foreign code."""
    public = {"public_url": "https://relais.example", "simulator": False}
    async with console(sqlite_url, **public) as (_, client):
        _, secret = await enrolled(sqlite_url, "Alex", Role.ADMIN)
        answer = await sign_in(client, "Alex", code_of(secret))
        page = await client.get("/console/accounts")
        _, secret = await enrolled(sqlite_url, "Sam", Role.VOLUNTEER)
        await sign_in(client, "Sam", code_of(secret))
        chosen = await client.get("/console/language/en")
    cookie = answer.headers["set-cookie"]
    policy = page.headers["content-security-policy"]

    assert cookie.startswith("__Host-relais=")
    assert all(part in cookie for part in ("Path=/", "Secure", "HttpOnly", "SameSite=lax"))
    assert "Domain" not in cookie
    assert all(part in chosen.headers["set-cookie"] for part in ("Path=/console", "Secure", "HttpOnly", "SameSite=lax"))
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert ("no-store", "same-origin", "DENY", "nosniff") == tuple(
        page.headers[name] for name in ("cache-control", "referrer-policy", "x-frame-options", "x-content-type-options")
    )
    assert "max-age" in page.headers["strict-transport-security"]
    assert not re.search(r"<style|style=|<script(?! src)| on\w+=", page.text + answer.text)


async def test_unsafe_requests_need_the_page_s_token(sqlite_url: str) -> None:
    """Another site cannot act through a volunteer's browser."""
    async with console(sqlite_url) as (_, client):
        _, secret = await enrolled(sqlite_url, "Alex", Role.ADMIN)
        foreign = await client.post(SIGN_IN, data={"name": "Alex"}, headers={"Sec-Fetch-Site": "cross-site"})
        await sign_in(client, "Alex", code_of(secret))
        token = csrf_of((await client.get("/console/accounts")).text)
        form = {"name": "Noor", "role": "volunteer"}
        answers = [
            await client.post("/console/accounts", data=form),
            await client.post("/console/accounts", data={**form, "csrf": "wrong"}),
            await client.post(
                "/console/accounts", data=form, headers={"X-CSRF-Token": token, "Origin": "https://evil.x"}
            ),
            await client.post("/console/accounts", files={"csrf": (None, token)}),
            await client.post("/console/accounts", data={**form, "csrf": token, "filler": "x" * 70_000}),
            await client.post("/console/accounts", data=form, headers={"X-CSRF-Token": token}),
            await client.post("/console/accounts", data={**form, "name": "Iman", "csrf": token}),
        ]

    assert 403 == foreign.status_code
    assert [403, 403, 403, 415, 413, 201, 201] == [answer.status_code for answer in answers]


async def test_what_somebody_is_called_is_never_markup(sqlite_url: str) -> None:
    """Names are text wherever they are shown."""
    async with console(sqlite_url) as (_, client):
        _, secret = await enrolled(sqlite_url, "Alex", Role.ADMIN)
        await enrolled(sqlite_url, "<img src=x onerror=alert(1)>", Role.VOLUNTEER)
        await sign_in(client, "Alex", code_of(secret))
        page = (await client.get("/console/accounts")).text

    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


async def test_demonstration_accounts_never_work_where_real_people_can_reach_us(sqlite_url: str) -> None:
    """Even left over in the database, a demonstration account opens nothing on https, and is not shown."""
    public = {"public_url": "https://relais.example", "simulator": False}
    async with console(sqlite_url, **public) as (_, client):
        _, secret = await enrolled(sqlite_url, "demo", Role.SUPERVISOR, demo=True)
        page = await client.get(SIGN_IN)
        answer = await sign_in(client, "demo", code_of(secret))

    assert 401 == answer.status_code
    assert "demo" not in page.text.replace("demonstration", "").lower()


async def test_the_audit_log_says_who_came_and_never_their_password(sqlite_url: str) -> None:
    """Signing in and failing to leave a row; what was typed does not."""
    async with console(sqlite_url) as (_, client):
        _, secret = await enrolled(sqlite_url, "Sam", Role.VOLUNTEER)
        await sign_in(client, "Sam", "", "zinzolin-typed-by-mistake")
        await sign_in(client, "zinzolin-typed-by-mistake", "")
        await sign_in(client, "Sam", code_of(secret))
        await client.get("/console/accounts")
        found = await rows(sqlite_url, "SELECT action, actor, subject, why FROM audit_log ORDER BY id")

    assert ["sign_in_failed", "sign_in_failed", "signed_in", "route_refused"] == [row[0] for row in found]
    assert "zinzolin" not in str(found)


async def test_pages_speak_english_too(sqlite_url: str) -> None:
    """Volunteers read the pages in French or English."""
    async with console(sqlite_url) as (_, client):
        english = await client.get(SIGN_IN, headers={"Accept-Language": "en-GB,en;q=0.9"})
        french = await client.get(SIGN_IN, headers={"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.1"})

    assert "Sign in" in english.text
    assert "Se connecter" in french.text
