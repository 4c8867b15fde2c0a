from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from telegram import error as telegram_error

from bot.channels.telegram import COMMANDS, NAME, InvalidUpdateError, TelegramChannel, _send_error, parse_update
from bot.domain.messages import ContactNews, InboundKind, InboundMessage, OutboundMessage, Parsed, SendError, Sent
from tests.wires import telegram as telegram_wire
from tests.wires.server import serving
from tests.wires.telegram import message, tap_update, text_update

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SENT = datetime.fromtimestamp(1_795_000_000, UTC)
FILE = {"file_id": "x", "file_unique_id": "y"}
PHOTO = [{**FILE, "width": 1, "height": 1}]
STICKER = {**FILE, "type": "regular", "width": 1, "height": 1, "is_animated": False, "is_video": False}
ANIMATION = {**FILE, "width": 1, "height": 1, "duration": 1}
GROUP = {"id": -5, "type": "group", "title": "x"}
USER = {"id": 5, "is_bot": False, "first_name": "X"}


def parsed(data: object) -> InboundMessage:
    found = parse_update(data, NOW).message
    assert found is not None
    return found


def member_update(status: str, chat: dict[str, Any] | None = None) -> dict[str, Any]:
    bot = {"id": 9, "is_bot": True, "first_name": "Relais"}
    new: dict[str, Any] = {"user": bot, "status": status, "until_date": 0}
    change = {
        "chat": chat or {"id": 5, "type": "private"},
        "from": USER,
        "date": 1_795_000_000,
        "old_chat_member": {"user": bot, "status": "member"},
        "new_chat_member": new,
    }
    return {"update_id": 8, "my_chat_member": change}


def test_a_text_is_read_with_when_it_was_written() -> None:
    """Words come with the moment they were written and the moment they came, since Telegram keeps them for a day."""
    expected = InboundMessage(
        channel=NAME,
        address="5",
        external_id="7.7",
        kind=InboundKind.TEXT,
        text="j'ai peur",
        received_at=NOW,
        language_hint="fr",
        sent_at=SENT,
    )

    assert expected == parsed(text_update(7, 5, "j'ai peur"))


@pytest.mark.parametrize(
    ("code", "hint"), [("fr", "fr"), ("fr-CA", "fr"), ("ar-MA", "ar"), ("EN", "en"), ("de", ""), ("", "")]
)
def test_start_comes_with_the_language_of_the_phone(code: str, hint: str) -> None:
    """The first words are in the phone's language where we speak it; what a link adds to /start is never kept."""
    start = parsed(text_update(1, 5, "/start from_the_school", language=code))

    assert (InboundKind.START, "", "", hint) == (start.kind, start.text, start.payload, start.language_hint)


@pytest.mark.parametrize("command", sorted(COMMANDS))
@pytest.mark.parametrize("written", ["/{}", "/{}@relais_bot", "/{} vite"])
def test_a_command_is_what_its_menu_entry_says(command: str, written: str) -> None:
    """Asking for a person, stopping and deleting work from the menu, with the bot's name or with words behind."""
    found = parsed(text_update(1, 5, written.format(command)))

    assert (InboundKind.QUICK_REPLY, COMMANDS[command]) == (found.kind, found.payload)
    assert ("vite" if "vite" in written else "") == found.text


@pytest.mark.parametrize("text", ["/suicide", "/jveux mourir", "//mourir"])
def test_a_command_we_do_not_know_is_words(text: str) -> None:
    """A cry for help behind a slash is read like any other (R4)."""
    found = parsed(text_update(1, 5, text))

    assert (InboundKind.TEXT, text.lstrip("/")) == (found.kind, found.text)


def test_an_edited_text_is_read_again_at_its_new_time() -> None:
    """What was changed may be graver than what stood there: an edit is read, under an id of its own."""
    update = text_update(9, 5, "je vais mourir", key="edited_message")
    update["edited_message"]["edit_date"] = 1_795_000_060
    edited = parsed(update)

    assert (InboundKind.EDITED, "je vais mourir") == (edited.kind, edited.text)
    assert SENT + timedelta(minutes=1) == edited.sent_at
    assert parsed(text_update(8, 5, "x")).external_id != edited.external_id


def test_the_words_under_a_photo_are_read() -> None:
    """A picture is never opened, its caption is read."""
    photo = parsed({"update_id": 1, "message": message(1, 5) | {"photo": PHOTO, "caption": "aidez-moi"}})

    assert (InboundKind.PHOTO, "aidez-moi") == (photo.kind, photo.text)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"voice": {**FILE, "duration": 1}}, InboundKind.VOICE),
        ({"audio": {**FILE, "duration": 1}}, InboundKind.VOICE),
        ({"video_note": {**FILE, "length": 1, "duration": 1}}, InboundKind.VIDEO),
        ({"sticker": STICKER}, InboundKind.STICKER),
        ({"animation": ANIMATION, "document": FILE}, InboundKind.STICKER),
        ({"location": {"latitude": 1.0, "longitude": 1.0}}, InboundKind.LOCATION),
        ({"contact": {"phone_number": "+33600000000", "first_name": "Zoé"}}, InboundKind.CONTACT),
        ({"new_chat_title": "x"}, InboundKind.OTHER),
        ({"a_kind_of_next_year": {"x": 1}}, InboundKind.OTHER),
    ],
)
def test_media_leaves_nothing_but_its_kind(fields: dict[str, Any], kind: InboundKind) -> None:
    """Of a voice, a place or somebody's number only the kind is kept (P26)."""
    found = parsed({"update_id": 1, "message": message(1, 5) | fields})

    assert (kind, "", "") == (found.kind, found.text, found.payload)


def test_a_tap_is_a_choice_that_waits_to_be_acknowledged() -> None:
    """A tapped button brings its payload and what makes it stop spinning, in the chat it stands in."""
    tap = parsed(tap_update(3, 5, "/request_human"))

    assert (InboundKind.QUICK_REPLY, "/request_human", "") == (tap.kind, tap.payload, tap.text)
    assert ("5", "q3") == (tap.address, tap.ack_token)


@pytest.mark.parametrize(("status", "reachable"), [("kicked", False), ("left", False), ("member", True)])
def test_who_blocks_the_bot_is_not_written_to(status: str, reachable: bool) -> None:
    """Blocking is a no: the contact is marked unreachable, and reachable again when they come back."""
    assert Parsed(contact_news=ContactNews(NAME, "5", reachable=reachable)) == parse_update(member_update(status), NOW)


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1, "message": message(1, 5) | {"text": "x", "chat": GROUP}},
        {"update_id": 1, "edited_message": message(1, 5) | {"text": "x", "chat": GROUP}},
        {"update_id": 1, "callback_query": {"id": "q", "from": USER, "chat_instance": "1", "data": "/affirm"}},
        {"update_id": 1, "callback_query": {**tap_update(1, 5, "/affirm")["callback_query"]}},
        member_update("kicked", GROUP),
        {"update_id": 1, "channel_post": message(1, 5) | {"text": "x"}},
        {"update_id": 1, "an_update_of_next_year": {"x": 1}},
        {"update_id": 1},
    ],
    ids=["message", "edit", "inline tap", "tap", "member", "channel", "unknown", "empty"],
)
def test_only_private_chats_are_read(update: dict[str, Any]) -> None:
    """Groups, channels and kinds we do not know are passed over: what is said here is between one person and us."""
    if update.get("callback_query", {}).get("message"):
        update["callback_query"]["message"]["chat"] = GROUP

    assert Parsed() == parse_update(update, NOW)


@pytest.mark.parametrize(
    "data",
    [None, [], "x", 5, {}, {"update_id": "1"}, {"update_id": None}, {"message": {}}, {"update_id": 1, "message": "x"}],
    ids=repr,
)
def test_what_is_no_update_is_refused(data: object) -> None:
    """A body that is not an update is refused with the parser's own error, and never quoted."""
    with pytest.raises(InvalidUpdateError):
        parse_update(data, NOW)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (telegram_error.RetryAfter(3), SendError("429", retryable=True, retry_after=3.0)),
        (telegram_error.RetryAfter(timedelta(minutes=1)), SendError("429", retryable=True, retry_after=60.0)),
        (telegram_error.Forbidden("bot was blocked by the user"), SendError("403", retryable=False, contact_gone=True)),
        (telegram_error.ChatMigrated(-100), SendError("migrated", retryable=False)),
        (
            telegram_error.BadRequest("User is deactivated"),
            SendError("chat_not_found", retryable=False, contact_gone=True),
        ),
        (telegram_error.BadRequest("Message text is empty"), SendError("400", retryable=False)),
        (telegram_error.InvalidToken(), SendError("401", retryable=True)),
        (telegram_error.Conflict("two consumers"), SendError("409", retryable=True)),
        (telegram_error.TimedOut(), SendError("timeout", retryable=True)),
        (telegram_error.NetworkError("reset"), SendError("network", retryable=True)),
        (telegram_error.TelegramError("new"), SendError("telegram", retryable=True)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_refusal_says_what_to_do_next(error: telegram_error.TelegramError, expected: SendError) -> None:
    """A message is tried again exactly when that can help, and nobody who blocked us is written to again."""
    assert expected == _send_error(error)


async def test_a_chat_that_moved_is_followed() -> None:
    """A chat with a new id gets the message there, at once."""
    fake = telegram_wire.FakeTelegram()
    fake.failures.append((400, {"description": "Bad Request", "parameters": {"migrate_to_chat_id": -100200}}))
    async with serving(fake.app) as url:
        channel = TelegramChannel(telegram_wire.TOKEN, url)
        await channel.open()
        result = await channel.send("7", OutboundMessage("bonjour"))
        await channel.close()

    assert isinstance(result, Sent)
    assert ["bonjour"] == fake.texts(-100200)
