"""Several engines behind one helpline: one that fails or hangs costs nobody their answer. Faked at their own HTTP interface."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.dialogue.rasa import Engine
from bot.domain.replies import EngineAnswer, EngineFailure
from tests.wires.server import free_port, serving

TIMEOUT = 1.0


@dataclass
class FakeEngine:
    """Answers as told: at once, late, or with an error."""

    status: int = 200
    seconds: float = 0.0
    asked: int = 0

    @property
    def app(self) -> Starlette:
        """The server."""
        return Starlette(
            routes=[
                Route("/webhooks/relais/turn", self._turn, methods=["POST"]),
                Route("/webhooks/relais/health", self._health),
            ]
        )

    async def _turn(self, request: Request) -> Response:
        self.asked += 1
        await asyncio.sleep(self.seconds)
        reply: dict[str, object] = {"key": "utter_greet", "text": "bonjour", "quick_replies": [], "do": None}
        answer = {"intent": "greet", "confidence": 1.0, "replies": [reply], "state": {}, "ranking": [], "entities": []}
        return JSONResponse(answer, self.status)

    async def _health(self, request: Request) -> Response:
        await asyncio.sleep(self.seconds)
        return Response(status_code=self.status)


@asynccontextmanager
async def several(*engines: FakeEngine | None) -> AsyncIterator[Engine]:
    """A client of these engines; None is one that nobody answers at."""
    async with AsyncExitStack() as stack:
        urls = []
        for engine in engines:
            address = f"http://127.0.0.1:{free_port()}"
            urls.append(address if engine is None else await stack.enter_async_context(serving(engine.app)))
        client = Engine.at(", ".join(urls), "x" * 16, TIMEOUT)
        yield client
        await client.close()


async def ask(engine: Engine) -> EngineAnswer | EngineFailure:
    """One turn."""
    return await engine.turn("salut", "", None, {})


async def test_a_turn_moves_to_another_engine_when_one_is_dead() -> None:
    """A dead engine costs no answer, and is not asked again at every turn."""
    good, bad = FakeEngine(), FakeEngine(status=500)
    async with several(None, bad, good) as engine:
        answers = [await ask(engine) for _ in range(4)]

    assert all(isinstance(answer, EngineAnswer) for answer in answers)
    assert 4 == good.asked
    assert bad.asked <= 1


async def test_a_turn_moves_on_in_time_when_an_engine_hangs() -> None:
    """A hanging engine leaves enough of the turn's time to ask the other."""
    good = FakeEngine()
    async with several(FakeEngine(seconds=30), good) as engine:
        started = time.monotonic()
        answer = await ask(engine)
        took = time.monotonic() - started

    assert isinstance(answer, EngineAnswer)
    assert took < TIMEOUT + 0.2


async def test_when_all_fail_the_turn_ends_in_time() -> None:
    """Whatever the engines do, the turn has its answer or its failure within its time."""
    async with several(FakeEngine(seconds=30), FakeEngine(seconds=30), None) as engine:
        started = time.monotonic()
        answer = await ask(engine)
        took = time.monotonic() - started

    assert isinstance(answer, EngineFailure)
    assert took < TIMEOUT + 0.3


async def test_the_watch_finds_the_dead_and_the_risen() -> None:
    """A dead engine is found before a turn meets it, and asked again once it answers."""
    one, other = FakeEngine(status=503), FakeEngine()
    async with several(one, other) as engine:
        watching = asyncio.create_task(engine.watch())
        async with asyncio.timeout(5):
            while engine.places[0].is_up:
                await asyncio.sleep(0.01)
        await ask(engine)
        asked_while_dead = one.asked
        one.status = 200
        engine.places[0].rests_until = 0.0
        ready = await engine.is_ready()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    assert 0 == asked_while_dead
    assert ready
    assert [True, True] == [place.is_up for place in engine.places]


async def test_work_is_shared_among_engines() -> None:
    """While one engine is busy the other is asked."""
    engines = (FakeEngine(seconds=0.1), FakeEngine(seconds=0.1))
    async with several(*engines) as engine:
        await asyncio.gather(*(ask(engine) for _ in range(6)))

    assert [3, 3] == [engine.asked for engine in engines]
