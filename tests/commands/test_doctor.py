"""`bot doctor` against the fake providers: what is fine, what is wrong, and what it says to do."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.commands.doctor import _collect
from bot.commands.safety import Finding, check_database, check_settings
from bot.config import ROOT, Settings, async_database_url
from bot.domain.accounts import Role
from bot.store import audit
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.people import KEY, enrolled, settings_for
from tests.wires import telegram, twilio
from tests.wires.server import serving

PUBLIC: dict[str, object] = {"public_url": "https://relais.example", "host": "0.0.0.0"}


@asynccontextmanager
async def providers(
    database_url: str, **changes: object
) -> AsyncIterator[tuple[Settings, telegram.FakeTelegram, twilio.FakeTwilio]]:
    """Settings that name two providers that answer."""
    fake_telegram, fake_twilio = telegram.FakeTelegram(), twilio.FakeTwilio()
    async with serving(fake_telegram.app) as telegram_url, serving(fake_twilio.app) as twilio_url:
        chosen: dict[str, object] = {
            "telegram_bot_token": telegram.TOKEN,
            "telegram_webhook_secret": "s",
            "telegram_mode": "webhook",
            "telegram_api_base_url": telegram_url,
            "twilio_account_sid": twilio.ACCOUNT,
            "twilio_auth_token": twilio.TOKEN,
            "twilio_whatsapp_from": twilio.SENDER,
            "twilio_api_base_url": twilio_url,
            **PUBLIC,
            **changes,
        }
        yield settings_for(database_url, **chosen), fake_telegram, fake_twilio


def said(findings: list[Finding], level: str) -> str:
    """What was found at a level."""
    return "\n".join(finding.what for finding in findings if finding.level == level)


async def migrated(url: str) -> None:
    database = Database(async_database_url(url))
    await migrate(database)
    await database.close()


async def test_what_is_right_is_said_to_be(sqlite_url: str) -> None:
    """With schema, tokens and webhook in place, nothing is wrong but the engine nobody answers at."""
    await migrated(sqlite_url)
    async with providers(sqlite_url) as (settings, fake, _):
        fake.webhook = "https://relais.example/webhooks/telegram"
        findings = await _collect(settings)

    assert "@relais_bot" in said(findings, "ok")
    assert "Twilio knows the account" in said(findings, "ok")
    assert ["ENGINE_URL"] == [line.partition(":")[0] for line in said(findings, "wrong").splitlines()]


async def test_what_the_providers_refuse_is_named(sqlite_url: str) -> None:
    """A wrong token, a webhook that leads elsewhere, updates that pile up: each has its line, without the token."""
    await migrated(sqlite_url)
    wrong = {"telegram_bot_token": "123456:zinzolin", "twilio_account_sid": "ACzinzolin"}
    async with providers(sqlite_url, **wrong) as (settings, _, _):
        refused = await _collect(settings)
    async with providers(sqlite_url) as (settings, fake, _):
        fake.webhook, fake.pending = "https://elsewhere.example/", 500
        elsewhere = await _collect(settings)

    assert "TELEGRAM_BOT_TOKEN: Telegram does not know it" in said(refused, "wrong")
    assert "TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN: Twilio answers 404" in said(refused, "wrong")
    assert "zinzolin" not in said(refused, "wrong") + said(refused, "warn")
    assert "Telegram delivers elsewhere" in said(elsewhere, "wrong")
    assert "500 updates wait" in said(elsewhere, "warn")


async def test_providers_that_are_away_are_said_to_be(sqlite_url: str) -> None:
    """No answer is not a wrong token."""
    away = {"telegram_api_base_url": "http://127.0.0.1:9", "twilio_api_base_url": "http://127.0.0.1:9"}
    async with providers(sqlite_url, **away) as (settings, _, _):
        findings = await _collect(settings)

    assert "Telegram cannot be reached" in said(findings, "wrong")
    assert "Twilio cannot be reached" in said(findings, "wrong")
    assert "run `bot migrate`" in said(findings, "wrong")


async def test_demonstration_accounts_in_public_are_refused(sqlite_url: str) -> None:
    """A known password never stands between the street and a child's words."""
    await migrated(sqlite_url)
    await enrolled(sqlite_url, "demo", Role.SUPERVISOR, demo=True)
    public = [item async for item in check_database(settings_for(sqlite_url, **PUBLIC, simulator=False))]
    private = [item async for item in check_database(settings_for(sqlite_url))]

    assert "demonstration" in said(public, "wrong")
    assert "demonstration" in said(private, "warn")


async def test_a_broken_audit_log_is_found(sqlite_url: str) -> None:
    """Somebody who rewrote what they did is noticed at the next look."""
    await migrated(sqlite_url)
    database = Database(async_database_url(sqlite_url))
    async with database.write() as session:
        await audit.append(session, datetime.now(UTC), "account:1", "opened", "conversation:1", "")
        await session.execute(text("DROP TRIGGER audit_log_no_update"))
        await session.execute(text("UPDATE audit_log SET actor = 'account:2'"))
    await database.close()
    findings = [item async for item in check_database(settings_for(sqlite_url))]

    assert "broken at row 1" in said(findings, "wrong")


def test_the_generated_key_is_refused_in_public(sqlite_url: str, tmp_path: Path) -> None:
    """What was made up for a developer's machine does not protect real people."""
    (tmp_path / "secret_keys").write_text(KEY)
    public = check_settings(settings_for(sqlite_url, **PUBLIC, simulator=False), tmp_path)

    assert "SECRET_KEYS" in said(public, "wrong")
    assert "SECRET_KEYS" not in said(check_settings(settings_for(sqlite_url), tmp_path), "wrong")


def test_the_simulator_in_public_is_refused(sqlite_url: str) -> None:
    """No page lets a stranger pretend to be a teen among real ones."""
    public = settings_for(sqlite_url, **PUBLIC, simulator=True)

    assert "SIMULATOR" in said(check_settings(public), "wrong")


@pytest.mark.parametrize(
    ("url", "is_wrong"),
    [
        ("http://127.0.0.1:5005", False),
        ("http://10.0.0.4:5005", False),
        ("http://engine:5005", False),
        ("http://engine:5005,http://8.8.8.8:5005", True),
        ("http://engine.example.org:5005", True),
    ],
)
def test_an_engine_on_a_public_address_is_refused(sqlite_url: str, url: str, is_wrong: bool) -> None:
    """The engine's old libraries are never one request away from the internet."""
    findings = check_settings(settings_for(sqlite_url, engine_url=url))

    assert is_wrong == ("ENGINE_URL" in said(findings, "wrong"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc here")
def test_sqlite_in_several_processes_is_refused(sqlite_url: str) -> None:
    """Two servers on one SQLite file are noticed while they run."""
    asyncio.run(migrated(sqlite_url))
    path = sqlite_url.removeprefix("sqlite:///")
    code = f"import sys; held = open({path!r}); print('up', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code]
    others = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for other in others:
            assert other.stdout is not None
            other.stdout.readline()
        findings = check_settings(settings_for(sqlite_url))
    finally:
        for other in others:
            other.communicate()

    assert "postgresql://" in said(findings, "wrong")


def test_files_others_can_read_are_named(sqlite_url: str) -> None:
    """The database is made for our eyes only, and doctor notices when somebody opened it up."""
    asyncio.run(migrated(sqlite_url))
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    mode = path.stat().st_mode & 0o777
    os.chmod(path, 0o644)

    assert 0o600 == mode
    assert "chmod 600" in said(check_settings(settings_for(sqlite_url)), "warn")


def test_the_command_ends_with_one_when_something_is_wrong(sqlite_url: str) -> None:
    """Scripts can tell from the exit status, and read one line per finding."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": sqlite_url,
        "SECRET_KEYS": KEY,
        "ENGINE_URL": "http://127.0.0.1:9",
        "ENGINE_TOKEN": "x" * 16,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bot", "doctor"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert 1 == done.returncode
    assert "✗ ENGINE_URL" in done.stdout
    assert all(line[0] in "✓!✗" for line in done.stdout.splitlines())
