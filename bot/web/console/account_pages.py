"""Renders the pages of signing in and of accounts, in the language the browser asks for."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from pathlib import Path

import jinja2
import yaml
from starlette.requests import Request
from starlette.responses import HTMLResponse

HERE = Path(__file__).parent
LANGUAGES = ("fr", "en")
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
)
WORDS: dict[str, dict[str, str]] = yaml.safe_load((HERE / "templates/account/words.yml").read_text("utf-8"))


def language_of(request: Request) -> str:
    """French unless the browser prefers English."""
    wanted = request.headers.get("accept-language", "").lower()
    places = {language: wanted.find(language) for language in LANGUAGES}
    asked = {language: place for language, place in places.items() if place >= 0}
    return min(asked, key=lambda language: asked[language]) if asked else LANGUAGES[0]


def say(language: str, key: str, **values: object) -> str:
    """The words of `key`; KeyError when there are none."""
    return WORDS[key][language].format(**values)


def page(request: Request, template: str, status: HTTPStatus = HTTPStatus.OK, **values: object) -> HTMLResponse:
    """One page of `templates/account/`; everything put into it is escaped."""
    language = language_of(request)
    found = {
        "t": partial(say, language),
        "language": language,
        "csrf": getattr(request.state, "csrf", ""),
        "account": getattr(request.state, "account", None),
        **values,
    }
    return HTMLResponse(_templates.get_template(f"account/{template}").render(found), status)
