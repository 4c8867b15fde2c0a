"""The commands. Exit status: 0 fine, 1 the thing checked is wrong, 2 wrong usage or settings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bot import logs
from bot.commands import (
    audit,
    backup,
    chat,
    directory,
    doctor,
    keys,
    migrate,
    outbox,
    purge,
    restore,
    serve,
    understand,
    volunteer,
)
from bot.config import SettingsError, load_settings, with_development_keys
from bot.dialogue.child import EngineMissingError
from bot.dialogue.content import ContentError
from bot.store.directory import DirectoryError
from bot.store.understanding import ModelMissingError

COMMANDS = {
    "serve": serve,
    "chat": chat,
    "understand": understand,
    "directory": directory,
    "migrate": migrate,
    "doctor": doctor,
    "volunteer": volunteer,
    "audit": audit,
    "keys": keys,
    "purge": purge,
    "outbox": outbox,
    "backup": backup,
    "restore": restore,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every expected failure is one clear line on standard error."""
    parser = argparse.ArgumentParser(prog="bot", description="Relais, a support chatbot for young people in trouble.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS.values():
        command.add_parser(subparsers)
    options = parser.parse_args(arguments)
    try:
        settings = with_development_keys(load_settings())
        logs.configure(settings.log_format)
        status: int = COMMANDS[options.command].run(options, settings)
        return status
    except (SettingsError, ContentError, DirectoryError, EngineMissingError, ModelMissingError) as error:
        sys.stderr.write("".join(f"bot {options.command}: {line}\n" for line in str(error).splitlines()))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
