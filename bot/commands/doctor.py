"""`bot doctor`: checks settings, database, engine, tokens and webhook registration, and says what to fix."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
from sqlalchemy.exc import SQLAlchemyError
from telegram.error import InvalidToken, TelegramError

from bot.app import load_words
from bot.channels.telegram import TelegramChannel
from bot.commands.safety import Finding, check_database, check_settings
from bot.config import ROOT, Settings, TelegramMode
from bot.dialogue.child import EngineChild, EngineMissingError
from bot.dialogue.content import ContentError
from bot.dialogue.rasa import Engine
from bot.domain.schedules import Schedule
from bot.store.database import Database
from bot.store.directory import DirectoryError, load_directory
from bot.store.migrate import current_revision, newest_revision

REVIEWS = ("needs_native_review", "needs_clinical_review")
_MARKS = {"ok": "✓", "warn": "!", "wrong": "✗"}


def add_parser(subparsers: Any) -> None:
    """`bot doctor`."""
    subparsers.add_parser("doctor", help="check everything and say what to fix")


def run(_options: argparse.Namespace, settings: Settings) -> int:
    """Print each finding; 1 when something is wrong."""
    findings = asyncio.run(_collect(settings))
    for finding in findings:
        sys.stdout.write(f"{_MARKS[finding.level]} {finding.what}\n")
    return 1 if any(finding.level == "wrong" for finding in findings) else 0


async def _collect(settings: Settings) -> list[Finding]:
    findings = [*_settings(settings), *_content(settings), *_reviews()]
    findings += [finding async for finding in _database(settings)]
    findings += [finding async for finding in check_database(settings)]
    findings += [finding async for finding in _engine(settings)]
    findings += [finding async for finding in _telegram(settings)]
    findings += [finding async for finding in _whatsapp(settings)]
    return findings


def _settings(settings: Settings) -> list[Finding]:
    findings = [Finding("ok", f"settings read; people reach us at {settings.public_url}")]
    findings += check_settings(settings)
    if not (settings.has_telegram or settings.has_whatsapp):
        findings.append(
            Finding("warn", "no channel: set TELEGRAM_BOT_TOKEN or TWILIO_ACCOUNT_SID; only the simulator runs")
        )
    if settings.has_whatsapp and not settings.is_public:
        findings.append(Finding("warn", "PUBLIC_URL: Twilio needs an https address and signs for exactly this one"))
    return findings


def _content(settings: Settings) -> list[Finding]:
    try:
        load_words()
        directory = load_directory(ROOT / "directory", settings.default_country)
    except (ContentError, DirectoryError) as error:
        return [Finding("wrong", str(error))]
    findings = [
        Finding(
            "ok", f"words and directory read: {len(directory.services)} services, {len(directory.countries)} countries"
        )
    ]
    if isinstance(directory.team, Schedule) and not directory.team.expression:
        findings.append(Finding("warn", "directory/team.yml: no hours, so nobody is promised an answer"))
    return findings


def _reviews() -> list[Finding]:
    """How many blocks of content still wait for a native speaker or a clinician."""
    folders = ("nlu", "responses", "directory")
    text = "\n".join(path.read_text("utf-8") for folder in folders for path in sorted((ROOT / folder).rglob("*.yml")))
    counts = {flag: len(re.findall(rf"{flag}:\s*true", text)) for flag in REVIEWS}
    return [Finding("warn", f"{count} blocks say {flag}") for flag, count in counts.items() if count]


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    database = Database(settings.database_url)
    try:
        revision, newest = await current_revision(database), newest_revision()
    except (SQLAlchemyError, OSError) as error:
        yield Finding("wrong", f"DATABASE_URL: cannot be reached ({type(error).__name__})")
        return
    finally:
        await database.close()
    if revision == newest:
        yield Finding("ok", f"database at revision {revision}")
    else:
        yield Finding("wrong", f"database at revision {revision or 'none'}, expected {newest}: run `bot migrate`")


async def _engine(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.engine_url:
        try:
            EngineChild().check()
        except EngineMissingError as error:
            yield Finding("wrong", str(error))
        else:
            yield Finding("ok", "engine installed, model trained; it starts with `bot serve`")
        return
    engine = Engine.at(settings.engine_url, settings.engine_token, settings.engine_timeout)
    ready = await engine.is_ready()
    await engine.close()
    if len(engine.places) > 1:
        for place in engine.places:
            level, how = ("ok", "ready") if place.is_up else ("wrong" if not ready else "warn", "not ready")
            yield Finding(level, f"engine at {place.name} {how}")
    yield (
        Finding("ok", "engine ready")
        if ready
        else Finding("wrong", "ENGINE_URL: no engine is ready there, or ENGINE_TOKEN is not its token")
    )


async def _telegram(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.has_telegram:
        return
    channel = TelegramChannel(settings.telegram_bot_token, settings.telegram_api_base_url)
    await channel.open()
    try:
        me = await channel.bot.get_me()
        hook = await channel.bot.get_webhook_info()
    except InvalidToken:
        yield Finding("wrong", "TELEGRAM_BOT_TOKEN: Telegram does not know it")
        return
    except TelegramError as error:
        yield Finding("wrong", f"Telegram cannot be reached ({type(error).__name__})")
        return
    finally:
        await channel.close()
    yield Finding("ok", f"Telegram knows the bot as @{me.username}")
    expected = f"{settings.public_url}/webhooks/telegram"
    if settings.telegram_mode is TelegramMode.WEBHOOK and hook.url != expected:
        yield Finding("wrong", f"Telegram delivers elsewhere: start `bot serve` to register {expected}")
    if hook.pending_update_count > 100:
        yield Finding("warn", f"{hook.pending_update_count} updates wait at Telegram, which keeps them 24 hours")


async def _whatsapp(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.has_whatsapp:
        return
    url = f"{settings.twilio_api_base_url}/2010-04-01/Accounts/{settings.twilio_account_sid}.json"
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            answer = await client.get(url, auth=(settings.twilio_account_sid, settings.twilio_auth_token))
    except httpx.HTTPError as error:
        yield Finding("wrong", f"Twilio cannot be reached ({type(error).__name__})")
        return
    if answer.status_code == httpx.codes.OK:
        yield Finding("ok", f"Twilio knows the account; its webhook must be {settings.public_url}/webhooks/whatsapp")
    else:
        yield Finding("wrong", f"TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN: Twilio answers {answer.status_code}")
