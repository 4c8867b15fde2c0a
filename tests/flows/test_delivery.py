"""Delivery by error class, WhatsApp's window, and who is told when somebody in danger is not reached."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import product
from random import Random

import pytest
from sqlalchemy import select

from bot.channels.simulator import SimulatorChannel
from bot.domain.delivery import refusal
from bot.domain.handover import Refusal
from bot.domain.messages import DeliveryStatus, OutboundMessage, Receipt, SendError, SendResult, Sent
from bot.flows import handover, watch, window
from bot.flows.deliver import claim_delivery, deliver, record_receipt
from bot.flows.limits import Limits
from bot.flows.passage import speak
from bot.store import casework, dead_letters, delivery_alerts
from bot.store import handover as rows
from bot.store.alerts import place_of_chat
from bot.store.tables import OutboundRow
from bot.store.tables_people import VolunteerRow
from tests.flows.house import IN_DANGER, House, house
from tests.flows.team import NOUR, SAM

TEMPLATES = {"fr": "HX" + "a" * 32, "en": "HX" + "b" * 32}
NUMBER = "+33600000001"


@dataclass
class Provider(SimulatorChannel):
    """A provider that answers as told, then takes everything; remembers what it was handed."""

    name: str = "whatsapp"
    answers: deque[SendError] = field(default_factory=deque)
    sent: list[OutboundMessage] = field(default_factory=list)

    async def send(self, address: str, message: OutboundMessage) -> SendResult:
        """The next answer; without one, taken."""
        if self.answers:
            return self.answers.popleft()
        self.sent.append(message)
        return Sent(f"SM{len(self.sent)}-{uuid.uuid4().hex}")

    @property
    def texts(self) -> list[str]:
        """What was taken."""
        return [message.text for message in self.sent]


def provider_of(here: House, name: str = "whatsapp", *, templates: bool = True) -> Provider:
    """Put a provider of the test's own in the place of a channel."""
    provider = Provider(name)
    here.helpline = replace(
        here.helpline,
        channels={**here.helpline.channels, name: provider},
        templates=TEMPLATES if templates else {},
    )
    return provider


async def say(here: House, conversation_id: int, *messages: OutboundMessage, author: str = "bot") -> None:
    """Queue messages of ours in a turn of their own."""
    async with here.helpline.database.write() as session:
        opened = await rows.lock(session, here.helpline.keyring, conversation_id)
        assert opened is not None
        await speak(here.helpline, session, opened, messages, here.now[0], author)


async def statuses(here: House) -> list[tuple[int, str]]:
    """Status and code of every message of ours, in order."""
    async with here.helpline.database.read() as session:
        found = await session.execute(select(OutboundRow).order_by(OutboundRow.id))
        return [(row.status, row.error_code or "") for row in found.scalars()]


async def last_id(here: House) -> str:
    """The provider's id of our last message."""
    async with here.helpline.database.read() as session:
        query = select(OutboundRow.external_id).order_by(OutboundRow.id.desc()).limit(1)
        return str((await session.execute(query)).scalar_one())


async def quiet(here: House, channel: str = "telegram", person: str = "7") -> int:
    """A conversation whose first answer is out."""
    id_ = await here.write("bonjour", person, channel)
    await here.deliver()
    provider = here.helpline.channels[channel]
    if isinstance(provider, Provider):
        provider.sent.clear()
    return id_


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("63018", DeliveryStatus.RETRYING),
        ("63012", DeliveryStatus.RETRYING),
        ("63038", DeliveryStatus.RETRYING),
        ("63032", DeliveryStatus.FAILED),
        ("63024", DeliveryStatus.FAILED),
        ("63014", DeliveryStatus.FAILED),
        ("63021", DeliveryStatus.FAILED),
        ("63016", DeliveryStatus.PARKED),
        ("", DeliveryStatus.RETRYING),
    ],
)
async def test_a_failure_reported_later_is_treated_like_one_at_once(
    sqlite_url: str, code: str, status: DeliveryStatus
) -> None:
    """What Twilio took and could not deliver is tried again, waits, or is a dead letter: it is never ignored."""
    async with house(sqlite_url) as here:
        provider_of(here, templates=False)
        id_ = await quiet(here, "whatsapp", NUMBER)
        await say(here, id_, OutboundMessage("tu es là ?"))
        await here.deliver()
        receipt = Receipt("whatsapp", await last_id(here), DeliveryStatus.FAILED, code)
        for _ in range(2):
            await record_receipt(here.helpline, receipt)

        assert (status, code) == (await statuses(here))[-1]


async def test_a_failed_message_sent_again_arrives(sqlite_url: str) -> None:
    """A callback with a passing error leads to a second send, whose receipts count."""
    async with house(sqlite_url) as here:
        provider = provider_of(here)
        id_ = await quiet(here, "whatsapp", NUMBER)
        await say(here, id_, OutboundMessage("tu es là ?"))
        await here.deliver()
        first = await last_id(here)
        await record_receipt(here.helpline, Receipt("whatsapp", first, DeliveryStatus.FAILED, "63012"))
        here.pass_time(seconds=5)
        await here.deliver()
        await record_receipt(here.helpline, Receipt("whatsapp", await last_id(here), DeliveryStatus.DELIVERED))

        assert ["tu es là ?", "tu es là ?"] == provider.texts
        assert DeliveryStatus.DELIVERED == (await statuses(here))[-1][0]


async def test_an_old_answer_is_not_said_after_a_newer_one(sqlite_url: str) -> None:
    """When a newer answer is out already, the one that failed before it stays a dead letter rather than confuse."""
    async with house(sqlite_url) as here:
        provider_of(here)
        id_ = await quiet(here, "whatsapp", NUMBER)
        await say(here, id_, OutboundMessage("première"))
        await here.deliver()
        first = await last_id(here)
        await say(here, id_, OutboundMessage("seconde"))
        await here.deliver()
        await record_receipt(here.helpline, Receipt("whatsapp", first, DeliveryStatus.FAILED, "63012"))

        assert [DeliveryStatus.FAILED, DeliveryStatus.ACCEPTED] == [status for status, _ in (await statuses(here))[-2:]]


async def test_nothing_of_ours_stands_before_an_emergency(sqlite_url: str) -> None:
    """Whatever waits, retries or fails in a conversation, its emergency message is the next to go; the rest keep order."""
    cases = [
        (answers, is_tried)
        for length in (1, 2, 3)
        for answers in product(("429", "network", "ok"), repeat=length)
        for is_tried in (False, True)
    ]
    async with house(sqlite_url) as here:
        provider = provider_of(here, "telegram")
        for person, (answers, is_tried) in enumerate(Random(7).sample(cases, 12)):
            id_ = await quiet(here, person=str(person))
            ordinary = [f"message {number}" for number in range(len(answers))]
            await say(here, id_, *(OutboundMessage(text) for text in ordinary))
            provider.answers.extend(refusal("telegram", code) for code in answers if code != "ok")
            if is_tried:
                await here.deliver()
            before = len(provider.texts)
            await say(here, id_, OutboundMessage("appelle le 15", urgent=True))
            provider.answers.clear()
            await here.deliver()
            urgent_first = provider.texts[before]
            here.pass_time(hours=1)
            await here.deliver()

            assert "appelle le 15" == urgent_first
            assert ordinary == [text for text in provider.texts if text != "appelle le 15"]


async def test_somebody_in_danger_who_is_not_reached_is_told_to_people(database_url: str) -> None:
    """When a message to somebody in danger does not arrive, supervisors and who is on duty hear it, without a word of content."""
    async with house(database_url) as here:
        await enrolled(here)
        provider = provider_of(here)
        await here.write(IN_DANGER, NUMBER, "whatsapp")
        provider.answers.append(refusal("whatsapp", "63014"))
        await here.deliver()
        await watch.once(here.helpline)
        said = [text for address, text in here.telegram.sent if address == "901"]
        async with here.helpline.database.read() as session:
            letters = await dead_letters.dead_letters(session)

    assert any("pas arrivé" in text for text in said)
    assert not any("boîte" in text for text in said)
    assert "63014" in {letter.code for letter in letters}


async def test_an_alert_that_reached_nobody_is_tried_again(sqlite_url: str) -> None:
    """An alert counts as given only once somebody got it."""
    async with house(sqlite_url) as here:
        await enrolled(here)
        provider = provider_of(here)
        await here.write(IN_DANGER, NUMBER, "whatsapp")
        provider.answers.append(refusal("whatsapp", "63021"))
        await here.deliver()
        telegram = provider_of(here, "telegram")
        telegram.answers.extend([refusal("telegram", "network")] * 8)
        await watch.once(here.helpline)
        telegram.answers.clear()
        await watch.once(here.helpline)
        async with here.helpline.database.read() as session:
            left = await delivery_alerts.not_reached(session, here.now[0], 1)

    assert any("pas arrivé" in text for text in telegram.texts)
    assert [] == left


async def test_after_24_hours_no_free_word_goes_out_and_all_of_it_goes_when_they_write(sqlite_url: str) -> None:
    """Past WhatsApp's window words wait for the person's next message, then go first and in order."""
    async with house(sqlite_url) as here:
        provider = provider_of(here)
        id_ = await quiet(here, "whatsapp", NUMBER)
        here.pass_time(hours=23, minutes=59)
        await say(here, id_, OutboundMessage("un"), OutboundMessage("deux"), author="volunteer")
        await here.deliver()
        handed = [message for message in provider.sent if not message.content_sid]
        template = [message.content_sid for message in provider.sent if message.content_sid]
        provider.sent.clear()
        await here.write("OK", NUMBER, "whatsapp")
        await here.deliver()

    assert [] == handed
    assert [TEMPLATES["fr"]] == template
    assert ["un", "deux"] == provider.texts[:2]
    assert len(provider.texts) > 2


async def test_the_last_moment_decides(sqlite_url: str) -> None:
    """A message queued within the window and retried past it waits: the row is asked when it is handed over."""
    async with house(sqlite_url) as here:
        provider = provider_of(here, templates=False)
        id_ = await quiet(here, "whatsapp", NUMBER)
        here.pass_time(hours=23, minutes=50)
        await say(here, id_, OutboundMessage("tout juste"))
        provider.answers.append(refusal("whatsapp", "63012", retry_after=900.0))
        await here.deliver()
        here.pass_time(minutes=20)
        await here.deliver()

        assert [] == provider.texts
        assert (DeliveryStatus.PARKED, window.CODE) == (await statuses(here))[-1]


async def test_what_is_handed_over_late_may_not_be_kept_past_the_window(sqlite_url: str) -> None:
    """Twilio is told to drop what it cannot deliver before the window ends."""
    async with house(sqlite_url) as here:
        provider = provider_of(here)
        id_ = await quiet(here, "whatsapp", NUMBER)
        here.pass_time(hours=23, minutes=48)
        await say(here, id_, OutboundMessage("encore dix minutes"))
        await here.deliver()

    assert [True] == [0 < message.valid_for <= 600 for message in provider.sent]


async def test_an_emergency_past_the_window_becomes_a_template_and_calls_people(sqlite_url: str) -> None:
    """Emergency words keep to the window too: the person is asked to write, and people of ours are told at once."""
    async with house(sqlite_url) as here:
        await enrolled(here)
        provider = provider_of(here)
        id_ = await quiet(here, "whatsapp", NUMBER)
        here.pass_time(hours=30)
        await say(here, id_, OutboundMessage("appelle le 15", urgent=True))
        await here.deliver()
        await watch.once(here.helpline)

    assert [TEMPLATES["fr"]] == [message.content_sid for message in provider.sent]
    assert any("pas arrivé" in text for _, text in here.telegram.sent)


async def test_a_volunteer_reopens_with_one_click_and_only_once(sqlite_url: str) -> None:
    """After the window a volunteer asks the person to write, by the neutral template, once until they do."""
    async with house(sqlite_url) as here:
        provider = provider_of(here)
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER, NUMBER, "whatsapp")
        await handover.claim(here.helpline, SAM, id_)
        await here.deliver()
        assert None is await window.reopen(here.helpline, id_, SAM)
        await here.deliver()
        before = [message.content_sid for message in provider.sent if message.content_sid]
        here.pass_time(hours=25)
        answers = [await window.reopen(here.helpline, id_, who) for who in (NOUR, SAM)]
        await here.deliver()

    assert [] == before
    assert [None, Refusal.ALREADY_ASKED] == answers
    assert [TEMPLATES["fr"]] == [message.content_sid for message in provider.sent if message.content_sid]


async def test_without_a_template_the_volunteer_is_told(sqlite_url: str) -> None:
    """Nothing pretends to be sent when no template is approved."""
    async with house(sqlite_url) as here:
        provider_of(here, templates=False)
        await here.on_duty(SAM)
        id_ = await here.write(IN_DANGER, NUMBER, "whatsapp")
        await handover.claim(here.helpline, SAM, id_)
        here.pass_time(hours=25)

        assert Refusal.NO_TEMPLATE is await window.reopen(here.helpline, id_, SAM)


async def test_a_promised_message_past_the_window_goes_as_a_template(sqlite_url: str) -> None:
    """Who asked to be written to is asked by the template to write, and then reads what we wanted to say."""
    async with house(sqlite_url) as here:
        provider = provider_of(here)
        id_ = await quiet(here, "whatsapp", NUMBER)
        async with here.helpline.database.write() as session:
            casework.plan_follow_up(session, id_, here.now[0], "volunteer")
        here.pass_time(hours=26)
        await watch.once(here.helpline)
        await here.deliver()
        first = [message.content_sid for message in provider.sent]
        provider.sent.clear()
        await here.write("OK", NUMBER, "whatsapp")
        await here.deliver()

    assert [TEMPLATES["fr"]] == first
    assert "reprenne des nouvelles" in provider.texts[0]


async def test_who_says_stop_is_told_nothing_that_waited(sqlite_url: str) -> None:
    """After STOP what waited for the person is given up."""
    async with house(sqlite_url) as here:
        provider = provider_of(here)
        id_ = await quiet(here, "whatsapp", NUMBER)
        here.pass_time(hours=25)
        await say(here, id_, OutboundMessage("un mot"), author="volunteer")
        await here.deliver()
        provider.sent.clear()
        await here.write("", NUMBER, "whatsapp", payload="/quick_exit")
        await here.deliver()

    assert "un mot" not in provider.texts


async def test_an_emergency_does_not_wait_for_the_rate_of_its_own_flood(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While ordinary messages of a chat wait for the provider's rate, its emergency goes out within the second."""
    async with house(sqlite_url) as here:
        provider = provider_of(here, "telegram")
        id_ = await quiet(here)
        await say(here, id_, *(OutboundMessage(str(number)) for number in range(3)))
        limits, naps = Limits(), list[float]()

        async def nap(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 1:
                await say(here, id_, OutboundMessage("appelle le 15", urgent=True))

        await limits.pause("telegram", "", 0)
        for chat in range(200):
            await limits.take("telegram", f"other {chat}")
        monkeypatch.setattr("bot.flows.deliver.asyncio.sleep", nap)
        claim = await claim_delivery(here.helpline)
        assert claim is not None
        await deliver(here.helpline, limits, claim)

    assert "appelle le 15" == provider.texts[0]
    assert naps[0] <= 1.0


async def enrolled(here: House) -> None:
    """A supervisor who gets alerts in chat 901."""
    await here.on_duty(NOUR)
    async with here.helpline.database.write() as session:
        row = await session.get_one(VolunteerRow, NOUR.id)
        row.alert_chat_sealed = here.helpline.keyring.seal_address("901", place_of_chat(NOUR.id))
