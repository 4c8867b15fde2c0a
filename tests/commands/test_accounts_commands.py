"""`bot volunteer`, `bot audit`, `bot keys`, `bot purge`, and the demonstration accounts of `bot serve`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.commands.serve import prepare_demo
from bot.store import demo
from bot.store.crypto import Keyring
from bot.store.database import Database
from tests.people import KEY, settings_for

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on a migrated database; status, output, errors."""
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("SECRET_KEYS", KEY)
    monkeypatch.setattr("bot.logs.configure", lambda log_format: None)

    def command(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    command("migrate")
    return command


def test_an_account_is_made_listed_and_ended(run: Run) -> None:
    """`bot volunteer add` makes the first account; its password is shown once and the log says who came and went."""
    made = run("volunteer", "add", "Noor", "--role", "supervisor", "--languages", "fr,ar")
    again = run("volunteer", "add", "Noor", "--role", "volunteer")
    listed = run("volunteer", "list")
    ended = [run("volunteer", "disable", "Noor") for _ in range(2)]
    shown, verified = run("audit", "show"), run("audit", "verify")
    password = re.search(r"only: (\S+)", made[1])
    assert password is not None

    assert (0, 1, 0, 0, 1) == (made[0], again[0], listed[0], ended[0][0], ended[1][0])
    assert "supervisor  invited   ar,fr" in listed[1]
    assert ["account_added", "account_disabled"] == re.findall(r"account_\w+", shown[1])
    assert "2 rows, unbroken" in verified[1]
    assert password[1] not in listed[1] + shown[1]


@pytest.mark.parametrize(
    "arguments", [("add", "N", "--role", "admin"), ("add", "Noor", "--role", "admin", "--languages", "xx")]
)
def test_wrong_usage_is_one_line(run: Run, arguments: tuple[str, ...]) -> None:
    """A mistake is explained in one line and makes no account."""
    status, _, error = run("volunteer", *arguments)

    assert 2 == status
    assert 1 == len(error.splitlines())
    assert "" == run("volunteer", "list")[1]


def test_a_head_that_is_gone_fails_the_check(run: Run) -> None:
    """Comparing with yesterday's head finds a log whose end was cut off."""
    run("volunteer", "add", "Noor", "--role", "admin")
    head = run("audit", "verify")[1].split()[-1]

    assert 0 == run("audit", "verify", "--head", head)[0]
    assert 1 == run("audit", "verify", "--head", "ab" * 32)[0]


def test_keys_and_purge_say_what_they_did(run: Run, tmp_path: Path) -> None:
    """Operators read what was sealed anew and what went."""
    (tmp_path / "backups").mkdir()

    assert "0 left under an old key" in run("keys", "rotate")[1]
    assert 43 == len(run("keys", "new")[1].strip())
    assert "nothing had outlived its time\n" == run("purge", "--backups", str(tmp_path / "backups"))[1]
    assert 2 == run("purge", "--backups", str(tmp_path / "none"))[0]


async def test_demonstration_accounts_exist_only_where_nobody_else_can_come(sqlite_url: str, run: Run) -> None:
    """A development machine has ready accounts with working codes; on https they end, and on an open port they never begin."""
    open_port = await prepare_demo(settings_for(sqlite_url, host="0.0.0.0"))
    private = await prepare_demo(settings_for(sqlite_url))
    database = Database(settings_for(sqlite_url).database_url)
    async with database.read() as session:
        shown = await demo.shown(session, Keyring((KEY,)), datetime.now(UTC))
    public = await prepare_demo(settings_for(sqlite_url, public_url="https://relais.example", simulator=False))
    async with database.read() as session:
        left = await demo.shown(session, Keyring((KEY,)), datetime.now(UTC))
    await database.close()

    assert (False, True, False) == (open_port, private, public)
    assert {"demo", "demo-volunteer", "demo-admin"} == {item.name for item in shown}
    assert all(re.fullmatch(r"\d{6}", item.code) for item in shown)
    assert () == left
