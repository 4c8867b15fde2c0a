"""Whether we are alive, and whether messages could be answered now."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.flows.helpline import Helpline

_log = structlog.get_logger(__name__)


class Health:
    """GET /healthz and /readyz."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline

    def routes(self) -> list[Route]:
        """Both routes."""
        return [Route("/healthz", self.alive), Route("/readyz", self.ready)]

    async def alive(self, request: Request) -> Response:
        """The process runs."""
        return PlainTextResponse("ok")

    async def ready(self, request: Request) -> Response:
        """Database, engine and channels; 503 when messages could not be answered as they should."""
        engine = await self._helpline.engine.is_ready()
        database = await self._database_answers()
        checks = {"database": database, "engine": engine, "channels": sorted(self._helpline.channels)}
        ready = database and engine and bool(self._helpline.channels)
        return JSONResponse(checks, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _database_answers(self) -> bool:
        try:
            async with self._helpline.database.read() as session:
                await session.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError) as error:
            _log.error("database not ready", error=type(error).__name__)
            return False
        return True
