"""Messages through the real gateway and both databases, with an engine that does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from bot.config import async_database_url
from bot.store.database import Database
from tests.end_to_end.gateway import running
from tests.wires import telegram, twilio
from tests.wires.telegram import tap_update, text_update


async def test_an_emergency_is_answered_with_numbers_first_without_any_engine(database_url: str) -> None:
    """Whoever is in danger now reads whom to call and whom to text before anything else, engine or not."""
    async with running(database_url) as gateway:
        await gateway.update(text_update(1, 7, "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: len(gateway.telegram.texts(7)) >= 3)

    first = gateway.telegram.texts(7)[0]
    assert "15" in first
    assert "112" in first
    assert "114" in first


async def test_with_the_engine_gone_people_hear_the_truth_and_a_way_to_help(database_url: str) -> None:
    """Without the engine a person still gets an honest apology, the services open now and a way to a human within 5 s."""
    async with running(database_url) as gateway:
        await gateway.form(twilio.inbound("SM1", "+33600000001", "je suis triste en ce moment"))
        await gateway.until(lambda: len(gateway.twilio.texts("+33600000001")) >= 4)

    said = "\n".join(gateway.twilio.texts("+33600000001"))
    assert "robot" in said
    assert "3114" in said
    assert "équipe" in said


async def test_a_repeated_delivery_is_answered_once(database_url: str) -> None:
    """Providers deliver again when unsure; the person is answered once."""
    async with running(database_url) as gateway:
        for _ in range(3):
            answer = await gateway.update(tap_update(5, 8, "/thank"))
            assert answer.status_code == 200
        await gateway.until(lambda: len(gateway.telegram.texts(8)) >= 4)
        before = len(gateway.telegram.texts(8))
        await gateway.update(tap_update(5, 8, "/thank"))
        await gateway.update(text_update(6, 9, "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: len(gateway.telegram.texts(9)) >= 3)

    assert before == len(gateway.telegram.texts(8))


async def test_a_burst_typed_in_one_breath_is_one_turn(sqlite_url: str) -> None:
    """Short messages typed one after the other get one answer, not one each."""
    async with running(sqlite_url, quiet_window=0.6) as gateway:
        for number, words in enumerate(("salut", "en fait", "je suis triste"), 1):
            await gateway.update(text_update(number, 10, words))
        await gateway.until(lambda: len(gateway.telegram.texts(10)) >= 4)
        turns = await _column(sqlite_url, "SELECT count(DISTINCT turn) FROM outbound_messages")

    assert [1] == turns


async def test_answers_keep_their_order_when_the_provider_refuses_for_a_while(sqlite_url: str) -> None:
    """A message the provider puts off is sent again after the time it asked for, and those behind it wait their turn."""
    async with running(sqlite_url) as gateway:
        gateway.telegram.failures.append((429, {"description": "Too Many Requests", "parameters": {"retry_after": 1}}))
        gateway.telegram.failures.append((502, {"description": "Bad Gateway"}))
        await gateway.update(text_update(1, 11, "je suis triste en ce moment"))
        await gateway.until(lambda: len(gateway.telegram.texts(11)) >= 4, 10)
        queued = await _column(sqlite_url, "SELECT key FROM outbound_messages ORDER BY id")

    assert len(queued) == len(gateway.telegram.texts(11))
    assert "robot" in gateway.telegram.texts(11)[0]


async def test_somebody_who_blocked_us_is_left_alone(sqlite_url: str) -> None:
    """A person who blocked the bot gets no further attempt until they write again."""
    async with running(sqlite_url) as gateway:
        gateway.telegram.failures.append((403, {"description": "Forbidden: bot was blocked by the user"}))
        await gateway.update(text_update(1, 12, "je suis triste en ce moment"))
        await gateway.until(lambda: "sendMessage" in gateway.telegram.calls)
        await gateway.update(text_update(2, 13, "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: len(gateway.telegram.texts(13)) >= 3)
        codes = await _column(sqlite_url, "SELECT DISTINCT error_code FROM outbound_messages WHERE status = 6")

    assert [] == gateway.telegram.texts(12)
    assert {"403", "blocked"} >= set(codes)


async def test_receipts_move_a_message_forward_only(sqlite_url: str) -> None:
    """A late `sent` never overwrites `read`."""
    async with running(sqlite_url) as gateway:
        await gateway.form(twilio.inbound("SM1", "+33600000002", "je suis triste"))
        await gateway.until(lambda: len(gateway.twilio.sent) >= 4)
        for status in ("read", "delivered", "sent"):
            fields = {"MessageSid": f"SM{1:032d}", "MessageStatus": status, "AccountSid": twilio.ACCOUNT}
            answer = await gateway.form(fields, "/webhooks/whatsapp/status")
            assert answer.status_code == 204
        statuses = await _column(sqlite_url, f"SELECT status FROM outbound_messages WHERE external_id = 'SM{1:032d}'")

    assert [5] == statuses


async def test_media_is_refused_kindly_and_never_fetched(sqlite_url: str) -> None:
    """A photo is not opened; its caption is read like any words."""
    async with running(sqlite_url) as gateway:
        photo = telegram.message(1, 14) | {"photo": [{"file_id": "x", "file_unique_id": "y", "width": 1, "height": 1}]}
        await gateway.update({"update_id": 1, "message": photo})
        await gateway.until(lambda: len(gateway.telegram.texts(14)) >= 2)
        captioned = photo | {"message_id": 2, "caption": "j'ai avalé toute la boîte de médicaments"}
        await gateway.update({"update_id": 2, "message": captioned})
        await gateway.until(lambda: any("112" in said and "114" in said for said in gateway.telegram.texts(14)[2:]))

    assert any("photos" in said for said in gateway.telegram.texts(14))
    assert "getFile" not in gateway.telegram.calls


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"update_id": "x"}', 400),
        (b"\xff\xfe", 400),
        (b'{"update_id": 3, "future_kind": {"a": 1}}', 200),
        (b"[" * 100_000, 400),
        (b'{"update_id": 1, "message": {"x": "' + b"a" * 300_000 + b'"}}', 413),
    ],
)
async def test_bad_updates_are_refused_and_nothing_else_is_delayed(sqlite_url: str, body: bytes, status: int) -> None:
    """Malformed, oversized or unknown updates get one clear status; the next person is served."""
    async with running(sqlite_url) as gateway:
        headers = {"X-Telegram-Bot-Api-Secret-Token": "webhook-secret"}
        answer = await gateway.http.post(f"{gateway.url}/webhooks/telegram", content=body, headers=headers)
        await gateway.update(text_update(2, 15, "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: len(gateway.telegram.texts(15)) >= 3)

    assert status == answer.status_code


async def test_forged_webhooks_get_403(sqlite_url: str) -> None:
    """Nobody but the providers can speak for a person."""
    async with running(sqlite_url) as gateway:
        answers = [
            await gateway.update(text_update(1, 1, "x"), secret="wrong"),
            await gateway.update(text_update(1, 1, "x"), secret=""),
            await gateway.form(twilio.inbound("SM1", "+33600000003", "x"), signature="wrong"),
            await gateway.form({"MessageSid": "SM1", "MessageStatus": "sent"}, "/webhooks/whatsapp/status", ""),
        ]
        stored = await _column(sqlite_url, "SELECT count(*) FROM inbound_messages")

    assert [403, 403, 403, 403] == [answer.status_code for answer in answers]
    assert [0] == stored


@pytest.mark.parametrize(
    "words",
    [
        "",
        "   ",
        "\u200b\u200b",
        "\u202e\u2066",
        "a\x00b",
        "😭😭😭",
        "…",
        "x" * 100_000,
        "\u0627\u064e" * 2_000,
        "/",
        "/inconnu",
        "//greet",
    ],
)
async def test_odd_words_never_stop_anything(sqlite_url: str, words: str) -> None:
    """Whatever is typed, the person gets an answer where one makes sense and the next message is served."""
    async with running(sqlite_url) as gateway:
        await gateway.form(twilio.inbound("SM1", "+33600000004", words))
        await gateway.until(lambda: len(gateway.twilio.texts("+33600000004")) >= 1)
        await gateway.form(twilio.inbound("SM2", "+33600000005", "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: len(gateway.twilio.texts("+33600000005")) >= 3)

    assert all(len(said) <= 1600 for said in gateway.twilio.texts("+33600000004"))


async def test_words_and_numbers_stand_nowhere_in_the_clear(sqlite_url: str) -> None:
    """The database file holds neither a word somebody wrote nor the number they wrote from."""
    async with running(sqlite_url) as gateway:
        await gateway.form(twilio.inbound("SM1", "+33600000099", "zinzolin je suis triste"))
        await gateway.until(lambda: len(gateway.twilio.texts("+33600000099")) >= 4)
        path = sqlite_url.removeprefix("sqlite:///")
        raw = _bytes_of(path)

    assert b"zinzolin" not in raw
    assert b"33600000099" not in raw


async def test_polling_moves_on_only_after_a_message_is_stored(sqlite_url: str) -> None:
    """By polling, each update is taken in once and the place in the stream follows what is stored."""
    async with running(sqlite_url, telegram_mode="polling") as gateway:
        gateway.telegram.updates.append(text_update(41, 16, "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: 42 in gateway.telegram.offsets)
        await gateway.until(lambda: len(gateway.telegram.texts(16)) >= 3)

    assert "deleteWebhook" in gateway.telegram.calls
    assert sorted(gateway.telegram.offsets) == gateway.telegram.offsets


async def test_ready_says_that_the_engine_is_missing(sqlite_url: str) -> None:
    """`/readyz` is 503 when people could not be answered as they should; `/healthz` only says that the process lives."""
    async with running(sqlite_url) as gateway:
        ready = await gateway.http.get(f"{gateway.url}/readyz")
        alive = await gateway.http.get(f"{gateway.url}/healthz")

    assert 503 == ready.status_code
    assert ready.json()["database"]
    assert not ready.json()["engine"]
    assert 200 == alive.status_code


def _bytes_of(path: str) -> bytes:
    return b"".join(Path(path + suffix).read_bytes() for suffix in ("", "-wal"))


async def _column(url: str, query: str) -> list[object]:
    database = Database(async_database_url(url))
    try:
        async with database.read() as session:
            return [row[0] for row in (await session.execute(text(query))).all()]
    finally:
        await database.close()
