"""Bad input at speed, in short: floods, forgeries, slow connections and hostile bodies. The measured version is bench.hostile."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
import uvicorn
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bench.hostile_bodies import HOSTILE, Hostile
from bot.domain.messages import InboundKind, InboundMessage
from bot.flows.arrivals import Accepted, Arrivals, Take
from bot.flows.receive import accept
from bot.store.tables import InboundRow
from bot.web import patience
from bot.web.body import read_body
from bot.web.patience import PatientProtocol, Waiting
from tests.end_to_end.gateway import SECRET, Gateway, running
from tests.flows.house import house
from tests.wires import twilio
from tests.wires.server import free_port
from tests.wires.telegram import text_update

EMERGENCY = "j'ai avalé toute la boîte de médicaments"


async def test_a_flood_starves_nobody_and_its_own_emergency_is_heard(sqlite_url: str) -> None:
    """While one person sends hundreds of lines at once, another is answered, and so is the danger among the lines (R4)."""
    async with running(sqlite_url, quiet_window=0.0) as gateway:
        lines = [asyncio.create_task(gateway.update(text_update(number, 30, f"lol {number}"))) for number in range(300)]
        await asyncio.sleep(0)
        await gateway.update(text_update(1000, 31, "salut"))
        await gateway.update(text_update(1001, 30, EMERGENCY))
        await gateway.until(lambda: any("114" in said for said in gateway.telegram.texts(30)), 20)
        await gateway.until(lambda: bool(gateway.telegram.texts(31)), 20)
        answers = await asyncio.gather(*lines)

    assert {200} == {answer.status_code for answer in answers}


async def test_what_comes_together_is_stored_in_order_once_and_read_for_danger(sqlite_url: str) -> None:
    """Lines stored in one transaction are each new once, keep their order, and a danger among them is answered with it."""
    async with house(sqlite_url) as here:
        words = ("salut", "ça va", EMERGENCY, "tu es là ?", "réponds")
        messages = [here.message(said, "somebody") for said in words]
        taken = await asyncio.gather(*(accept(here.helpline, message) for message in (*messages, messages[1])))
        async with here.helpline.database.read() as session:
            stored = select(InboundRow.external_id).order_by(InboundRow.id)
            order = list((await session.execute(stored)).scalars())

    assert [True, True, True, True, True, False] == [accepted.is_new for accepted in taken]
    assert [2] == [index for index, accepted in enumerate(taken) if accepted.plan]
    assert [message.external_id for message in messages] == order


async def test_a_fault_reaches_all_who_waited_and_the_next_message_is_stored() -> None:
    """Nobody is thanked for what was not stored, and one fault does not end somebody's line."""
    arrivals = Arrivals()
    faults = [OSError("disk full")]

    async def store(take: Take) -> list[Accepted]:
        await asyncio.sleep(0)
        if faults:
            raise faults.pop()
        return [Accepted(is_new=True) for _ in take()]

    from_one = await asyncio.gather(*(arrivals.join(_line(), store) for _ in range(3)), return_exceptions=True)
    after = await arrivals.join(_line(), store)

    assert [OSError] * 3 == [type(result) for result in from_one]
    assert after.is_new


async def test_a_hostile_body_is_refused_or_taken_and_never_a_fault(sqlite_url: str) -> None:
    """Whatever the body, the answer comes soon and is no fault of ours, and the next person is served."""
    async with running(sqlite_url) as gateway:
        faults = [item.name for item in HOSTILE if (await _throw(gateway, item)).startswith("5")]
        after = await gateway.update(text_update(1_000, 9, "salut"))

    assert [] == faults
    assert 200 == after.status_code


async def test_forged_webhooks_are_refused_before_their_body_is_read(sqlite_url: str) -> None:
    """Without the secret or a signature nothing is read, parsed or stored: forging costs us next to nothing."""
    async with running(sqlite_url) as gateway:
        form = twilio.inbound("SM1", "+33600000000", "x")
        answers = [
            await gateway.update(text_update(1, 9, "salut"), secret="guess"),
            await gateway.form(form, signature=""),
            await gateway.form(form, signature="A" * 28),
        ]
        body = "&".join(f"{number}=" for number in range(20_000))
        unread = await gateway.http.post(f"{gateway.url}/webhooks/whatsapp", content=body)

    assert {403} == {answer.status_code for answer in (*answers, unread)}


async def test_slow_headers_and_bodies_are_cut_off_while_others_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends a byte now and then is cut off after a bounded time; meanwhile and afterwards everybody else is answered."""
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.4)
    async with listening() as port:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
        for index, (_, writer) in enumerate(slow):
            writer.write(
                b"POST / HTTP/1.1\r\nHost: x\r\n" + (b"X-S: a" if index % 2 else b"Content-Length: 9\r\n\r\na")
            )
        meanwhile = await _get(port)
        ends = [await _end(reader) for reader, _ in slow]
        for _, writer in slow:
            writer.close()
        afterwards = await _get(port)

    assert (200, 200) == (meanwhile, afterwards)
    assert all(ends)
    assert 0 == len(patience.waiting)


async def test_a_patient_answer_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit is for asking: whoever has asked may wait for an answer that takes longer."""
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.1)
    async with listening() as port, httpx.AsyncClient(trust_env=False) as http:
        slow = await http.get(f"http://127.0.0.1:{port}/slow")
        again = await http.get(f"http://127.0.0.1:{port}/")

    assert ("late", 200) == (slow.text, again.status_code)


async def test_newcomers_get_in_when_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """When more connections than allowed have asked nothing, the one that has waited longest makes room."""
    monkeypatch.setattr(patience, "waiting", Waiting(10))
    async with listening() as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(30)]
        answered = await _get(port)
        oldest_ended = await _end(silent[0][0])
        kept = len(patience.waiting)
        for _, writer in silent:
            writer.close()

    assert 200 == answered
    assert oldest_ended
    assert 10 >= kept


async def test_who_does_not_fetch_the_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer nobody reads holds memory for a bounded time only."""
    monkeypatch.setattr(patience, "READ_SECONDS", 0.2)
    async with listening() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(10):
            while not STREAMS:
                await asyncio.sleep(0.01)
            await STREAMS.pop().wait()
        writer.close()


STREAMS: list[asyncio.Event] = []
"""Told when the long answer has ended."""


async def _answer(request: Request) -> Response:
    await read_body(request)
    return PlainTextResponse("ok")


async def _slow(request: Request) -> Response:
    await asyncio.sleep(0.4)
    return PlainTextResponse("late")


async def _long(request: Request) -> Response:
    ended = asyncio.Event()
    STREAMS.append(ended)

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while not await request.is_disconnected():
                yield b"x" * 100_000
        finally:
            ended.set()

    return StreamingResponse(chunks())


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """A small application behind our protocol; its port."""
    routes = [Route("/", _answer, methods=["GET", "POST"]), Route("/slow", _slow), Route("/long", _long)]
    port = free_port()
    config = uvicorn.Config(
        Starlette(routes=routes), port=port, log_config=None, access_log=False, ws="none", http=PatientProtocol
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield port
    server.should_exit = True
    await task


async def _get(port: int) -> int:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(f"http://127.0.0.1:{port}/")).status_code


async def _end(reader: asyncio.StreamReader) -> bool:
    """Whether the other side ended the connection within some seconds."""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            await reader.read()
    return True


async def _throw(gateway: Gateway, hostile: Hostile) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.settings.port)
    status = b""
    with contextlib.suppress(ConnectionError):
        for chunk in hostile.wire(SECRET, gateway.settings.public_url):
            writer.write(chunk)
            await writer.drain()
        if hostile.length is None or hostile.length <= len(hostile.body):
            async with asyncio.timeout(20):
                status = await reader.readline()
    writer.close()
    return status.decode("latin-1").partition(" ")[2].strip()


def _line() -> InboundMessage:
    return InboundMessage("simulator", "somebody", uuid.uuid4().hex, InboundKind.TEXT, "x", datetime.now(UTC))
