"""Signing in and out: a password and a second factor for everybody, throttled, with a session that is new each time."""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO

import pyotp
import segno
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.config import Settings
from bot.domain.accounts import Account
from bot.domain.permissions import home_of
from bot.flows.helpline import Helpline
from bot.store import accounts, audit, demo, sessions
from bot.store.sign_in import Attempt, ThrottledError, sign_in
from bot.web.body import read_form
from bot.web.console.account_pages import HERE, page
from bot.web.console.guard import LONGEST_FORM, SIGN_IN, Door, is_same_origin

ENROL = "/console/account/enrol"


class Authentication:
    """The routes of the door: sign in, sign out, set up the second factor."""

    def __init__(self, helpline: Helpline, settings: Settings) -> None:
        self._database = helpline.database
        self._keyring = helpline.keyring
        self._clock = helpline.clock
        self._settings = settings
        self._door = Door(helpline, settings)

    def routes(self) -> list[BaseRoute]:
        """Everything under /console/sign-in, /console/sign-out and /console/account."""
        return [
            Route(SIGN_IN, self.sign_in_page, methods=["GET"]),
            Route(SIGN_IN, self.sign_in, methods=["POST"]),
            Route("/console/sign-out", self.sign_out, methods=["POST"]),
            Route(ENROL, self.enrol_page, methods=["GET"]),
            Route(ENROL, self.enrol, methods=["POST"]),
            Route(f"{ENROL}/qr.svg", self.qr, methods=["GET"]),
            Route("/console/account", self.own_page, methods=["GET"]),
            Route("/console/account/sessions/end", self.end_sessions, methods=["POST"]),
            Mount("/console/account/static", StaticFiles(directory=HERE / "static_account")),
        ]

    async def sign_in_page(self, request: Request) -> Response:
        """The form; on a development installation with the demonstration accounts, said loudly."""
        return await self._form(request, HTTPStatus.OK, "")

    async def sign_in(self, request: Request) -> Response:
        """Both factors at once; whatever was wrong, the answer is the same."""
        if not is_same_origin(request, self._door.own_host):
            raise HTTPException(HTTPStatus.FORBIDDEN, "expected a request from our own pages")
        form = await read_form(request, LONGEST_FORM)
        attempt = Attempt(
            name=form.get("name", "").strip(),
            password=form.get("password", ""),
            code=form.get("code", ""),
            network=request.client.host if request.client else "",
            old_token=request.cookies.get(self._door.cookie, ""),
        )
        allows_demo = not self._settings.is_public
        try:
            opened = await sign_in(self._database, self._keyring, attempt, self._clock(), allows_demo=allows_demo)
        except ThrottledError:
            return await self._form(request, HTTPStatus.TOO_MANY_REQUESTS, "sign_in.throttled")
        if opened is None:
            return await self._form(request, HTTPStatus.UNAUTHORIZED, "sign_in.failed")
        to = home_of(opened.account) if opened.stage == sessions.FULL else ENROL
        return self._with_cookie(RedirectResponse(to, HTTPStatus.SEE_OTHER), opened.token)

    async def sign_out(self, request: Request) -> Response:
        """The session ends here and in the database."""
        async with self._database.write() as session:
            await sessions.end(session, request.cookies.get(self._door.cookie, ""))
        response = RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
        response.delete_cookie(self._door.cookie, path="/", secure=self._door.is_secure, httponly=True, samesite="lax")
        response.headers["clear-site-data"] = '"cache", "storage"'
        return response

    async def enrol_page(self, request: Request) -> Response:
        """The secret as a picture and as text, to be confirmed by a code."""
        return await self._enrolment(request, HTTPStatus.OK, "")

    async def qr(self, request: Request) -> Response:
        """The secret as a picture, from us and from nowhere else."""
        account = await self._enrolling(request)
        async with self._database.read() as session:
            secret = await accounts.second_factor(session, self._keyring, account.id)
        uri = pyotp.TOTP(secret).provisioning_uri(name=account.name, issuer_name="Relais")
        out = BytesIO()
        segno.make(uri, error="m").save(out, kind="svg", scale=5, border=3, dark="#000", light="#fff", xmldecl=False)
        return Response(out.getvalue(), media_type="image/svg+xml")

    async def enrol(self, request: Request) -> Response:
        """A code that fits and a password of their own: signed in, with recovery codes shown this once."""
        account, now = await self._enrolling(request), self._clock()
        form = await read_form(request, LONGEST_FORM)
        password = form.get("password", "")
        if len(password) < accounts.MIN_PASSWORD or account.name.lower() in password.lower():
            return await self._enrolment(request, HTTPStatus.UNPROCESSABLE_ENTITY, "enrol.weak")
        async with self._database.read() as session:
            secret = await accounts.second_factor(session, self._keyring, account.id)
        step = accounts.totp_step(secret, "".join(form.get("code", "").split()), now)
        if step is None:
            return await self._enrolment(request, HTTPStatus.UNPROCESSABLE_ENTITY, "enrol.wrong_code")
        hashed = await accounts.hash_password(password)
        async with self._database.write() as session:
            codes = await accounts.enrol(session, account.id, hashed, step, now)
            token = await sessions.start(session, account.id, sessions.FULL, now)
            await audit.append(session, now, f"account:{account.id}", "enrolled", f"account:{account.id}", "")
        return self._with_cookie(page(request, "codes.html", codes=codes, home=home_of(account)), token)

    async def own_page(self, request: Request) -> Response:
        """Who is signed in, and a way to end every session."""
        return page(request, "own.html", home=home_of(request.state.account))

    async def end_sessions(self, request: Request) -> Response:
        """A lost or stolen device: every session of the account ends, this one too."""
        account, now = request.state.account, self._clock()
        async with self._database.write() as session:
            await sessions.end_all(session, account.id)
            await audit.append(session, now, f"account:{account.id}", "sessions_ended", f"account:{account.id}", "own")
        return RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)

    async def _enrolling(self, request: Request) -> Account:
        account: Account = request.state.account
        async with self._database.read() as session:
            is_enrolling = await accounts.is_enrolling(session, account.id)
        if not is_enrolling:
            raise HTTPException(HTTPStatus.CONFLICT, "the second factor is set up already")
        return account

    async def _form(self, request: Request, status: HTTPStatus, problem: str) -> Response:
        shown: tuple[demo.Demo, ...] = ()
        if not self._settings.is_public:
            async with self._database.read() as session:
                shown = await demo.shown(session, self._keyring, self._clock())
        response = page(request, "sign_in.html", status, problem=problem, demos=shown)
        if status is HTTPStatus.TOO_MANY_REQUESTS:
            response.headers["retry-after"] = str(int(sessions.FAILURE_WINDOW.total_seconds()))
        return response

    async def _enrolment(self, request: Request, status: HTTPStatus, problem: str) -> Response:
        account = await self._enrolling(request)
        async with self._database.read() as session:
            secret = await accounts.second_factor(session, self._keyring, account.id)
        spaced = " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
        return page(request, "enrol.html", status, problem=problem, secret=spaced, least=accounts.MIN_PASSWORD)

    def _with_cookie(self, response: Response, token: str) -> Response:
        response.set_cookie(
            self._door.cookie,
            token,
            max_age=int(sessions.LONGEST.total_seconds()),
            path="/",
            secure=self._door.is_secure,
            httponly=True,
            samesite="lax",
        )
        return response
