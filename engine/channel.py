"""The only door to the engine: (state, message, slots) -> (intent, entities, replies, new state), for the gateway alone."""

from __future__ import annotations

import gc
import hmac
import os
import uuid
from http import HTTPStatus
from typing import Any, Awaitable, Callable, Dict, List, Optional

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.events import BotUttered, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json

from engine.trackers import InvalidStateError, discard, restore, summarise
from engine.words import said

FALLBACK = "nlu_fallback"
RANKED = 3
MAX_TEXT = 4000
"""Characters of a message the classifier reads; the gateway's triage reads all of it."""


class TurnChannel(InputChannel):
    """Routes under /webhooks/relais, each protected by the bearer token the gateway and the engine share."""

    def __init__(self, token: str) -> None:
        self._token = token

    @classmethod
    def name(cls) -> str:
        """The name in credentials.yml and in the routes."""
        return "relais"

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> InputChannel:
        """The channel, with the token from the environment; without one the engine does not start."""
        token = os.environ.get("ENGINE_TOKEN", "")
        if len(token) < 16:
            raise ValueError("ENGINE_TOKEN: expected at least 16 characters, the same as the gateway's")
        return cls(token)

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[None]]) -> Blueprint:
        """The routes."""
        blueprint = Blueprint("relais")

        @blueprint.middleware("request")
        async def authorise(request: Request) -> Optional[HTTPResponse]:
            given = (request.headers.get("authorization") or "").encode()
            if hmac.compare_digest(given, b"Bearer " + self._token.encode()):
                return None
            return json({"error": "expected the engine's token"}, HTTPStatus.FORBIDDEN)

        @blueprint.listener("after_server_start")
        async def keep_what_was_loaded(*_: Any) -> None:
            # The model lives as long as the process: searching it for garbage would hold up a turn.
            gc.collect()
            gc.freeze()

        @blueprint.get("/health")
        async def health(request: Request) -> HTTPResponse:
            agent = request.app.ctx.agent
            ready = bool(agent and agent.is_ready())
            model = agent.processor.model_metadata.model_id if ready else None
            return json({"ready": ready, "model": model}, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

        @blueprint.post("/turn")
        async def turn(request: Request) -> HTTPResponse:
            try:
                return json(await _turn(request.app.ctx.agent, request.json))
            except (InvalidStateError, KeyError, TypeError) as error:
                return json({"error": f"not a turn: {type(error).__name__}"}, HTTPStatus.BAD_REQUEST)

        @blueprint.post("/understand")
        async def understand(request: Request) -> HTTPResponse:
            agent = request.app.ctx.agent
            return json({"verdicts": [await _understand(agent, text) for text in request.json["texts"]]})

        return blueprint


async def _turn(agent: Any, body: Dict[str, Any]) -> Dict[str, Any]:
    """One turn: rebuild the tracker, let Rasa handle the message, give back what it said and the new state."""
    processor = agent.processor
    sender_id = uuid.uuid4().hex
    state = body.get("state")
    tracker = restore(state, sender_id, processor.domain)
    for name, value in body["slots"].items():
        if name in tracker.slots:
            tracker.update(SlotSet(name, value))
    counts = dict(state["said"]) if state else {}
    already = len(tracker.events)
    said.set(counts)
    await processor.tracker_store.save(tracker)
    try:
        message = UserMessage(_words(body), CollectingOutputChannel(), sender_id, input_channel=TurnChannel.name())
        await agent.handle_message(message)
    finally:
        discard(sender_id)
    parsed = tracker.latest_message.parse_data if tracker.latest_message else {}
    return {
        **_verdict(parsed),
        "replies": _replies(tracker, already),
        "slots": {name: slot.value for name, slot in tracker.slots.items() if slot.value is not None},
        "state": summarise(tracker, counts),
    }


def _words(body: Dict[str, Any]) -> str:
    """What Rasa is to read. Typed words can never pass for a tapped payload, which starts with a slash."""
    payload = body.get("payload") or ""
    if payload:
        return str(payload)
    return str(body["text"])[:MAX_TEXT].lstrip("/ \t\n") or "…"


def _replies(tracker: DialogueStateTracker, already: int) -> List[Dict[str, Any]]:
    replies = []
    for event in list(tracker.events)[already:]:
        if isinstance(event, BotUttered):
            data = {key: value for key, value in event.data.items() if value is not None}
            replies.append(
                {
                    "key": event.metadata.get("utter_action", ""),
                    "text": event.text or "",
                    "quick_replies": [
                        {"title": item["title"], "payload": item["payload"]} for item in data.get("buttons") or []
                    ],
                    "do": data.get("custom") or None,
                }
            )
    return replies


def _verdict(parsed: Dict[str, Any]) -> Dict[str, Any]:
    intent = parsed.get("intent") or {}
    ranking = [[item["name"], float(item["confidence"])] for item in parsed.get("intent_ranking") or []][:RANKED]
    entities = [[item["entity"], item["value"]] for item in parsed.get("entities") or []]
    return {
        "intent": intent.get("name"),
        "confidence": float(intent.get("confidence") or 0.0),
        "ranking": ranking,
        "entities": entities,
    }


async def _understand(agent: Any, text: str) -> Dict[str, Any]:
    parsed = await agent.processor.parse_message(UserMessage(_words({"text": text})))
    verdict = _verdict(parsed)
    if verdict["intent"] == FALLBACK and len(verdict["ranking"]) > 1:
        # Whoever asks what was understood gets the likeliest meaning, with how little it is trusted.
        verdict["intent"], verdict["confidence"] = verdict["ranking"][1]
    return verdict
