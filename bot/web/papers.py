"""The link to a paper: a page with one button, and the button gives the file, once. Looking at the page uses nothing up.

Previews of links are fetched by phones and providers; that is why the page alone gives nothing (ADR 6).
"""

from __future__ import annotations

import base64
import hashlib
import html
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot import i18n
from bot.flows.helpline import Helpline
from bot.flows.paper import FILE_NAME, pdf_of_contact
from bot.flows.typeset import NEUTRAL_TITLE
from bot.store import papers
from bot.store.papers import Link

STYLE = (
    "body{font:18px/1.6 system-ui,sans-serif;margin:0;background:#f6f6f8;color:#222}main{max-width:28rem;margin:20vh auto 0;"
    "padding:0 1.5rem}button{font:inherit;padding:.8rem 2rem;border:0;border-radius:.6rem;background:#2b4a6f;color:#fff}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
}
LONGEST_TOKEN = 64
_PAGE = (
    '<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
    "<title>{title}</title><style>{style}</style></head><body><main><p>{text}</p>{form}</main></body></html>"
)
_FORM = '<form method="post"><button>{label}</button></form>'


class Papers:
    """The two steps of opening a paper."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline

    def routes(self) -> list[Route]:
        """Under /papers, without signing in: whoever has the link, which is in the conversation only."""
        return [
            Route("/papers/{token}", self.look, methods=["GET"]),
            Route("/papers/{token}", self.open, methods=["POST"]),
        ]

    async def look(self, request: Request) -> Response:
        """The page with its button; it changes nothing, whoever fetches it and however often."""
        link = await self._link(request)
        return self._page(link, "open") if link is not None else self._gone()

    async def open(self, request: Request) -> Response:
        """The file, once: made first, so that a fault spends nothing; of two taps at the same time one gets it."""
        link = await self._link(request)
        if link is None:
            return self._gone()
        content = await pdf_of_contact(self._helpline, link.contact_id)
        async with self._helpline.database.write() as session:
            is_ours = content is not None and await papers.spend(session, link, self._helpline.clock())
        if content is None or not is_ours:
            return self._gone(link)
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{FILE_NAME}"'}
        return Response(content, media_type="application/pdf", headers=headers)

    async def _link(self, request: Request) -> Link | None:
        token = request.path_params["token"]
        if len(token) > LONGEST_TOKEN:
            return None
        async with self._helpline.database.read() as session:
            return await papers.find(session, token, self._helpline.clock())

    def _gone(self, link: Link | None = None) -> Response:
        """Opened, over or never there: the same words for all three."""
        return self._page(link, "gone", HTTPStatus.GONE)

    def _page(self, link: Link | None, name: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
        language = link.language if link is not None else self._helpline.defaults.language
        words = self._helpline.words
        label = html.escape(words.say("utter_report_label_open", language).text)
        body = _PAGE.format(
            language="ar" if language == "ary" else language,
            direction=i18n.direction(language),
            title=NEUTRAL_TITLE,
            style=STYLE,
            text=html.escape(words.say(f"utter_report_page_{name}", language).text),
            form=_FORM.format(label=label) if name == "open" else "",
        )
        return HTMLResponse(body, status, headers=HEADERS)
