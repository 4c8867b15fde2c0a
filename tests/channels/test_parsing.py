"""What Telegram and Twilio send, read as messages; what they refuse, read as data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData
from telegram import error as telegram_error

from bot.channels import telegram, whatsapp
from bot.domain.messages import DeliveryStatus, InboundKind, OutboundMessage, QuickReply, SendError
from tests.wires.telegram import message, tap_update, text_update
from tests.wires.twilio import inbound

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FILE = {"file_id": "x", "file_unique_id": "y"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"text": "salut"}, InboundKind.TEXT),
        ({"text": "/start abc"}, InboundKind.START),
        ({"text": "/oublie"}, InboundKind.QUICK_REPLY),
        ({"photo": [{**FILE, "width": 1, "height": 1}]}, InboundKind.PHOTO),
        ({"voice": {**FILE, "duration": 1}}, InboundKind.VOICE),
        ({"location": {"latitude": 1.0, "longitude": 1.0}}, InboundKind.LOCATION),
        ({"contact": {"phone_number": "1", "first_name": "x"}}, InboundKind.CONTACT),
        ({"document": FILE}, InboundKind.FILE),
        ({"dice": {"value": 1, "emoji": "x"}}, InboundKind.OTHER),
    ],
)
def test_every_kind_of_telegram_message_is_known(fields: dict[str, Any], kind: InboundKind) -> None:
    """Whatever is sent, the person gets an answer that fits its kind."""
    parsed = telegram.parse_update({"update_id": 1, "message": message(1, 5) | fields}, NOW)

    assert parsed.message is not None
    assert kind == parsed.message.kind


def test_the_language_of_the_phone_is_a_hint() -> None:
    """/start begins in the person's language as far as we speak it."""
    parsed = telegram.parse_update(text_update(1, 5, "/start", language="ar"), NOW)

    assert parsed.message is not None
    assert "ar" == parsed.message.language_hint


def test_edits_and_taps_are_messages_of_their_own() -> None:
    """An edited message is read again; a tap carries its payload and what stops the button."""
    edited = telegram.parse_update(text_update(2, 5, "x", key="edited_message"), NOW).message
    tapped = telegram.parse_update(tap_update(3, 5, "/affirm"), NOW).message

    assert edited is not None
    assert tapped is not None
    assert InboundKind.EDITED == edited.kind
    assert ("/affirm", "q3") == (tapped.payload, tapped.ack_token)


def test_groups_are_never_answered() -> None:
    """What is said here is between one person and us."""
    group = message(1, 5) | {"text": "x", "chat": {"id": -5, "type": "group", "title": "x"}}

    assert telegram.parse_update({"update_id": 1, "message": group}, NOW).message is None


@given(JSON)
def test_any_json_is_an_update_or_refused(data: object) -> None:
    """Hostile bodies raise the parser's own error, nothing else."""
    try:
        telegram.parse_update(data, NOW)
    except telegram.InvalidUpdateError:
        return


@given(st.dictionaries(st.sampled_from(["message", "edited_message", "callback_query", "my_chat_member"]), JSON))
def test_any_shape_of_a_known_field_is_read_or_refused(fields: dict[str, object]) -> None:
    """A field of the wrong shape raises the parser's own error, nothing else."""
    try:
        telegram.parse_update({"update_id": 1, **fields}, NOW)
    except telegram.InvalidUpdateError:
        return


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (telegram_error.RetryAfter(timedelta(seconds=7)), SendError("429", retryable=True, retry_after=7.0)),
        (telegram_error.Forbidden("bot was blocked"), SendError("403", retryable=False, contact_gone=True)),
        (telegram_error.BadRequest("Chat not found"), SendError("chat_not_found", retryable=False, contact_gone=True)),
        (telegram_error.BadRequest("message is too long"), SendError("400", retryable=False)),
        (telegram_error.TimedOut(), SendError("timeout", retryable=True)),
        (telegram_error.NetworkError("x"), SendError("network", retryable=True)),
    ],
)
def test_what_telegram_refuses_is_data(error: telegram_error.TelegramError, expected: SendError) -> None:
    """Each refusal says whether to try again, when, and whether the person is gone."""
    assert expected == telegram._send_error(error)


def test_twilio_signatures_are_those_of_its_own_examples() -> None:
    """Both published vectors hold, a repeated field included; anything else is refused."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    first = FormData(
        [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ]
    )
    second = FormData(
        [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
    )

    assert whatsapp.is_signed("12345", url, first, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert whatsapp.is_signed("12345", url, second, "IK+Dwps556ElfBT0I3Rgjkr1wJU=")
    assert not whatsapp.is_signed("12345", url, second, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert not whatsapp.is_signed("12345", url, first, "")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, InboundKind.TEXT),
        ({"NumMedia": "1", "MediaContentType0": "image/jpeg"}, InboundKind.PHOTO),
        ({"NumMedia": "1", "MediaContentType0": "image/webp"}, InboundKind.STICKER),
        ({"NumMedia": "1", "MediaContentType0": "audio/ogg"}, InboundKind.VOICE),
        ({"NumMedia": "1", "MediaContentType0": "text/vcard"}, InboundKind.CONTACT),
        ({"NumMedia": "1", "MediaContentType0": "application/pdf"}, InboundKind.FILE),
        ({"Latitude": "1.0", "Longitude": "1.0"}, InboundKind.LOCATION),
    ],
)
def test_every_kind_of_whatsapp_message_is_known(fields: dict[str, str], kind: InboundKind) -> None:
    """Media is known by its kind alone; its address is never kept."""
    parsed = whatsapp.parse_message(FormData(inbound("SM1", "+212600000000", "x", **fields)), NOW).message

    assert parsed is not None
    assert kind == parsed.kind
    assert "MA" == parsed.country_hint


@pytest.mark.parametrize(("word", "status"), [("read", DeliveryStatus.READ), ("undelivered", DeliveryStatus.FAILED)])
def test_status_callbacks_are_receipts(word: str, status: DeliveryStatus) -> None:
    """Twilio's words for delivery become ours; unknown ones are passed over."""
    form = FormData({"MessageSid": "SM1", "MessageStatus": word, "ErrorCode": "63016"})

    assert status == whatsapp.parse_status(form).receipts[0].status
    assert () == whatsapp.parse_status(FormData({"MessageSid": "SM1", "MessageStatus": "new-word"})).receipts


def test_a_form_without_sender_is_refused() -> None:
    """Signed or not, a form that is no message is refused in one line."""
    with pytest.raises(whatsapp.InvalidFormError):
        whatsapp.parse_message(FormData({"Body": "x"}), NOW)


async def test_quick_replies_are_a_numbered_list_that_fits() -> None:
    """On WhatsApp choices are numbered and the whole stays within 1,600 characters."""
    channel = whatsapp.WhatsAppChannel("AC1", "t", "+1", "http://127.0.0.1:9", "http://127.0.0.1:9")
    replies = (QuickReply("Oui", "/affirm"), QuickReply("Non", "/deny"))
    parts = channel.prepare(OutboundMessage("mot " * 1000, replies))
    await channel.close()

    assert all(len(part.text) <= whatsapp.TEXT_LIMIT for part in parts)
    assert parts[-1].text.endswith("1. Oui\n2. Non")
