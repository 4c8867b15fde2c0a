"""After an outage: who is in danger is answered first, the rest in order, and much small talk once and honestly."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from bot.domain.messages import InboundKind, InboundMessage
from bot.flows.receive import accept, answer, claim_turn
from bot.store.tables import ConversationRow, OutboundRow
from tests.flows.house import House, house

AWAY = "utter_away"
PANIC = "je pense au suicide"


async def writes(here: House, person: str, *lines: str, payload: str = "") -> None:
    """Somebody writes some lines, a minute apart, and nobody answers."""
    kind = InboundKind.QUICK_REPLY if payload else InboundKind.TEXT
    for line in lines:
        message = InboundMessage(
            "telegram", person, uuid.uuid4().hex, kind, line, here.now[0], payload, language_hint="fr"
        )
        await accept(here.helpline, message)
        here.pass_time(minutes=1)


async def answered(here: House) -> tuple[list[int], dict[int, list[str]]]:
    """Answer every lane; the conversations in the order they were answered, and the keys of what was said to each."""
    order = []
    while (claimed := await claim_turn(here.helpline)) is not None:
        order.append(claimed.claim.conversation_id)
        await answer(here.helpline, claimed)
    async with here.helpline.database.read() as session:
        ids = (await session.execute(select(ConversationRow.id))).scalars().all()
        rows = (await session.execute(select(OutboundRow).order_by(OutboundRow.id))).scalars().all()
    return order, {id_: [row.key for row in rows if row.conversation_id == id_] for id_ in ids}


async def test_ten_stale_lines_of_small_talk_get_one_honest_answer(sqlite_url: str) -> None:
    """Who wrote much while we were away hears once that we were, and how to go on."""
    async with house(sqlite_url) as here:
        await writes(here, "1", *["salut", "ça va ?", "tu fais quoi", "allô", "bon"])
        here.pass_time(hours=1)
        order, said = await answered(here)

    assert [1] == order
    assert 1 == said[1].count(AWAY)
    assert "utter_menu" == said[1][-1]
    assert "utter_engine_down" not in said[1]


async def test_one_late_question_is_answered_after_an_apology(sqlite_url: str) -> None:
    """A single question is answered as ever, after the truth about the wait."""
    async with house(sqlite_url) as here:
        await writes(here, "1", "c'est quoi le 3018 ?")
        here.pass_time(hours=1)
        _, said = await answered(here)

    assert AWAY == said[1][0]
    assert len(said[1]) > 1
    assert "utter_menu" not in said[1]


async def test_nobody_in_danger_hears_an_apology_first(sqlite_url: str) -> None:
    """Late or not, words for somebody in danger begin with help."""
    async with house(sqlite_url) as here:
        await writes(here, "1", "salut", "ça va ?", "tu fais quoi", PANIC)
        here.pass_time(hours=1)
        _, said = await answered(here)

    assert AWAY not in said[1]


async def test_what_was_just_written_gets_no_apology(sqlite_url: str) -> None:
    """A burst of lines a minute old is answered as ever."""
    async with house(sqlite_url) as here:
        await writes(here, "1", "salut", "ça va ?", "tu fais quoi")
        _, said = await answered(here)

    assert AWAY not in said[1]


async def test_a_right_asked_for_long_ago_is_still_given(sqlite_url: str) -> None:
    """Asking to be forgotten is not small talk, however late it is read."""
    async with house(sqlite_url) as here:
        await writes(here, "1", "salut", "bon", "efface mes données")
        here.pass_time(hours=1)
        _, said = await answered(here)

    assert "utter_ask_erase" in said[1]


async def test_after_an_outage_danger_comes_first_and_the_rest_in_order(sqlite_url: str) -> None:
    """Those at high risk are answered before everybody who waited longer; everybody else in the order they wrote."""
    async with house(sqlite_url) as here:
        await writes(here, "1", "salut", "bon", "allô")
        await writes(here, "2", "coucou")
        await writes(here, "3", PANIC)
        await writes(here, "4", "hello")
        here.pass_time(hours=1)
        order, _ = await answered(here)

    assert [3, 1, 2, 4] == order
