"""The desk: queue, open conversations side by side with their context, and the stream that keeps them live."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.domain.accounts import Account, Role
from bot.domain.conversations import Mode
from bot.domain.handover import EXPOSURE, Outcome, Volunteer, window_until
from bot.domain.hints import hints
from bot.domain.permissions import may_open
from bot.domain.risk import RiskLevel
from bot.flows import shifts
from bot.flows.helpline import Helpline
from bot.flows.wording import Wording
from bot.store import console, handover, reports, volunteers
from bot.store import shifts as shift_rows
from bot.store.console import Card, View
from bot.web.console.content import HINTS, PHRASES, THEMES
from bot.web.console.forms import fields, number
from bot.web.console.live import Live
from bot.web.console.render import COOKIE, LANGUAGES, page

AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Opened:
    """One conversation column."""

    view: View
    is_mine: bool
    window_until: str
    suggested: str
    said: tuple[tuple[str, str], ...]
    reasons: tuple[tuple[str, str, str], ...]
    has_report: bool


class Desk:
    """The pages a volunteer works in."""

    def __init__(self, helpline: Helpline, live: Live) -> None:
        self._helpline = helpline
        self._live = live

    def routes(self) -> list[Route]:
        """The page, its parts, and the stream."""
        return [
            Route("/console", self.desk, methods=["GET"]),
            Route("/console/events", self.events, methods=["GET"]),
            Route("/console/queue", self.queue, methods=["GET"]),
            Route("/console/bar", self.bar, methods=["GET"]),
            Route("/console/language/{language}", self.language, methods=["GET"]),
            Route("/console/c/{id:int}", self.conversation, methods=["GET"]),
            Route("/console/c/{id:int}/lines", self.lines, methods=["GET"]),
            Route("/console/c/{id:int}/context", self.context, methods=["GET"]),
            Route("/console/c/{id:int}/referral", self.referral, methods=["GET"]),
            Route("/console/c/{id:int}/hints", self.hints, methods=["POST"]),
        ]

    async def desk(self, request: Request) -> Response:
        """The whole page with the conversations asked for (`c=`), else those the volunteer holds."""
        asked = [found for text in request.query_params.getlist("c") if (found := number(text)) is not None]
        return await self._desk(request, asked[:AT_ONCE])

    async def conversation(self, request: Request) -> Response:
        """The page with one conversation open."""
        return await self._desk(request, [request.path_params["id"]])

    async def _desk(self, request: Request, ids: list[int]) -> Response:
        account: Account = request.state.account
        await self._meet(account)
        opened = [await self._open(account, id_) for id_ in ids]
        shared = await self._shared(account)
        return page(request, "desk.html", opened=opened, **shared, **self._choices())

    async def queue(self, request: Request) -> Response:
        """The left pane."""
        open_now = frozenset(found for text in request.query_params.getlist("c") if (found := number(text)) is not None)
        return page(request, "queue.html", open_ids=open_now, **await self._shared(request.state.account))

    async def bar(self, request: Request) -> Response:
        """The bar: on duty until when, how many, exposure."""
        return page(request, "bar.html", **await self._shared(request.state.account))

    async def lines(self, request: Request) -> Response:
        """The transcript."""
        found = await self._view(request.state.account, request.path_params["id"])
        return page(request, "lines.html", one={"view": found})

    async def context(self, request: Request) -> Response:
        """What to know about the person, and what to do."""
        account: Account = request.state.account
        opened = await self._open(account, request.path_params["id"])
        return page(request, "context.html", one=opened, **await self._shared(account), **self._choices())

    async def referral(self, request: Request) -> Response:
        """The lines of a theme with their hours now, in the person's language, to put into the draft."""
        found = await self._view(request.state.account, request.path_params["id"])
        text = self._lines_for(found, request.query_params.get("theme", "distress"))
        return PlainTextResponse(text)

    async def hints(self, request: Request) -> Response:
        """What to look at again in a draft. A hint asks, it never blocks."""
        form = await fields(request)
        return page(request, "hints.html", hints=hints(form.get("text", ""), HINTS))

    async def events(self, request: Request) -> Response:
        """The stream of what changed."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._live.events(), media_type="text/event-stream", headers=headers)

    async def language(self, request: Request) -> Response:
        """The language of the page, remembered in this browser."""
        chosen = request.path_params["language"]
        response = Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": "/console"})
        if chosen in LANGUAGES:
            response.set_cookie(COOKIE, chosen, max_age=31_536_000, path="/console", httponly=True, samesite="lax")
        return response

    def _choices(self) -> dict[str, Any]:
        services = self._helpline.directory.services.values()
        return {
            "outcomes": [outcome.value for outcome in Outcome],
            "phrases": PHRASES,
            "themes": THEMES,
            "services": sorted((service.id, service.name["fr"]) for service in services if service.may_be_shown),
        }

    async def _meet(self, account: Account) -> None:
        async with self._helpline.database.write() as session:
            await volunteers.meet(session, account, self._helpline.clock())

    async def _shared(self, account: Account) -> dict[str, Any]:
        """What every part of the page may show: the queue, what the volunteer holds, the volunteer, the rota."""
        helpline, now = self._helpline, self._helpline.clock()
        rota = await shifts.rota(helpline)
        async with helpline.database.read() as session:
            cards = await console.queue(session, helpline.keyring)
            mine = await console.held_by(session, helpline.keyring, account.id)
            me = await volunteers.find(session, account.id) or Volunteer(account.id, account.name, account.role.value)
            people = await volunteers.everyone(session)
            own_phrases = await shift_rows.phrases(session)
        return {
            "cards": cards,
            "mine": mine,
            "me": me,
            "names": {one.id: one.name for one in people},
            "people": [one for one in people if one.is_on_duty and one.id != account.id],
            "own_phrases": own_phrases,
            "team": rota.status(now),
            "now": now,
            "exposure": EXPOSURE,
            "is_supervisor": account.role is Role.SUPERVISOR,
            "is_cooling": me.cool_until is not None and me.cool_until > now,
        }

    async def _open(self, account: Account, id_: int) -> Opened:
        found = await self._view(account, id_)
        card = found.card
        until = window_until(card.channel, card.last_inbound_at)
        async with self._helpline.database.read() as session:
            has_report = await reports.is_given(session, id_)
        return Opened(
            found,
            found.mode is Mode.VOLUNTEER and card.volunteer_id == account.id,
            until.isoformat() if until is not None else "",
            self._lines_for(found, theme_of(card)),
            self._said(found),
            _reasons(found),
            has_report,
        )

    def _said(self, found: View) -> tuple[tuple[str, str], ...]:
        """What the person was already told and given, so that nobody repeats the same number three times."""
        told: dict[tuple[str, str], None] = {}
        for key in found.said:
            if key.startswith("utter_refer_"):
                told[("theme", key.removeprefix("utter_refer_"))] = None
            elif key.startswith("utter_service_"):
                service = self._helpline.directory.services.get(key.removeprefix("utter_service_"))
                told[("service", service.name["fr"] if service else "")] = None
            elif key.startswith("utter_emergency_") and not key.startswith("utter_emergency_team"):
                told[("emergency", "")] = None
            elif key.startswith("utter_welcome"):
                told[("welcome", "")] = None
        return tuple(told)

    async def _view(self, account: Account, id_: int) -> View:
        """A conversation its reader may read; 404 for any other, so that guessing an id tells nothing."""
        helpline = self._helpline
        async with helpline.database.read() as session:
            found = await console.view(session, helpline.keyring, id_, account.id)
            is_noted = await handover.was_opened(session, id_, account, helpline.clock())
        if found is None or not _may_read(account, found):
            raise HTTPException(HTTPStatus.NOT_FOUND, "no such conversation for you")
        if not is_noted:
            async with helpline.database.write() as session:
                await handover.note_opened(session, id_, account, helpline.clock())
        return found

    def _lines_for(self, found: View, theme: str) -> str:
        helpline, card = self._helpline, found.card
        words = Wording(helpline.words, helpline.directory, card.language, card.country, (), helpline.clock())
        return words.refer(theme, max(card.risk, RiskLevel.CONCERN), card.age_band).message.text


def _reasons(found: View) -> tuple[tuple[str, str, str], ...]:
    """Each message that raised the risk once: where it is, the words, and every rule that saw it."""
    quotes: dict[str, str] = {}
    rules: dict[str, list[str]] = {}
    for anchor, reason in found.reasons:
        quotes[anchor] = quotes.get(anchor) or reason.quote
        rules.setdefault(anchor, []).append(reason.rule)
    return tuple((anchor, quote, ", ".join(rules[anchor])) for anchor, quote in quotes.items())


def _may_read(account: Account, found: View) -> bool:
    return may_open(account, found.mode, found.card.volunteer_id, is_queued=found.mode is Mode.WAITING)


def theme_of(card: Card) -> str:
    """The theme of the directory that the rule behind the risk speaks of."""
    name = card.rule.rpartition("/")[2]
    return next((theme for theme in THEMES if theme == name), "suicide" if card.risk >= RiskLevel.HIGH else "distress")
