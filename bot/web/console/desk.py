"""The desk: queue, open conversations side by side with their context, and the stream that keeps them live."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.domain.accounts import Account, Role
from bot.domain.decisions import Authority, Told
from bot.domain.handover import EXPOSURE, Outcome, Volunteer
from bot.flows import shifts
from bot.flows.helpline import Helpline
from bot.store import choices, console, volunteers
from bot.store import shifts as shift_rows
from bot.web.console.content import PHRASES, THEMES
from bot.web.console.forms import number
from bot.web.console.live import Live
from bot.web.console.render import COOKIE, LANGUAGES, page
from bot.web.console.talk import Talk

AT_ONCE = 3


class Desk:
    """The pages a volunteer works in."""

    def __init__(self, helpline: Helpline, live: Live, talk: Talk) -> None:
        self._helpline = helpline
        self._live = live
        self._talk = talk

    def routes(self) -> list[Route]:
        """The page, its parts, and the stream."""
        return [
            Route("/console", self.desk, methods=["GET"]),
            Route("/console/events", self.events, methods=["GET"]),
            Route("/console/queue", self.queue, methods=["GET"]),
            Route("/console/mine", self.mine, methods=["GET"]),
            Route("/console/bar", self.bar, methods=["GET"]),
            Route("/console/language/{language}", self.language, methods=["GET"]),
            Route("/console/c/{id:int}", self.conversation, methods=["GET"]),
            Route("/console/c/{id:int}/context", self.context, methods=["GET"]),
        ]

    async def desk(self, request: Request) -> Response:
        """The whole page with the conversations asked for (`c=`), else those the volunteer holds."""
        return await self._desk(request, _asked(request)[:AT_ONCE])

    async def conversation(self, request: Request) -> Response:
        """The page with one conversation open."""
        return await self._desk(request, [request.path_params["id"]])

    async def _desk(self, request: Request, ids: list[int]) -> Response:
        account: Account = request.state.account
        async with self._helpline.database.write(first=True) as session:
            await volunteers.meet(session, account, self._helpline.clock())
        opened = [await self._talk.open(account, id_) for id_ in ids]
        shared = {**await self._queue(account), **await self._people(account)}
        return page(request, "desk.html", opened=opened, **shared, **self._choices())

    async def queue(self, request: Request) -> Response:
        """The left pane."""
        is_whole = request.query_params.get("all") == "1"
        found = await self._queue(request.state.account, console.QUEUE_MOST if is_whole else console.QUEUE_SHOWN)
        return page(request, "queue.html", open_ids=frozenset(_asked(request)), **found)

    async def mine(self, request: Request) -> Response:
        """Whom the volunteer holds, and who of them has written since the last answer."""
        async with self._helpline.database.read() as session:
            found = await self._mine(session, request.state.account)
        return page(request, "mine.html", open_ids=frozenset(_asked(request)), **found)

    async def bar(self, request: Request) -> Response:
        """The bar: on duty until when, how many, exposure."""
        return page(request, "bar.html", **await self._people(request.state.account))

    async def context(self, request: Request) -> Response:
        """What to know about the person, and what to do."""
        account: Account = request.state.account
        opened = await self._talk.open(account, request.path_params["id"])
        return page(request, "context.html", one=opened, **await self._people(account), **self._choices())

    async def events(self, request: Request) -> Response:
        """The stream of what changed."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._live.events(), media_type="text/event-stream", headers=headers)

    async def language(self, request: Request) -> Response:
        """The language of the page, remembered in this browser."""
        chosen = request.path_params["language"]
        response = Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": "/console"})
        if chosen in LANGUAGES:
            secure = request.app.state.door.is_secure
            response.set_cookie(
                COOKIE, chosen, max_age=31_536_000, path="/console", secure=secure, httponly=True, samesite="lax"
            )
        return response

    def _choices(self) -> dict[str, Any]:
        services = self._helpline.directory.services.values()
        return {
            "outcomes": [outcome.value for outcome in Outcome],
            "authorities": list(Authority),
            "tolds": list(Told),
            "phrases": PHRASES,
            "themes": THEMES,
            "services": sorted((service.id, service.name["fr"]) for service in services if service.may_be_shown),
        }

    async def _queue(self, account: Account, most: int = console.QUEUE_SHOWN) -> dict[str, Any]:
        """Who waits, how many, and whom the volunteer holds."""
        async with self._helpline.database.read() as session:
            counts = await console.count_by_risk(session)
            cards = await console.queue(session, self._helpline.keyring, most)
            mine = await self._mine(session, account)
        return {"cards": cards, "waiting": sum(counts.values()), **mine}

    async def _mine(self, session: AsyncSession, account: Account) -> dict[str, Any]:
        mine = await console.held_by(session, self._helpline.keyring, account.id)
        return {"mine": mine, "fresh": await console.fresh(session, [card.id for card in mine])}

    async def _people(self, account: Account) -> dict[str, Any]:
        """The volunteer, the others, the rota, and the helpline's own phrases."""
        helpline, now = self._helpline, self._helpline.clock()
        rota = await shifts.rota(helpline)
        async with helpline.database.read() as session:
            people = await volunteers.everyone(session)
            own_phrases = await shift_rows.phrases(session)
            chosen = await choices.of(session, account.id)
        known = {one.id: one for one in people}
        return {
            "me": known.get(account.id) or Volunteer(account.id, account.name, account.role.value),
            "names": {one.id: one.name for one in people},
            "people": [one for one in people if one.is_on_duty and one.id != account.id],
            "own_phrases": own_phrases,
            "choices": chosen,
            "team": rota.status(now),
            "now": now,
            "exposure": EXPOSURE,
            "is_supervisor": account.role is Role.SUPERVISOR,
        }


def _asked(request: Request) -> list[int]:
    """The conversations a page has open."""
    return [found for text in request.query_params.getlist("c") if (found := number(text)) is not None]
