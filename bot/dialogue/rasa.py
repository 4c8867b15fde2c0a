"""Asks the Rasa engine over HTTP, within a time limit. Every way it can fail comes back as data; the reply plan still holds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from bot.domain.messages import QuickReply
from bot.domain.replies import EngineAnswer, EngineFailure, EngineReply, EngineVerdict

FIRST_SHARE = 0.6
"""While another engine could still answer, one may use this part of a turn's time, so that some is left to ask the other."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Seconds an engine that failed is left alone, doubled each time it fails again."""
CHECK_SECONDS = 2.0
LEAST_TIME = 0.05
_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Place:
    """One engine as we know it: whether it answered last, how many of our questions it has now, when it is asked again."""

    url: str
    is_up: bool = True
    busy: int = 0
    failures: int = 0
    rests_until: float = 0.0

    @property
    def name(self) -> str:
        """Host and port, for logs and metrics."""
        return urlsplit(self.url).netloc

    def succeeded(self) -> None:
        """It answered."""
        if not self.is_up:
            _log.info("engine is back", engine=self.name)
        self.is_up, self.failures, self.rests_until = True, 0, 0.0

    def failed(self, now: float, why: str) -> None:
        """It did not: it rests, each time longer. Questions that failed together count once."""
        if now < self.rests_until:
            return
        if self.is_up:
            _log.warning("engine does not answer", engine=self.name, code=why)
        self.is_up = False
        self.rests_until = now + min(FIRST_PAUSE * 2.0**self.failures, LONGEST_PAUSE)
        self.failures += 1


class Engine:
    """One or several engines that keep nothing between calls, so that any of them can answer any turn."""

    def __init__(self, urls: tuple[str, ...], token: str, timeout: float) -> None:
        self.places = tuple(Place(url) for url in urls)
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=min(1.0, timeout)),
            headers={"Authorization": f"Bearer {token}"},
            limits=httpx.Limits(max_connections=32 * max(1, len(urls))),
            trust_env=False,
        )

    @classmethod
    def at(cls, addresses: str, token: str, timeout: float) -> Engine:
        """The engines at a comma-separated list of addresses."""
        return cls(tuple(url.strip().rstrip("/") for url in addresses.split(",") if url.strip()), token, timeout)

    async def turn(
        self, text: str, payload: str, state: dict[str, Any] | None, slots: dict[str, str | None]
    ) -> EngineAnswer | EngineFailure:
        """The engine's answer to one turn. An answer without a reply counts as a failure."""
        body = {"text": text, "payload": payload, "state": state, "slots": slots}
        answer = await self._ask("turn", body)
        if isinstance(answer, EngineFailure):
            return answer
        try:
            parsed = _parse_answer(answer)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return EngineFailure("nonsense")
        return parsed if parsed.replies else EngineFailure("empty")

    async def understand(self, texts: tuple[str, ...]) -> tuple[EngineVerdict, ...] | EngineFailure:
        """What the engine understands of each message, in the same order."""
        answer = await self._ask("understand", {"texts": texts})
        if isinstance(answer, EngineFailure):
            return answer
        try:
            verdicts = tuple(
                EngineVerdict(str(item["intent"]), float(item["confidence"])) for item in answer["verdicts"]
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            return EngineFailure("nonsense")
        return verdicts if len(verdicts) == len(texts) else EngineFailure("nonsense")

    async def is_ready(self) -> bool:
        """Whether an engine has its model loaded."""
        return any(await asyncio.gather(*(self._check(place) for place in self.places)))

    async def watch(self) -> None:
        """Ask each of several engines how it is, now and then, until cancelled: a dead one is found before a turn meets it."""
        while len(self.places) > 1:
            now = asyncio.get_running_loop().time()
            await asyncio.gather(*(self._check(place) for place in self.places if place.rests_until <= now))
            await asyncio.sleep(CHECK_SECONDS)

    async def _check(self, place: Place) -> bool:
        try:
            response = await self._client.get(f"{place.url}/webhooks/relais/health", timeout=min(1.0, self._timeout))
            why = "" if response.status_code == httpx.codes.OK else f"http {response.status_code}"
        except httpx.HTTPError as error:
            why = type(error).__name__
        if why:
            place.failed(asyncio.get_running_loop().time(), why)
        else:
            place.succeeded()
        return not why

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, route: str, body: dict[str, Any]) -> Any:
        """One engine's answer; when one fails, the next is asked as long as the turn's time lasts."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        order = self._order(loop.time())
        failure = EngineFailure("none configured")
        for index, place in enumerate(order, 1):
            left = deadline - loop.time()
            if left < LEAST_TIME:
                break
            share = left if index == len(order) else min(left, self._timeout * FIRST_SHARE)
            answer = await self._ask_one(place, route, body, share)
            if not isinstance(answer, EngineFailure):
                place.succeeded()
                return answer
            failure = answer
            place.failed(loop.time(), failure.code)
        return failure

    def _order(self, now: float) -> list[Place]:
        """Those that answer first, the least busy of them before the others; those that rest only when nobody else is left."""
        return sorted(self.places, key=lambda place: (place.rests_until > now, not place.is_up, place.busy))

    async def _ask_one(self, place: Place, route: str, body: dict[str, Any], seconds: float) -> Any:
        place.busy += 1
        try:
            async with asyncio.timeout(seconds):
                response = await self._client.post(f"{place.url}/webhooks/relais/{route}", json=body)
            return response.json() if response.status_code == httpx.codes.OK else _refused(response)
        except (TimeoutError, httpx.TimeoutException):
            return EngineFailure("timeout")
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            return EngineFailure(type(error).__name__)
        finally:
            place.busy -= 1


def _refused(response: httpx.Response) -> EngineFailure:
    return EngineFailure(f"http {response.status_code}")


def _parse_answer(answer: dict[str, Any]) -> EngineAnswer:
    if not isinstance(answer["state"], dict):
        raise TypeError("the state is not an object")
    return EngineAnswer(
        intent=str(answer["intent"] or ""),
        confidence=float(answer["confidence"]),
        replies=tuple(_parse_reply(item) for item in answer["replies"] if item["text"] or item["do"]),
        state=answer["state"],
        ranking=tuple((str(name), float(confidence)) for name, confidence in answer["ranking"]),
        entities=tuple((str(name), str(value)) for name, value in answer["entities"]),
        slots=dict(answer.get("slots") or {}),
    )


def _parse_reply(item: dict[str, Any]) -> EngineReply:
    quick_replies = tuple(QuickReply(str(reply["title"]), str(reply["payload"])) for reply in item["quick_replies"])
    return EngineReply(str(item["key"]), str(item["text"]), quick_replies, dict(item["do"]) if item["do"] else None)
