"""Every parser of what comes from outside, under whatever hypothesis thinks of: read, or refused by the parser's own error."""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.datastructures import FormData

from bot.channels import telegram, whatsapp
from bot.commands.chat import LineError, _parse_line
from bot.commands.understand import _items
from bot.config import Settings, SettingsError, load_settings
from bot.dialogue.rasa import Engine
from bot.domain.messages import InboundKind, Parsed
from bot.domain.parts import whole
from bot.domain.replies import EngineAnswer, EngineFailure
from bot.flows.receive import accept, answer, claim_turn
from bot.store import papers
from bot.store.directory import DirectoryError, load_directory
from bot.web.console.forms import number
from tests.flows.house import House, house
from tests.wires.telegram import message, tap_update

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
any_text = st.text(st.characters(), max_size=60)
"""Halves of characters and NUL included."""
huge = st.integers() | st.integers(2**62, 2**70) | st.just(10**4000)
json_value = st.recursive(
    st.none() | st.booleans() | huge | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=10,
)
many = settings(max_examples=150, deadline=None)
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _can_be_kept(parsed: Parsed) -> bool:
    """Whether ids are ids and words can be stored and sent on."""
    found = parsed.message
    if found is None:
        return True
    for text in (found.text, found.payload, found.ack_token, found.address, found.external_id, found.language_hint):
        text.encode()
    return len(found.address) < 25 and len(found.external_id) < 70


@many
@given(st.dictionaries(st.sampled_from(["text", "caption", "chat", "message_id", "date", "from", "photo"]), json_value))
@example({"text": "a\ud800b\x00"})
@example({"chat": {"id": {"a": 1}, "type": "private"}})
@example({"message_id": 10**4000})
def test_any_field_of_a_telegram_message_is_read_or_refused(fields: dict[str, object]) -> None:
    """Whatever a field holds, the update is refused, or what is read can be stored, answered and sent on."""
    for key in ("message", "edited_message"):
        with suppress(telegram.InvalidUpdateError):
            parsed = telegram.parse_update({"update_id": 1, key: message(1, 5) | {"text": "x"} | fields}, NOW)

            assert _can_be_kept(parsed)


@many
@given(st.dictionaries(st.sampled_from(["id", "data", "from", "message"]), json_value), any_text)
def test_any_tap_is_read_or_refused(fields: dict[str, object], payload: str) -> None:
    """A tap may carry any payload and any shape; it never breaks us."""
    update = tap_update(3, 5, payload)
    query = update["callback_query"]
    with suppress(telegram.InvalidUpdateError):
        assert _can_be_kept(telegram.parse_update(update, NOW))
        assert _can_be_kept(telegram.parse_update({"update_id": 3, "callback_query": {**query, **fields}}, NOW))


@many
@given(st.text(max_size=60))
def test_any_command_is_a_message(words: str) -> None:
    """Whatever follows a slash is a command of ours, or words to be read for danger."""
    update = {"update_id": 1, "message": message(1, 5) | {"text": f"/{words}"}}
    found = telegram.parse_update(update, NOW).message

    assert found is not None
    assert found.kind in (InboundKind.START, InboundKind.QUICK_REPLY, InboundKind.TEXT)


@many
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "MessageSid",
                "From",
                "Body",
                "ButtonPayload",
                "NumMedia",
                "MediaContentType0",
                "Latitude",
                "MessageStatus",
                "ErrorCode",
            ]
        ),
        st.text(max_size=40) | st.sampled_from(["SM1", "whatsapp:+33600000000", "failed", "63016", "²", "٣"]),
    )
)
def test_any_form_is_read_or_refused(fields: dict[str, str]) -> None:
    """Both webhooks of Twilio take any signed form, or say what they expected."""
    form = FormData(fields)
    with suppress(whatsapp.InvalidFormError):
        assert _can_be_kept(whatsapp.parse_message(form, NOW))
    with suppress(whatsapp.InvalidFormError):
        assert all(receipt.error_code.isascii() for receipt in whatsapp.parse_status(form).receipts)


@many
@given(
    st.fixed_dictionaries(
        {"intent": json_value, "confidence": json_value, "replies": json_value, "state": json_value}
        | {"ranking": json_value, "entities": json_value},
        optional={"slots": json_value},
    )
    | json_value,
    st.sampled_from([200, 200, 200, 404, 500]),
)
@example({"intent": "x", "confidence": 10**4000, "replies": [], "state": {}, "ranking": [], "entities": []}, 200)
def test_any_answer_of_the_engine_is_an_answer_or_a_failure(body: object, status: int) -> None:
    """Whatever the engine says, the plan goes on: an answer, or a failure as data."""

    async def ask() -> EngineAnswer | EngineFailure:
        engine = Engine.at("http://engine.invalid", "x" * 16, 1.0)
        await engine.close()
        engine._client = httpx.AsyncClient(transport=httpx.MockTransport(_say(json.dumps(body).encode(), status)))
        try:
            await engine.understand(("x",))
            return await engine.turn("x", "", None, {})
        finally:
            await engine.close()

    assert isinstance(asyncio.run(ask()), EngineAnswer | EngineFailure)


def _say(content: bytes, status: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, content=content)


@many
@given(
    any_text | json_value.map(json.dumps) | st.dictionaries(st.sampled_from(["id", "text"]), json_value).map(json.dumps)
)
@example("[" * 100_000)
def test_any_line_of_understand_is_read_or_refused_by_its_number(line: str) -> None:
    """A line that is no message is named; one that is can be written out again."""
    with suppress(ValueError):
        for item in _items(io.StringIO(line)):
            item["text"].encode()


@many
@given(
    any_text
    | json_value.map(json.dumps)
    | st.dictionaries(st.sampled_from(["conversation", "text", "payload", "now", "channel"]), json_value).map(
        json.dumps
    )
)
@example("[" * 100_000)
@example('{"conversation": "c", "now": "0001-01-01T00:00:00+23:00"}')
@example('{"conversation": "c", "channel": ["x"]}')
def test_any_line_of_chat_is_read_or_refused(line: str) -> None:
    """One line of JSON that is no message is refused in one line."""
    with suppress(LineError):
        _parse_line(line).text.encode()


@many
@given(st.dictionaries(st.sampled_from(sorted(Settings.model_fields)), st.text(max_size=30)))
@example({"public_url": "http://[::1"})
@example({"database_url": "sqlite:///\x00"})
def test_any_setting_is_taken_or_explained_by_name(values: dict[str, str]) -> None:
    """Whatever an operator writes into a setting, start-up goes on or names what is wrong."""
    with suppress(SettingsError):
        load_settings(env_file=None, **values)


@few
@given(
    st.dictionaries(st.sampled_from(["country", "time_zone", "emergency", "themes", "services", "x"]), json_value)
    | json_value,
    json_value,
)
def test_any_directory_file_is_read_or_refused_by_name(country: object, team: object) -> None:
    """A broken file of the directory says where it is broken."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("fr.yml", country), ("team.yml", team)):
            Path(folder, name).write_bytes(yaml.safe_dump(content).encode("utf-8", "replace"))
        with suppress(DirectoryError):
            load_directory(Path(folder))


@few
@given(st.binary(max_size=200))
@example(b"\xff\xfe")
@example(b"[" * 5000)
@example(b"a: !!python/object:os.system x")
@example(b"country: 2026-13-45")
def test_any_bytes_in_a_directory_file_are_refused_by_name(content: bytes) -> None:
    """A file saved in another encoding, or no YAML at all, is named too."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "fr.yml").write_bytes(content)
        with pytest.raises(DirectoryError):
            load_directory(Path(folder))


@many
@given(any_text)
def test_any_text_becomes_whole(text: str) -> None:
    """What was half a character can be stored and sent; what was whole stays as it is."""
    made = whole(text)

    assert made == made.encode().decode()
    assert made == whole(made)
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert made == text


@many
@given(st.text(max_size=30))
def test_any_number_in_a_form_is_a_number_or_nothing(text: str) -> None:
    """The console's numbers come as text from a browser."""
    found = number(text)

    assert found is None or found >= 0


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, House]]:
    """One helpline for everything that is thrown at it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('outside') / 'outside.sqlite'}"
    with asyncio.Runner() as runner:
        context = house(url)
        yield runner, runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


PAYLOADS = (
    "/affirm",
    "/deny",
    "/report",
    "/ask_menu",
    "people/soon",
    "people/",
    "report/",
    "/inform",
    "exercise/",
    "/x{",
)


@few
@given(
    payload=any_text | st.tuples(st.sampled_from(PAYLOADS), any_text).map("".join),
    text=any_text,
    kind=st.sampled_from(InboundKind),
)
def test_any_tap_or_word_gets_a_turn(
    here: tuple[asyncio.Runner, House], payload: str, text: str, kind: InboundKind
) -> None:
    """Whatever is typed or tapped, the turn is planned and stored; nobody's line is blocked by what they sent."""
    runner, place = here
    sent = place.message(whole(text), "somebody")
    made = type(sent)("telegram", "7", sent.external_id, kind, whole(text), sent.received_at, payload=whole(payload))

    async def turn() -> None:
        await accept(place.helpline, made)
        place.pass_time(minutes=1)
        while (claimed := await claim_turn(place.helpline)) is not None:
            await answer(place.helpline, claimed)

    runner.run(turn())


@few
@given(token=st.text(max_size=64))
def test_any_token_of_a_paper_opens_nothing(here: tuple[asyncio.Runner, House], token: str) -> None:
    """A made-up link finds no paper and breaks nothing."""
    runner, place = here

    async def find() -> object:
        async with place.helpline.database.read() as session:
            return await papers.find(session, token, place.now[0])

    assert runner.run(find()) is None
