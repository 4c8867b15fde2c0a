"""Rasa's own command line (`python -m engine.quick train …`) with a YAML reader that stays quick.

ruamel.yaml 0.17 adds the resolvers that fit any scalar (Rasa has one, for `${VARIABLE}`) to its own list each time it reads a
scalar, so that every one makes the next slower: 547 patterns were tried on each of ours, two thirds of the engine's start.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List

from ruamel.yaml.resolver import VersionedResolver


class Copies(Dict[Any, List[Any]]):
    """A dictionary of lists that gives copies, which may be added to."""

    def get(self, key: Any, default: Any = None) -> Any:
        """A copy of the list, or of the default."""
        return list(super().get(key, default) or ())


def mend_yaml() -> None:
    """Let the reader's lists stay as long as they are. Once is enough; again changes nothing."""
    if getattr(VersionedResolver, "is_mended", False):
        return
    found = VersionedResolver.versioned_resolver.fget

    def copies(self: Any) -> Any:
        resolvers = found(self)
        if not isinstance(resolvers, Copies):
            by_version = self._version_implicit_resolver
            version = next(version for version, value in by_version.items() if value is resolvers)
            resolvers = by_version[version] = Copies(resolvers)
        return resolvers

    VersionedResolver.versioned_resolver = property(copies)
    VersionedResolver.is_mended = True


def main() -> None:
    """Hand over to Rasa, without telemetry."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    mend_yaml()
    from rasa.__main__ import main as run_rasa  # Rasa reads the environment when it is imported.

    run_rasa()


if __name__ == "__main__":
    main()
