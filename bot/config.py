"""The settings of the gateway: read once from the environment, frozen, and explained by name when one is wrong."""

from __future__ import annotations

import os
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
LANGUAGES = ("fr", "en", "ar", "ary")


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what is expected."""


class TelegramMode(StrEnum):
    """How updates reach us from Telegram."""

    POLLING = "polling"
    WEBHOOK = "webhook"


class Settings(BaseSettings):
    """Every setting, as `.env.example` lists them. Times are in seconds."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    database_url: str = Field("", description="SQLite file under var/, or postgresql://user@host/name")
    engine_url: str = Field("", description="address of a running Rasa engine; empty starts one as a child")
    engine_token: str = Field("", description="shared secret with the engine; made up when we start it ourselves")
    engine_timeout: float = Field(3.0, gt=0, le=4.5, description="how long one answer of the engine may take")
    public_url: str = Field("http://127.0.0.1:8000", description="our address as providers see it")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    secret_keys: str = Field("", description="comma-separated; the first encrypts, all decrypt")
    telegram_bot_token: str = Field("", description="from @BotFather")
    telegram_webhook_secret: str = Field("", description="1-256 characters A-Z a-z 0-9 _ -")
    telegram_mode: TelegramMode = Field(TelegramMode.POLLING, description="polling or webhook")
    telegram_api_base_url: str = Field("https://api.telegram.org", description="for a self-hosted Bot API server")
    twilio_account_sid: str = Field("", description="AC…")
    twilio_auth_token: str = Field("", description="primary auth token")
    twilio_whatsapp_from: str = Field("", description="+33…, the WhatsApp sender")
    twilio_api_base_url: str = Field("https://api.twilio.com", description="for a test server")
    twilio_template_write_back_fr: str = Field("", description="ContentSid HX… of the approved template, in French")
    twilio_template_write_back_en: str = Field("", description="the same in English")
    twilio_template_write_back_ar: str = Field("", description="the same in Arabic")
    twilio_delete_messages: bool = Field(True, description="1 or 0; delete bodies and media at Twilio after use")
    telegram_rate: float = Field(28.0, ge=1, le=1000, description="messages a second Telegram takes from us in all")
    whatsapp_rate: float = Field(10.0, ge=1, le=1000, description="messages a second Twilio takes from us in all")
    default_language: str = Field("fr", description="fr, en, ar or ary")
    default_country: str = Field("FR", description="two letters, as under directory/")
    simulator: bool | None = Field(None, description="1 or 0; on only while no channel token is set")
    log_format: str = Field("", description="console or json")
    quiet_window: float = Field(
        1.2, ge=0, le=10, description="a burst typed in one breath is one turn after this pause"
    )

    @field_validator("default_language")
    @classmethod
    def _known_language(cls, value: str) -> str:
        if value not in LANGUAGES:
            raise ValueError(f"expected one of {', '.join(LANGUAGES)}")
        return value

    @field_validator("default_country")
    @classmethod
    def _country_code(cls, value: str) -> str:
        if len(value) != 2 or not value.isalpha():
            raise ValueError("expected a two-letter country code such as FR")
        return value.upper()

    @field_validator("log_format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value not in ("", "console", "json"):
            raise ValueError("expected console or json")
        return value

    @field_validator("database_url")
    @classmethod
    def _async_driver(cls, value: str) -> str:
        return async_database_url(value)

    @field_validator("public_url", "telegram_api_base_url", "twilio_api_base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("expected an address that starts with http:// or https://")
        return value.rstrip("/")

    @field_validator("telegram_bot_token")
    @classmethod
    def _token_shape(cls, value: str) -> str:
        number, _, key = value.partition(":")
        if value and not (number.isdigit() and key):
            raise ValueError("expected <digits>:<key>, as @BotFather gives it")
        return value

    @field_validator("telegram_webhook_secret")
    @classmethod
    def _secret_shape(cls, value: str) -> str:
        allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
        if len(value) > 256 or not set(value) <= allowed:
            raise ValueError("expected 1 to 256 characters among A-Z a-z 0-9 _ -")
        return value

    @field_validator("twilio_whatsapp_from")
    @classmethod
    def _sender_shape(cls, value: str) -> str:
        value = value.removeprefix("whatsapp:")
        if value and not (value.startswith("+") and value[1:].isdigit()):
            raise ValueError("expected a number in international form, such as +33123456789")
        return value

    @field_validator("twilio_template_write_back_fr", "twilio_template_write_back_en", "twilio_template_write_back_ar")
    @classmethod
    def _content_sid(cls, value: str) -> str:
        if value and not (len(value) == 34 and value.startswith("HX") and set(value[2:]) <= set("0123456789abcdef")):
            raise ValueError("expected a ContentSid: HX and 32 of 0-9 a-f")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.is_public and not self.secret_keys:
            raise ValueError("SECRET_KEYS: required when PUBLIC_URL is https (see docs/operator.md)")
        if any(len(key) < 16 for key in self.keys):
            raise ValueError("SECRET_KEYS: expected keys of at least 16 characters each")
        if self.telegram_bot_token and self.telegram_mode is TelegramMode.WEBHOOK and not self.telegram_webhook_secret:
            raise ValueError("TELEGRAM_WEBHOOK_SECRET: required when TELEGRAM_MODE is webhook")
        twilio = (self.twilio_account_sid, self.twilio_auth_token, self.twilio_whatsapp_from)
        if any(twilio) and not all(twilio):
            raise ValueError("TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_WHATSAPP_FROM: set all three, or none")
        if self.engine_url and not self.engine_token:
            raise ValueError("ENGINE_TOKEN: required with ENGINE_URL, the token the engine was started with")
        return self

    @property
    def is_public(self) -> bool:
        """Real people can reach us: nothing may rest on a development default."""
        return self.public_url.startswith("https://")

    @property
    def is_private(self) -> bool:
        """Only somebody at this machine can reach us: demonstration accounts may exist."""
        loopback = ("127.0.0.1", "localhost", "::1")
        return not self.is_public and self.host in loopback and urlsplit(self.public_url).hostname in loopback

    @property
    def rates(self) -> dict[str, float]:
        """Messages a second in all, by channel."""
        return {"telegram": self.telegram_rate, "whatsapp": self.whatsapp_rate}

    @property
    def keys(self) -> tuple[str, ...]:
        """The secret keys, the encrypting one first."""
        return tuple(key.strip() for key in self.secret_keys.split(",") if key.strip())

    @property
    def has_telegram(self) -> bool:
        """Whether the Telegram channel is configured."""
        return bool(self.telegram_bot_token)

    @property
    def has_whatsapp(self) -> bool:
        """Whether the WhatsApp channel is configured."""
        return bool(self.twilio_account_sid)

    @property
    def templates(self) -> dict[str, str]:
        """WhatsApp's approved template by language, as far as there is one."""
        found = {
            "fr": self.twilio_template_write_back_fr,
            "en": self.twilio_template_write_back_en,
            "ar": self.twilio_template_write_back_ar,
        }
        return {language: sid for language, sid in found.items() if sid}

    @property
    def has_simulator(self) -> bool:
        """The simulator is on when asked for, otherwise only while no channel token is set and we are not public."""
        if self.simulator is None:
            return not (self.has_telegram or self.has_whatsapp or self.is_public)
        return self.simulator


def async_database_url(value: str) -> str:
    """The same database with the driver we use: aiosqlite for SQLite, psycopg 3 for PostgreSQL."""
    if not value:
        return value
    try:
        url = make_url(value)
    except ArgumentError:
        raise ValueError("expected sqlite:///path or postgresql://user:password@host/name") from None
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
    backend = url.drivername.partition("+")[0]
    if backend not in drivers:
        raise ValueError("expected sqlite:///path or postgresql://user:password@host/name")
    return url.set(drivername=drivers[backend]).render_as_string(hide_password=False)


def load_settings(env_file: Path | None = ROOT / ".env", **overrides: object) -> Settings:
    """Read the settings; raise SettingsError with one line per wrong setting. Nothing is written."""
    try:
        settings = Settings(_env_file=env_file, **overrides)  # type: ignore[call-arg, arg-type]
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(item) for item in error.errors())) from None
    if not settings.database_url:
        settings = settings.model_copy(update={"database_url": f"sqlite+aiosqlite:///{VAR / 'relais.sqlite'}"})
    return settings


def with_development_keys(settings: Settings, folder: Path = VAR) -> Settings:
    """In development, keep a generated secret key in `folder`/secret_keys (mode 0600); public settings pass through."""
    if settings.secret_keys:
        return settings
    path = folder / "secret_keys"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    return settings.model_copy(update={"secret_keys": path.read_text().strip()})


def _explain(item: object) -> str:
    error = dict(item)  # type: ignore[call-overload]
    name = str(error["loc"][0]).upper() if error["loc"] else ""
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
