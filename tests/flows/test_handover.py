"""The passage to a person and back, on both databases where two may do the same thing at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.domain.conversations import Mode
from bot.domain.handover import Refusal
from bot.domain.messages import InboundKind, InboundMessage
from bot.flows import handover, shifts, watch
from bot.flows.deliver import claim_delivery, deliver
from bot.flows.limits import Limits
from bot.flows.receive import Claimed, accept, answer, claim_turn
from bot.store import casework, volunteers
from bot.store import handover as rows
from bot.store.casework import Ending
from bot.store.tables_people import FollowUpRow
from tests.flows.house import EVENING, IN_DANGER, House, house
from tests.flows.team import LINA, NOUR, SAM

AT_NIGHT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


async def test_of_two_who_claim_at_once_exactly_one_has_the_conversation(database_url: str) -> None:
    """A collision is impossible: one owner, and the other is told that somebody was faster."""
    async with house(database_url) as here:
        await here.on_duty(SAM, LINA)
        id_ = await here.write(IN_DANGER)
        results = await asyncio.gather(*(handover.claim(here.helpline, one, id_) for one in (SAM, LINA, SAM, LINA)))
        row = await here.row(id_)
        actions = await here.actions(id_)

    assert 1 == results.count(None)
    assert 3 == results.count(Refusal.TAKEN)
    assert Mode.VOLUNTEER == row.mode
    assert row.volunteer_id == (SAM, LINA, SAM, LINA)[results.index(None)].id
    assert 1 == actions.count(("volunteer", "claimed"))


async def test_two_who_ask_for_the_next_one_get_two_people(database_url: str) -> None:
    """“Give me the next one” never gives the same person twice."""
    async with house(database_url) as here:
        await here.on_duty(SAM, LINA)
        ids = {await here.write(IN_DANGER, person=person) for person in ("7", "8")}
        taken = await asyncio.gather(handover.take_next(here.helpline, SAM), handover.take_next(here.helpline, LINA))

    assert ids == set(taken)


async def test_a_bots_reply_in_the_making_is_never_said_over_a_volunteer(database_url: str) -> None:
    """A volunteer takes over while the bot composes an answer: the answer is not said."""
    async with house(database_url) as here:
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER)
        await here.deliver()
        await here.write("je suis triste", payload="")
        before = len(await here.deliver())
        from_person = await _pending(here, "tu es là ?")
        assert None is await handover.claim(here.helpline, SAM, id_)
        await answer(here.helpline, from_person)
        said = (await here.deliver())[before:]

    assert ["Une personne de l'équipe est là. C'est elle qui te répond maintenant, et le robot se tait."] == said


async def _pending(here: House, text: str) -> Claimed:
    """A turn whose answer is under way."""
    message = InboundMessage("telegram", "7", "in-the-making", InboundKind.TEXT, text, here.now[0], language_hint="fr")
    await accept(here.helpline, message)
    here.pass_time(seconds=3)
    claimed = await claim_turn(here.helpline)
    assert claimed is not None
    return claimed


async def test_a_reply_held_back_by_the_providers_rate_is_withdrawn_when_somebody_took_over(sqlite_url: str) -> None:
    """Ownership is looked at again at the last moment before sending, after any waiting for the provider."""

    class Slow(Limits):
        async def take(self, channel: str, chat: str, *, urgent: bool = False) -> float:
            if not taken:
                taken.append(await handover.claim(here.helpline, SAM, id_))
            return 0.001

    taken: list[Refusal | None] = []
    async with house(sqlite_url) as here:
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER)
        await here.deliver()
        here.telegram.sent.clear()
        await here.write("vous faites quoi ?")
        while (claim := await claim_delivery(here.helpline)) is not None:
            await deliver(here.helpline, Slow(is_on=False), claim)
        said = [text for _, text in here.telegram.sent]

    assert [None] == taken
    assert 1 == len(said)
    assert "Une personne de l'équipe est là" in said[0]


async def test_emergency_words_are_said_whoever_has_the_conversation(sqlite_url: str) -> None:
    """Somebody in danger now reads the numbers even while a volunteer answers, and a supervisor is called."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER)
        await handover.claim(here.helpline, SAM, id_)
        await here.deliver()
        here.telegram.sent.clear()
        await here.write("je vais sauter du pont maintenant")
        said = await here.deliver()
        row = await here.row(id_)
        async with here.helpline.database.read() as session:
            calls = await casework.help_calls(session)

    assert "112" in said[0]
    assert Mode.VOLUNTEER == row.mode
    assert ["imminent"] == [call.why for call in calls]


async def test_a_volunteer_who_goes_silent_loses_the_conversation_and_the_person_hears_why(sqlite_url: str) -> None:
    """Silent for longer than the risk allows: back to the head of the queue, a word of explanation, supervisors told."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM, LINA)
        id_ = await here.write(IN_DANGER)
        await handover.claim(here.helpline, SAM, id_)
        here.pass_time(seconds=110)
        await watch.once(here.helpline)
        kept = await here.row(id_)
        here.pass_time(seconds=20)
        await watch.once(here.helpline)
        row, said = await here.row(id_), await here.deliver()
        async with here.helpline.database.read() as session:
            calls = await casework.help_calls(session)

        assert Refusal.NOT_YOURS is await handover.reply(here.helpline, SAM, id_, "je reviens")
        assert id_ == await handover.take_next(here.helpline, LINA)
    assert Mode.VOLUNTEER == kept.mode
    assert Mode.WAITING == row.mode
    assert any("souci de connexion" in text for text in said)
    assert ["silent"] == [call.why for call in calls]


async def test_the_heartbeat_keeps_a_conversation(sqlite_url: str) -> None:
    """Whoever is there keeps what they hold."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER)
        await handover.claim(here.helpline, SAM, id_)
        for _ in range(5):
            here.pass_time(seconds=100)
            async with here.helpline.database.write() as session:
                await volunteers.touch(session, SAM.id, here.now[0])
            await watch.once(here.helpline)

        assert Mode.VOLUNTEER == (await here.row(id_)).mode


async def test_handing_back_says_who_speaks_and_remembers_what_was_agreed(sqlite_url: str) -> None:
    """Handed back, the bot says that it is the bot, names what was agreed, and answers again."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER)
        await handover.claim(here.helpline, SAM, id_)
        service = next(iter(here.helpline.directory.services))
        await handover.hand_back(here.helpline, SAM, id_, Ending("referred", service, "yes"), "va mieux")
        said = await here.deliver()
        row = await here.row(id_)
        async with here.helpline.database.read() as session:
            ended = await casework.endings(session, id_)
            sam = await volunteers.find(session, SAM.id)
        before = len(said)
        await here.write("et toi ?")
        after = await here.deliver()

    assert "C'est de nouveau moi, le robot" in said[-1]
    assert here.helpline.directory.services[service].name["fr"] in said[-1]
    assert Mode.BOT == row.mode
    assert [("referred", service, "yes")] == [(one.outcome, one.referral, one.referral_taken) for one in ended]
    assert sam is not None
    assert sam.debrief_due
    assert len(after) > before


async def test_closing_asks_whether_it_helped_and_keeps_the_answer(sqlite_url: str) -> None:
    """The person is told that it ends, and may say whether it helped."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER)
        await handover.claim(here.helpline, SAM, id_)
        await handover.close(here.helpline, SAM, id_, Ending("heard"))
        said = await here.deliver()
        await here.write("Oui", payload="/people_feedback_good")
        async with here.helpline.database.read() as session:
            ended = await casework.endings(session, id_)

    assert "Est-ce que ça t'a aidé" in said[-1]
    assert 3 == ended[0].feedback


async def test_an_agreed_follow_up_is_sent_once_and_only_within_the_window(sqlite_url: str) -> None:
    """R25: a follow-up goes out only if agreed, neutral, and never outside WhatsApp's 24 hours."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM)
        ids = [await here.write(IN_DANGER, "7"), await here.write(IN_DANGER, "+33600000001", "whatsapp")]
        for id_ in ids:
            await handover.claim(here.helpline, SAM, id_)
            await handover.close(here.helpline, SAM, id_, Ending("follow_up"), "", timedelta(days=3))
        await here.deliver()
        here.pass_time(days=3, minutes=1)
        await watch.once(here.helpline)
        await watch.once(here.helpline)
        said = await here.deliver()
        async with here.helpline.database.read() as session:
            results = {row.result for row in (await session.execute(select(FollowUpRow))).scalars()}

    assert 1 == sum("reprenne des nouvelles" in text for text in said)
    assert {"sent", "window"} == results


async def test_passing_on_needs_a_note_and_the_person_need_not_say_it_again(sqlite_url: str) -> None:
    """Nobody takes over blind: no note, no passing on."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM, LINA)
        id_ = await here.write(IN_DANGER)
        await handover.claim(here.helpline, SAM, id_)

        assert Refusal.NOTE_MISSING is await handover.pass_on(here.helpline, SAM, id_, " ", LINA)
        assert Refusal.STILL_HOLDING is await shifts.go_off_duty(here.helpline, SAM)
        assert None is await handover.pass_on(here.helpline, SAM, id_, "parle de sa sœur", LINA)
        assert LINA.id == (await here.row(id_)).volunteer_id
        assert None is await shifts.go_off_duty(here.helpline, SAM)


async def test_the_exposure_budget_and_the_pause_after_a_hard_one_hold(sqlite_url: str) -> None:
    """After a conversation at high risk comes a pause; the next one is not offered, but nobody in danger is refused a hand."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM)
        first = await here.write(IN_DANGER, "7")
        await handover.claim(here.helpline, SAM, first)
        await handover.hand_back(here.helpline, SAM, first, Ending("heard"))
        hard = await here.write("je pense au suicide, je veux parler à quelqu'un", "8")
        offered = await handover.take_next(here.helpline, SAM)
        picked = await handover.claim(here.helpline, SAM, hard)
        in_danger = await here.write(IN_DANGER, "9")
        by_hand = await handover.claim(here.helpline, SAM, in_danger)

    assert Refusal.COOLING == offered
    assert Refusal.COOLING == picked
    assert by_hand is None


async def test_only_a_supervisor_takes_over_and_it_is_atomic(sqlite_url: str) -> None:
    """A supervisor takes a conversation at once; the volunteer can no longer write in it."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM, LINA, NOUR)
        id_ = await here.write(IN_DANGER)
        await handover.claim(here.helpline, SAM, id_)

        assert Refusal.NOT_YOURS is await handover.take_over(here.helpline, LINA, id_)
        assert None is await handover.take_over(here.helpline, NOUR, id_)
        assert Refusal.NOT_YOURS is await handover.reply(here.helpline, SAM, id_, "encore moi")
        assert NOUR.id == (await here.row(id_)).volunteer_id


async def test_outside_whatsapps_window_what_was_typed_is_kept(sqlite_url: str) -> None:
    """Twenty-four hours after the last message nothing can be sent, and nothing typed is lost."""
    async with house(sqlite_url) as here:
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER, "+33600000001", "whatsapp")
        await handover.claim(here.helpline, SAM, id_)
        here.pass_time(hours=24, minutes=1)
        refusal = await handover.reply(here.helpline, SAM, id_, "tu es encore là ?")
        async with here.helpline.database.write() as session:
            opened = await rows.lock(session, here.helpline.keyring, id_)
            assert opened is not None
            draft = await casework.draft(session, opened.key, id_, SAM.id)

    assert Refusal.WINDOW_CLOSED is refusal
    assert "tu es encore là ?" == draft


@pytest.mark.parametrize(("at", "words"), [(EVENING, "Devant toi"), (AT_NIGHT, "quand l'équipe revient")])
async def test_whoever_asks_for_a_person_hears_the_truth_about_the_wait(
    sqlite_url: str, at: datetime, words: str
) -> None:
    """R18: place and estimate while the team is there; who is back when, and the offer to be written to, when it is not."""
    async with house(sqlite_url, at) as here:
        id_ = await here.write("je pense au suicide, je veux parler à quelqu'un")
        said = "\n".join(await here.deliver())

        assert Mode.WAITING == (await here.row(id_)).mode
    assert words in said
    assert "3114" in said


async def test_a_closure_made_now_is_what_the_bot_says_next(sqlite_url: str) -> None:
    """An exceptional closure or a pause needs no deployment: the next answer already tells it."""
    async with house(sqlite_url) as here:
        await shifts.close_intake(here.helpline, NOUR, here.now[0], None, "pause")
        status = here.helpline.directory.team.status(here.now[0])
        await shifts.reopen_intake(here.helpline, 1)

    assert not status.is_open
    assert status.opens_at is None
    assert here.helpline.directory.team.status(here.now[0]).is_open
