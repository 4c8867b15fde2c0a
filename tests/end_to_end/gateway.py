"""A whole gateway for one test: real HTTP, real rows, real triage and words, fake providers, the engine as given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from bot.app import build_web
from bot.config import Settings, async_database_url, load_settings
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.wires import telegram, twilio
from tests.wires.server import free_port, serving

SECRET = "webhook-secret"
PATIENCE = 5.0
"""Everybody gets an answer within five seconds, whatever happens to the engine."""


@dataclass
class Gateway:
    """The running gateway and the two providers."""

    url: str
    http: httpx.AsyncClient
    telegram: telegram.FakeTelegram
    twilio: twilio.FakeTwilio
    settings: Settings

    async def update(self, update: object, secret: str = SECRET) -> httpx.Response:
        """Deliver an update as Telegram does."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
        return await self.http.post(f"{self.url}/webhooks/telegram", json=update, headers=headers)

    async def form(
        self, fields: dict[str, str], path: str = "/webhooks/whatsapp", signature: str | None = None
    ) -> httpx.Response:
        """Deliver a form as Twilio does."""
        headers = {"X-Twilio-Signature": twilio.sign(self.url + path, fields) if signature is None else signature}
        return await self.http.post(f"{self.url}{path}", data=fields, headers=headers)

    async def until(self, reached: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Return when `reached`; fail after `seconds`."""
        async with asyncio.timeout(seconds):
            while not reached():
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running(
    database_url: str,
    *,
    engine_url: str = "http://127.0.0.1:9",
    engine_token: str = "x" * 16,
    **settings: object,
) -> AsyncIterator[Gateway]:
    """A gateway on `database_url`; without `engine_url` the engine is one that nobody answers at."""
    fake_telegram, fake_twilio = telegram.FakeTelegram(), twilio.FakeTwilio()
    database = Database(async_database_url(database_url))
    await migrate(database)
    await database.close()
    port = free_port()
    async with serving(fake_telegram.app) as telegram_url, serving(fake_twilio.app) as twilio_url:
        chosen = {
            "database_url": database_url,
            "engine_url": engine_url,
            "engine_token": engine_token,
            "secret_keys": "a-secret-key-for-tests",
            "public_url": f"http://127.0.0.1:{port}",
            "port": port,
            "telegram_bot_token": telegram.TOKEN,
            "telegram_webhook_secret": SECRET,
            "telegram_mode": "webhook",
            "telegram_api_base_url": telegram_url,
            "twilio_account_sid": twilio.ACCOUNT,
            "twilio_auth_token": twilio.TOKEN,
            "twilio_whatsapp_from": twilio.SENDER,
            "twilio_api_base_url": twilio_url,
            "quiet_window": 0.2,
            **settings,
        }
        read = load_settings(env_file=None, **chosen)
        async with serving(build_web(read, "all", None), port) as url, httpx.AsyncClient(trust_env=False) as http:
            yield Gateway(url, http, fake_telegram, fake_twilio, read)
