"""The account somebody gave to the team with their consent: one page, and every opening of it in the audit log."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.accounts import Account
from bot.domain.conversations import Mode
from bot.domain.permissions import may_open
from bot.flows.helpline import Helpline
from bot.store import audit, handover, reports, views
from bot.web.console.render import language_of, page


class Reports:
    """The page of an account."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline

    def routes(self) -> list[Route]:
        """One page per conversation; 404 where there is nothing for its reader."""
        return [Route("/console/c/{id:int}/report", self.report, methods=["GET"])]

    async def report(self, request: Request) -> Response:
        """The account as it was given; drafts, which nobody gave us, are never shown."""
        account: Account = request.state.account
        id_, helpline, now = request.path_params["id"], self._helpline, self._helpline.clock()
        async with helpline.database.read() as session:
            found = await views.enter(session, helpline.keyring, id_)
            stored = await reports.given(session, helpline.keyring, id_)
            is_queued = found is not None and found.mode is Mode.WAITING
            if (
                found is None
                or stored is None
                or not may_open(account, found.mode, found.volunteer_id, is_queued=is_queued)
            ):
                raise HTTPException(HTTPStatus.NOT_FOUND, "no such account for you")
            card = (await views.view(session, helpline.keyring, found, account.id, now)).card
        async with helpline.database.write() as session:
            handover.record(session, id_, now, f"account:{account.id}", "opened_report", "")
            await audit.append(session, now, f"account:{account.id}", "opened_report", f"conversation:{id_}", "")
        language = language_of(request)
        label = "utter_report_label_part_"
        parts = [(helpline.words.say(f"{label}{part}", language).text, words) for part, words in stored.report.answers]
        return page(request, "report.html", card=card, parts=parts, handed_at=stored.handed_at)
