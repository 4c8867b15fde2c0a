"""`bot serve`: the gateway, with the engine as a child unless ENGINE_URL names one."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import resource
import signal
import sys
from datetime import UTC, datetime
from typing import Any

import uvicorn
from sqlalchemy.exc import IntegrityError

from bot.app import Service, build_web
from bot.commands.engine import wait_until_ready
from bot.config import Settings
from bot.dialogue.child import EngineChild, EngineMissingError
from bot.dialogue.rasa import Engine
from bot.store import accounts, audit, demo
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.migrate import current_revision, migrate, newest_revision
from bot.web.patience import PatientProtocol

ROLES = ("all", "web", "worker")


def add_parser(subparsers: Any) -> None:
    """`bot serve`."""
    parser = subparsers.add_parser("serve", help="run the bot")
    parser.add_argument(
        "--role", choices=ROLES, default="all", help="web: webhooks and console; worker: answer, deliver"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run until stopped."""
    child = None if settings.engine_url else EngineChild()
    if child is not None:
        child.check()
    problem = asyncio.run(_prepare(settings))
    has_demo = not problem and options.role != "worker" and asyncio.run(prepare_demo(settings))
    if problem:
        sys.stderr.write(f"bot serve: {problem}\n")
        return 2
    if options.role == "worker":
        return asyncio.run(_work(settings, child))
    return asyncio.run(_serve(settings, options.role, child, has_demo=has_demo))


async def _prepare(settings: Settings) -> str:
    """Bring SQLite to the newest schema; on PostgreSQL that is a step of its own, so only check. A problem, or nothing."""
    database = Database(settings.database_url)
    try:
        if database.is_sqlite:
            await migrate(database)
            return ""
        current = await current_revision(database)
        if current != newest_revision():
            return f"the database is at revision {current or 'none'}, expected {newest_revision()}: run `bot migrate`"
        return ""
    finally:
        await database.close()


async def prepare_demo(settings: Settings) -> bool:
    """On a development installation nobody else can reach: ready accounts. Anywhere else: none, and none left over."""
    database = Database(settings.database_url)
    now = datetime.now(UTC)
    try:
        with contextlib.suppress(IntegrityError):
            # Refused where another process, started at the same time, is making them.
            async with database.write() as session:
                if settings.is_private:
                    await demo.make(session, Keyring(settings.keys), now)
                elif ended := await demo.end(session, now):
                    await audit.append(session, now, "system", "demo_ended", f"accounts:{ended}", "public")
        async with database.read() as session:
            return await accounts.count_demo(session) > 0
    finally:
        await database.close()


def _allow_connections() -> None:
    """Many systems let a process open 1,024 files unless it asks for more; slow connections would use them up."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16_384 if most == resource.RLIM_INFINITY else min(most, 16_384)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _keep_what_was_loaded() -> None:
    """Words, models and directory live as long as the process: searching them for garbage would hold up everybody's messages."""
    gc.collect()
    gc.freeze()


async def _serve(settings: Settings, role: str, child: EngineChild | None, *, has_demo: bool) -> int:
    _allow_connections()
    config = uvicorn.Config(
        build_web(settings, role, child),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
        http=PatientProtocol,
        limit_concurrency=4000,
    )
    server = uvicorn.Server(config)
    announcing = asyncio.create_task(_announce(settings, child, server, has_demo=has_demo))
    await server.serve()
    announcing.cancel()
    await asyncio.gather(announcing, return_exceptions=True)
    return 0 if server.started else 1


async def _announce(settings: Settings, child: EngineChild | None, server: uvicorn.Server, *, has_demo: bool) -> None:
    """Say what to open, once it answers."""
    while not server.started:
        await asyncio.sleep(0.05)
    _keep_what_was_loaded()
    address = f"http://{settings.host}:{settings.port}"
    sys.stdout.write("Starting the engine, a few seconds…\n")
    sys.stdout.flush()
    if child is not None:
        engine = Engine((child.url,), child.token, settings.engine_timeout)
        try:
            await wait_until_ready(engine)
        except EngineMissingError as error:
            sys.stdout.write(f"{error}\n")
        finally:
            await engine.close()
    lines = ["", "Relais is running."]
    if settings.has_simulator:
        lines.append(f"  Be the teen:   {address}/simulator")
    lines.append(f"  Volunteers:    {address}/console")
    if has_demo:
        lines.append(
            "  ***  DEMONSTRATION ACCOUNTS ARE ON: the sign-in page shows their names, password and codes.  ***"
        )
        lines.append(
            "  ***  They exist on this machine only, and are disabled as soon as PUBLIC_URL is https.       ***"
        )
    lines.append(f"  Is it ready:   {address}/readyz")
    if settings.has_telegram:
        lines.append(f"  Telegram:      {settings.telegram_mode}")
    if settings.has_whatsapp:
        lines.append(f"  WhatsApp:      set the webhook to {settings.public_url}/webhooks/whatsapp")
    lines += ["  Stop:          Ctrl-C", ""]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


async def _work(settings: Settings, child: EngineChild | None) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopping.set)
    async with Service(settings, "worker", child).running():
        _keep_what_was_loaded()
        await stopping.wait()
    return 0
