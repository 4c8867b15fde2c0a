"""Rights asked for in chat, with the engine down: erasing, access, the notice; and what is deleted at the providers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.config import async_database_url
from bot.domain.accounts import Role
from bot.store import blocks
from bot.store.database import Database
from tests.end_to_end.gateway import running
from tests.people import enrolled
from tests.wires import twilio
from tests.wires.telegram import tap_update, text_update

MARK = "zinzolin"


async def column(url: str, query: str) -> list[Any]:
    """One column as it stands in the database."""
    database = Database(async_database_url(url))
    try:
        async with database.read() as session:
            return [row[0] for row in (await session.execute(text(query))).all()]
    finally:
        await database.close()


async def settled(url: str, query: str, seconds: float = 45) -> list[Any]:
    """One column once every row of it has a value: the provider is told first, the row is written after."""
    async with asyncio.timeout(seconds):
        while None in (values := await column(url, query)):
            await asyncio.sleep(0.05)
    return values


@pytest.mark.parametrize("words", ["/oublie", "supprime tout", "Delete everything!", "مسح", "msa7 kolchi"])
async def test_everything_is_erased_after_one_confirmation_and_at_telegram_too(database_url: str, words: str) -> None:
    """P12, R24: in any language and without the engine, one step erases our copy, and Telegram's within a minute."""
    async with running(database_url) as gateway:
        await gateway.update(text_update(1, 20, f"{MARK} je suis triste"))
        await gateway.until(lambda: len(gateway.telegram.texts(20)) >= 4)
        before = len(gateway.telegram.sent)
        await gateway.update(text_update(2, 20, words))
        await gateway.until(
            lambda: bool(gateway.telegram.sent[-1]["reply_markup"]) and len(gateway.telegram.sent) > before
        )
        await gateway.update(tap_update(3, 20, "/affirm"))
        await gateway.until(lambda: has_any(gateway.telegram.texts(20)[-1], "effacé", "erased", "تم المسح"))
        await gateway.until(lambda: (20, 1) in gateway.telegram.deleted, 45)
        sealed = await column(database_url, "SELECT count(*) FROM inbound_messages WHERE text_sealed IS NOT NULL")
        left = await column(database_url, "SELECT count(*) FROM outbound_messages")
        await gateway.update(text_update(4, 20, "mes données"))
        await gateway.until(
            lambda: has_any("".join(gateway.telegram.texts(20)[-2:]), "tranche d'âge", "age group", "العمر")
        )

    assert [0] == sealed
    assert 1 >= int(left[0])
    assert len({number for chat, number in gateway.telegram.deleted if chat == 20}) >= before
    assert MARK not in "".join(gateway.telegram.texts(20))


def has_any(said: str, *words: str) -> bool:
    """Whether one of these was said."""
    return any(word in said for word in words)


@pytest.mark.parametrize("words", ["mes données", "/donnees", "my data", "بياناتي"])
async def test_everything_we_hold_is_shown_to_who_wrote_it(sqlite_url: str, words: str) -> None:
    """P12: on request and without proof of identity, the same account reads all we hold about it, both ways."""
    async with running(sqlite_url) as gateway:
        await gateway.update(text_update(1, 21, f"{MARK} je suis triste"))
        await gateway.update(text_update(2, 22, "amarante je suis triste"))
        await gateway.until(lambda: len(gateway.telegram.texts(21)) >= 4)
        await gateway.update(text_update(3, 21, words))
        await gateway.until(lambda: any(MARK in said for said in gateway.telegram.texts(21)))

    said = "\n".join(gateway.telegram.texts(21))
    assert "{" not in said
    assert "amarante" not in said


async def test_on_whatsapp_a_typed_yes_confirms_and_means_nothing_elsewhere(sqlite_url: str) -> None:
    """P12: without buttons and without the engine “oui” is enough, and erases nothing that was not asked about."""
    number = "+33600000033"
    async with running(sqlite_url) as gateway:
        await gateway.form(twilio.inbound("SM1", number, "oui"))
        await gateway.until(lambda: len(gateway.twilio.texts(number)) >= 2)
        early = any("effacé" in said for said in gateway.twilio.texts(number))
        await gateway.form(twilio.inbound("SM2", number, "/oublie"))
        await gateway.until(lambda: "efface" in gateway.twilio.texts(number)[-1])
        await gateway.form(twilio.inbound("SM3", number, "oui"))
        await gateway.until(lambda: "effacé" in gateway.twilio.texts(number)[-1])
        await gateway.form(twilio.inbound("SM4", number, "/donnees"))
        await gateway.until(lambda: any("tranche d'âge" in said for said in gateway.twilio.texts(number)))

    assert not early


async def test_erasing_never_hides_a_danger(sqlite_url: str) -> None:
    """Somebody who asks to erase and is in danger in the same breath is answered about the danger (R4)."""
    async with running(sqlite_url) as gateway:
        await gateway.update(text_update(1, 25, "supprime tout"))
        await gateway.update(text_update(2, 25, "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: any("114" in said for said in gateway.telegram.texts(25)))


async def test_the_notice_is_one_message_in_every_language(sqlite_url: str) -> None:
    """P13: who reads what, for how long, and where to complain, in one short message."""
    async with running(sqlite_url) as gateway:
        await gateway.form(twilio.inbound("SM1", "+33600000031", "confidentialité"))
        await gateway.until(lambda: any("CNIL" in said for said in gateway.twilio.texts("+33600000031")))


async def test_twilio_is_asked_to_forget_and_media_is_never_fetched(sqlite_url: str) -> None:
    """P15, P26: what was processed is deleted at Twilio, an image unseen: listed, deleted, never opened."""
    media = {"NumMedia": "1", "MediaUrl0": "http://127.0.0.1:9/x", "MediaContentType0": "image/jpeg"}
    async with running(sqlite_url) as gateway:
        await gateway.form(twilio.inbound("SM1", "+33600000032", f"{MARK}", **media))
        await gateway.until(lambda: len(gateway.twilio.texts("+33600000032")) >= 2)
        database = Database(async_database_url(sqlite_url))
        async with database.write() as session:
            earlier = {"at": datetime.now(UTC) - timedelta(minutes=10)}
            await session.execute(text("UPDATE inbound_messages SET answered_at = :at").bindparams(**earlier))
        await database.close()
        await gateway.until(lambda: any(path.endswith("/SM1.json") for path in gateway.twilio.deleted), 45)
        outcomes = await settled(sqlite_url, "SELECT outcome FROM provider_deletions WHERE external_id LIKE '%SM1'")

    assert any("/Media/ME" in path for path in gateway.twilio.deleted)
    assert not any(call.startswith("GET") for call in gateway.twilio.asked)
    assert {"deleted"} == set(outcomes)


async def test_a_block_pauses_the_game_and_never_the_help(sqlite_url: str) -> None:
    """Whoever only insults hears once that the team paused; in danger they are answered like anybody (R4)."""
    async with running(sqlite_url) as gateway:
        account, _ = await enrolled(sqlite_url, "Chef", Role.SUPERVISOR)
        await gateway.update(text_update(1, 23, "salut les nuls"))
        await gateway.until(lambda: len(gateway.telegram.texts(23)) >= 1)
        database, now = Database(async_database_url(sqlite_url)), datetime.now(UTC)
        async with database.write() as session:
            number = await blocks.block(session, 1, account.id, blocks.BlockReason.INSULTS, timedelta(days=400), now)
        await gateway.update(text_update(2, 23, "bande de nuls"))
        await gateway.until(lambda: any("pause" in said for said in gateway.telegram.texts(23)))
        before = len(gateway.telegram.texts(23))
        await gateway.update(text_update(3, 23, "toujours nuls"))
        await gateway.update(text_update(4, 24, "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: len(gateway.telegram.texts(24)) >= 3)
        between = len(gateway.telegram.texts(23))
        await gateway.update(text_update(5, 23, "j'ai avalé toute la boîte de médicaments"))
        await gateway.until(lambda: len(gateway.telegram.texts(23)) >= before + 3)
        until = (await column(sqlite_url, "SELECT until FROM blocks"))[0]
        async with database.write() as session:
            lifted = [await blocks.lift(session, number, account.id, now + timedelta(hours=1)) for _ in range(2)]
        await database.close()

    assert before == between
    assert datetime.fromisoformat(until).replace(tzinfo=UTC) - now <= timedelta(days=30)
    assert [True, False] == lifted
