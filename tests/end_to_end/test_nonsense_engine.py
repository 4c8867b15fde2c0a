"""An engine that answers, but nothing of use."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.end_to_end.gateway import running
from tests.wires import twilio
from tests.wires.server import serving

EMPTY = {"intent": "greet", "confidence": 1.0, "ranking": [], "entities": [], "replies": [], "slots": {}, "state": {}}


@pytest.mark.parametrize("nonsense", [[], {}, {"intent": 3}, EMPTY, EMPTY | {"replies": [{"x": 1}]}, "<html>"])
async def test_an_engine_that_answers_nonsense_counts_as_gone(sqlite_url: str, nonsense: Any) -> None:
    """Whatever the engine answers, the person reads something true and useful within five seconds."""

    async def turn(request: Request) -> Response:
        return JSONResponse(nonsense)

    engine = Starlette(routes=[Route("/webhooks/relais/turn", turn, methods=["POST"])])
    async with serving(engine) as url, running(sqlite_url, engine_url=url) as gateway:
        await gateway.form(twilio.inbound("SM1", "+33600000012", "je suis triste en ce moment"))
        await gateway.until(lambda: any("ne marche pas" in words for words in gateway.twilio.texts("+33600000012")))
