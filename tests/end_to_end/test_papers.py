"""The paper on its way: a file on Telegram, a link that opens once elsewhere, whatever fetches it before."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import httpx

from bot.config import async_database_url
from bot.domain.retention import REPORTS_KEPT
from bot.store import papers
from bot.store.database import Database
from bot.store.tables_report import PaperLinkRow
from tests.end_to_end.gateway import Gateway, running
from tests.wires import twilio
from tests.wires.telegram import tap_update, text_update

NUMBER = "+33600000051"
CHAT = 5_150


async def link_of(gateway: Gateway) -> str:
    """Somebody on WhatsApp tells one thing and asks for the paper; the address they are sent."""
    said = gateway.twilio.texts
    await gateway.form(twilio.inbound("SM1", NUMBER, "mon récit"))
    await gateway.until(lambda: any("Qu'est-ce qui s'est passé" in text for text in said(NUMBER)), 15)
    await gateway.form(twilio.inbound("SM2", NUMBER, "un groupe se moque de moi tous les jours"))
    await gateway.until(lambda: any("C'est tout" in text for text in said(NUMBER)), 15)
    for number in range(3, 10):
        before = len(said(NUMBER))
        await gateway.form(twilio.inbound(f"SM{number}", NUMBER, "c'est tout" if number == 3 else "je passe"))
        await gateway.until(partial(has_more, said, NUMBER, before), 15)
    await gateway.until(lambda: any("C'est bien ça" in text for text in said(NUMBER)), 15)
    await gateway.form(twilio.inbound("SM10", NUMBER, "c'est bon"))
    await gateway.until(lambda: any("Tu veux en faire quoi" in text for text in said(NUMBER)), 15)
    await gateway.form(twilio.inbound("SM11", NUMBER, "en pdf"))
    await gateway.until(lambda: any("/papers/" in text for text in said(NUMBER)), 15)
    found = re.search(r"http\S+/papers/\S+", "\n".join(said(NUMBER)))
    assert found is not None
    return found[0]


def has_more(texts: Callable[[Any], list[str]], who: object, count: int) -> bool:
    """Whether somebody was sent more than so many messages."""
    return len(texts(who)) > count


def is_neutral(answer: httpx.Response) -> bool:
    """Kept nowhere, found by nobody, telling no other site where one was."""
    headers = answer.headers
    return (
        headers["cache-control"] == "no-store"
        and headers["referrer-policy"] == "no-referrer"
        and "noindex" in headers["x-robots-tag"]
        and "script-src" not in headers["content-security-policy"]
        and "default-src 'none'" in headers["content-security-policy"]
    )


async def test_the_link_opens_once_and_previews_use_nothing_up(sqlite_url: str) -> None:
    """Phones and providers look at every link they show: the page gives nothing, the button gives the file, one time."""
    async with running(sqlite_url) as gateway:
        link = await link_of(gateway)
        looks = [await gateway.http.request(method, link) for method in ("GET", "HEAD", "GET", "OPTIONS")]
        opened = await gateway.http.post(link)
        again = await gateway.http.post(link)
        looked_again = await gateway.http.get(link)
        unknown = await gateway.http.post(f"{gateway.url}/papers/{'x' * 43}")
        long = await gateway.http.get(f"{gateway.url}/papers/{'x' * 500}")

    assert [200, 200, 200] == [look.status_code for look in looks[:3]]
    assert all(is_neutral(answer) for answer in (*looks[:3], opened, again, unknown))
    assert "récit" not in looks[0].text
    assert 200 == opened.status_code
    assert opened.content.startswith(b"%PDF")
    assert 'attachment; filename="notes.pdf"' == opened.headers["content-disposition"]
    assert [410, 410, 410, 410] == [answer.status_code for answer in (again, looked_again, unknown, long)]
    assert again.text == unknown.text


async def test_a_link_ends_with_its_report(sqlite_url: str) -> None:
    """A day old, or its report taken back: the link opens nothing, and nothing tells which it was."""
    async with running(sqlite_url) as gateway:
        link = await link_of(gateway)
        token = link.rpartition("/")[2]
        database = Database(async_database_url(sqlite_url))
        async with database.read() as session:
            made_at = (await session.get_one(PaperLinkRow, 1)).made_at
            young = await papers.find(session, token, made_at + REPORTS_KEPT - timedelta(minutes=1))
            old = await papers.find(session, token, made_at + REPORTS_KEPT)
        await gateway.form(twilio.inbound("SM20", NUMBER, "efface mon récit"))
        await gateway.until(lambda: "J'efface tout" in gateway.twilio.texts(NUMBER)[-1], 15)
        await gateway.form(twilio.inbound("SM21", NUMBER, "1"))
        await gateway.until(lambda: any("effacé de chez nous" in text for text in gateway.twilio.texts(NUMBER)), 15)
        gone = await gateway.http.post(link)
        await database.close()

    assert young is not None
    assert old is None
    assert 410 == gone.status_code


async def test_telegram_gets_a_file_under_a_name_that_tells_nothing(sqlite_url: str) -> None:
    """The Bot API gets notes.pdf, with neutral words, which the person may keep and pass on."""
    async with running(sqlite_url) as gateway:
        await gateway.update(tap_update(1, CHAT, "/paper_start"))
        await gateway.until(
            lambda: any("Qu'est-ce qui s'est passé" in said for said in gateway.telegram.texts(CHAT)), 15
        )
        await gateway.update(text_update(2, CHAT, "un groupe se moque de moi tous les jours"))
        await gateway.until(lambda: any("C'est tout" in said for said in gateway.telegram.texts(CHAT)), 15)
        for number, does in enumerate((*("skip",) * 7, "ok", "pdf"), 3):
            before = len(gateway.telegram.texts(CHAT))
            await gateway.update(tap_update(number, CHAT, f"/paper_{does}"))
            await gateway.until(partial(has_more, gateway.telegram.texts, CHAT, before), 15)
        await gateway.until(lambda: bool(gateway.telegram.documents), 15)
        sent = gateway.telegram.documents[0]

    assert ("notes.pdf", "Voilà tes notes.") == (sent["file_name"], sent["caption"])
    assert "true" != sent.get("protect_content", "false").lower()
    assert sent["content"].startswith(b"%PDF")
