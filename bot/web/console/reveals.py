"""The supervisors' pages of last resort: showing an address by two people, and blocking for a while."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from sqlalchemy.exc import NoResultFound
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.flows.helpline import Helpline
from bot.store import blocks, reveals
from bot.store.blocks import BlockReason
from bot.store.reveals import RevealReason, RevealRefusedError
from bot.web.body import read_form
from bot.web.console.account_pages import page
from bot.web.console.guard import LONGEST_FORM

REVEALS, BLOCKS = "/console/reveals", "/console/blocks"


class LastResort:
    """Ask, decide, see; block, lift. The guard lets supervisors alone come here."""

    def __init__(self, helpline: Helpline) -> None:
        self._database = helpline.database
        self._keyring = helpline.keyring
        self._clock = helpline.clock

    def routes(self) -> list[BaseRoute]:
        """Everything under /console/reveals and /console/blocks."""
        return [
            Route(REVEALS, self.every, methods=["GET"]),
            Route(REVEALS, self.ask, methods=["POST"]),
            Route(f"{REVEALS}/{{reveal_id:int}}/grant", self.grant, methods=["POST"]),
            Route(f"{REVEALS}/{{reveal_id:int}}/refuse", self.refuse, methods=["POST"]),
            Route(f"{REVEALS}/{{reveal_id:int}}/show", self.show, methods=["POST"]),
            Route(BLOCKS, self.block, methods=["POST"]),
            Route(f"{BLOCKS}/{{block_id:int}}/lift", self.lift, methods=["POST"]),
        ]

    async def every(self, request: Request) -> Response:
        """The requests of the last day, and the form for a new one."""
        return await self._page(request, HTTPStatus.OK)

    async def ask(self, request: Request) -> Response:
        """A reason and a conversation; somebody else decides."""
        form = await read_form(request, LONGEST_FORM)
        reason, conversation = form.get("reason", ""), form.get("conversation", "")
        if reason not in set(RevealReason) or not conversation.isdecimal() or len(conversation) > 12:
            return await self._page(request, HTTPStatus.UNPROCESSABLE_ENTITY, "reveal.wrong")
        try:
            async with self._database.write() as session:
                await reveals.ask(session, int(conversation), self._me(request), RevealReason(reason), self._clock())
        except RevealRefusedError as error:
            return await self._page(request, HTTPStatus.NOT_FOUND, f"reveal.{error}")
        return RedirectResponse(REVEALS, HTTPStatus.SEE_OTHER)

    async def grant(self, request: Request) -> Response:
        """The second person agrees."""
        return await self._decide(request, grant=True)

    async def refuse(self, request: Request) -> Response:
        """The second person does not."""
        return await self._decide(request, grant=False)

    async def show(self, request: Request) -> Response:
        """The address, by POST so that it is in no history, to the two who decided."""
        try:
            async with self._database.write() as session:
                address = await reveals.show(
                    session, self._keyring, request.path_params["reveal_id"], self._me(request), self._clock()
                )
        except RevealRefusedError as error:
            return await self._page(request, HTTPStatus.FORBIDDEN, f"reveal.{error}")
        return page(request, "revealed.html", address=address)

    async def block(self, request: Request) -> Response:
        """The bot stops playing along with somebody, for hours or days and for a reason; danger is answered all the same."""
        form = await read_form(request, LONGEST_FORM)
        reason, conversation, hours = (form.get(name, "") for name in ("reason", "conversation", "hours"))
        numbers = all(value.isdecimal() and len(value) <= 12 for value in (conversation, hours))
        if reason not in set(BlockReason) or not numbers or not 1 <= int(hours) <= 720:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "expected a conversation, a reason and 1 to 720 hours")
        try:
            async with self._database.write() as session:
                length = timedelta(hours=int(hours))
                await blocks.block(
                    session, int(conversation), self._me(request), BlockReason(reason), length, self._clock()
                )
        except NoResultFound:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no such conversation") from None
        return RedirectResponse(REVEALS, HTTPStatus.SEE_OTHER)

    async def lift(self, request: Request) -> Response:
        """A block ends early."""
        async with self._database.write() as session:
            lifted = await blocks.lift(session, request.path_params["block_id"], self._me(request), self._clock())
        if not lifted:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no such block, or it has ended")
        return RedirectResponse(REVEALS, HTTPStatus.SEE_OTHER)

    async def _decide(self, request: Request, *, grant: bool) -> Response:
        try:
            async with self._database.write() as session:
                await reveals.decide(
                    session, request.path_params["reveal_id"], self._me(request), self._clock(), grant=grant
                )
        except RevealRefusedError as error:
            return await self._page(request, HTTPStatus.CONFLICT, f"reveal.{error}")
        return RedirectResponse(REVEALS, HTTPStatus.SEE_OTHER)

    async def _page(self, request: Request, status: HTTPStatus, problem: str = "") -> Response:
        now = self._clock()
        async with self._database.read() as session:
            found = await reveals.recent(session, now)
            current = await blocks.current(session, now)
        values = {"reveals": found, "blocks": current, "problem": problem, "now": now}
        reasons = {"reasons": list(RevealReason), "block_reasons": list(BlockReason)}
        return page(request, "reveals.html", status, **values, **reasons)

    @staticmethod
    def _me(request: Request) -> int:
        return int(request.state.account.id)
