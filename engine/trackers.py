"""Trackers for the length of one request. The engine keeps nothing: the gateway sends the state and gets the new one back."""

from __future__ import annotations

import json
from typing import Any, Iterable, Optional

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    Event,
    LoopInterrupted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

KEPT_EVENTS = 24
"""Policies walk every event kept, so a short window keeps a turn's cost flat (docs/adr/0002)."""
VERSION = 1


# Rasa wraps the store it is given in one of its own, so what is being served stands beside the class.
_being_served: dict[str, DialogueStateTracker] = {}


class InvalidStateError(ValueError):
    """The state is not one this engine returned."""


class RequestTrackerStore(TrackerStore):
    """Holds the trackers of the requests being served, nothing else."""

    def __init__(self, domain: Optional[Domain], event_broker: Any = None, **kwargs: Any) -> None:
        super().__init__(domain, event_broker)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep the tracker until `take` is called."""
        _being_served[tracker.sender_id] = tracker

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The tracker of a request being served."""
        return _being_served.get(sender_id)

    async def keys(self) -> Iterable[str]:
        """The requests being served."""
        return tuple(_being_served)


def discard(sender_id: str) -> None:
    """The request is over: nothing of it stays."""
    _being_served.pop(sender_id, None)


def restore(state: Optional[dict], sender_id: str, domain: Domain) -> DialogueStateTracker:
    """A tracker from the state of the last turn; a fresh one without. InvalidStateError when it is not such a state."""
    tracker = DialogueStateTracker(sender_id, domain.slots)
    tracker.update(SessionStarted())
    tracker.update(ActionExecuted(ACTION_LISTEN_NAME))
    if state is None:
        return tracker
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise InvalidStateError(f"expected a state of version {VERSION}")
    try:
        for name, value in state["slots"].items():
            if name in tracker.slots:
                tracker.update(SlotSet(name, value))
        for packed in state["events"]:
            tracker.update(_unpack(packed), domain)
        if state["loop"] != tracker.active_loop_name:
            tracker.update(ActiveLoop(state["loop"]))
        if state["requested"] is not None:
            tracker.update(SlotSet(REQUESTED_SLOT, state["requested"]))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise InvalidStateError(f"a state that does not read: {type(error).__name__}") from None
    return tracker


def summarise(tracker: DialogueStateTracker, said: dict) -> dict:
    """The state after a turn: slots, the active loop, and the last events cut at a turn's boundary. No word of anybody."""
    packed = [item for item in (_pack(event) for event in tracker.applied_events()) if item is not None]
    starts = [index for index, item in enumerate(packed) if item[0] == "user"]
    start = next((index for index in starts if len(packed) - index <= KEPT_EVENTS), starts[-1] if starts else 0)
    slots = {
        name: slot.value for name, slot in tracker.slots.items() if slot.value is not None and name != REQUESTED_SLOT
    }
    return {
        "version": VERSION,
        "slots": json.loads(json.dumps(slots)),
        "events": packed[start:],
        "loop": tracker.active_loop_name,
        "requested": _requested(tracker),
        "said": said,
    }


def _requested(tracker: DialogueStateTracker) -> Optional[str]:
    slot = tracker.slots.get(REQUESTED_SLOT)
    return slot.value if slot else None


def _pack(event: Event) -> Optional[list]:
    if isinstance(event, UserUttered):
        entities = [[item["entity"], item["value"]] for item in event.entities if "entity" in item and "value" in item]
        return ["user", event.intent_name, entities]
    if isinstance(event, ActionExecuted):
        return ["action", event.action_name]
    if isinstance(event, SlotSet):
        return ["slot", event.key, event.value]
    if isinstance(event, ActiveLoop):
        return ["loop", event.name]
    if isinstance(event, LoopInterrupted):
        return ["interrupted", event.is_interrupted]
    return None


def _unpack(packed: list) -> Event:
    kind = packed[0]
    if kind == "user":
        entities = [{"entity": name, "value": value} for name, value in packed[2]]
        return UserUttered(text="", intent={"name": packed[1], "confidence": 1.0}, entities=entities)
    if kind == "action":
        return ActionExecuted(packed[1])
    if kind == "slot":
        return SlotSet(packed[1], packed[2])
    if kind == "loop":
        return ActiveLoop(packed[1])
    if kind == "interrupted":
        return LoopInterrupted(packed[1])
    raise InvalidStateError("an event of unknown kind")
