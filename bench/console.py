"""Measures the console: an inbound message until an open console knows, a claim, the queue page under load.

Run with `python -m bench.console`: 50 conversations live, 20 consoles open; then 200 waiting and 2,000 closed that day.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain.accounts import Role
from bot.domain.risk import Assessment, Reason, RiskLevel
from bot.store.crypto import Keyring
from bot.store.database import Database
from bot.store.sealed import seal_inbound, seal_verdict
from bot.store.tables import ContactRow, ConversationRow, EscalationRow, InboundRow
from tests.end_to_end.gateway import Gateway, running
from tests.flows.house import IN_DANGER
from tests.people import COOKIE, cookie_of, enrolled

CONVERSATIONS, CONSOLES, WAITING, CLOSED, ROUNDS = 50, 20, 200, 2_000, 60


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def show(name: str, values: list[float], limit: float) -> bool:
    """One line of the result; whether the ninety-fifth percentile is within the limit (milliseconds)."""
    ninth = percentile(values, 0.95) * 1000
    middle = statistics.median(values) * 1000
    print(f"{name:<52} median {middle:6.0f} ms   p95 {ninth:6.0f} ms   limit {limit:.0f} ms   n {len(values)}")
    return ninth <= limit


class Console:
    """An open console: the stream of events, and when each conversation was last told of."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url = url
        self._headers = headers
        self.told: dict[str, float] = {}
        self.is_open = asyncio.Event()

    async def listen(self) -> None:
        """Read the stream until cancelled."""
        async with (
            httpx.AsyncClient(trust_env=False, timeout=None) as http,
            http.stream("GET", f"{self._url}/console/events", headers=self._headers) as stream,
        ):
            async for line in stream.aiter_lines():
                self.is_open.set()
                if line.startswith("event: c"):
                    self.told[line.removeprefix("event: ")] = time.perf_counter()


async def measure(database_url: str) -> bool:
    """Every figure; whether all are within their limits."""
    async with running(database_url, simulator=True, quiet_window=5) as gateway:
        headers = await _sign_in(gateway, database_url)
        consoles = [Console(gateway.url, headers) for _ in range(CONSOLES)]
        tasks = [asyncio.create_task(console.listen()) for console in consoles]
        await asyncio.gather(*(console.is_open.wait() for console in consoles))
        heard = await _messages(gateway, consoles)
        claims = await _claims(gateway)
        await _fill(gateway)
        pages = [await _timed(gateway, "/console/queue") for _ in range(20)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    fine = [
        show(f"message to open console ({CONVERSATIONS} live, {CONSOLES} consoles)", heard, 300),
        show("claim", claims, 100),
        show(f"queue page ({WAITING} waiting, {CLOSED} closed today)", pages, 200),
    ]
    return all(fine)


async def _sign_in(gateway: Gateway, database_url: str) -> dict[str, str]:
    """A supervisor's cookie and token, on every request from here on."""
    account, _ = await enrolled(database_url, "Nour", Role.SUPERVISOR)
    headers = {"cookie": f"{COOKIE}={await cookie_of(database_url, account)}", "origin": gateway.url}
    page = await gateway.http.get(f"{gateway.url}/console", headers=headers)
    token = re.search(r'X-CSRF-Token": "([^"]+)"', page.text)
    assert token is not None
    gateway.http.headers.update({**headers, "x-csrf-token": token[1]})
    return headers


async def _messages(gateway: Gateway, consoles: list[Console]) -> list[float]:
    """Fifty phones write in turn; from the webhook's call to the event, and then the page's part that shows it."""
    phones = [uuid.uuid4().hex for _ in range(CONVERSATIONS)]
    for phone in phones:
        await _write(gateway, phone, IN_DANGER)
    await gateway.http.post(f"{gateway.url}/console/duty/on", data={"hours": "2"})
    await asyncio.sleep(3)
    heard: list[float] = []
    for number in range(ROUNDS):
        name = f"c{number % CONVERSATIONS + 1}"
        for console in consoles:
            console.told.pop(name, None)
        began = time.perf_counter()
        others = [_write(gateway, phones[(number + step) % CONVERSATIONS], "et aussi") for step in range(1, 4)]
        await asyncio.gather(_write(gateway, phones[number % CONVERSATIONS], "tu es là"), *others)
        while not all(name in console.told for console in consoles):
            await asyncio.sleep(0.002)
        reading = await _timed(gateway, f"/console/c/{name[1:]}/lines")
        heard += [console.told[name] - began + reading for console in consoles]
        await asyncio.sleep(0.2)
    return heard


async def _write(gateway: Gateway, phone: str, text: str) -> None:
    headers = {"X-Simulator-Phone": phone}
    await gateway.http.post(f"{gateway.url}/simulator/messages", json={"text": text}, headers=headers)


async def _claims(gateway: Gateway) -> list[float]:
    """A supervisor takes conversations one after the other, and hands each back."""
    found = []
    for number in range(1, 31):
        began = time.perf_counter()
        answer = await gateway.http.post(f"{gateway.url}/console/c/{number}/claim")
        found.append(time.perf_counter() - began)
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        data = {"outcome": "heard"}
        await gateway.http.post(f"{gateway.url}/console/c/{number}/back", data=data)
    return found


async def _timed(gateway: Gateway, path: str) -> float:
    began = time.perf_counter()
    answer = await gateway.http.get(f"{gateway.url}{path}")
    assert answer.status_code == httpx.codes.OK, answer.text
    return time.perf_counter() - began


async def _fill(gateway: Gateway) -> None:
    """Rows as a hard evening leaves them: everybody who waits has written three times, the last time in danger or not."""
    database = Database(gateway.settings.database_url)
    keyring, now = Keyring(gateway.settings.keys), datetime.now(UTC)
    for start in range(0, WAITING + CLOSED, 100):
        async with database.write() as session:
            for number in range(start, start + 100):
                await _somebody(session, keyring, number, now)
        # Another process writes here: on SQLite the helpline needs its turn between two batches.
        await asyncio.sleep(0.1)
    await database.close()


async def _somebody(session: AsyncSession, keyring: Keyring, number: int, now: datetime) -> None:
    id_, is_waiting = 10_000 + number, number < WAITING
    key, wrapped = keyring.new_data_key(f"conversations.key:{id_}")
    contact = {"id": id_, "channel": "simulator", "address_hash": id_.to_bytes(32), "address_sealed": b"x"}
    contact |= {"alias": f"Loutre {number}", "language": "fr", "country": "FR", "language_is_chosen": False}
    contact |= {"is_discreet": False, "is_reachable": True, "created_at": now, "last_inbound_at": now}
    await session.execute(insert(ContactRow).values(contact))
    row = {"id": id_, "contact_id": id_, "key_wrapped": wrapped, "language": "fr"}
    row |= {"mode": "waiting" if is_waiting else "closed", "risk": number % 3, "started_at": now}
    await session.execute(insert(ConversationRow).values(row | {"last_inbound_at": now}))
    since = now - timedelta(minutes=number % 90 + 1)
    waited = {"conversation_id": id_, "reason": "asked", "risk": number % 3, "language": "fr", "country": "FR"}
    ended = {"closed_at": None if is_waiting else now, "taken_at": None if is_waiting else now}
    await session.execute(insert(EscalationRow).values(waited | ended | {"waiting_since": since}))
    for line in range(3):
        risk = RiskLevel(number % 3)
        reasons = (Reason("fr/means", risk, "compté mes cachets"),) if risk else ()
        text, name = "j'ai peur de rentrer chez moi ce soir", f"bench-{id_}-{line}"
        verdict = Assessment(risk, "fr", reasons=reasons)
        written = {"conversation_id": id_, "channel": "simulator", "external_id": name, "kind": "text", "risk": risk}
        written |= {
            "text_sealed": seal_inbound(key, text, "", name),
            "verdict_sealed": seal_verdict(key, verdict, name),
        }
        await session.execute(insert(InboundRow).values(written | {"received_at": now, "answered_at": now}))


def main() -> int:
    """Measure on a SQLite database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return 0 if asyncio.run(measure(f"sqlite:///{folder}/bench.sqlite")) else 1


if __name__ == "__main__":
    sys.exit(main())
