"""Rasa reads our data quickly, and reads the same as without our help (engine/quick.py)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

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

DATA = """
import sys
from engine.quick import mend_messages, mend_validation, mend_yaml
if sys.argv[1] == "mended":
    for mend in (mend_yaml, mend_validation, mend_messages) * 2:
        mend()
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.utils.validation import YamlValidationException
try:
    data = RasaFileImporter(training_data_paths=sys.argv[2:]).get_nlu_data()
    print(data.fingerprint(), len(data.training_examples), sorted(data.entity_synonyms))
    merged = data.merge(data)
    merged.training_examples[0].set("entities", [])
    print(len(merged.training_examples), data.fingerprint())
except YamlValidationException as error:
    print(error)
"""
GOOD = """version: "3.1"
nlu:
- intent: report_account
  metadata: {risk: concern}
  examples: |
    - on a piraté mon [insta](platform)
    - on a piraté mon [insta](platform)
    - mon compte [{"entity": "platform", "value": "snapchat"}] a disparu 😢
- intent: greet
  examples: |
    - on a piraté mon insta
"""
BAD = GOOD + "- intent: goodbye\n  examples: 12\n- nothing: at all\n"


def _read(how: str, file: Path) -> str:
    python = ROOT / "engine" / ".venv" / "bin" / "python"
    done = subprocess.run([python, "-c", DATA, how, file], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(("words", "expected"), [(GOOD, " 3 "), (BAD, "nlu.yml:")], ids=["right", "wrong"])
def test_what_is_read_is_what_rasa_reads_by_itself(tmp_path: Path, words: str, expected: str) -> None:
    """The same messages with the same fingerprints, copies that are copies, and the same line named where there is a fault."""
    file = tmp_path / "nlu.yml"
    file.write_text(words, "utf-8")

    assert _read("mended", file) == _read("alone", file)
    assert expected in _read("mended", file)


def test_five_hundred_scalars_leave_the_reader_as_it_was() -> None:
    """Every scalar used to make the next one slower; variables, numbers and truth values are still read as before."""
    python = ROOT / "engine" / ".venv" / "bin" / "python"
    done = subprocess.run([python, "-c", READ], cwd=ROOT, capture_output=True, text=True, check=True)
    longest, _, rest = done.stdout.partition(" ")

    assert int(longest) < 10
    assert "503 [12, True] True" == rest.strip()
