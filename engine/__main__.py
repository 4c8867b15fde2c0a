"""Starts Rasa for the gateway: no telemetry, loopback unless told otherwise, ends when its parent does."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARENT_CHECK_SECONDS = 1.0


def main() -> None:
    """Parse the few options there are and hand over to `rasa run`."""
    parser = argparse.ArgumentParser(prog="python -m engine", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="loopback or a private network only")
    parser.add_argument("--port", type=int, default=5005)
    parser.add_argument("--model", default=str(ROOT / "models"))
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started this one ends")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ["LOG_LEVEL"] = "ERROR"
    if options.with_parent:
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    sys.argv = [
        "rasa",
        "run",
        "--model",
        options.model,
        "--interface",
        options.host,
        "--port",
        str(options.port),
        "--credentials",
        str(ROOT / "engine" / "credentials.yml"),
        "--endpoints",
        str(ROOT / "engine" / "endpoints.yml"),
    ]
    from engine.quick import mend_yaml

    mend_yaml()
    from rasa.__main__ import main as run_rasa  # Rasa reads the environment when it is imported.

    run_rasa()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
