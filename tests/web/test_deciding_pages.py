"""The pages on which two people decide, and on which supervisors see who asked to talk."""

from __future__ import annotations

import httpx
from starlette.applications import Starlette

from bot.config import async_database_url
from bot.domain.accounts import Role
from bot.store.database import Database
from bot.store.volunteers import meet
from tests.flows.house import EVENING
from tests.people import COOKIE, browser, cookie_of, csrf_of, enrolled, settings_for, started
from tests.web.test_last_resort import actions, somebody_wrote


async def person(app: Starlette, url: str, name: str, role: Role) -> httpx.AsyncClient:
    """Somebody's browser, signed in, whom the console has met."""
    account, _ = await enrolled(url, name, role)
    database = Database(async_database_url(url))
    async with database.write() as session:
        await meet(session, account, EVENING)
    await database.close()
    client = browser(app)
    client.cookies.set(COOKIE, await cookie_of(url, account), domain="127.0.0.1")
    return client


async def press(client: httpx.AsyncClient, path: str, **fields: str) -> int:
    """Send a form; the status of the answer."""
    token = csrf_of((await client.get("/console/alerts")).text)
    return (await client.post(path, data={**fields, "csrf": token})).status_code


async def test_holds_are_seen_set_by_two_and_released_with_a_reason(database_url: str) -> None:
    """A supervisor sees what is kept and why, cannot set it alone, and says why it ends."""
    async with started(settings_for(database_url)) as app:
        await somebody_wrote(database_url)
        ada = await person(app, database_url, "Ada", Role.SUPERVISOR)
        bo = await person(app, database_url, "Bo", Role.SUPERVISOR)
        sam = await person(app, database_url, "Sam", Role.VOLUNTEER)
        asking = {"conversation": "1", "reason": "crip", "days": "30"}
        steps = [
            await press(ada, "/console/holds", **asking | {"reason": "curious"}),
            await press(sam, "/console/holds", **asking),
            await press(ada, "/console/holds", **asking),
            await press(ada, "/console/holds", **asking),
            await press(ada, "/console/board/decisions/1/agree"),
            await press(bo, "/console/board/decisions/1/agree", **{"from": "holds"}),
        ]
        shown = (await bo.get("/console/holds")).text
        steps.append(await press(ada, "/console/holds/1/release", why="report_closed"))
        after = (await bo.get("/console/holds")).text
        for client in (ada, bo, sam):
            await client.aclose()

    assert [422, 403, 303, 409, 409, 303, 303] == steps
    assert "décidé par Ada et Bo" in shown
    assert "décidé par" not in after
    found = [action for action in await actions(database_url) if action != "route_refused"]
    assert ["hold_asked", "hold_agreed", "held", "hold_released"] == found


async def test_a_debrief_asked_for_is_on_the_board_until_it_happened(sqlite_url: str) -> None:
    """“I'd like to talk about it” reaches a supervisor and stays until somebody has talked, with what came of it."""
    async with started(settings_for(sqlite_url)) as app:
        ada = await person(app, sqlite_url, "Ada", Role.SUPERVISOR)
        sam = await person(app, sqlite_url, "Sam", Role.VOLUNTEER)
        asked = await press(sam, "/console/debrief", answer="talk")
        before = (await ada.get("/console/board")).text
        done = await press(ada, "/console/board/debriefs/1", note="on se rappelle lundi")
        again = await press(ada, "/console/board/debriefs/1", note="")
        after = (await ada.get("/console/board")).text
        for client in (ada, sam):
            await client.aclose()

    assert [303, 303, 409] == [asked, done, again]
    assert "a demandé à parler" in before
    assert "a demandé à parler" not in after
    assert "on se rappelle lundi" in after
