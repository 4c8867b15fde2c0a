"""What takes two people in the console: alerting an authority, and keeping somebody's words for a report."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.accounts import Account
from bot.domain.decisions import Authority, Kind, Release, Told
from bot.flows import decisions as flow
from bot.flows.helpline import Helpline
from bot.store import decisions, holds, volunteers
from bot.store.holds import HoldReason
from bot.web.console.forms import done, fields, number
from bot.web.console.render import page

HOLDS = "/console/holds"
BOARD = "/console/board"
_Code = TypeVar("_Code", bound=StrEnum)


class Decisions:
    """Ask from a conversation; decide on the board; the holds have a page of their own."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline

    def routes(self) -> list[Route]:
        """The guard lets supervisors alone reach the board and the holds; the flow looks again."""
        return [
            Route("/console/c/{id:int}/alert", self.ask_alert, methods=["POST"]),
            Route(f"{BOARD}/decisions/{{id:int}}/{{step}}", self.decide, methods=["POST"]),
            Route(HOLDS, self.holds, methods=["GET"]),
            Route(HOLDS, self.ask_hold, methods=["POST"]),
            Route(f"{HOLDS}/{{id:int}}/release", self.release, methods=["POST"]),
        ]

    async def ask_alert(self, request: Request) -> Response:
        """An authority may have to know: somebody else confirms it."""
        id_, form = request.path_params["id"], await fields(request)
        authority, told = _code(Authority, form.get("authority", "")), _code(Told, form.get("told", ""))
        account: Account = request.state.account
        refusal = await flow.ask_alert(self._helpline, account, id_, authority, told, form.get("facts", ""))
        return done(request, refusal, f"/console/c/{id_}")

    async def decide(self, request: Request) -> Response:
        """The second person agrees or does not; later, that the authority was told."""
        id_, step = request.path_params["id"], request.path_params["step"]
        account: Account = request.state.account
        match step:
            case "agree" | "refuse":
                refusal = await flow.decide(self._helpline, account, id_, agree=step == "agree")
            case "made":
                refusal = await flow.made(self._helpline, account, id_)
            case _:
                raise HTTPException(HTTPStatus.NOT_FOUND, "expected agree, refuse or made")
        return done(request, refusal, HOLDS if (await fields(request)).get("from") == "holds" else BOARD)

    async def holds(self, request: Request) -> Response:
        """What is kept and until when, what waits for a second person, and the form for a new one."""
        helpline, now = self._helpline, self._helpline.clock()
        async with helpline.database.read() as session:
            held = await holds.current(session, now)
            asked = [one for one in await decisions.open_ones(session, now) if one.question.kind is Kind.HOLD]
            people = await volunteers.everyone(session)
        return page(
            request,
            "holds.html",
            held=held,
            asked=asked,
            names={one.id: one.name for one in people},
            reasons=list(HoldReason),
            releases=list(Release),
            longest=flow.LONGEST_HOLD,
            conversation=number(request.query_params.get("c", "")) or "",
        )

    async def ask_hold(self, request: Request) -> Response:
        """Words that must outlast their time: a reason, a length, a second supervisor."""
        form = await fields(request)
        id_, days = number(form.get("conversation", "")), number(form.get("days", ""))
        if id_ is None or not days:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "expected a conversation and a number of days")
        reason = _code(HoldReason, form.get("reason", ""))
        refusal = await flow.ask_hold(self._helpline, request.state.account, id_, reason, days)
        return done(request, refusal, HOLDS)

    async def release(self, request: Request) -> Response:
        """The report is closed, or there was none."""
        id_, why = request.path_params["id"], _code(Release, (await fields(request)).get("why", ""))
        return done(request, await flow.release_hold(self._helpline, request.state.account, id_, why), HOLDS)


def _code(kind: type[_Code], text: str) -> _Code:
    """A code of a list, or 422: what is decided about a child is never guessed from a wrong form."""
    try:
        return kind(text)
    except ValueError:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"expected one of {', '.join(kind)}") from None
