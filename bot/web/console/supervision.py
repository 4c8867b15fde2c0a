"""What supervisors see and do besides: the board, taking over, giving to somebody, reviews, rota, closures, phrases."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from http import HTTPStatus
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import i18n
from bot.domain.accounts import Account, Role
from bot.domain.handover import EXPOSURE, PARTS_OF_DAY, PATIENCE, Refusal, waits_by_hour
from bot.flows import handover as flow
from bot.flows import shifts
from bot.flows.helpline import Helpline
from bot.store import casework, choices, console, debriefs, decisions, handover, volunteers
from bot.store import shifts as rows
from bot.web.console.forms import done, fields, number
from bot.web.console.render import page

LONGEST_PHRASE = 600
WAITS_OF = timedelta(days=7)
REVIEW_WITHIN = timedelta(hours=24)


class Supervision:
    """Pages under /console/board and /console/rota; refused to everybody who is not a supervisor, here too."""

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
            Route("/console/rota", self.rota, methods=["GET"]),
            Route("/console/rota/shifts", self.change_shifts, methods=["POST"]),
            Route("/console/rota/closures", self.change_closures, methods=["POST"]),
            Route("/console/rota/phrases", self.change_phrases, methods=["POST"]),
        ]

    async def board(self, request: Request) -> Response:
        """Who waits, who holds what, who is breaking, what is to review."""
        _supervisor(request)
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
        refusal = await flow.take_over(self._helpline, _supervisor(request), id_)
        return done(request, refusal, f"/console/c/{id_}" if refusal is None else "/console/board")

    async def give(self, request: Request) -> Response:
        """Give a conversation to somebody, or put it back in the queue."""
        supervisor, to = _supervisor(request), None
        wanted = number((await fields(request)).get("to", ""))
        if wanted is not None:
            async with self._helpline.database.read() as session:
                found = await volunteers.find(session, wanted)
            if found is None:
                raise HTTPException(HTTPStatus.NOT_FOUND, "no such volunteer")
            to = Account(found.id, found.name, Role(found.role), found.languages, found.skills)
        refusal = await flow.reassign(self._helpline, supervisor, request.path_params["id"], to)
        return done(request, refusal, "/console/board")

    async def reviewed(self, request: Request) -> Response:
        """An imminent case was read through by a supervisor (R25)."""
        supervisor = _supervisor(request)
        id_, now = request.path_params["id"], self._helpline.clock()
        async with self._helpline.database.write() as session:
            handover.record(session, id_, now, f"account:{supervisor.id}", "reviewed", "imminent")
        return done(request, None, "/console/board")

    async def debriefed(self, request: Request) -> Response:
        """Somebody talked with the volunteer who asked for it; what came of it is kept for the other supervisors."""
        supervisor, id_, now = _supervisor(request), request.path_params["id"], self._helpline.clock()
        note = (await fields(request)).get("note", "").strip()[:LONGEST_PHRASE]
        async with self._helpline.database.write(first=True) as session:
            is_done = await debriefs.finish(session, self._helpline.keyring, id_, supervisor.id, note, now)
        return done(request, None if is_done else Refusal.DECIDED, "/console/board")

    async def rota(self, request: Request) -> Response:
        """Weekly shifts, closures, and the helpline's own phrases."""
        _supervisor(request)
        now = self._helpline.clock()
        rota = await shifts.rota(self._helpline, at_once=True)
        async with self._helpline.database.read() as session:
            weekly = await rows.rota(session)
            closures = await rows.closures(session, now)
            people = await volunteers.everyone(session)
            phrases = await rows.phrases(session)
        return page(
            request,
            "rota.html",
            weekly=weekly,
            closures=closures,
            people=people,
            names={one.id: one.name for one in people},
            phrases=phrases,
            team=rota.status(now),
            upcoming=rota.next_on(now),
            is_paused=any(closure.end is None for closure in closures),
            now=now,
        )

    async def change_shifts(self, request: Request) -> Response:
        """Add or remove a weekly shift."""
        _supervisor(request)
        form = await fields(request)
        remove, weekday = number(form.get("remove", "")), number(form.get("weekday", ""))
        start, end = _time(form.get("start", "")), _time(form.get("end", ""))
        async with self._helpline.database.write() as session:
            if remove is not None:
                await rows.remove_shift(session, remove)
            elif weekday is not None and weekday < 7 and start is not None and end is not None:
                rows.add_shift(session, weekday, start, end, number(form.get("volunteer", "")))
        await shifts.rota(self._helpline, at_once=True)
        return done(request, None, "/console/rota")

    async def change_closures(self, request: Request) -> Response:
        """Close, pause, or open again; the bot says so at once."""
        supervisor, form, now = _supervisor(request), await fields(request), self._helpline.clock()
        reopened = number(form.get("reopen", ""))
        zone = i18n.time_zone("FR")
        start, end = _moment(form.get("start", ""), zone), _moment(form.get("end", ""), zone)
        if reopened is not None:
            await shifts.reopen_intake(self._helpline, reopened)
        elif form.get("pause") == "yes":
            await shifts.close_intake(self._helpline, supervisor, now, None, "pause")
        elif start is not None and end is not None and start < end:
            await shifts.close_intake(self._helpline, supervisor, start, end, form.get("reason", "")[:120])
        return done(request, None, "/console/rota")

    async def change_phrases(self, request: Request) -> Response:
        """Add or remove a phrase of the helpline's own."""
        _supervisor(request)
        form = await fields(request)
        remove, text = number(form.get("remove", "")), form.get("text", "").strip()[:LONGEST_PHRASE]
        async with self._helpline.database.write() as session:
            if remove is not None:
                await rows.remove_phrase(session, remove, self._helpline.clock())
            elif text:
                language = form.get("language", "fr")
                rows.add_phrase(
                    session, language if language in ("fr", "en", "ar") else "fr", text, form.get("why", "")[:200]
                )
        return done(request, None, "/console/rota")


def _supervisor(request: Request) -> Account:
    account: Account = request.state.account
    if account.role is not Role.SUPERVISOR:
        raise HTTPException(HTTPStatus.FORBIDDEN, "for supervisors")
    return account


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text)
    except ValueError:
        return None


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """What a date-and-time field of a browser holds, on the team's clock."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=zone) if found.tzinfo is None else found
