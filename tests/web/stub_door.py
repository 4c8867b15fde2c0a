"""A door for tests of the console alone: the cookie `who` says which account it is, and nothing is checked."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.domain.accounts import Account, Role

SAM = Account(1, "Sam", Role.VOLUNTEER, frozenset({"fr", "en"}), frozenset({"minors"}))
LINA = Account(2, "Lina", Role.VOLUNTEER, frozenset({"fr", "ar"}), frozenset())
NOUR = Account(3, "Nour", Role.SUPERVISOR, frozenset(), frozenset())
ACCOUNTS = {str(account.id): account for account in (SAM, LINA, NOUR)}
CSRF = "token-of-the-tests"


class StubDoor:
    """Sets what the guard of a real installation sets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let everybody in as who they say they are."""
        if scope["type"] == "http":
            account = ACCOUNTS.get(HTTPConnection(scope).cookies.get("who", ""), SAM)
            scope["state"] = {**scope.get("state", {}), "account": account, "csrf": CSRF}
        await self._app(scope, receive, send)
