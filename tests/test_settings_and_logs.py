"""Settings that are wrong stop the start by name; logs carry no words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.config import ROOT, Settings, SettingsError, async_database_url, load_settings, with_development_keys
from bot.logs import drop_words, explain_exception


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "99999"),
        ("default_language", "de"),
        ("default_country", "France"),
        ("public_url", "relais.example"),
        ("database_url", "mysql://x/y"),
        ("telegram_bot_token", "abc"),
        ("telegram_webhook_secret", "a b"),
        ("telegram_mode", "push"),
        ("twilio_whatsapp_from", "0612345678"),
        ("log_format", "xml"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_its_name(name: str, value: str) -> None:
    """One clear line names the setting and says what is expected, without repeating its value."""
    with pytest.raises(SettingsError, match=rf"^{name.upper()}: ") as raised:
        load_settings(None, **{name: value})

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"public_url": "https://relais.example"}, "SECRET_KEYS"),
        ({"secret_keys": "short"}, "SECRET_KEYS"),
        ({"telegram_bot_token": "1:x", "telegram_mode": "webhook"}, "TELEGRAM_WEBHOOK_SECRET"),
        ({"twilio_account_sid": "AC1"}, "TWILIO_AUTH_TOKEN"),
        ({"engine_url": "http://127.0.0.1:5005"}, "ENGINE_TOKEN"),
    ],
)
def test_settings_that_need_each_other_say_so(given: dict[str, str], named: str) -> None:
    """Nothing public starts on a development default, and no channel half configured."""
    with pytest.raises(SettingsError, match=named):
        load_settings(None, **given)


def test_the_simulator_is_on_only_without_a_channel() -> None:
    """Real people never reach a simulator by accident."""
    assert load_settings(None).has_simulator
    assert not load_settings(None, telegram_bot_token="1:x").has_simulator
    assert not load_settings(None, public_url="https://x.example", secret_keys="k" * 20).has_simulator


def test_development_keys_are_made_once_and_kept_private(tmp_path: Path) -> None:
    """A generated key stays the same from start to start and is readable by its owner alone."""
    first = with_development_keys(load_settings(None), tmp_path)

    assert first.secret_keys == with_development_keys(load_settings(None), tmp_path).secret_keys
    assert 0o600 == (tmp_path / "secret_keys").stat().st_mode & 0o777


def test_databases_get_the_driver_we_use() -> None:
    """Operators write plain addresses."""
    assert "sqlite+aiosqlite:///x" == async_database_url("sqlite:///x")
    assert "postgresql+psycopg://u:p@h/d" == async_database_url("postgres://u:p@h/d")


def test_the_example_lists_every_setting() -> None:
    """`.env.example` and the settings never drift apart."""
    listed = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert {name.upper() for name in Settings.model_fields} == listed


def test_logs_lose_words_numbers_and_tokens() -> None:
    """A log line holds ids and codes, whatever is handed to it."""
    event = drop_words(None, "", {"event": "call +33 6 00 00 00 99 now", "text": "secret", "id": 12345678901})

    assert "00 00" not in str(event["event"])
    assert "…" == event["text"]
    assert 12345678901 == event["id"]


def test_exceptions_are_logged_without_their_message() -> None:
    """An exception may quote anything: only its class and the way it took are kept."""
    try:
        raise ValueError("zinzolin")
    except ValueError as error:
        event = explain_exception(None, "", {"event": "x", "exc_info": error})

    assert "ValueError" == event["error"]
    assert "zinzolin" not in str(event)
