"""A short storm: real processes killed while people write, providers in foul weather. The long one is `python -m bench.storm`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import storm
from tests.conftest import RunningEngine


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_storm_loses_doubles_and_reorders_nothing(database: str, engine: RunningEngine, tmp_path: Path) -> None:
    """Whatever dies in the middle, every message is stored once, answered, and delivered in its order."""
    plan = storm.Plan(
        database,
        messages=60,
        people=12,
        kills=3,
        seconds=15.0,
        seed=7,
        own_engine=False,
        engine_url=engine.url,
        engine_token=engine.token,
        clock=False,
        disk=database == "sqlite",
    )

    ledger = await storm.run(plan, tmp_path)

    assert ledger.is_clean, "\n".join(ledger.lines())
    assert 60 == ledger.inbound
    assert ledger.outbound >= 60 / 2
