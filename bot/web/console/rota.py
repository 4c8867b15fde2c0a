"""The supervisors' page of our hours: weekly shifts, closures, the pause of intake, and the helpline's own phrases."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import i18n
from bot.flows import shifts
from bot.flows.helpline import Helpline
from bot.store import shifts as rows
from bot.store import volunteers
from bot.web.console.forms import done, fields, number
from bot.web.console.render import page
from bot.web.console.supervision import LONGEST_PHRASE, supervisor


class RotaPages:
    """Pages under /console/rota; what the bot says of our hours changes with them, without a deployment."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline

    def routes(self) -> list[Route]:
        """The page and its forms."""
        return [
            Route("/console/rota", self.rota, methods=["GET"]),
            Route("/console/rota/shifts", self.change_shifts, methods=["POST"]),
            Route("/console/rota/closures", self.change_closures, methods=["POST"]),
            Route("/console/rota/phrases", self.change_phrases, methods=["POST"]),
        ]

    async def rota(self, request: Request) -> Response:
        """Weekly shifts, closures, and the helpline's own phrases."""
        supervisor(request)
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
        supervisor(request)
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
        by, form, now = supervisor(request), await fields(request), self._helpline.clock()
        reopened = number(form.get("reopen", ""))
        zone = i18n.time_zone("FR")
        start, end = _moment(form.get("start", ""), zone), _moment(form.get("end", ""), zone)
        if reopened is not None:
            await shifts.reopen_intake(self._helpline, reopened)
        elif form.get("pause") == "yes":
            await shifts.close_intake(self._helpline, by, now, None, "pause")
        elif start is not None and end is not None and start < end:
            await shifts.close_intake(self._helpline, by, start, end, form.get("reason", "")[:120])
        return done(request, None, "/console/rota")

    async def change_phrases(self, request: Request) -> Response:
        """Add or remove a phrase of the helpline's own."""
        supervisor(request)
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
