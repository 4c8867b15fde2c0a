"""The composition root: builds the helpline from the settings, starts what a role needs, stops it in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from telegram.error import TelegramError

from bot.channels.base import Channel
from bot.channels.simulator import SimulatorChannel
from bot.channels.telegram import TelegramChannel
from bot.channels.whatsapp import WhatsAppChannel
from bot.config import ROOT, Settings, TelegramMode
from bot.dialogue.child import EngineChild
from bot.dialogue.content import ContentError, Words
from bot.dialogue.rasa import Engine
from bot.flows import alerts, away, paper, waiting, window
from bot.flows.helpline import Clock, Helpline
from bot.flows.herald import Herald, keep_time
from bot.flows.own_words import REQUIRED_KEYS
from bot.flows.poll import TelegramPoller
from bot.store.contacts import Defaults
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.directory import load_directory
from bot.store.moments import DatabaseClock
from bot.store.platforms import load_platforms
from bot.store.rights import load_rights
from bot.store.understanding import load_triage
from bot.web import console
from bot.web.console.accounts import AccountPages
from bot.web.console.auth import Authentication
from bot.web.console.guard import Door
from bot.web.console.reveals import LastResort
from bot.web.health import Health
from bot.web.metrics import metrics, watch_engines
from bot.web.papers import Papers
from bot.web.server import build
from bot.web.simulator import Simulator
from bot.web.webhooks import Webhooks
from bot.worker import Worker

_log = structlog.get_logger(__name__)


def system_clock() -> datetime:
    """Now, aware."""
    return datetime.now(UTC)


def load_words() -> Words:
    """The words of responses/, complete as far as the gateway itself needs them."""
    words = Words.load(ROOT / "responses")
    missing = [
        key
        for key in (
            *REQUIRED_KEYS,
            *waiting.REQUIRED_KEYS,
            *window.REQUIRED_KEYS,
            *away.REQUIRED_KEYS,
            *alerts.REQUIRED_KEYS,
            *paper.REQUIRED_KEYS,
        )
        if key not in words
    ]
    if missing:
        raise ContentError(f"responses/: {', '.join(missing)} missing")
    return words


async def build_channels(settings: Settings) -> dict[str, Channel]:
    """The configured channels, by name."""
    channels: dict[str, Channel] = {}
    if settings.has_telegram:
        telegram = TelegramChannel(settings.telegram_bot_token, settings.telegram_api_base_url)
        await telegram.open()
        channels[telegram.name] = telegram
    if settings.has_whatsapp:
        channels["whatsapp"] = WhatsAppChannel(
            settings.twilio_account_sid,
            settings.twilio_auth_token,
            settings.twilio_whatsapp_from,
            settings.twilio_api_base_url,
            f"{settings.public_url}/webhooks/whatsapp/status",
            deletes_at_twilio=settings.twilio_delete_messages,
        )
    if settings.has_simulator:
        channels["simulator"] = SimulatorChannel()
    return channels


def build_helpline(
    settings: Settings, database: Database, engine: Engine, channels: dict[str, Channel], clock: Clock = system_clock
) -> Helpline:
    """Everything the flows work with; raises when words, directory or models are missing or wrong."""
    return Helpline(
        database=database,
        keyring=Keyring(settings.keys),
        triage=load_triage(ROOT),
        engine=engine,
        words=load_words(),
        directory=load_directory(ROOT / "directory", settings.default_country),
        channels=channels,
        clock=clock,
        defaults=Defaults(settings.default_language, settings.default_country),
        quiet_window=settings.quiet_window,
        rights=load_rights(ROOT / "nlu" / "rights.tsv"),
        templates=settings.templates,
        rates=settings.rates,
        platforms=load_platforms(ROOT / "nlu" / "lookups.yml"),
        public_url=settings.public_url,
    )


class Service:
    """A running gateway: `web` answers HTTP, `worker` answers people, `all` does both."""

    def __init__(self, settings: Settings, role: str, child: EngineChild | None) -> None:
        self._settings = settings
        self._role = role
        self._child = child
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Helpline]:
        """Start the parts, give the helpline, stop the parts in the opposite order."""
        settings = self._settings
        channels = await build_channels(settings)
        database = Database(settings.database_url, keeps_time=True)
        engine = self._engine()
        self._tasks.append(asyncio.create_task(engine.watch(), name="engines-watch"))
        watch_engines(engine)
        helpline = build_helpline(settings, database, engine, channels, await self._clock(database))
        self._carry_hints(helpline)
        worker = Worker(helpline)
        if self._role in ("all", "worker"):
            await worker.start()
            await self._listen_to_telegram(helpline)
        try:
            yield helpline
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await worker.stop()
            for channel in channels.values():
                await channel.close()
            await engine.close()
            if self._child is not None:
                await self._child.stop()
            await database.close()

    def _engine(self) -> Engine:
        settings = self._settings
        if self._child is None:
            return Engine.at(settings.engine_url, settings.engine_token, settings.engine_timeout)
        engine = Engine((self._child.url,), self._child.token, settings.engine_timeout)
        if self._role != "web":
            self._child.start()
            self._tasks.append(asyncio.create_task(self._child.watch(engine.is_ready), name="engine-watch"))
        return engine

    async def _clock(self, database: Database) -> Clock:
        """PostgreSQL's clock for all processes; with SQLite there is one process, and its own will do."""
        if database.is_sqlite:
            return system_clock
        clock = DatabaseClock(database)
        await keep_time(clock)
        self._tasks.append(asyncio.create_task(keep_time(clock, for_ever=True), name="clock"))
        return clock

    def _carry_hints(self, helpline: Helpline) -> None:
        if not helpline.database.is_sqlite:
            herald = Herald(helpline)
            self._tasks.append(asyncio.create_task(herald.tell(), name="hints-told"))
            if self._role != "web":
                self._tasks.append(asyncio.create_task(herald.listen(), name="hints-heard"))

    async def _listen_to_telegram(self, helpline: Helpline) -> None:
        channel = helpline.channels.get("telegram")
        if not isinstance(channel, TelegramChannel):
            return
        if self._settings.telegram_mode is TelegramMode.POLLING:
            self._tasks.append(asyncio.create_task(TelegramPoller(helpline, channel).run(), name="telegram-poller"))
            return
        try:
            await channel.set_webhook(
                f"{self._settings.public_url}/webhooks/telegram", self._settings.telegram_webhook_secret
            )
        except TelegramError as error:
            _log.error("webhook not registered, see bot doctor", error=type(error).__name__)


def build_web(settings: Settings, role: str, child: EngineChild | None) -> Starlette:
    """The application with everything of `role` started and stopped in its lifespan."""
    service = Service(settings, role, child)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with service.running() as helpline:
            webhooks = Webhooks(helpline, settings)
            app.state.door = Door(helpline, settings)
            app.router.routes.extend(_routes(settings, role, helpline, webhooks))
            _log.info("started", role=role, channels=sorted(helpline.channels))
            yield
            await webhooks.close()

    return build([Route("/metrics", metrics)], lifespan)


def _routes(settings: Settings, role: str, helpline: Helpline, webhooks: Webhooks) -> list[BaseRoute]:
    routes: list[BaseRoute] = [*Health(helpline).routes()]
    if role == "worker":
        return routes
    routes += webhooks.routes()
    routes += Papers(helpline).routes()
    routes += Authentication(helpline, settings).routes()
    routes += AccountPages(helpline).routes()
    routes += LastResort(helpline).routes()
    routes += console.routes(helpline)
    if settings.has_simulator:
        routes += Simulator(helpline).routes()
    return routes
