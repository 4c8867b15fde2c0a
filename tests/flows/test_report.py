"""The guided account in a conversation: danger first, nothing lost, nothing kept that was not given, with the engine away."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from bot.config import ROOT
from bot.dialogue.content import Words
from bot.domain.accounts import Role
from bot.domain.conversations import Mode
from bot.domain.messages import InboundKind, InboundMessage, OutboundMessage, SendError, SendResult, Sent
from bot.domain.report import Part, Stage
from bot.domain.risk import Assessment, Reason, RiskLevel
from bot.domain.turns import DialogueState, Thread
from bot.flows import handover
from bot.flows.deliver import claim_delivery, deliver
from bot.flows.limits import Limits
from bot.flows.receive import accept
from bot.flows.report_words import judged
from bot.flows.wording import Wording
from bot.store import accounts, blocks, reports, retention
from bot.store.directory import load_directory
from bot.store.reports import StoredReport
from bot.store.tables import ContactRow, ConversationRow, InboundRow, OutboundRow
from bot.store.tables_accounts import HoldRow
from tests.flows.house import EVENING, IN_DANGER, House, Recorder, house
from tests.flows.team import SAM

WORD = "zinzolin"
WORDS = Words.load(ROOT / "responses")
DIRECTORY = load_directory(ROOT / "directory")
ANSWERS = (
    f"un groupe se moque de moi, ils disent {WORD}",
    "Snapchat",
    "depuis lundi",
    "des gens de ma classe",
    "des captures d'écran",
    "je dors mal depuis",
    "qu'on m'aide à supprimer le groupe",
)


@dataclass
class Carrier(Recorder):
    """A Telegram that carries files, and refuses as often as told."""

    files: list[tuple[str, str, bytes]] = field(default_factory=list)
    refusals: int = 0

    async def send_document(self, address: str, message: OutboundMessage, content: bytes) -> SendResult:
        """Keep it, or refuse for now."""
        if self.refusals:
            self.refusals -= 1
            return SendError("network", retryable=True)
        self.files.append((address, message.text, content))
        return Sent(uuid.uuid4().hex)


@pytest.fixture
async def here(sqlite_url: str) -> AsyncIterator[House]:
    """A helpline whose engine is away."""
    async with house(sqlite_url) as started:
        yield started


async def tells(here: House, *answers: str, person: str = "7") -> int:
    """Begin an account and answer its questions one after the other."""
    id_ = await here.write("", person, payload="/paper_start")
    for number, words in enumerate(answers):
        here.pass_time(seconds=30)
        await here.write(words, person)
        if number == 0:
            await here.write("", person, payload="/paper_skip")
    return id_


async def account(here: House) -> StoredReport | None:
    """The account of the only contact, as the person finds it again."""
    async with here.helpline.database.read() as session:
        contact = (await session.execute(select(ContactRow.id))).scalars().first()
        return await reports.of_contact(session, here.helpline.keyring, contact or 0, here.now[0])


async def last(here: House) -> str:
    """The last thing the person was told."""
    return (await here.deliver())[-1]


async def once(here: House) -> None:
    """One round of delivery."""
    claim = await claim_delivery(here.helpline)
    if claim is not None:
        await deliver(here.helpline, Limits(is_on=False), claim)


async def test_an_account_is_made_read_back_and_given_as_a_file(here: House) -> None:
    """From the first question to the PDF in the chat, in the person's own words, without the engine."""
    carrier = Carrier()
    here.helpline = replace(here.helpline, channels={**here.helpline.channels, "telegram": carrier})
    here.telegram = carrier
    await tells(here, *ANSWERS)
    read = await here.deliver()
    await here.write("", payload="/paper_ok")
    await here.write("", payload="/paper_pdf")
    await here.deliver()

    assert all(words in read[-2] for words in ANSWERS)
    assert "C'est bien ça ?" in read[-1]
    assert [("7", "Voilà tes notes.")] == [(address, caption) for address, caption, _ in carrier.files]
    assert carrier.files[0][2].startswith(b"%PDF")


async def test_a_file_refused_for_now_is_sent_again_once(here: House) -> None:
    """A provider that is away neither loses the paper nor doubles it: it is made anew at each attempt."""
    carrier = Carrier(refusals=2)
    here.helpline = replace(here.helpline, channels={**here.helpline.channels, "telegram": carrier})
    here.telegram = carrier
    await tells(here, *ANSWERS)
    await here.write("", payload="/paper_ok")
    await here.write("", payload="/paper_pdf")
    for _ in range(6):
        await once(here)
        here.pass_time(seconds=10)

    assert 1 == len(carrier.files)


async def test_a_paper_taken_back_before_it_left_is_never_sent(here: House) -> None:
    """Erased means erased, also for the file that was waiting to go out; those behind it go on."""
    carrier = Carrier(refusals=1)
    here.helpline = replace(here.helpline, channels={**here.helpline.channels, "telegram": carrier})
    here.telegram = carrier
    await tells(here, *ANSWERS)
    await here.write("", payload="/paper_ok")
    await here.write("", payload="/paper_pdf")
    await once(here)
    await here.write("", payload="/paper_erase_yes")
    here.pass_time(seconds=10)
    said = await here.deliver()

    assert [] == carrier.files
    assert "C'est effacé de chez nous" in said[-1]


async def test_imminent_danger_is_answered_first_and_is_no_answer(here: House) -> None:
    """Emergency words win over any question; what comes after them is not taken for an answer either."""
    await tells(here, "un groupe se moque de moi")
    await here.deliver()
    here.telegram.sent.clear()
    await here.write(IN_DANGER)
    said = await here.deliver()
    await here.write("oui j'ai appelé")
    kept = await account(here)

    assert "15" in said[0]
    assert kept is not None
    assert (("what", "un groupe se moque de moi"),) == tuple((str(part), words) for part, words in kept.report.answers)


async def test_serious_words_are_answered_first_and_kept(here: House) -> None:
    """Thoughts of suicide in an answer: help at once, no further question of the account, and the words are not lost."""
    await tells(here, *ANSWERS[:5])
    await here.deliver()
    here.telegram.sent.clear()
    await here.write("j'ai envie de mourir")
    said = "\n".join(await here.deliver())
    kept = await account(here)

    assert "3114" in said
    assert "tu voudrais quoi" not in said
    assert kept is not None
    assert "j'ai envie de mourir" == kept.report.of(Part.EFFECTS)


async def test_words_and_taps_of_one_breath_all_count(here: House) -> None:
    """Somebody types, then taps “C'est tout” before we answered, or taps two effects at once: none of it is lost."""
    await tells(here)
    for text_, payload in (("un groupe se moque de moi", ""), ("", "/paper_skip"), ("", "/paper_say_snapchat")):
        kind = InboundKind.QUICK_REPLY if payload else InboundKind.TEXT
        sent = InboundMessage("telegram", "7", uuid.uuid4().hex, kind, text_, here.now[0], payload, language_hint="fr")
        await accept(here.helpline, sent)
    await here.write("", payload="/paper_say_days")
    kept = await account(here)

    assert kept is not None
    assert ["what", "where", "since"] == [str(part) for part, _ in kept.report.answers]
    assert Part.WHO is kept.report.part


async def test_danger_in_the_same_breath_as_a_tap_is_heard(here: House) -> None:
    """“J'ai envie de mourir”, then a tap on “C'est tout” before we answered: help first, the words kept."""
    await tells(here)
    await here.deliver()
    here.telegram.sent.clear()
    sent = InboundMessage(
        "telegram", "7", "one", InboundKind.TEXT, "j'ai envie de mourir", here.now[0], language_hint="fr"
    )
    await accept(here.helpline, sent)
    await here.write("", payload="/paper_skip")
    said = "\n".join(await here.deliver())
    kept = await account(here)

    assert "3114" in said
    assert "Ça se passe où" not in said
    assert kept is not None
    assert "j'ai envie de mourir" == kept.report.of(Part.WHAT)


async def test_later_keeps_it_and_resume_goes_on(here: House) -> None:
    """“Plus tard” at any moment, “reprendre” within the day: at the same question, with everything said."""
    await tells(here, *ANSWERS[:2])
    await here.write("plus tard")
    paused = await last(here)
    here.pass_time(hours=2)
    await here.write("reprendre")

    assert "gardé un jour" in paused
    assert "Depuis quand ?" in await last(here)


async def test_the_next_conversation_still_finds_it_and_the_next_day_does_not(here: House) -> None:
    """After thirteen hours the talk is a new one and the account is there; a day after the last word it is gone."""
    await tells(here, *ANSWERS[:2])
    here.pass_time(hours=13)
    await here.write("reprendre")
    found, moved = await last(here), await account(here)
    here.pass_time(hours=25)
    await here.write("reprendre")

    assert "Depuis quand ?" in found
    assert moved is not None
    assert WORD in moved.report.text
    assert None is await account(here)
    assert "au bout d'un jour" in await last(here)


async def test_a_day_after_the_last_word_nothing_of_it_is_left(here: House) -> None:
    """The account goes with the messages it was made of and those that read it back (P11)."""
    await tells(here, *ANSWERS)
    await here.deliver()
    await here.write("", payload="/paper_ok")
    before = await words_left(here)
    here.pass_time(hours=24, minutes=1)
    report = await retention.sweep(here.helpline.database, here.helpline.keyring, here.now[0], at_provider=False)

    assert before > 0
    assert 1 == report["reports"]
    assert 0 == await words_left(here)


async def words_left(here: House) -> int:
    """How many messages, either way, still hold the word."""
    async with here.helpline.database.read() as session:
        count = 0
        for row in (await session.execute(select(ConversationRow))).scalars():
            key = here.helpline.keyring.unwrap(row.key_wrapped, f"conversations.key:{row.contact_id}")
            for item in (await session.execute(select(InboundRow))).scalars():
                if item.text_sealed is not None:
                    count += WORD in key.open(item.text_sealed, f"inbound.text:{item.external_id}")
            for sent in (await session.execute(select(OutboundRow))).scalars():
                place = f"outbound.body:{sent.conversation_id}/{sent.turn}/{sent.position}"
                count += WORD in key.open(sent.body_sealed, place)
        return count


async def test_taken_back_it_is_gone_at_once(here: House) -> None:
    """“Efface mon récit” asks once and takes the account and its traces away, whether it was given or not."""
    await tells(here, *ANSWERS)
    await here.deliver()
    await here.write("efface mon récit")
    asked = await last(here)
    await here.write("", payload="/paper_erase_yes")

    assert "J'efface tout ton récit" in asked
    assert None is await account(here)
    assert 0 == await words_left(here)


async def test_what_a_report_to_child_protection_rests_on_stays(here: House) -> None:
    """Under a safeguarding hold the account stays with the other words, and the person is told the truth (GDPR 17(3))."""
    id_ = await tells(here, *ANSWERS)
    async with here.helpline.database.write() as session:
        session.add(
            HoldRow(
                conversation_id=id_,
                reason="report",
                decided_by="account:1",
                seconded_by="account:2",
                created_at=here.now[0],
                until=here.now[0] + timedelta(days=30),
            )
        )
    await here.write("", payload="/paper_erase_yes")
    said = await last(here)
    here.pass_time(hours=20)

    assert "C'est effacé" not in said
    assert None is not await account(here)


async def test_without_consent_nobody_is_given_anything(here: House) -> None:
    """Asked, refused: no escalation, and no page of ours has the account."""
    id_ = await tells(here, *ANSWERS)
    for tap in ("ok", "give", "give_no"):
        await here.write("", payload=f"/paper_{tap}")
    async with here.helpline.database.read() as session:
        given = await reports.given(session, here.helpline.keyring, id_)

    assert None is given
    assert [] == [why for action, why in await here.actions(id_) if action == "escalated"]


async def test_given_with_consent_a_person_is_asked_for_and_it_stays(here: House) -> None:
    """A volunteer may read what was given, and it is kept with the conversation rather than for a day."""
    id_ = await tells(here, *ANSWERS)
    for tap in ("ok", "give", "give_yes"):
        await here.write("", payload=f"/paper_{tap}")
    said = "\n".join(await here.deliver())
    here.pass_time(hours=30)
    await retention.sweep(here.helpline.database, here.helpline.keyring, here.now[0], at_provider=False)
    async with here.helpline.database.read() as session:
        given = await reports.given(session, here.helpline.keyring, id_)

    assert "les bénévoles de l'équipe pourront lire" in said
    assert ("escalated", "report") in await here.actions(id_)
    assert given is not None
    assert WORD in given.report.of(Part.WHAT)


async def test_a_tap_on_give_without_having_been_asked_gives_nothing(here: House) -> None:
    """Consent is an answer to the question in plain words, never a stray tap."""
    id_ = await tells(here, *ANSWERS)
    await here.write("", payload="/paper_give_yes")
    async with here.helpline.database.read() as session:
        given = await reports.given(session, here.helpline.keyring, id_)

    assert None is given


async def test_after_leaving_fast_nothing_speaks_of_it(here: House) -> None:
    """Somebody left in one word; whoever holds the phone now writes, and reads nothing about an account (R24)."""
    await tells(here, *ANSWERS[:2])
    await here.deliver()
    await here.write("sortie")
    await here.deliver()
    here.telegram.sent.clear()
    await here.write("c'est qui ?")
    said = "\n".join(await here.deliver())
    kept = await account(here)

    assert "récit" not in said
    assert kept is not None
    assert Stage.ASKING is kept.report.stage
    assert "c'est qui" not in kept.report.text


async def test_a_right_asked_for_in_the_middle_is_answered(here: House) -> None:
    """“Supprime tout” and “mes données” work inside the account as anywhere (P12), and show it."""
    await tells(here, *ANSWERS[:2])
    await here.deliver()
    here.telegram.sent.clear()
    await here.write("mes données")
    shown = "\n".join(await here.deliver())
    await here.write("supprime tout")
    await here.write("oui", payload="/affirm")

    assert f"ton récit : Snapchat\n{ANSWERS[0]}" in shown
    assert None is await account(here)


async def test_discreet_mode_veils_every_message_of_it_and_volunteers_too(here: House) -> None:
    """The first line of a notification tells nothing, whoever of us wrote the rest."""
    await here.on_duty(SAM)
    id_ = await tells(here, *ANSWERS)
    await here.deliver()
    async with here.helpline.database.write() as session:
        await session.execute(text("UPDATE contacts SET is_discreet = :yes"), {"yes": True})
    here.telegram.sent.clear()
    for tap in ("ok", "give", "give_yes"):
        await here.write("", payload=f"/paper_{tap}")
    await handover.claim(here.helpline, SAM, id_)
    await handover.reply(here.helpline, SAM, id_, "Bonjour, j'ai lu ton récit sur le harcèlement.")
    first_lines = {said.partition("\n")[0] for said in await here.deliver()}

    assert first_lines <= {"Au fait :", "Pour tout à l'heure :", "J'allais oublier :", "Tiens, du coup :"}


@pytest.mark.parametrize("words", ["reprendre", "mon récit", "écrire ce qui s'est passé", "efface mon récit"])
async def test_words_we_told_people_to_type_are_no_alarm(here: House, words: str) -> None:
    """What stands for a tap is judged as one: the model, which never read these words, does not raise the risk."""
    id_ = await here.write(words)

    assert 0 == (await here.row(id_)).risk


def test_a_reviewed_rule_still_speaks_through_our_own_words() -> None:
    """P20: only the statistical guess is set aside; a pattern somebody reviewed counts in any words."""
    by_rule = Assessment(RiskLevel.HIGH, "fr", (), (Reason("fr/x", RiskLevel.HIGH),))
    by_model = Assessment(RiskLevel.HIGH, "fr", (), (Reason("model/high", RiskLevel.HIGH),))
    words, calm = WORDS, thread("")

    assert by_rule == judged(by_rule, "reprendre", words, calm)
    assert RiskLevel.NONE is judged(by_model, "reprendre", words, calm).risk
    assert by_model == judged(by_model, "suivant", words, calm)
    assert RiskLevel.NONE is judged(by_model, "suivant", words, thread("paper_what")).risk
    assert by_model == judged(by_model, "reprendre la lame", words, thread("paper_what"))


def thread(asked: str) -> Thread:
    """Somebody in the middle of a talk in French."""
    return Thread(
        conversation_id=1,
        contact_id=1,
        channel="telegram",
        mode=Mode.BOT,
        risk=RiskLevel.NONE,
        recent=(),
        language="fr",
        language_is_chosen=False,
        country="FR",
        age_band=None,
        is_discreet=False,
        is_stopped=False,
        turns=3,
        not_understood=0,
        state=DialogueState(asked=asked),
    )


async def test_somebody_paused_by_a_supervisor_is_asked_nothing(here: House) -> None:
    """A block pauses the account as it pauses the rest."""
    id_ = await tells(here, *ANSWERS[:2])
    async with here.helpline.database.write() as session:
        account_row, _ = await accounts.add(session, "Nour", Role.SUPERVISOR, here.now[0])
        reason = blocks.BlockReason.INSULTS
        await blocks.block(session, id_, account_row.id, reason, timedelta(days=1), here.now[0])
    await here.deliver()
    here.telegram.sent.clear()
    await here.write("", payload="/paper_resume")

    assert "Depuis quand" not in "\n".join(await here.deliver())


@pytest.mark.parametrize(("used", "expected"), [(("utter_parent_listen",), True), ((), False)])
@pytest.mark.parametrize("key", ["utter_handover_open", "utter_handover_already", "utter_people_joined"])
def test_a_parent_who_waits_is_said_vous(key: str, used: tuple[str, ...], expected: bool) -> None:
    """Who was said “vous” in their journey is not said “tu” by the queue, nor a teenager “vous”."""
    message = Wording(WORDS, DIRECTORY, "fr", "FR", used, EVENING).say(key)

    assert key == message.key
    assert expected == bool(re.search(r"\b(?:vous|votre)\b", message.text, re.IGNORECASE))
