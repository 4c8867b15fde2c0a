"""Renders the console's pages: templates beside this module, words from words.yml in French or English."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path

import jinja2
import yaml
from starlette.requests import Request
from starlette.responses import HTMLResponse

from bot import i18n
from bot.domain.risk import RiskLevel

HERE = Path(__file__).parent
LANGUAGES = ("fr", "en")
COOKIE = "console_language"
SHAPES = {RiskLevel.IMMINENT: "⬤", RiskLevel.HIGH: "◉", RiskLevel.CONCERN: "◍", RiskLevel.NONE: "○"}
"""Risk is a word, a shape and a colour: never a colour alone."""
WORDS: dict[str, dict[str, str]] = yaml.safe_load((HERE / "words.yml").read_text("utf-8"))
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def language_of(request: Request) -> str:
    """What was chosen on the page; else what the browser prefers; else French."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    wanted = request.headers.get("accept-language", "").lower()
    places = {language: wanted.find(language) for language in LANGUAGES if language in wanted}
    return min(places, key=lambda language: places[language]) if places else "fr"


def say(language: str, key: str, **values: object) -> str:
    """The words of `key`; for a code without words, the code itself, so that nothing unknown hides."""
    found = WORDS.get(key)
    return found[language].format(**values) if found is not None else key.rpartition(".")[2]


def clock(moment: datetime, country: str = "FR") -> str:
    """Hour and minute on the team's clock."""
    return moment.astimezone(i18n.time_zone(country)).strftime("%H:%M")


def day(moment: datetime) -> str:
    """Day and hour."""
    return moment.astimezone(i18n.time_zone("FR")).strftime("%d/%m %H:%M")


def page(request: Request, template: str, status: HTTPStatus = HTTPStatus.OK, **values: object) -> HTMLResponse:
    """One page or part of one; everything put into it is escaped."""
    language = language_of(request)
    given = {
        "t": partial(say, language),
        "language": language,
        "csrf": request.state.csrf,
        "account": request.state.account,
        "clock": clock,
        "day": day,
        "direction": i18n.direction,
        "shape": SHAPES,
        **values,
    }
    html = _templates.get_template(f"console/{template}").render(given)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})
