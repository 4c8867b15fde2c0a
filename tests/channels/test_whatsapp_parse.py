from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from starlette.datastructures import FormData, UploadFile
from twilio.base.exceptions import TwilioRestException

from bot.channels.whatsapp import (
    NAME,
    TEXT_LIMIT,
    InvalidFormError,
    WhatsAppChannel,
    _send_error,
    country_of,
    is_signed,
    parse_message,
    parse_status,
    seconds_valid,
)
from bot.domain.messages import (
    DeliveryStatus,
    InboundKind,
    InboundMessage,
    OutboundMessage,
    Parsed,
    QuickReply,
    Receipt,
    SendError,
)
from tests.wires import twilio
from tests.wires.server import serving
from tests.wires.twilio import inbound

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NUMBER = "+33600000000"
TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
CALL_SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
REPEATED: list[tuple[str, str | UploadFile]] = [
    ("Sid", "CA123"),
    ("SidAccount", "AC123"),
    ("Digits", "5678"),
    ("Digits", "1234"),
    ("Digits", "1234"),
]
REPEATED_SIGNATURE = "IK+Dwps556ElfBT0I3Rgjkr1wJU="
YES_NO = (QuickReply("Oui", "/affirm"), QuickReply("Non", "/deny"))
TEN = tuple(QuickReply(f"{'x' * 18}{number:2}", f"/choice{number}") for number in range(10))


@pytest.fixture
async def channel() -> AsyncIterator[WhatsAppChannel]:
    """A channel that sends nothing."""
    channel = WhatsAppChannel("AC1", "t", "+1", "http://127.0.0.1:9", "http://127.0.0.1:9")
    yield channel
    await channel.close()


def parsed(**fields: str) -> InboundMessage:
    found = parse_message(FormData(inbound("SM1", NUMBER, "x", **fields)), NOW).message
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("form", "signature"),
    [(FormData(CALL), CALL_SIGNATURE), (FormData(REPEATED), REPEATED_SIGNATURE)],
    ids=["each field once", "a repeated field"],
)
def test_what_twilio_signed_is_taken(form: FormData, signature: str) -> None:
    """Twilio's own published signatures hold."""
    assert is_signed(TOKEN, URL, form, signature)


@pytest.mark.parametrize(
    ("token", "url", "form", "signature"),
    [
        ("54321", URL, CALL, CALL_SIGNATURE),
        (TOKEN, URL + "3", CALL, CALL_SIGNATURE),
        (TOKEN, URL.replace("https", "http"), CALL, CALL_SIGNATURE),
        (TOKEN, URL, {**CALL, "Digits": "1235"}, CALL_SIGNATURE),
        (TOKEN, URL, {**CALL, "Body": "x"}, CALL_SIGNATURE),
        (TOKEN, URL, CALL, CALL_SIGNATURE.lower()),
        (TOKEN, URL, CALL, "é"),
        (TOKEN, URL, CALL, ""),
    ],
)
def test_what_twilio_did_not_sign_is_refused(token: str, url: str, form: dict[str, str], signature: str) -> None:
    """Nobody can speak in a young person's name: another token, address, field or signature is refused."""
    assert not is_signed(token, url, FormData(form), signature)


def test_a_text_is_read_with_its_country() -> None:
    """Words come with who wrote them and the country whose numbers may help; the profile's name is not kept."""
    expected = InboundMessage(NAME, NUMBER, "SM1", InboundKind.TEXT, "x", NOW, country_hint="FR")

    assert expected == parsed(ProfileName="Zoé")


@pytest.mark.parametrize(
    ("mime", "kind"),
    [
        ("image/jpeg", InboundKind.PHOTO),
        ("IMAGE/PNG", InboundKind.PHOTO),
        ("image/webp", InboundKind.STICKER),
        ("video/mp4", InboundKind.VIDEO),
        ("audio/ogg; codecs=opus", InboundKind.VOICE),
        ("text/vcard", InboundKind.CONTACT),
        ("text/x-vcard", InboundKind.CONTACT),
        ("application/pdf", InboundKind.FILE),
        ("", InboundKind.FILE),
    ],
)
def test_media_is_known_by_its_kind_alone(mime: str, kind: InboundKind) -> None:
    """Media is never fetched: neither its address nor its content is kept, its caption is (P26)."""
    found = parsed(NumMedia="1", MediaContentType0=mime, MediaUrl0="https://media.example/secret")

    assert (kind, "x") == (found.kind, found.text)
    assert "secret" not in repr(found)


def test_a_place_leaves_nothing_but_its_kind() -> None:
    """Where somebody is stays with them."""
    found = parsed(Latitude="48.1", Longitude="2.1", Address="1 rue X")

    assert InboundKind.LOCATION == found.kind
    assert "48.1" not in repr(found)


def test_a_tapped_button_is_a_choice() -> None:
    """A button of a template brings its payload."""
    found = parsed(ButtonPayload="/request_human", ButtonText="Quelqu'un")

    assert (InboundKind.QUICK_REPLY, "/request_human") == (found.kind, found.payload)


@pytest.mark.parametrize(
    "fields",
    [{"MessageSid": ""}, {"From": ""}, {"From": NUMBER}, {"From": "whatsapp:x"}, {"From": "whatsapp:+1"}],
    ids=str,
)
def test_a_form_that_is_no_message_is_refused(fields: dict[str, str]) -> None:
    """Without an id or a sender there is nobody to answer, and the refusal quotes neither."""
    with pytest.raises(InvalidFormError, match=r"^expected MessageSid and From=whatsapp:\+<digits>$"):
        parsed(**fields)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("accepted", DeliveryStatus.ACCEPTED),
        ("scheduled", DeliveryStatus.ACCEPTED),
        ("queued", DeliveryStatus.ACCEPTED),
        ("sending", DeliveryStatus.ACCEPTED),
        ("sent", DeliveryStatus.SENT),
        ("delivered", DeliveryStatus.DELIVERED),
        ("read", DeliveryStatus.READ),
        ("READ", DeliveryStatus.READ),
        ("undelivered", DeliveryStatus.FAILED),
        ("failed", DeliveryStatus.FAILED),
        ("canceled", DeliveryStatus.FAILED),
    ],
)
def test_every_status_of_twilio_has_ours(word: str, status: DeliveryStatus) -> None:
    """A volunteer sees how far a message got, whatever word the provider has for it."""
    receipt = Receipt(NAME, "SM1", status)

    assert Parsed(receipts=(receipt,)) == parse_status(FormData({"MessageSid": "SM1", "MessageStatus": word}))


@pytest.mark.parametrize("word", ["received", "receiving", "partially_delivered", "a_word_of_next_year"])
def test_a_status_we_have_no_use_for_is_passed_over(word: str) -> None:
    """New words of the provider break nothing."""
    assert Parsed() == parse_status(FormData({"MessageSid": "SM1", "MessageStatus": word}))


@pytest.mark.parametrize(("code", "kept"), [("63016", "63016"), ("", ""), ("No, not <b>a code</b>", "")])
def test_only_a_numeric_error_code_is_kept(code: str, kept: str) -> None:
    """What a provider writes where a code belongs never reaches a log or a page."""
    form = FormData({"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": code})

    assert kept == parse_status(form).receipts[0].error_code


@pytest.mark.parametrize("form", [{}, {"MessageSid": "SM1"}, {"MessageStatus": "sent"}], ids=str)
def test_a_receipt_without_id_or_status_is_refused(form: dict[str, str]) -> None:
    """A receipt that names no message, or says nothing about it, is refused."""
    with pytest.raises(InvalidFormError):
        parse_status(FormData(form))


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+33600000000", "FR"),
        ("+212600000000", "MA"),
        ("+32470000000", "BE"),
        ("+41790000000", "CH"),
        ("+352600000000", "LU"),
        ("+35312345678", ""),
        ("+15145550000", ""),
        ("+", ""),
        ("", ""),
    ],
)
def test_the_country_is_that_of_the_number(number: str, country: str) -> None:
    """Emergency numbers follow the phone's country, and no country is guessed."""
    assert country == country_of(number)


@pytest.mark.parametrize("text", ["", "Ça va ?", "mot " * 1000, "x" * 5000, "😀" * 1700, "م" * TEXT_LIMIT])
@pytest.mark.parametrize("replies", [(), YES_NO, TEN], ids=len)
async def test_every_part_fits_and_the_choices_come_last(
    channel: WhatsAppChannel, text: str, replies: tuple[QuickReply, ...]
) -> None:
    """Twilio takes 1,600 characters: nothing is cut off, and the numbered choices stand whole under the last words."""
    parts = channel.prepare(OutboundMessage(text, replies, "utter_x", urgent=True))
    choices = "\n".join(f"{number}. {reply.title}" for number, reply in enumerate(replies, 1))

    assert all(len(part.text) <= TEXT_LIMIT for part in parts)
    assert parts[-1].text.endswith(choices)
    assert [*[()] * (len(parts) - 1), replies] == [part.quick_replies for part in parts]
    assert {("utter_x", True)} == {(part.key, part.urgent) for part in parts}


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, 20429, SendError("20429", retryable=True)),
        (429, None, SendError("429", retryable=True)),
        (400, 63018, SendError("63018", retryable=True)),
        (400, 63016, SendError("63016", retryable=False)),
        (400, 63014, SendError("63014", retryable=False, contact_gone=True)),
        (400, 63032, SendError("63032", retryable=False)),
        (401, 20003, SendError("20003", retryable=True)),
        (400, 99999, SendError("99999", retryable=False)),
        (503, None, SendError("503", retryable=True)),
    ],
)
def test_a_refusal_of_twilio_says_what_to_do_next(status: int, code: int | None, expected: SendError) -> None:
    """A message is tried again exactly when that can help, and nobody who opted out is written to again."""
    assert expected == _send_error(TwilioRestException(status, "/Messages.json", "words", code))


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        (OutboundMessage("x"), 14_400),
        (OutboundMessage("x", urgent=True), 600),
        (OutboundMessage("x", valid_for=90), 90),
        (OutboundMessage("x", urgent=True, valid_for=9_000), 600),
    ],
)
def test_a_crisis_text_is_dropped_rather_than_late(message: OutboundMessage, seconds: int) -> None:
    """Twilio may keep crisis words for ten minutes only, and no words past the person's window (ValidityPeriod)."""
    assert seconds == seconds_valid(message)


async def test_a_template_goes_by_its_id_and_without_words() -> None:
    """An approved template is sent as ContentSid; its words in Body would be refused since April 2025."""
    fake = twilio.FakeTwilio()
    async with serving(fake.app) as url:
        channel = WhatsAppChannel(twilio.ACCOUNT, twilio.TOKEN, twilio.SENDER, url, f"{url}/status")
        await channel.send("+33600000001", OutboundMessage("neutral", content_sid="HX" + "a" * 32))
        await channel.close()

    assert ["HX" + "a" * 32] == [form.get("ContentSid") for form in fake.sent]
    assert "Body" not in fake.sent[0]
