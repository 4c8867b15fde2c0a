"""Being there: the heartbeat, going on and off duty, how a volunteer is after a hard one, and alerts on their own phone."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.accounts import Account
from bot.flows import shifts
from bot.flows.helpline import Helpline
from bot.store import alerts, choices, debriefs, volunteers
from bot.store.choices import Choices
from bot.web.console.forms import done, fields
from bot.web.console.render import page

LONGEST = 12.0


class Duty:
    """Forms about the volunteer."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline

    def routes(self) -> list[Route]:
        """The heartbeat and the forms."""
        return [
            Route("/console/beat", self.beat, methods=["POST"]),
            Route("/console/duty/on", self.go_on, methods=["POST"]),
            Route("/console/duty/off", self.go_off, methods=["POST"]),
            Route("/console/debrief", self.debrief, methods=["POST"]),
            Route("/console/choices", self.choose, methods=["POST"]),
            Route("/console/alerts", self.alerts_page, methods=["GET"]),
            Route("/console/alerts", self.alerts, methods=["POST"]),
        ]

    async def beat(self, request: Request) -> Response:
        """The volunteer is there and looks at the page: what they hold stays theirs."""
        async with self._helpline.database.write(first=True) as session:
            await volunteers.touch(session, request.state.account.id, self._helpline.clock())
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def go_on(self, request: Request) -> Response:
        """On duty for so many hours."""
        text = (await fields(request)).get("hours", "2")
        hours = float(text) if text.replace(".", "", 1).isdecimal() else 2.0
        await shifts.go_on_duty(self._helpline, request.state.account, min(max(hours, 0.5), LONGEST))
        return done(request, None)

    async def go_off(self, request: Request) -> Response:
        """Off duty, once everything is handed over."""
        return done(request, await shifts.go_off_duty(self._helpline, request.state.account))

    async def debrief(self, request: Request) -> Response:
        """“How are you?”, answered."""
        asked = (await fields(request)).get("answer") == "talk"
        async with self._helpline.database.write() as session:
            account: Account = request.state.account
            await volunteers.answer_debrief(session, account.id, self._helpline.clock(), asked=asked)
            if asked:
                await debriefs.ask(session, account.id, self._helpline.clock())
        return done(request, None)

    async def choose(self, request: Request) -> Response:
        """Sound or not, notifications of the browser or not; kept for the volunteer, on every device."""
        form, account = await fields(request), request.state.account
        async with self._helpline.database.write(first=True) as session:
            await volunteers.meet(session, account, self._helpline.clock())
            kept = await choices.of(session, account.id)
            chosen = Choices(
                form.get("sound", "off" if kept.is_muted else "on") == "off",
                form.get("notices", "on" if kept.wants_notices else "off") == "on",
            )
            await choices.save(session, account.id, chosen)
        if "hx-request" in request.headers:
            return page(request, "choices.html", choices=chosen)
        return done(request, None, "/console/alerts")

    async def alerts_page(self, request: Request) -> Response:
        """Whether alerts are on, and how to turn them on or off."""
        return await self._alerts(request, "")

    async def alerts(self, request: Request) -> Response:
        """A code to send to the bot, or no alerts any more."""
        wanted = (await fields(request)).get("alerts", "")
        account: Account = request.state.account
        code, now = "", self._helpline.clock()
        async with self._helpline.database.write() as session:
            await volunteers.meet(session, account, now)
            if wanted == "on":
                code = await alerts.new_code(session, account.id, now)
            else:
                await alerts.forget(session, account.id)
        return await self._alerts(request, code)

    async def _alerts(self, request: Request, code: str) -> Response:
        async with self._helpline.database.read() as session:
            is_on = await alerts.is_enrolled(session, request.state.account.id)
            chosen = await choices.of(session, request.state.account.id)
        has_telegram = "telegram" in self._helpline.channels
        return page(request, "alerts.html", code=code, is_on=is_on, has_telegram=has_telegram, choices=chosen)
