"""One conversation in the console: who may open it, its parts as they change, and the earlier ones of the same person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.domain.accounts import Account, Role
from bot.domain.conversations import Mode
from bot.domain.hints import hints
from bot.domain.permissions import may_open, may_write
from bot.domain.risk import RiskLevel
from bot.flows.helpline import Helpline
from bot.flows.window import has_template
from bot.flows.wording import Wording
from bot.store import casework, handover, reports, views, volunteers
from bot.store.console import Card
from bot.store.handover import OPENED_AGAIN
from bot.store.views import Entered, Transcript, View
from bot.web.console.content import HINTS, THEMES
from bot.web.console.forms import fields
from bot.web.console.render import page


@dataclass(frozen=True, slots=True)
class Opened:
    """One conversation column."""

    view: View
    is_mine: bool
    suggested: str
    said: tuple[tuple[str, str], ...]
    reasons: tuple[tuple[str, str, str], ...]
    has_template: bool
    sees_earlier: bool
    has_report: bool


class Talk:
    """Opens conversations for those who may read them; every opening is in the log."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline
        self._noted: dict[tuple[int, int], datetime] = {}

    def routes(self) -> list[Route]:
        """The parts of a conversation."""
        return [
            Route("/console/c/{id:int}/lines", self.lines, methods=["GET"]),
            Route("/console/c/{id:int}/beside", self.beside, methods=["GET"]),
            Route("/console/c/{id:int}/referral", self.referral, methods=["GET"]),
            Route("/console/c/{id:int}/hints", self.hints, methods=["POST"]),
            Route("/console/c/{id:int}/earlier/{earlier:int}", self.earlier, methods=["GET"]),
        ]

    async def lines(self, request: Request) -> Response:
        """The transcript."""
        account, id_ = request.state.account, request.path_params["id"]
        async with self._helpline.database.read() as session:
            entered = await self._find(session, account, id_)
            if entered is None:
                return _gone(request, Response(status_code=HTTPStatus.NO_CONTENT))
            transcript = await views.transcript(session, entered)
        await self._note(account, id_)
        return page(request, "lines.html", transcript=transcript)

    async def beside(self, request: Request) -> Response:
        """Whispers, decisions and the window."""
        account, id_ = request.state.account, request.path_params["id"]
        async with self._helpline.database.read() as session:
            entered = await self._find(session, account, id_)
            if entered is None:
                return _gone(request, page(request, "gone.html"))
            beside = await views.beside(session, entered, self._helpline.clock())
            names = await volunteers.names(session)
        await self._note(account, id_)
        is_mine = may_write(account, entered.mode, entered.volunteer_id)
        template = has_template(self._helpline, entered.contact.channel, entered.row.language)
        now = self._helpline.clock()
        return page(request, "beside.html", beside=beside, names=names, is_mine=is_mine, has_template=template, now=now)

    async def referral(self, request: Request) -> Response:
        """The lines of a theme with their hours now, in the person's language, to put into the draft."""
        found = (await self.open(request.state.account, request.path_params["id"])).view
        return PlainTextResponse(self._lines_for(found.card, request.query_params.get("theme", "distress")))

    async def hints(self, request: Request) -> Response:
        """What to look at again in a draft. A hint asks, it never blocks."""
        form = await fields(request)
        return page(request, "hints.html", hints=hints(form.get("text", ""), HINTS))

    async def earlier(self, request: Request) -> Response:
        """An earlier conversation of the same person, to read only, for who holds the current one and for supervisors."""
        account, id_, earlier = request.state.account, request.path_params["id"], request.path_params["earlier"]
        async with self._helpline.database.read() as session:
            entered = await self._enter(session, account, id_)
            before = await views.enter(session, self._helpline.keyring, earlier)
            is_same = before is not None and before.contact.id == entered.contact.id and before.row.id < entered.row.id
            if before is None or not is_same or not _sees_earlier(account, entered):
                raise _not_for_you()
            transcript = await views.transcript(session, before)
            notes = await casework.notes(session, before.key, earlier)
        await self._note(account, earlier)
        started, risk = before.row.started_at, RiskLevel(before.row.risk)
        return page(
            request, "earlier.html", transcript=transcript, notes=notes, id=id_, started=started, risk_level=risk
        )

    async def open(self, account: Account, id_: int) -> Opened:
        """A conversation with its context."""
        helpline, now = self._helpline, self._helpline.clock()
        async with helpline.database.read() as session:
            entered = await self._enter(session, account, id_)
            view = await views.view(session, helpline.keyring, entered, account.id, now)
            has_report = await reports.is_given(session, id_)
        await self._note(account, id_)
        return Opened(
            view,
            may_write(account, entered.mode, entered.volunteer_id),
            self._lines_for(view.card, theme_of(view.card)),
            self._said(view.transcript),
            _reasons(view.transcript),
            has_template(helpline, view.card.channel, view.card.language),
            _sees_earlier(account, entered),
            has_report,
        )

    async def _enter(self, session: AsyncSession, account: Account, id_: int) -> Entered:
        """A conversation its reader may read; 404 for any other, so that guessing an id tells nothing."""
        entered = await self._find(session, account, id_)
        if entered is None:
            raise _not_for_you()
        return entered

    async def _find(self, session: AsyncSession, account: Account, id_: int) -> Entered | None:
        entered = await views.enter(session, self._helpline.keyring, id_)
        if entered is None:
            return None
        is_queued = entered.mode is Mode.WAITING
        may = may_open(account, entered.mode, entered.volunteer_id, is_queued=is_queued)
        return entered if may else None

    async def _note(self, account: Account, id_: int) -> None:
        """Every opening is in the log, once a quarter of an hour for each reader; what this process noted it remembers."""
        helpline, now = self._helpline, self._helpline.clock()
        noted = self._noted.get((account.id, id_))
        if noted is not None and now - noted < OPENED_AGAIN:
            return
        async with helpline.database.read() as session:
            if await handover.was_opened(session, id_, account, now):
                return
        async with helpline.database.write(first=True) as session:
            await handover.note_opened(session, id_, account, now)
        self._noted = {one: at for one, at in self._noted.items() if now - at < OPENED_AGAIN}
        self._noted[account.id, id_] = now

    def _said(self, transcript: Transcript) -> tuple[tuple[str, str], ...]:
        """What the person was already told and given, so that nobody repeats the same number three times."""
        told: dict[tuple[str, str], None] = {}
        for key in transcript.said:
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

    def _lines_for(self, card: Card, theme: str) -> str:
        helpline = self._helpline
        words = Wording(helpline.words, helpline.directory, card.language, card.country, (), helpline.clock())
        return words.refer(theme, max(card.risk, RiskLevel.CONCERN), card.age_band).message.text


def _not_for_you() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, "no such conversation for you")


def _gone(request: Request, told: Response) -> Response:
    """An open page whose conversation went to somebody else is told so, and keeps what was typed; anybody else gets 404."""
    if "hx-request" not in request.headers:
        raise _not_for_you()
    return told


def _sees_earlier(account: Account, entered: Entered) -> bool:
    """Whoever waits in the queue is read by many; what they said another night only by who holds them now."""
    return account.role is Role.SUPERVISOR or may_write(account, entered.mode, entered.volunteer_id)


def _reasons(transcript: Transcript) -> tuple[tuple[str, str, str], ...]:
    """Each message that raised the risk once: where it is, the words, and every rule that saw it."""
    quotes: dict[str, str] = {}
    rules: dict[str, list[str]] = {}
    for anchor, reason in transcript.reasons:
        quotes[anchor] = quotes.get(anchor) or reason.quote
        rules.setdefault(anchor, []).append(reason.rule)
    return tuple((anchor, quote, ", ".join(rules[anchor])) for anchor, quote in quotes.items())


def theme_of(card: Card) -> str:
    """The theme of the directory that the rule behind the risk speaks of."""
    name = card.rule.rpartition("/")[2]
    return next((theme for theme in THEMES if theme == name), "suicide" if card.risk >= RiskLevel.HIGH else "distress")
