"""Reads nlu/lookups.yml: what people call the platforms we have steps for."""

from __future__ import annotations

from pathlib import Path

import yaml


def load_platforms(path: Path) -> dict[str, str]:
    """Each name with the platform it means."""
    found: dict[str, str] = {}
    for item in yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
        platform = item.get("synonym")
        if platform is not None:
            names = (line.removeprefix("- ").strip() for line in item["examples"].splitlines())
            found |= dict.fromkeys((platform, *names) if len(platform) > 1 else tuple(names), platform)
    return found
