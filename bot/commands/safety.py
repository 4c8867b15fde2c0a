"""What `bot doctor` refuses: settings and leftovers under which real people's words would not be safe."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.config import ROOT, VAR, Settings
from bot.store import accounts, audit, rotation
from bot.store.crypto import Keyring
from bot.store.database import Database


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing checked: `ok`, `warn` (works, but look) or `wrong` (fix it), and what was found."""

    level: str
    what: str


def check_settings(settings: Settings, var: Path = VAR, processes: Path = Path("/proc")) -> list[Finding]:
    """What can be seen without asking anybody."""
    findings: list[Finding] = []
    if settings.is_public and settings.has_simulator:
        findings.append(Finding("wrong", "SIMULATOR: is on while PUBLIC_URL is https; set SIMULATOR=0"))
    if settings.is_public and _generated_keys(var) & set(settings.keys):
        findings.append(Finding("wrong", "SECRET_KEYS: the generated development key; make one with `bot keys new`"))
    if not settings.is_public and not settings.is_private:
        findings.append(Finding("warn", "HOST: others on the network can reach us without https"))
    findings += _engine_address(settings)
    findings += _files(settings)
    if len(holders := _processes_with(settings, processes)) > 1:
        findings.append(
            Finding("wrong", f"DATABASE_URL: SQLite is open in {len(holders)} processes; several need postgresql://")
        )
    return findings


async def check_database(settings: Settings) -> AsyncIterator[Finding]:
    """What the database holds that should not be there, and whether the audit log is as it was written."""
    database = Database(settings.database_url)
    try:
        async with database.read() as session:
            demos = await accounts.count_demo(session)
            verdict = await audit.verify(session)
            old = await rotation.count_old(session, Keyring(settings.keys)) if len(settings.keys) > 1 else 0
    except (SQLAlchemyError, OSError):
        # The schema is missing or old, which is said elsewhere.
        return
    finally:
        await database.close()
    if demos:
        level = "wrong" if settings.is_public else "warn"
        yield Finding(level, f"{demos} demonstration accounts: `bot volunteer disable` each, or start on https once")
    if verdict.broken_at is not None:
        yield Finding("wrong", f"the audit log is broken at row {verdict.broken_at}: see docs/incident.md")
    elif verdict.rows:
        yield Finding("ok", f"audit log unbroken, {verdict.rows} rows, head {verdict.head[:16]}…")
    if old:
        yield Finding("warn", f"SECRET_KEYS: {old} values are sealed with an old key: run `bot keys rotate`")


def _generated_keys(var: Path) -> set[str]:
    path = var / "secret_keys"
    return {path.read_text().strip()} if path.exists() else set()


def _engine_address(settings: Settings) -> list[Finding]:
    """The engine's old libraries must not be reachable from outside: loopback, a private address, or a name without dots."""
    wrong = []
    for url in filter(None, (part.strip() for part in settings.engine_url.split(","))):
        host = urlsplit(url).hostname or ""
        try:
            address = ipaddress.ip_address(host)
            is_inside = address.is_private or address.is_loopback
        except ValueError:
            is_inside = "." not in host or host.endswith((".internal", ".local", ".svc"))
        if not is_inside:
            wrong.append(
                Finding("wrong", "ENGINE_URL: a public address; the engine belongs on loopback or a private network")
            )
    return wrong


def _files(settings: Settings) -> list[Finding]:
    paths = [ROOT / ".env"]
    if (name := _sqlite_file(settings)) is not None:
        paths.append(name)
    return [
        Finding("warn", f"{path.name}: others on this machine can read it; chmod 600")
        for path in paths
        if path.exists() and path.stat().st_mode & 0o077
    ]


def _sqlite_file(settings: Settings) -> Path | None:
    url = make_url(settings.database_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _processes_with(settings: Settings, processes: Path) -> set[str]:
    """The processes that have the SQLite file open, where the system shows them."""
    path = _sqlite_file(settings)
    if path is None or not path.exists() or not processes.exists():
        return set()
    wanted, found = path.resolve(), set()
    for link in processes.glob("[0-9]*/fd/*"):
        try:
            if link.resolve() == wanted:
                found.add(link.parts[-3])
        except OSError:
            continue
    return found
