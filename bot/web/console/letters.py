"""Dead letters for supervisors: messages that did not arrive, people in danger first, each tried once more with one click."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.accounts import Account, Role
from bot.domain.delivery import rule_for
from bot.flows.helpline import Helpline
from bot.store import dead_letters, handover
from bot.web.console.forms import done
from bot.web.console.render import page

LETTERS = "/console/letters"


class Letters:
    """Pages under /console/letters; refused to everybody who is not a supervisor, here too."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline

    def routes(self) -> list[Route]:
        """The page and its one act."""
        return [
            Route(LETTERS, self.every, methods=["GET"]),
            Route(f"{LETTERS}/{{id:int}}/replay", self.replay, methods=["POST"]),
        ]

    async def every(self, request: Request) -> Response:
        """What did not arrive, without a word of it."""
        _supervisor(request)
        async with self._helpline.database.read() as session:
            letters = await dead_letters.dead_letters(session)
            waiting = await dead_letters.count_parked(session)
        troubles = {letter.outbound_id: rule_for(letter.channel, letter.code).trouble for letter in letters}
        return page(request, "letters.html", letters=letters, troubles=troubles, waiting=waiting)

    async def replay(self, request: Request) -> Response:
        """Try one again, now."""
        supervisor, now = _supervisor(request), self._helpline.clock()
        async with self._helpline.database.write() as session:
            conversation = await dead_letters.replay(session, request.path_params["id"], now)
            if conversation is None:
                raise HTTPException(HTTPStatus.NOT_FOUND, "not a message that failed")
            handover.record(session, conversation, now, f"account:{supervisor.id}", "replayed", "")
        self._helpline.outbox_changed.ring()
        return done(request, None, LETTERS)


def _supervisor(request: Request) -> Account:
    account: Account = request.state.account
    if account.role is not Role.SUPERVISOR:
        raise HTTPException(HTTPStatus.FORBIDDEN, "for supervisors")
    return account
