"""When the bot fails twice, a person is asked for: nobody repeats themselves to a machine that does not follow."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.domain.conversations import Mode
from bot.domain.messages import InboundKind
from bot.domain.replies import EngineAnswer
from bot.domain.risk import Assessment, RiskLevel
from bot.domain.turns import Thread, Turn, TurnMessage
from bot.flows.plan import NOT_UNDERSTOOD, Planner
from bot.flows.waiting import PREFIX
from bot.store.tables import EscalationRow
from tests.flows.house import EVENING, House, house


async def reasons(here: House) -> list[str]:
    """Why people wait."""
    async with here.helpline.database.read() as session:
        return list((await session.execute(select(EscalationRow.reason))).scalars())


async def test_an_engine_that_gives_no_answer_twice_brings_a_person(database_url: str) -> None:
    """The first failure offers a person; the second asks for one, says so, and the reason is kept."""
    async with house(database_url) as here:
        id_ = await here.write("vous êtes ouverts quand ?")
        first = await here.row(id_)
        await here.write("allo ?")
        second, said = await here.row(id_), await here.deliver()
        kept = await reasons(here)

    assert [Mode.BOT, Mode.WAITING] == [first.mode, second.mode]
    assert ["engine_down"] == kept
    assert any("Je demande à une personne de l'équipe" in text for text in said)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ils m'insultent tous les jours dans le groupe de la classe", "3018"),
        ("j'ai 40 ans et ma fille est harcelée au collège, que faire ?", "3018"),
        ("j'ai vraiment personne à qui parler", "SOS Amitié"),
        ("j'ai plus envie de vivre", "3114"),
    ],
)
async def test_the_lines_fit_what_was_said_though_the_engine_is_away(
    sqlite_url: str, words: str, expected: str
) -> None:
    """Who is bullied is told of the line against bullying, and danger has its own, whatever the machine behind does."""
    async with house(sqlite_url) as here:
        await here.write(words)
        said = await here.deliver()

    assert any(expected in text for text in said)


async def test_whoever_did_not_ask_for_a_person_may_say_so(sqlite_url: str) -> None:
    """A person was asked for because the bot failed: one tap and the bot goes on, without queuing them again at once."""
    async with house(sqlite_url) as here:
        id_ = await here.write("vous êtes ouverts quand ?")
        await here.write("allo ?")
        await here.write("Pas la peine", payload=f"{PREFIX}no")
        left = await here.row(id_)
        await here.write("et sinon ?")
        again = await here.row(id_)

    assert [Mode.BOT, Mode.BOT] == [left.mode, again.mode]


@pytest.mark.parametrize("risk", [RiskLevel.NONE, RiskLevel.CONCERN, RiskLevel.HIGH])
@pytest.mark.parametrize(("before", "expected"), [(0, ""), (1, "bot_failed"), (4, "bot_failed")])
async def test_not_understood_twice_in_a_row_brings_a_person(
    sqlite_url: str, before: int, expected: str, risk: RiskLevel
) -> None:
    """One clarifying question, or one try at listening; the second time somebody of the team is asked for."""
    async with house(sqlite_url) as here:
        assessment = Assessment(risk, "fr")
        thread = Thread(
            1, 1, "telegram", Mode.BOT, risk, (), "fr", False, "FR", None, False, False, turns=3, not_understood=before
        )
        turn = Turn(thread, (TurnMessage(1, InboundKind.TEXT, "hmm tchoupi", "", assessment),), EVENING)
        answer = EngineAnswer(NOT_UNDERSTOOD, 0.2, (), {})
        plan = Planner(here.helpline.words, here.helpline.directory).answer(turn, assessment, answer, EVENING)

    assert expected == plan.escalate
    assert not plan.understood
