from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import Settings, SettingsError, TelegramMode, async_database_url, load_settings

KEY = "k" * 32
TWILIO = {"twilio_account_sid": "AC1", "twilio_auth_token": "t", "twilio_whatsapp_from": "+33600000000"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No setting of the machine that runs the tests."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def refusal(**settings: object) -> str:
    with pytest.raises(SettingsError) as raised:
        load_settings(None, **settings)
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "nonsense"),
        ("database_url", "mysql://u:zinzolin@h/d"),
        ("engine_timeout", "9"),
        ("engine_timeout", "0"),
        ("public_url", "https://"),
        ("port", "0"),
        ("port", "zinzolin"),
        ("telegram_bot_token", "zinzolin"),
        ("telegram_bot_token", "123:"),
        ("telegram_webhook_secret", "é"),
        ("telegram_webhook_secret", "s" * 257),
        ("telegram_mode", "zinzolin"),
        ("telegram_api_base_url", "ftp://zinzolin"),
        ("twilio_api_base_url", "zinzolin"),
        ("twilio_whatsapp_from", "whatsapp:zinzolin"),
        ("default_language", "zinzolin"),
        ("default_country", "F1"),
        ("simulator", "zinzolin"),
        ("log_format", "zinzolin"),
        ("quiet_window", "-1"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(name: str, value: str) -> None:
    """Who installs the helpline reads which setting is wrong, and no secret is repeated in the terminal."""
    message = refusal(**{name: value})

    assert message.startswith(f"{name.upper()}: ")
    assert 1 == len(message.splitlines())
    assert "zinzolin" not in message


def test_every_wrong_setting_has_its_line() -> None:
    """Nobody has to start five times to learn of five mistakes."""
    lines = refusal(port="x", default_language="x", log_format="x").splitlines()

    assert ["PORT", "DEFAULT_LANGUAGE", "LOG_FORMAT"] == [line.partition(":")[0] for line in lines]


def test_the_environment_is_read_and_an_empty_line_counts_for_nothing(clean_environment: pytest.MonkeyPatch) -> None:
    """`NAME=` in a copied example is a setting that was left out."""
    clean_environment.setenv("PORT", "8080")
    clean_environment.setenv("DEFAULT_LANGUAGE", "")
    settings = load_settings(None)

    assert (8080, "fr") == (settings.port, settings.default_language)


def test_a_wrong_setting_of_the_environment_is_named(clean_environment: pytest.MonkeyPatch) -> None:
    """A mistake in the environment is explained like any other."""
    clean_environment.setenv("DEFAULT_COUNTRY", "France")

    assert "DEFAULT_COUNTRY: expected a two-letter country code such as FR" == refusal()


def test_a_public_installation_needs_its_own_keys() -> None:
    """What real people write is never sealed with a development key."""
    assert "SECRET_KEYS: required when PUBLIC_URL is https (see docs/operator.md)" == refusal(
        public_url="https://relais.example"
    )
    assert load_settings(None, public_url="https://relais.example", secret_keys=KEY).is_public


@pytest.mark.parametrize("keys", ["short", f"{KEY},short", "short," + KEY])
def test_every_key_is_long_enough(keys: str) -> None:
    """A short key protects nobody, be it the current one or an old one; it is not repeated."""
    assert "SECRET_KEYS: expected keys of at least 16 characters each" == refusal(secret_keys=keys)


def test_the_first_key_is_the_one_that_encrypts() -> None:
    """Keys stand in the order in which they were put there, spaces or not."""
    assert (KEY, "o" * 16) == load_settings(None, secret_keys=f" {KEY} , {'o' * 16} ,").keys


@pytest.mark.parametrize("missing", sorted(TWILIO))
def test_half_a_whatsapp_channel_is_refused(missing: str) -> None:
    """A channel that receives and cannot answer is worse than none."""
    message = refusal(**{name: value for name, value in TWILIO.items() if name != missing})

    assert missing.upper() in message
    assert 1 == len(message.splitlines())


def test_a_whole_whatsapp_channel_is_on() -> None:
    """The sender may be written as Twilio's console shows it, and the simulator is off beside a real channel."""
    settings = load_settings(None, **{**TWILIO, "twilio_whatsapp_from": "whatsapp:+33600000000"})

    assert "+33600000000" == settings.twilio_whatsapp_from
    assert (True, False) == (settings.has_whatsapp, settings.has_simulator)


def test_a_telegram_webhook_needs_its_secret() -> None:
    """Without a secret anybody could speak in a young person's name; polling needs none."""
    telegram = {"telegram_bot_token": "123:abc"}
    webhook = {**telegram, "telegram_mode": TelegramMode.WEBHOOK}

    assert refusal(**webhook).startswith("TELEGRAM_WEBHOOK_SECRET: ")
    assert load_settings(None, **telegram).has_telegram
    assert load_settings(None, **webhook, telegram_webhook_secret="s").has_telegram


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:///var/x.sqlite", "sqlite+aiosqlite:///var/x.sqlite"),
        ("sqlite+pysqlite:////x.sqlite", "sqlite+aiosqlite:////x.sqlite"),
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u:p%40ss@h:5433/d?sslmode=require", "postgresql+psycopg://u:p%40ss@h:5433/d?sslmode=require"),
        ("postgresql+asyncpg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("", ""),
    ],
)
def test_a_plain_database_address_gets_our_driver(given: str, used: str) -> None:
    """Operators paste the address their host gives them; passwords and options survive."""
    assert used == async_database_url(given)


def test_without_a_database_there_is_a_file() -> None:
    """A first start needs no database server."""
    assert load_settings(None).database_url.startswith("sqlite+aiosqlite:////")


def test_settings_cannot_be_changed_and_are_read_from_the_file(tmp_path: Path) -> None:
    """What was checked at the start is what runs."""
    file = tmp_path / ".env"
    file.write_text("PORT=8081\nA_SETTING_OF_ANOTHER_PROGRAM=1\n")
    settings = load_settings(file)

    assert 8081 == settings.port
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1
