"""People of the console for tests: accounts that are enrolled, browsers that are signed in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pyotp
from starlette.applications import Starlette

from bot.app import build_web
from bot.config import Settings, async_database_url, load_settings
from bot.domain.accounts import Account, Role
from bot.store import accounts, sessions
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.tables_accounts import AccountRow

KEY = "a-secret-key-for-tests"
PASSWORD = "une phrase que je retiens"
COOKIE = "relais"
ORIGIN = "http://127.0.0.1:8000"


def settings_for(database_url: str, **settings: object) -> Settings:
    """Settings of a helpline without channels, with the simulator, whose engine answers nobody."""
    chosen = {
        "database_url": database_url,
        "engine_url": "http://127.0.0.1:9",
        "engine_token": "x" * 16,
        "secret_keys": KEY,
        "public_url": ORIGIN,
        **settings,
    }
    return load_settings(env_file=None, **chosen)


@asynccontextmanager
async def started(settings: Settings, role: str = "all") -> AsyncIterator[Starlette]:
    """The whole web application, started, without a socket."""
    database = Database(settings.database_url)
    await migrate(database)
    await database.close()
    app = build_web(settings, role, None)
    async with app.router.lifespan_context(app):
        yield app


def browser(app: Starlette, address: str = ORIGIN) -> httpx.AsyncClient:
    """A browser that follows nothing by itself."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=address)


async def enrolled(database_url: str, name: str, role: Role, *, demo: bool = False) -> tuple[Account, str]:
    """An account with both factors set up, and the secret of the second."""
    database, keyring, now = Database(async_database_url(database_url)), Keyring((KEY,)), datetime.now(UTC)
    try:
        async with database.write() as session:
            account, _ = await accounts.add(session, name, role, now, frozenset({"fr"}))
            row = await session.get_one(AccountRow, account.id)
            row.is_demo = demo
            await accounts.propose_second_factor(session, keyring, row)
            secret = await accounts.second_factor(session, keyring, account.id)
            await accounts.enrol(session, account.id, await accounts.hash_password(PASSWORD), 0, now)
    finally:
        await database.close()
    return account, secret


async def cookie_of(database_url: str, account: Account, stage: str = sessions.FULL) -> str:
    """A session of an account, as a cookie's value."""
    database = Database(async_database_url(database_url))
    try:
        async with database.write() as session:
            return await sessions.start(session, account.id, stage, datetime.now(UTC))
    finally:
        await database.close()


def code_of(secret: str) -> str:
    """The code the authenticator shows now."""
    return pyotp.TOTP(secret).now()


def csrf_of(page: str) -> str:
    """The token a page puts into its forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]
