"""Reading the console's forms, and answering an act: in place for HTMX, by going back to the page otherwise."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.domain.handover import Refusal
from bot.web.body import read_body
from bot.web.console.render import page

MAX_FORM = 64 * 1024


async def fields(request: Request) -> dict[str, str]:
    """The fields of an urlencoded form, the last of each name."""
    body = await read_body(request, MAX_FORM)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def number(text: str) -> int | None:
    """A whole number, or None."""
    return int(text) if text.isdecimal() and len(text) < 16 else None


def done(request: Request, refusal: Refusal | None, to: str = "/console") -> Response:
    """After an act: the page to go to, or in one sentence why it was refused. Nothing typed is lost by a refusal."""
    is_htmx = "hx-request" in request.headers
    if refusal is None:
        if is_htmx:
            return Response(status_code=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": to})
        return RedirectResponse(to, HTTPStatus.SEE_OTHER)
    if is_htmx:
        response = page(request, "refused.html", refusal=refusal.value)
        response.headers["HX-Retarget"] = "#news"
        response.headers["HX-Reswap"] = "innerHTML"
        return response
    return page(request, "refusal.html", HTTPStatus.CONFLICT, refusal=refusal.value, back=to)
