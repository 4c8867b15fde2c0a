"""What two people decide: alerting an authority, keeping somebody's words for a report."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.domain.accounts import Account, Role
from bot.domain.decisions import Authority, Release, Told
from bot.domain.handover import Refusal
from bot.flows import decisions as flow
from bot.flows import handover
from bot.store import casework, decisions, holds
from bot.store.casework import Ending
from bot.store.holds import HoldReason
from bot.store.tables_accounts import AuditRow
from tests.flows.house import IN_DANGER, House, house
from tests.flows.team import LINA, NOUR, SAM

ADA = Account(4, "Ada", Role.SUPERVISOR, frozenset(), frozenset())
FACTS = "« il m'a frappé hier », dit à 20 h"


async def audited(here: House) -> list[str]:
    """What the audit log holds of decisions."""
    async with here.helpline.database.read() as session:
        rows = (await session.execute(select(AuditRow).order_by(AuditRow.id))).scalars()
        return [row.action for row in rows if row.action.startswith(("alert_", "hold_", "held"))]


async def held_by_sam(here: House) -> int:
    """Sam holds somebody in danger."""
    await here.on_duty(SAM, NOUR)
    id_ = await here.write(IN_DANGER)
    assert None is await handover.claim(here.helpline, SAM, id_)
    return id_


async def asked(here: House, id_: int, by: Account = SAM) -> Refusal | None:
    """Somebody asks to alert child protection."""
    return await flow.ask_alert(here.helpline, by, id_, Authority.CHILD_PROTECTION, Told.YES, FACTS)


async def states(here: House, id_: int) -> list[str]:
    """How far each decision about a conversation is."""
    async with here.helpline.database.read() as session:
        return [one.state for one in await decisions.of_conversation(session, id_, here.now[0])]


async def test_an_alert_takes_two_people_and_is_passed_on_once(database_url: str) -> None:
    """Nobody alone alerts an authority about a child: one asks, another supervisor confirms, each step is in the log."""
    async with house(database_url) as here:
        id_ = await held_by_sam(here)

        assert None is await asked(here, id_)
        assert Refusal.ALREADY_ASKED is await asked(here, id_, NOUR)
        assert Refusal.NOT_YOURS is await flow.decide(here.helpline, SAM, 1, agree=True)
        assert Refusal.DECIDED is await flow.made(here.helpline, NOUR, 1)
        assert None is await flow.decide(here.helpline, NOUR, 1, agree=True)
        assert Refusal.DECIDED is await flow.decide(here.helpline, ADA, 1, agree=False)
        assert ["agreed"] == await states(here, id_)
        assert None is await flow.made(here.helpline, ADA, 1)
        assert Refusal.DECIDED is await flow.made(here.helpline, ADA, 1)
        assert ["made"] == await states(here, id_)
        assert ["alert_asked", "alert_agreed", "alert_made"] == await audited(here)


async def test_a_supervisor_who_asks_does_not_confirm(sqlite_url: str) -> None:
    """Two people means two people: being a supervisor does not count double."""
    async with house(sqlite_url) as here:
        id_ = await held_by_sam(here)

        assert None is await asked(here, id_, NOUR)
        assert Refusal.SAME_PERSON is await flow.decide(here.helpline, NOUR, 1, agree=True)
        assert None is await flow.decide(here.helpline, ADA, 1, agree=False)
        assert ["refused"] == await states(here, id_)


async def test_only_who_holds_it_or_a_supervisor_asks_and_never_without_facts(sqlite_url: str) -> None:
    """An alert rests on facts, written by somebody who has read the child's words."""
    async with house(sqlite_url) as here:
        id_ = await held_by_sam(here)

        assert Refusal.NOT_YOURS is await asked(here, id_, LINA)
        empty = await flow.ask_alert(here.helpline, SAM, id_, Authority.POLICE, Told.DANGER, "  ")
        assert Refusal.FACTS_MISSING is empty
        assert [] == await states(here, id_)
        assert [] == await audited(here)


@pytest.mark.parametrize("agree", [True, False])
async def test_how_a_conversation_ended_knows_an_alert_only_from_two(sqlite_url: str, *, agree: bool) -> None:
    """That an alert was made is what two people decided, not a box a volunteer ticks when closing."""
    async with house(sqlite_url) as here:
        id_ = await held_by_sam(here)
        await asked(here, id_)
        await flow.decide(here.helpline, NOUR, 1, agree=agree)
        await handover.close(here.helpline, SAM, id_, Ending("heard", alert_made=True))
        async with here.helpline.database.read() as session:
            ended = await casework.endings(session, id_)

    assert [agree] == [one.alert_made for one in ended]


async def test_the_facts_of_an_alert_are_not_told_to_whoever_holds_the_phone(sqlite_url: str) -> None:
    """Somebody who took a child's phone and asks for its data must not read that an authority may be told."""
    async with house(sqlite_url) as here:
        id_ = await held_by_sam(here)
        await handover.note(here.helpline, SAM, id_, "parle de sa sœur")
        await handover.note(here.helpline, NOUR, id_, "prépare l'appel au 119", kind="whisper")
        await asked(here, id_)
        await handover.hand_back(here.helpline, SAM, id_, Ending("heard"))
        await here.write("mes données")
        said = "\n".join(await here.deliver())

    assert "parle de sa sœur" in said
    assert "frappé hier" not in said
    assert "prépare l'appel" not in said


async def test_a_question_that_waits_too_long_is_shown_as_late(sqlite_url: str) -> None:
    """In grave danger the second person answers within the hour; after it the board says so."""
    async with house(sqlite_url) as here:
        id_ = await held_by_sam(here)
        await asked(here, id_)
        late = []
        for minutes in (59, 2):
            here.pass_time(minutes=minutes)
            async with here.helpline.database.read() as session:
                late += [one.is_late for one in await decisions.open_ones(session, here.now[0])]

    assert [False, True] == late


async def test_a_hold_is_asked_confirmed_and_released_with_a_reason(database_url: str) -> None:
    """Words outlast their time only by two supervisors, for so many days, and the end of it says why."""
    async with house(database_url) as here:
        id_ = await held_by_sam(here)

        assert Refusal.NOT_YOURS is await flow.ask_hold(here.helpline, SAM, id_, HoldReason.CRIP, 30)
        assert None is await flow.ask_hold(here.helpline, NOUR, id_, HoldReason.CRIP, 30)
        assert Refusal.SAME_PERSON is await flow.decide(here.helpline, NOUR, 1, agree=True)
        assert None is await flow.decide(here.helpline, ADA, 1, agree=True)
        async with here.helpline.database.read() as session:
            kept = await holds.current(session, here.now[0])
        assert Refusal.NOT_YOURS is await flow.release_hold(here.helpline, SAM, id_, Release.MISTAKE)
        assert None is await flow.release_hold(here.helpline, ADA, id_, Release.REPORT_CLOSED)
        assert Refusal.DECIDED is await flow.release_hold(here.helpline, ADA, id_, Release.REPORT_CLOSED)

        assert [(NOUR.id, ADA.id, "crip")] == [(one.decided_by, one.seconded_by, one.reason) for one in kept]
        assert [here.now[0] + timedelta(days=30)] == [one.until for one in kept]
        assert ["hold_asked", "hold_agreed", "held", "hold_released"] == await audited(here)
        assert ("hold_released", "report_closed") in await here.actions(id_)
