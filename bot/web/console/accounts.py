"""The administrators' page: who may sign in. It shows no conversation and leads to none."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.domain.accounts import Role
from bot.flows.helpline import Helpline
from bot.store import accounts, audit
from bot.web.body import read_form
from bot.web.console.account_pages import page
from bot.web.console.guard import LONGEST_FORM

PATH = "/console/accounts"
LANGUAGES = ("fr", "en", "ar", "ary")


class AccountPages:
    """List, add, invite again, disable."""

    def __init__(self, helpline: Helpline) -> None:
        self._database = helpline.database
        self._clock = helpline.clock

    def routes(self) -> list[BaseRoute]:
        """Everything under /console/accounts."""
        return [
            Route(PATH, self.every, methods=["GET"]),
            Route(PATH, self.add, methods=["POST"]),
            Route(f"{PATH}/{{account_id:int}}/invite", self.invite, methods=["POST"]),
            Route(f"{PATH}/{{account_id:int}}/disable", self.disable, methods=["POST"]),
        ]

    async def every(self, request: Request) -> Response:
        """Every account and the newest rows of the audit log."""
        return await self._page(request, HTTPStatus.OK, "")

    async def add(self, request: Request) -> Response:
        """A new account; its first password is shown this once."""
        form, now = await read_form(request, LONGEST_FORM), self._clock()
        name, role = form.get("name", "").strip(), form.get("role", "")
        if not 2 <= len(name) <= 60 or role not in set(Role):
            return await self._page(request, HTTPStatus.UNPROCESSABLE_ENTITY, "accounts.wrong")
        languages = frozenset(language for language in LANGUAGES if form.get(f"language_{language}"))
        try:
            async with self._database.write() as session:
                account, password = await accounts.add(session, name, Role(role), now, languages)
                await audit.append(session, now, self._actor(request), "account_added", f"account:{account.id}", role)
        except accounts.NameTakenError:
            return await self._page(request, HTTPStatus.CONFLICT, "accounts.taken")
        return page(request, "invited.html", HTTPStatus.CREATED, name=name, password=password)

    async def invite(self, request: Request) -> Response:
        """Somebody lost phone and recovery codes: everything of theirs ends and starts anew."""
        account_id, now = request.path_params["account_id"], self._clock()
        async with self._database.write() as session:
            password = await accounts.invite_again(session, account_id, now)
            if password is None:
                raise HTTPException(HTTPStatus.NOT_FOUND, "no such active account")
            await audit.append(session, now, self._actor(request), "account_invited", f"account:{account_id}", "")
            name = next(item.account.name for item in await accounts.every(session) if item.account.id == account_id)
        return page(request, "invited.html", name=name, password=password)

    async def disable(self, request: Request) -> Response:
        """The account and every session of it end now."""
        account_id, now = request.path_params["account_id"], self._clock()
        if account_id == request.state.account.id:
            return await self._page(request, HTTPStatus.CONFLICT, "accounts.own")
        async with self._database.write() as session:
            if not await accounts.disable(session, account_id, now):
                raise HTTPException(HTTPStatus.NOT_FOUND, "no such active account")
            await audit.append(session, now, self._actor(request), "account_disabled", f"account:{account_id}", "")
        return RedirectResponse(PATH, HTTPStatus.SEE_OTHER)

    async def _page(self, request: Request, status: HTTPStatus, problem: str) -> Response:
        async with self._database.read() as session:
            listed = await accounts.every(session)
            entries = await audit.newest(session, 50)
        values = {"listed": listed, "entries": entries, "problem": problem, "roles": list(Role), "spoken": LANGUAGES}
        return page(request, "accounts.html", status, **values)

    @staticmethod
    def _actor(request: Request) -> str:
        return f"account:{request.state.account.id}"
