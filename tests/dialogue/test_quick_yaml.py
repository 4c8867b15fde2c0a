"""Rasa's YAML reader stays quick however much it reads (engine/quick.py)."""

from __future__ import annotations

import subprocess

from bot.config import ROOT

READ = """
from engine.quick import mend_yaml
mend_yaml()
mend_yaml()
from ruamel.yaml.resolver import VersionedResolver
from rasa.shared.utils.io import read_yaml
made = []
first = VersionedResolver.__init__
def remembered(self, *arguments, **options):
    first(self, *arguments, **options)
    made.append(self)
VersionedResolver.__init__ = remembered
words = "".join(f"- no word {number}\\n" for number in range(500))
value = read_yaml("words:\\n" + words + "- ${HOME}\\n- 12\\n- true\\n", ["safe", "rt"])
by_version = [version for one in made for version in one._version_implicit_resolver.values()]
lists = [len(found) for version in by_version for found in version.values()]
print(max(lists), len(value["words"]), value["words"][-2:], value["words"][-3] != "${HOME}")
"""


def test_five_hundred_scalars_leave_the_reader_as_it_was() -> None:
    """Every scalar used to make the next one slower; variables, numbers and truth values are still read as before."""
    python = ROOT / "engine" / ".venv" / "bin" / "python"
    done = subprocess.run([python, "-c", READ], cwd=ROOT, capture_output=True, text=True, check=True)
    longest, _, rest = done.stdout.partition(" ")

    assert int(longest) < 10
    assert "503 [12, True] True" == rest.strip()
