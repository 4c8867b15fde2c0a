"""What a volunteer does with a conversation: take, answer, pass on, hand back, close, and call for help."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.domain.accounts import Account, Role
from bot.domain.handover import Outcome, Refusal
from bot.flows import handover as flow
from bot.flows import window
from bot.flows.helpline import Helpline
from bot.store import volunteers
from bot.store.casework import Ending
from bot.store.contacts import address_of_conversation
from bot.web.console.forms import done, fields, number
from bot.web.console.render import page

FOLLOW_UPS = {"1": timedelta(days=1), "3": timedelta(days=3), "7": timedelta(days=7)}
TYPING_EVERY = 4.0
"""Telegram shows “typing” for five seconds."""


class Acts:
    """Forms about one conversation."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline
        self._typing: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """All of them are posts: nothing changes by following a link."""
        acts = {
            "claim": self.claim,
            "reply": self.reply,
            "reopen": self.reopen,
            "draft": self.draft,
            "note": self.note,
            "pass": self.pass_on,
            "back": self.hand_back,
            "close": self.close,
            "help": self.call_supervisor,
        }
        named = [Route(f"/console/c/{{id:int}}/{name}", act, methods=["POST"]) for name, act in acts.items()]
        return [Route("/console/next", self.take_next, methods=["POST"]), *named]

    async def take_next(self, request: Request) -> Response:
        """“Give me the next one”."""
        taken = await flow.take_next(self._helpline, request.state.account)
        if isinstance(taken, Refusal):
            return done(request, taken)
        return done(request, None, f"/console/c/{taken}")

    async def claim(self, request: Request) -> Response:
        """Pick somebody from the queue."""
        id_ = request.path_params["id"]
        return done(request, await flow.claim(self._helpline, request.state.account, id_), f"/console/c/{id_}")

    async def reply(self, request: Request) -> Response:
        """Say something to the person."""
        id_, form = request.path_params["id"], await fields(request)
        refusal = await flow.reply(self._helpline, request.state.account, id_, form.get("text", ""))
        if refusal is None and "hx-request" in request.headers:
            return page(request, "sent.html")
        return done(request, refusal, f"/console/c/{id_}")

    async def reopen(self, request: Request) -> Response:
        """Ask the person, with a template, to write again; what was typed is kept."""
        id_ = request.path_params["id"]
        refusal = await window.reopen(self._helpline, id_, request.state.account)
        if "hx-request" in request.headers:
            return page(request, "reopened.html", result=refusal.value if refusal else "asked")
        return RedirectResponse(f"/console/c/{id_}", HTTPStatus.SEE_OTHER)

    async def draft(self, request: Request) -> Response:
        """Keep what is typed, and show the person that somebody is writing."""
        id_, form = request.path_params["id"], await fields(request)
        text = form.get("text", "")
        refusal = await flow.save_draft(self._helpline, request.state.account, id_, text)
        if refusal is None and text:
            self._show_typing(id_)
        return Response(status_code=HTTPStatus.NO_CONTENT if refusal is None else HTTPStatus.CONFLICT)

    def _show_typing(self, id_: int) -> None:
        if time.monotonic() - self._typing.get(id_, 0.0) < TYPING_EVERY:
            return
        self._typing[id_] = time.monotonic()
        task = asyncio.create_task(self._type(id_))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _type(self, id_: int) -> None:
        async with self._helpline.database.read() as session:
            channel, address = await address_of_conversation(session, self._helpline.keyring, id_)
        await self._helpline.channels[channel].show_typing(address)

    async def note(self, request: Request) -> Response:
        """An internal note, or a whisper from a supervisor who reads along."""
        id_, form = request.path_params["id"], await fields(request)
        account: Account = request.state.account
        kind = "whisper" if form.get("kind") == "whisper" and account.role is Role.SUPERVISOR else "note"
        refusal = await flow.note(self._helpline, account, id_, form.get("text", ""), kind)
        return done(request, refusal, f"/console/c/{id_}")

    async def pass_on(self, request: Request) -> Response:
        """Hand over with a note, to somebody on duty or to the head of the queue."""
        id_, form = request.path_params["id"], await fields(request)
        to = await self._account(number(form.get("to", "")))
        refusal = await flow.pass_on(self._helpline, request.state.account, id_, form.get("note", ""), to)
        return done(request, refusal, "/console" if refusal is None else f"/console/c/{id_}")

    async def hand_back(self, request: Request) -> Response:
        """Back to the bot, with what was agreed."""
        id_, form = request.path_params["id"], await fields(request)
        account = request.state.account
        refusal = await flow.hand_back(self._helpline, account, id_, _ending(form), form.get("note", ""))
        return done(request, refusal, "/console" if refusal is None else f"/console/c/{id_}")

    async def close(self, request: Request) -> Response:
        """The end, coded."""
        id_, form = request.path_params["id"], await fields(request)
        follow_up = FOLLOW_UPS.get(form.get("follow_up", ""))
        refusal = await flow.close(
            self._helpline, request.state.account, id_, _ending(form), form.get("note", ""), follow_up
        )
        return done(request, refusal, "/console" if refusal is None else f"/console/c/{id_}")

    async def call_supervisor(self, request: Request) -> Response:
        """“I need a supervisor”."""
        id_ = request.path_params["id"]
        refusal = await flow.call_supervisor(self._helpline, request.state.account, id_)
        if refusal is None and "hx-request" in request.headers:
            return page(request, "called.html")
        return done(request, refusal, f"/console/c/{id_}")

    async def _account(self, id_: int | None) -> Account | None:
        if id_ is None:
            return None
        async with self._helpline.database.read() as session:
            found = await volunteers.find(session, id_)
        return Account(found.id, found.name, Role(found.role), found.languages, found.skills) if found else None


def _ending(form: dict[str, str]) -> Ending:
    outcomes = {outcome.value for outcome in Outcome}
    outcome = form.get("outcome", "")
    return Ending(
        outcome=outcome if outcome in outcomes else Outcome.HEARD.value,
        referral=form.get("referral", "")[:60],
        referral_taken=form.get("referral_taken", "") if form.get("referral_taken") in ("yes", "no") else "unknown",
    )
