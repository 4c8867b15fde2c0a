"""The processes of a helpline under test: started, killed without a word, their clocks moved, their disk filled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.config import ROOT
from tests.wires.server import free_port

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
"""Debian's `faketime`; without it the clock is not moved, and the report says so."""
DOWN = (0.3, 2.0)
"""Seconds until whoever watches over the processes starts one again."""
STILL_IN_SOCKETS = 0.3
"""Seconds after its end in which the busy providers may still be reading what a killed process had sent. Nothing else can send
those messages so soon: its lanes are taken over when their leases end, and it is not started again before DOWN."""


@dataclass
class Member:
    """One process, and how to start it again."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    ready_url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    log: Path = Path(os.devnull)

    def start(self) -> None:
        """Start it; what it says goes to its log."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.environment, stdout=out, stderr=out)

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """SIGTERM, as an operator stops it; killed if it does not end within ten seconds."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def is_engine(self) -> bool:
        """Whether it is the dialogue engine."""
        return self.name.startswith("engine")

    @property
    def sends(self) -> bool:
        """Whether it delivers messages."""
        return self.name.startswith(("gateway", "worker"))


@dataclass
class Fleet:
    """All processes, the log of what was done to them (monotonic seconds), and the dice."""

    members: tuple[Member, ...]
    folder: Path
    dice: random.Random
    hurt: list[tuple[float, float, str]] = field(default_factory=list)
    kills: int = 0
    crashes: list[str] = field(default_factory=list)

    @property
    def webs(self) -> tuple[Member, ...]:
        """Those that take webhooks."""
        return tuple(member for member in self.members if member.ready_url and not member.is_engine)

    async def start(self) -> None:
        """Start all and return when they answer."""
        for member in self.members:
            member.log = self.folder / f"{member.name}.log"
            self.move_clock(member, 0)
            member.start()
        for member in self.members:
            await until_ready(member)

    async def kill_one(self) -> None:
        """Kill one at random, the engine now and then, and start it again shortly."""
        engines = [member for member in self.members if member.is_engine]
        others = [member for member in self.members if not member.is_engine]
        pool = engines if engines and self.dice.random() < 0.15 else others
        member = self.dice.choice(pool)
        at = time.monotonic()
        member.kill()
        self.kills += 1
        self.hurt.append((at - 3.0, time.monotonic() + STILL_IN_SOCKETS, f"kill {member.name}"))
        await asyncio.sleep(self.dice.uniform(*DOWN))
        member.start()

    def restart_the_dead(self) -> None:
        """What ended by itself is started again, and remembered: that must not happen."""
        for member in self.members:
            if member.process is not None and member.process.poll() is not None and member.process.returncode != -9:
                self.crashes.append(f"{member.name} ended by itself ({member.process.returncode})")
                member.start()

    def move_clock(self, member: Member, seconds: int) -> None:
        """Set the wall clock of a process apart from the machine's; its monotonic clock goes on."""
        (self.folder / f"{member.name}.clock").write_text(f"{seconds:+d}\n")

    async def fill_disk(self, path: Path, seconds: float) -> None:
        """For so long, no file of the database may grow (a quota reached), without being root."""
        largest = max((file.stat().st_size for file in path.parent.glob(f"{path.name}*")), default=0)
        victims = [member for member in self.members if not member.is_engine and member.process is not None]
        began = time.monotonic()
        for member in victims:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                resource.prlimit(_pid(member), resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        await asyncio.sleep(seconds)
        for member in victims:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                resource.prlimit(_pid(member), resource.RLIMIT_FSIZE, unlimited)
        self.hurt.append((began - 3.0, time.monotonic() + 3.0, "disk full"))

    def stop(self) -> None:
        """Stop all, the engine last."""
        for member in sorted(self.members, key=lambda member: member.is_engine):
            member.stop()


def _pid(member: Member) -> int:
    return member.process.pid if member.process is not None else 0


async def until_ready(member: Member, seconds: float = 90) -> None:
    """Return when a process answers (those without an address: when it runs)."""
    if not member.ready_url:
        return
    async with asyncio.timeout(seconds), httpx.AsyncClient(trust_env=False) as http:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get(member.ready_url, headers=member.headers)).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.2)


def gateway(name: str, role: str, environment: dict[str, str], folder: Path) -> Member:
    """A gateway process of a role, with a clock of its own."""
    port = free_port()
    own = {**os.environ, **environment, "PORT": str(port), "LOG_FORMAT": "json"}
    if FAKETIME.exists():
        own |= {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(folder / f"{name}.clock"),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
    ready = "" if role == "worker" else f"http://127.0.0.1:{port}/healthz"
    return Member(name, (sys.executable, "-m", "bot", "serve", "--role", role), own, ready)


def engine(port: int, token: str) -> Member:
    """The dialogue engine on a port."""
    own = {**os.environ, "ENGINE_TOKEN": token, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = (str(ROOT / "engine/.venv/bin/python"), "-m", "engine", "--port", str(port))
    ready = f"http://127.0.0.1:{port}/webhooks/relais/health"
    return Member("engine", command, own, ready, {"Authorization": f"Bearer {token}"})


def end_with_us() -> None:
    """Leave no process behind when somebody ends the storm early."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
