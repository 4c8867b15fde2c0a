"""Documents that say what the code does."""

from __future__ import annotations

import importlib
import re

from bot.config import ROOT


def test_follow_one_message_names_functions_that_exist() -> None:
    """Whoever reads the README can follow a message through the code."""
    names = re.findall(r"^\| \d+ \| `([\w.]+)`", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)

    assert 10 == len(names)
    for name in names:
        place = name.split(".")
        for cut in range(len(place) - 1, 0, -1):
            try:
                found: object = importlib.import_module(".".join(place[:cut]))
            except ModuleNotFoundError:
                continue
            for part in place[cut:]:
                found = getattr(found, part)
            assert callable(found)
            break
        else:
            raise AssertionError(name)


def test_the_make_targets_the_readme_names_exist() -> None:
    """The README's commands are those of the Makefile."""
    named = set(re.findall(r"`?make ([a-z]+)", (ROOT / "README.md").read_text("utf-8")))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    assert named <= targets
