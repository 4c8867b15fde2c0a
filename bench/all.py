"""`make bench`: runs every benchmark in turn and puts what each printed into docs/performance.md, between its markers.

A block of the document that begins with `<!-- python -m bench.NAME … -->` holds the output of that command; the prose around it
is ours. About fifty minutes on two cores; `--only bench.latency` runs one. Ends with 1 when a benchmark misses its limit.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from datetime import UTC, datetime

from bot.config import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
_BLOCK = re.compile(r"<!-- python -m (?P<command>[\w. -]+?) -->\n```text\n.*?```\n", re.DOTALL)
_NOISE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[|.*RuntimeDirWarning|.*return Path\(self).*$\n?", re.MULTILINE)
LONGEST = 1_800
"""Seconds one benchmark may take."""


def main() -> None:
    """Run all, or those whose command begins with `--only`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="the beginning of a command, such as bench.latency")
    options = parser.parse_args()
    commands = [found["command"] for found in _BLOCK.finditer(DOCUMENT.read_text("utf-8"))]
    missed = [command for command in commands if command.startswith(options.only) and not _measure(command)]
    if missed:
        sys.exit(f"missed its limit: {', '.join(missed)}")


def _measure(command: str) -> bool:
    print(f"→ python -m {command}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "LOG_FORMAT": "json"},
        stdout=subprocess.PIPE,
        stderr=None,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    printed = "".join(line for line in done.stdout.splitlines(keepends=True) if not line.startswith("{"))
    _write(command, _NOISE.sub("", printed).strip())
    return done.returncode == 0


def _write(command: str, printed: str) -> None:
    """Only the block of this command changes."""
    when = datetime.now(UTC).date().isoformat()
    head = f"$ python -m {command}    # {when}, load {os.getloadavg()[0]:.1f} at its end"
    text = DOCUMENT.read_text("utf-8")
    block = f"<!-- python -m {command} -->\n```text\n{head}\n{printed}\n```\n"
    DOCUMENT.write_text(_BLOCK.sub(lambda old: block if old["command"] == command else old[0], text), "utf-8")


if __name__ == "__main__":
    main()
