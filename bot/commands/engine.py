"""The engine for commands that need one: the configured one, or a child of our own for the time of the command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.config import Settings
from bot.dialogue.child import EngineChild, EngineMissingError
from bot.dialogue.rasa import Engine

START_SECONDS = 90.0


@asynccontextmanager
async def engine_for(settings: Settings) -> AsyncIterator[Engine]:
    """A ready engine, stopped afterwards if we started it."""
    if settings.engine_url:
        engine = Engine.at(settings.engine_url, settings.engine_token, settings.engine_timeout)
        try:
            yield engine
        finally:
            await engine.close()
        return
    child = EngineChild()
    child.start()
    engine = Engine((child.url,), child.token, settings.engine_timeout)
    try:
        await wait_until_ready(engine)
        yield engine
    finally:
        await engine.close()
        await child.stop()


async def wait_until_ready(engine: Engine) -> None:
    """Return when the engine has its model; EngineMissingError when that takes too long."""
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await engine.is_ready():
                await asyncio.sleep(0.3)
    except TimeoutError:
        raise EngineMissingError(f"the engine was not ready after {START_SECONDS:.0f} s: see var/engine.log") from None
