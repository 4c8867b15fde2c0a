"""WhatsApp's closed window, and the one click that asks somebody to write again."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.handover import Refusal
from bot.flows import handover
from bot.flows.reopen import ReopenResult, has_template, reopen
from bot.store import casework
from bot.store import handover as rows
from tests.flows.house import IN_DANGER, House, house
from tests.flows.team import LINA, SAM

NUMBER = "+33600000001"
TEMPLATES = {"whatsapp": {"fr": "HX" + "0" * 32}}


async def closed_window(here: House) -> int:
    """Sam holds somebody on WhatsApp who has not written for a day; what Sam typed is a draft."""
    await here.on_duty(SAM, LINA)
    id_ = await here.write(IN_DANGER, NUMBER, "whatsapp")
    assert None is await handover.claim(here.helpline, SAM, id_)
    here.pass_time(hours=24, minutes=1)
    assert Refusal.WINDOW_CLOSED is await handover.reply(here.helpline, SAM, id_, "tu es encore là ?")
    return id_


async def draft_of(here: House, id_: int) -> str:
    """What Sam has typed."""
    async with here.helpline.database.write() as session:
        opened = await rows.lock(session, here.helpline.keyring, id_)
        assert opened is not None
        return await casework.draft(session, opened.key, id_, SAM.id)


async def test_a_template_asks_once_and_the_draft_waits_for_the_answer(database_url: str) -> None:
    """One click asks the person to write; what was typed is kept, and goes once they have written."""
    async with house(database_url) as here:
        id_ = await closed_window(here)
        here.helpline = replace(here.helpline, templates=TEMPLATES)
        results = [await reopen(here.helpline, id_, SAM.id, here.now[0]) for _ in range(2)]
        kept = await draft_of(here, id_)
        here.pass_time(minutes=5)
        await here.write("OK", NUMBER, "whatsapp")
        again = await reopen(here.helpline, id_, SAM.id, here.now[0])
        sent = await handover.reply(here.helpline, SAM, id_, kept)

        assert [ReopenResult.ASKED, ReopenResult.ALREADY] == results
        assert "tu es encore là ?" == kept
        assert ReopenResult.WINDOW_OPEN is again
        assert None is sent
        assert "" == await draft_of(here, id_)


async def test_without_a_template_the_page_says_so_and_nothing_is_lost(sqlite_url: str) -> None:
    """An installation without an approved template promises none; the draft stays."""
    async with house(sqlite_url) as here:
        id_ = await closed_window(here)
        result = await reopen(here.helpline, id_, SAM.id, here.now[0])
        kept = await draft_of(here, id_)

    assert ReopenResult.NO_TEMPLATE is result
    assert "tu es encore là ?" == kept
    assert not has_template(here.helpline, "whatsapp", "fr")


async def test_only_who_holds_the_conversation_writes_to_the_person(sqlite_url: str) -> None:
    """Nobody is written to by somebody who does not hold the conversation, nor on a channel without a window."""
    async with house(sqlite_url) as here:
        id_ = await closed_window(here)
        here.helpline = replace(here.helpline, templates=TEMPLATES)
        other = await reopen(here.helpline, id_, LINA.id, here.now[0])
        on_telegram = await here.write(IN_DANGER)
        await handover.claim(here.helpline, SAM, on_telegram)
        no_window = await reopen(here.helpline, on_telegram, SAM.id, here.now[0])

    assert [ReopenResult.NOT_YOURS, ReopenResult.WINDOW_OPEN] == [other, no_window]
