"""The engine as a supervised child process: started, restarted with back-off when it dies or hangs, stopped with us."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from bot.config import ROOT, VAR

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STOP_SECONDS = 5.0
CHECK_SECONDS = 3.0
CHECKS_MISSED = 3
_log = structlog.get_logger(__name__)


class EngineMissingError(Exception):
    """The engine's environment or model is not there; the message says how to get it."""


class EngineChild:
    """Runs `python -m engine` on a free loopback port with a token made up for this run."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self.token = secrets.token_urlsafe(24)
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.starts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Raise EngineMissingError unless the environment and a model are there."""
        if not self._python.exists():
            raise EngineMissingError("the engine's environment is missing: run `make setup`")
        if not any((self._root / "models").glob("*.tar.gz")):
            raise EngineMissingError("the engine's model is missing: run `make train`")

    def start(self) -> None:
        """Start supervising; returns at once, the engine is ready some seconds later."""
        self.check()
        self._supervisor = asyncio.create_task(self._supervise(), name="engine-supervisor")

    async def watch(self, is_ready: Callable[[], Awaitable[bool]]) -> None:
        """End an engine that was ready and no longer answers, so that supervision starts another; runs until cancelled."""
        missed, was_ready, starts = 0, False, self.starts
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if starts != self.starts:
                missed, was_ready, starts = 0, False, self.starts
            ready = await is_ready()
            was_ready = was_ready or ready
            missed = 0 if ready else missed + 1
            if was_ready and missed >= CHECKS_MISSED and self._process is not None and self._process.returncode is None:
                _log.error("engine hangs, ending it", pid=self._process.pid)
                self._process.kill()
                was_ready = False

    async def stop(self) -> None:
        """Stop the engine and the supervision."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        await self._end_process()

    @property
    def pid(self) -> int | None:
        """The process id of the running engine."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def _python(self) -> Path:
        return self._root / "engine" / ".venv" / "bin" / "python"

    async def _supervise(self) -> None:
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            await self._spawn()
            assert self._process is not None  # noqa: S101 - for the type checker
            code = await self._process.wait()
            pause = FIRST_PAUSE if loop.time() - started > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            _log.error("engine ended", exit_status=code, restart_in_seconds=pause)
            await asyncio.sleep(pause)

    async def _spawn(self) -> None:
        VAR.mkdir(exist_ok=True)
        self.starts += 1
        port = self.url.rpartition(":")[2]
        environment = {**os.environ, "ENGINE_TOKEN": self.token, "PYTHONPATH": str(self._root)}
        for name in ("SECRET_KEYS", "TELEGRAM_BOT_TOKEN", "TWILIO_AUTH_TOKEN", "DATABASE_URL"):
            environment.pop(name, None)
        with (VAR / "engine.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(self._python),
                "-m",
                "engine",
                "--with-parent",
                "--port",
                port,
                cwd=self._root,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        _log.info("engine starting", pid=self._process.pid)

    async def _end_process(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
