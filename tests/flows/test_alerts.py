"""Alerts on volunteers' own Telegram: opt-in, without content, climbing while nobody answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.accounts import Account, Role
from bot.domain.handover import PATIENCE
from bot.domain.risk import RiskLevel
from bot.domain.shifts import Change
from bot.flows import alerts as flow
from bot.flows import handover, shifts, watch
from bot.store import alerts, debriefs, volunteers
from bot.store import shifts as shift_rows
from bot.store.tables_accounts import AccountRow
from tests.flows.house import IN_DANGER, House, house
from tests.flows.team import LINA, NOUR, SAM

PAUL = Account(5, "Paul", Role.VOLUNTEER, frozenset({"fr"}), frozenset())
PHONES = {SAM.id: "sam-phone", LINA.id: "lina-phone", NOUR.id: "nour-phone", PAUL.id: "paul-phone"}
AT_NIGHT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


async def opt_in(here: House, *accounts: Account) -> None:
    """Volunteers turn alerts on in the console and send the code from their own Telegram."""
    for account in accounts:
        async with here.helpline.database.write() as session:
            await volunteers.meet(session, account, here.now[0])
            code = await alerts.new_code(session, account.id, here.now[0])
        await flow.enrol(here.helpline, here.message(code, PHONES[account.id]))
    here.telegram.sent.clear()


async def alerted(here: House) -> list[list[str]]:
    """One round of the watch after another, each once the patience of an imminent risk is over: whom each reached."""
    found = []
    for _ in range(4):
        here.telegram.sent.clear()
        await watch.once(here.helpline)
        found.append(sorted(address for address, _ in here.telegram.sent if address.endswith("-phone")))
        here.now[0] += PATIENCE[RiskLevel.IMMINENT]
    return found


async def test_unanswered_alerts_climb_to_the_next_on_the_rota_then_to_supervisors(database_url: str) -> None:
    """On duty first, then whose shift is next, then the supervisors; nobody is told twice in one round."""
    async with house(database_url) as here:
        await opt_in(here, SAM, LINA, NOUR, PAUL)
        await here.on_duty(SAM)
        start = here.now[0].replace(hour=21)
        async with here.helpline.database.write() as session:
            change = Change(start, start.replace(hour=22), is_added=True, volunteer_id=LINA.id)
            shift_rows.add_change(session, change)
        await shifts.rota(here.helpline, at_once=True)
        await here.write(IN_DANGER)

        assert [["sam-phone"], ["lina-phone"], ["nour-phone"], []] == await alerted(here)


async def test_an_alert_that_is_answered_climbs_no_further(sqlite_url: str) -> None:
    """Once somebody has taken them, nobody else's phone rings."""
    async with house(sqlite_url) as here:
        await opt_in(here, SAM, NOUR)
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER)
        await watch.once(here.helpline)
        assert None is await handover.claim(here.helpline, SAM, id_)
        here.now[0] += PATIENCE[RiskLevel.IMMINENT]

        assert [[], []] == (await alerted(here))[:2]


async def test_an_alert_says_how_many_how_grave_and_in_which_language_and_nothing_else(sqlite_url: str) -> None:
    """Never a word of what was written on a phone that others see."""
    async with house(sqlite_url) as here:
        await opt_in(here, SAM)
        await here.on_duty(SAM)
        await here.write(IN_DANGER)
        await watch.once(here.helpline)
        said = [text for address, text in here.telegram.sent if address == "sam-phone"]

    assert ["1 en attente · danger immédiat · fr"] == said


async def test_however_many_wait_a_phone_rings_once_for_the_gravest(sqlite_url: str) -> None:
    """Three people waiting are one alert that says three, not three alerts."""
    async with house(sqlite_url) as here:
        await opt_in(here, SAM)
        await here.on_duty(SAM)
        await here.write("je pense au suicide, je veux parler à quelqu'un", "8")
        await here.write(IN_DANGER, "9")
        await here.write("je pense au suicide, je veux parler à quelqu'un", "10")
        await watch.once(here.helpline)
        said = [text for address, text in here.telegram.sent if address == "sam-phone"]

    assert ["3 en attente · danger immédiat · fr"] == said


@pytest.mark.parametrize(("text", "expected"), [(IN_DANGER, ["nour-phone"]), ("je veux parler à quelqu'un", [])])
async def test_at_night_only_danger_rings_and_only_at_the_supervisors(
    sqlite_url: str, text: str, expected: list[str]
) -> None:
    """With nobody on duty an alert goes to the supervisors from high risk up; the rest waits for the morning, as was said."""
    async with house(sqlite_url, AT_NIGHT) as here:
        await opt_in(here, SAM, NOUR)
        await here.write(text)

        assert expected == (await alerted(here))[0]


async def test_whoever_did_not_ask_is_never_written_to(sqlite_url: str) -> None:
    """Alerts are opt-in, a code is worth a quarter of an hour, and they end with a tap or with the account."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM)
        async with here.helpline.database.write() as session:
            code = await alerts.new_code(session, SAM.id, here.now[0])
        here.pass_time(minutes=16)
        too_late = await flow.enrol(here.helpline, here.message(code, "sam-phone"))
        await opt_in(here, LINA, PAUL)
        async with here.helpline.database.write() as session:
            await alerts.forget(session, LINA.id)
            gone = {"id": PAUL.id, "name": "Paul", "role": "volunteer", "password_hash": "", "totp_step": 0}
            session.add(AccountRow(**gone, is_demo=False, created_at=here.now[0], disabled_at=here.now[0]))
        await here.write(IN_DANGER)

        assert not too_late
        assert [[], [], [], []] == await alerted(here)


async def test_a_call_for_a_supervisor_rings_at_the_supervisors_once(sqlite_url: str) -> None:
    """A volunteer who calls is not left waiting for somebody to look at a board."""
    async with house(sqlite_url) as here:
        await opt_in(here, SAM, NOUR)
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER)
        await handover.claim(here.helpline, SAM, id_)
        await handover.call_supervisor(here.helpline, SAM, id_)
        here.telegram.sent.clear()
        await watch.once(here.helpline)
        await watch.once(here.helpline)
        rung = [(address, text) for address, text in here.telegram.sent if address.endswith("-phone")]

    assert [("nour-phone", "Relais : quelqu'un de l'équipe demande l'aide d'une supervision.")] == rung


async def test_a_debrief_asked_for_waits_until_somebody_else_has_talked(database_url: str) -> None:
    """A volunteer who asks to talk stays on the board until a supervisor has; the note is sealed and not about oneself."""
    async with house(database_url) as here:
        keyring, now = here.helpline.keyring, here.now[0]
        await here.on_duty(SAM, NOUR)
        async with here.helpline.database.write() as session:
            for volunteer in (SAM, SAM, NOUR):
                await debriefs.ask(session, volunteer.id, now)
            waiting = [(one.id, one.name) for one in await debriefs.waiting(session)]
            own = await debriefs.finish(session, keyring, 2, NOUR.id, "", now)
            done = [await debriefs.finish(session, keyring, 1, NOUR.id, "pause d'une semaine", now) for _ in range(2)]
        async with here.helpline.database.read() as session:
            left = [one.name for one in await debriefs.waiting(session)]
            kept = [
                (one.name, one.note) for one in await debriefs.talked(session, keyring, here.now[0].replace(hour=1))
            ]

    assert [(1, "Sam"), (2, "Nour")] == waiting
    assert [False, True, False] == [own, *done]
    assert ["Nour"] == left
    assert [("Sam", "pause d'une semaine")] == kept
