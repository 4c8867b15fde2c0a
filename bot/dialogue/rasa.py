"""Asks the Rasa engine over HTTP, within a time limit. Every way it can fail comes back as data; the reply plan still holds."""

from __future__ import annotations

from typing import Any

import httpx

from bot.domain.messages import QuickReply
from bot.domain.replies import EngineAnswer, EngineFailure, EngineReply, EngineVerdict


class Engine:
    """One or several engines that keep nothing between calls, so that any of them can answer any turn."""

    def __init__(self, urls: tuple[str, ...], token: str, timeout: float) -> None:
        self._urls = list(urls)
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=min(1.0, timeout)),
            headers={"Authorization": f"Bearer {token}"},
            limits=httpx.Limits(max_connections=32),
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
        except (KeyError, TypeError, ValueError, AttributeError):
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
        except (KeyError, TypeError, ValueError):
            return EngineFailure("nonsense")
        return verdicts if len(verdicts) == len(texts) else EngineFailure("nonsense")

    async def is_ready(self) -> bool:
        """Whether an engine has its model loaded."""
        for url in self._urls:
            try:
                response = await self._client.get(f"{url}/webhooks/relais/health")
            except httpx.HTTPError:
                continue
            if response.status_code == httpx.codes.OK:
                return True
        return False

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, route: str, body: dict[str, Any]) -> Any:
        failure = EngineFailure("none configured")
        for url in tuple(self._urls):
            try:
                response = await self._client.post(f"{url}/webhooks/relais/{route}", json=body)
                if response.status_code == httpx.codes.OK:
                    return response.json()
                failure = EngineFailure(f"http {response.status_code}")
            except httpx.TimeoutException:
                failure = EngineFailure("timeout")
                break
            except (httpx.HTTPError, ValueError) as error:
                failure = EngineFailure(type(error).__name__)
            if url in self._urls:
                self._urls.append(self._urls.pop(self._urls.index(url)))
        return failure


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
