"""Who writes next where only one writes at a time."""

from __future__ import annotations

import asyncio

from bot.store.database import Turns


async def order_of(asked: list[tuple[str, bool]]) -> list[str]:
    """In which order turns are given to those who ask, in this order, while somebody writes."""
    turns, given = Turns(1), list[str]()

    async def write(name: str, *, first: bool) -> None:
        async with turns.turn(first=first):
            given.append(name)
            await asyncio.sleep(0)

    async with turns.turn(first=False):
        tasks = [asyncio.create_task(write(name, first=first)) for name, first in asked]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    return given


async def test_what_somebody_waits_for_is_written_before_background_work() -> None:
    """A volunteer who takes somebody does not wait behind deliveries; each kind keeps its own order."""
    given = await order_of([("delivery 1", False), ("delivery 2", False), ("claim 1", True), ("claim 2", True)])

    assert ["claim 1", "claim 2", "delivery 1", "delivery 2"] == given


async def test_a_flood_never_keeps_background_work_from_its_turn() -> None:
    """Answers go on being delivered however many write: one turn in nine is theirs."""
    given = await order_of([("delivery", False), *((f"message {number}", True) for number in range(20))])

    assert 8 == given.index("delivery")


async def test_who_gives_up_waiting_loses_nobody_a_turn() -> None:
    """A page that is left while it waits to write blocks nobody behind it."""
    turns, given = Turns(1), list[str]()

    async def write(name: str) -> None:
        async with turns.turn(first=True):
            given.append(name)

    async with turns.turn(first=True):
        tasks = [asyncio.create_task(write(name)) for name in ("left", "stays")]
        await asyncio.sleep(0)
        tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with turns.turn(first=True):
        given.append("later")

    assert ["stays", "later"] == given
