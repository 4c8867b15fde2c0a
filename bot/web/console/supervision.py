"""What supervisors see and do besides: the board, taking over, giving to somebody, reviews, debriefs."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import i18n
from bot.domain.accounts import Account, Role
from bot.domain.handover import EXPOSURE, PARTS_OF_DAY, PATIENCE, Refusal, waits_by_hour
from bot.flows import handover as flow
from bot.flows.helpline import Helpline
from bot.store import casework, choices, console, debriefs, decisions, handover, volunteers
from bot.web.console.forms import done, fields, number
from bot.web.console.render import page

LONGEST_PHRASE = 600
WAITS_OF = timedelta(days=7)
REVIEW_WITHIN = timedelta(hours=24)


class Supervision:
    """The pages under /console/board; refused to everybody who is not a supervisor, here too."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline

    def routes(self) -> list[Route]:
        """The pages and their forms."""
        return [
            Route("/console/board", self.board, methods=["GET"]),
            Route("/console/board/take/{id:int}", self.take_over, methods=["POST"]),
            Route("/console/board/give/{id:int}", self.give, methods=["POST"]),
            Route("/console/board/reviewed/{id:int}", self.reviewed, methods=["POST"]),
            Route("/console/board/debriefs/{id:int}", self.debriefed, methods=["POST"]),
        ]

    async def board(self, request: Request) -> Response:
        """Who waits, who holds what, who is breaking, what is to review."""
        supervisor(request)
        helpline, now = self._helpline, self._helpline.clock()
        async with helpline.database.read() as session:
            counts = await console.count_by_risk(session)
            cards = await console.queue(session, helpline.keyring)
            held = await console.held_by(session, helpline.keyring)
            people = await volunteers.everyone(session)
            leases = {one.conversation_id: one for one in await volunteers.held(session)}
            calls = await casework.help_calls(session)
            waits = await handover.ended_waits(session, now - WAITS_OF)
            talks = await debriefs.waiting(session)
            talked = await debriefs.talked(session, helpline.keyring, now - timedelta(days=7))
            chosen = await choices.of(session, request.state.account.id)
            asked = await decisions.open_ones(session, now)
            reviews = await console.to_review(session, helpline.keyring, now)
            ended = await console.ended_since(session, now - timedelta(days=1))
        return page(
            request,
            "board.html",
            cards=cards,
            late=frozenset(card.id for card in cards if now - card.since > PATIENCE[card.risk]),
            counts=counts,
            held=held,
            leases=leases,
            people=people,
            names={one.id: one.name for one in people},
            on_duty=[one for one in people if one.is_on_duty],
            calls=calls,
            asked=asked,
            choices=chosen,
            waits=waits_by_hour(waits, i18n.time_zone("FR")),
            part=PARTS_OF_DAY,
            talks=talks,
            talked=talked,
            reviews=[(card, now - card.since > REVIEW_WITHIN) for card in reviews],
            ended=ended,
            exposure=EXPOSURE,
            now=now,
        )

    async def take_over(self, request: Request) -> Response:
        """Take a conversation from whoever has it."""
        id_ = request.path_params["id"]
        refusal = await flow.take_over(self._helpline, supervisor(request), id_)
        return done(request, refusal, f"/console/c/{id_}" if refusal is None else "/console/board")

    async def give(self, request: Request) -> Response:
        """Give a conversation to somebody, or put it back in the queue."""
        by, to = supervisor(request), None
        wanted = number((await fields(request)).get("to", ""))
        if wanted is not None:
            async with self._helpline.database.read() as session:
                found = await volunteers.find(session, wanted)
            if found is None:
                raise HTTPException(HTTPStatus.NOT_FOUND, "no such volunteer")
            to = Account(found.id, found.name, Role(found.role), found.languages, found.skills)
        refusal = await flow.reassign(self._helpline, by, request.path_params["id"], to)
        return done(request, refusal, "/console/board")

    async def reviewed(self, request: Request) -> Response:
        """An imminent case was read through by a supervisor (R25)."""
        by = supervisor(request)
        id_, now = request.path_params["id"], self._helpline.clock()
        async with self._helpline.database.write() as session:
            handover.record(session, id_, now, f"account:{by.id}", "reviewed", "imminent")
        return done(request, None, "/console/board")

    async def debriefed(self, request: Request) -> Response:
        """Somebody talked with the volunteer who asked for it; what came of it is kept for the other supervisors."""
        by, id_, now = supervisor(request), request.path_params["id"], self._helpline.clock()
        note = (await fields(request)).get("note", "").strip()[:LONGEST_PHRASE]
        async with self._helpline.database.write(first=True) as session:
            is_done = await debriefs.finish(session, self._helpline.keyring, id_, by.id, note, now)
        return done(request, None if is_done else Refusal.DECIDED, "/console/board")


def supervisor(request: Request) -> Account:
    """Who is signed in, if that is a supervisor; 403 otherwise, whatever the guard thinks."""
    account: Account = request.state.account
    if account.role is not Role.SUPERVISOR:
        raise HTTPException(HTTPStatus.FORBIDDEN, "for supervisors")
    return account
