"""The volunteers' pages, behind a door (auth, guard): queue, conversations, the board of supervisors, rota and closures."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from bot.flows.helpline import Helpline
from bot.web.console.acts import Acts
from bot.web.console.decisions import Decisions
from bot.web.console.desk import Desk
from bot.web.console.duty import Duty
from bot.web.console.letters import Letters
from bot.web.console.live import Live
from bot.web.console.reports import Reports
from bot.web.console.rota import RotaPages
from bot.web.console.supervision import Supervision
from bot.web.console.talk import Talk

STATIC = Path(__file__).parent / "static"


def routes(helpline: Helpline) -> list[BaseRoute]:
    """Every route under /console except those of signing in and of accounts."""
    talk = Talk(helpline)
    return [
        *Desk(helpline, Live(helpline), talk).routes(),
        *talk.routes(),
        *Acts(helpline).routes(),
        *Duty(helpline).routes(),
        *Supervision(helpline).routes(),
        *Letters(helpline).routes(),
        *Reports(helpline).routes(),
        *RotaPages(helpline).routes(),
        *Decisions(helpline).routes(),
        Mount("/console/static", StaticFiles(directory=STATIC)),
    ]
