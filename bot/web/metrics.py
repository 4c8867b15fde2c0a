"""Counters for Prometheus: channels, codes and durations, never a person."""

from __future__ import annotations

from functools import partial

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from bot.dialogue.rasa import Engine, Place

INBOUND = Counter("relais_inbound_total", "Messages received", ("channel", "kind"))
REFUSED = Counter("relais_refused_total", "Webhooks refused", ("channel", "status"))

ENGINE_UP = Gauge("relais_engine_up", "Whether an engine answered last", ("engine",))


def watch_engines(engine: Engine) -> None:
    """Show each engine by host and port."""
    ENGINE_UP.clear()
    for place in engine.places:
        ENGINE_UP.labels(place.name).set_function(partial(_is_up, place))


def _is_up(place: Place) -> float:
    return float(place.is_up)


async def metrics(request: Request) -> Response:
    """GET /metrics."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
