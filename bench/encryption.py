"""What sealing adds to a message, from webhook to delivered, as a ratio within one run: `python -m bench.encryption`.

Two helplines live side by side, one that seals and one that only pretends to; people write to each in turn, so that whatever
else the machine does meets both alike. No engine answers, which makes the rest of the way as short, and the share of sealing as
large, as it can be.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.app import build_helpline
from bot.channels.simulator import SimulatorChannel
from bot.dialogue.rasa import Engine
from bot.domain.messages import InboundKind, InboundMessage
from bot.flows.deliver import claim_delivery, deliver
from bot.flows.helpline import Helpline
from bot.flows.limits import Limits
from bot.flows.receive import accept, answer, claim_turn
from bot.store import crypto
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.people import settings_for

PEOPLE = 150
MESSAGES = 4
WARM_UP = 10
ALLOWED = 1.10
"""At most a tenth more (the requirement)."""
WORDS = "ils se moquent de moi tous les jours, je sais plus quoi faire et j'ose pas en parler"


def main() -> None:
    """Measure and print."""
    sealed, plain = asyncio.run(_measure())
    print(f"{len(sealed)} messages each way, in turn, SQLite (synchronous=FULL), no engine; milliseconds a message")
    print(f"{'':14}{'p50':>8}{'p95':>8}{'mean':>8}")
    for name, times in (("sealed", sealed), ("not sealed", plain)):
        cuts = statistics.quantiles(times, n=100)
        print(f"{name:14}{cuts[49]:8.2f}{cuts[94]:8.2f}{statistics.fmean(times):8.2f}")
    ratio = statistics.median(sealed) / statistics.median(plain)
    paired = statistics.median(one / other for one, other in zip(sealed, plain, strict=True))
    print(f"ratio of medians {ratio:.3f}, median of pairs {paired:.3f} (allowed: {ALLOWED:.2f})")


async def _measure() -> tuple[list[float], list[float]]:
    sealed: list[float] = []
    plain: list[float] = []
    async with _helpline() as one, _helpline() as other:
        for person in range(WARM_UP + PEOPLE):
            address = uuid.uuid4().hex
            for _ in range(MESSAGES):
                # Who goes first changes with each person, so that neither profits from the other's warmth.
                arms = [(one, sealed, False), (other, plain, True)]
                for helpline, times, pretends in arms if person % 2 else reversed(arms):
                    with _pretending() if pretends else _sealing():
                        took = await _one(helpline, address)
                    if person >= WARM_UP:
                        times.append(took)
    return sealed, plain


async def _one(helpline: Helpline, address: str) -> float:
    """One message, from being received to its answers being handed over; milliseconds."""
    message = InboundMessage("simulator", address, uuid.uuid4().hex, InboundKind.TEXT, WORDS, datetime.now(UTC))
    begun = time.perf_counter()
    await accept(helpline, message)
    while (claimed := await claim_turn(helpline)) is not None:
        await answer(helpline, claimed)
    while (claim := await claim_delivery(helpline)) is not None:
        await deliver(helpline, Limits(is_on=False), claim)
    return (time.perf_counter() - begun) * 1000


@asynccontextmanager
async def _helpline() -> AsyncIterator[Helpline]:
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(f"sqlite:///{Path(folder) / 'bench.sqlite'}")
        database = Database(settings.database_url)
        await migrate(database)
        engine = Engine.at(settings.engine_url, settings.engine_token, settings.engine_timeout)
        helpline = build_helpline(settings, database, engine, {"simulator": SimulatorChannel()})
        yield replace(helpline, quiet_window=0.0)
        await engine.close()
        await database.close()


@contextmanager
def _sealing() -> Iterator[None]:
    yield


@contextmanager
def _pretending() -> Iterator[None]:
    """Bytes go through as they are, at the same length."""
    seal, unseal = crypto._seal, crypto._open  # noqa: SLF001
    crypto._seal = _pass_on  # noqa: SLF001
    crypto._open = _take_off  # noqa: SLF001
    try:
        yield
    finally:
        crypto._seal, crypto._open = seal, unseal  # noqa: SLF001


def _pass_on(cipher: AESGCM, data: bytes, place: str) -> bytes:
    return bytes(12) + data + bytes(16)


def _take_off(cipher: AESGCM, sealed: bytes, place: str) -> bytes:
    return sealed[12:-16]


if __name__ == "__main__":
    main()
