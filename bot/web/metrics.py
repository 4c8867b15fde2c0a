"""Counters for Prometheus: channels, codes and durations, never a person."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest
from starlette.requests import Request
from starlette.responses import Response

INBOUND = Counter("relais_inbound_total", "Messages received", ("channel", "kind"))
REFUSED = Counter("relais_refused_total", "Webhooks refused", ("channel", "status"))


async def metrics(request: Request) -> Response:
    """GET /metrics."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
