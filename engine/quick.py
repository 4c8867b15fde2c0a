"""Rasa's own command line (`python -m engine.quick train …`) with a YAML reader that stays quick.

ruamel.yaml 0.17 adds the resolvers that fit any scalar (Rasa has one, for `${VARIABLE}`) to its own list each time it reads a
scalar, so that every one makes the next slower: 547 patterns were tried on each of ours, two thirds of the engine's start.
And Rasa checks every file in a form that knows its line numbers, read letter by letter in Python, before it reads it for use;
only a file with a fault in it needs them. Its messages are copied and hashed in depth each time two lists of them are merged,
a dozen times before training begins.
"""

from __future__ import annotations

import os
from copy import deepcopy
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


def mend_validation() -> None:
    """Let Rasa check a file in its quick form first, and in the slow one when something is wrong. Again changes nothing."""
    import rasa.shared.utils.io as files
    import rasa.shared.utils.validation as validation
    from rasa.shared.exceptions import YamlException

    thorough, check = files.read_yaml, validation.validate_yaml_schema
    if getattr(check, "is_mended", False):
        return

    def quick_check(*given: Any) -> None:
        files.read_yaml = lambda content, reader_type="safe": thorough(content)
        try:
            check(*given)
            return
        except YamlException:
            pass  # The same check once more says where the fault is.
        finally:
            files.read_yaml = thorough
        check(*given)

    quick_check.is_mended = True  # type: ignore[attr-defined]
    validation.validate_yaml_schema = quick_check


def mend_messages() -> None:
    """Let Rasa's messages be copied and hashed without going through every character of them. Again changes nothing."""
    from rasa.shared.nlu.training_data.message import Message

    def copied(self: Any, memo: Dict[int, Any]) -> Any:
        copy = Message.__new__(Message)
        vars(copy).update(vars(self))
        copy.data = {name: item if isinstance(item, str) else deepcopy(item, memo) for name, item in self.data.items()}
        copy.features = deepcopy(self.features, memo)
        copy.output_properties = set(self.output_properties)
        return copy

    def hashed(self: Any) -> int:
        # Rasa compares the rest where these are the same.
        return hash((self.data.get("text"), self.data.get("intent")))

    Message.__deepcopy__ = copied
    Message.__hash__ = hashed


def main() -> None:
    """Hand over to Rasa, without telemetry."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    mend_yaml()
    mend_validation()
    mend_messages()
    from rasa.__main__ import main as run_rasa  # Rasa reads the environment when it is imported.

    run_rasa()


if __name__ == "__main__":
    main()
