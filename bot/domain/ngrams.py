"""Linear models over words and character n-grams: the features, and inference with numpy alone (training: bot/fitting.py).

Runs on Python 3.10 too: the engine's intent classifier is such a model. Saved as .npz arrays and strings, never pickled.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bot.domain.sounds import skeleton, sound

SIZES = (2, 3, 4, 5)
MAX_CHARACTERS = 2_000
MAX_WORDS = 400


def features(normalised: str) -> list[str]:
    """Words, their sounds and consonants, their neighbours, and the 2- to 5-grams inside each padded word."""
    words = normalised[:MAX_CHARACTERS].split()[:MAX_WORDS]
    found: list[str] = []
    for word in words:
        found += of_word(word)
    return found + of_neighbours(words, [sound(word) for word in words], [skeleton(word) for word in words])


def of_word(word: str) -> list[str]:
    """The features a word has by itself: as written, as it sounds, its consonants, its n-grams."""
    found = ["=" + word, "~" + sound(word), "#" + skeleton(word)]
    padded = f" {word} "
    length = len(padded)
    for size in SIZES:
        if size >= length:
            found.append(padded)
            break
        found.extend([padded[start : start + size] for start in range(length - size + 1)])
    return found


def of_neighbours(words: Sequence[str], sounds: Sequence[str], skeletons: Sequence[str]) -> list[str]:
    """The features words have by standing together: pairs, pairs with one word between, and threes."""
    found = ["=" + first + " " + second for first, second in pairwise(words)]
    for sign, keys in (("~", sounds), ("#", skeletons)):
        found += [sign + first + " " + second for first, second in pairwise(keys)]
        found += [sign + first + "_" + third for first, third in zip(keys, keys[2:], strict=False)]
    found += [
        "~" + first + " " + second + " " + third
        for first, second, third in zip(sounds, sounds[1:], sounds[2:], strict=False)
    ]
    return found


class LinearModel:
    """Weights per feature and label; probabilities are a softmax over scaled margins."""

    def __init__(
        self, labels: Sequence[str], vocabulary: dict[str, int], weights: Any, bias: Any, scale: float, idf: Any
    ) -> None:
        self.labels = tuple(labels)
        self._vocabulary = vocabulary
        self._weights = weights
        self._bias = bias
        self._scale = scale
        self._idf = idf
        self._rarest = float(idf.max(initial=0.0))
        # What a known word brings is looked up once for all; words nobody trained are never kept.
        self._known = {name[1:]: self._entry(name[1:]) for name in vocabulary if name[0] == "=" and " " not in name}

    def _entry(self, word: str) -> tuple[list[int], int, str, str]:
        find, names = self._vocabulary.get, of_word(word)
        indices = [index for name in names if (index := find(name)) is not None]
        return indices, len(names) - len(indices), sound(word), skeleton(word)

    def margins(self, normalised: str, *, is_wary: bool = False) -> Any:
        """The margin of each label, an array of the length of `labels`.

        `is_wary`: what nobody trained counts against being sure, so that talk of other things is judged by little more than
        how often each label is meant at all.
        """
        words = normalised[:MAX_CHARACTERS].split()[:MAX_WORDS]
        entries = [self._known.get(word) or self._entry(word) for word in words]
        indices = [index for entry in entries for index in entry[0]]
        unknown = sum(entry[1] for entry in entries)
        find = self._vocabulary.get
        for name in of_neighbours(words, [entry[2] for entry in entries], [entry[3] for entry in entries]):
            index = find(name)
            if index is None:
                unknown += 1
            else:
                indices.append(index)
        if not indices:
            return self._bias
        rows, counts = np.unique(np.array(indices, dtype=np.int64), return_counts=True)
        values = (1.0 + np.log(counts)).astype(np.float32)
        # Inverse document frequencies are part of the weights but not of the norm, so the norm needs them apart.
        values = values * self._idf[rows]
        squares = float(np.dot(values, values)) + (unknown * self._rarest**2 if is_wary else 0.0)
        norm = math.sqrt(squares) or 1.0
        return (values / norm) @ self._weights[rows] + self._bias

    def probabilities(self, normalised: str, *, is_wary: bool = False) -> Any:
        """The probability of each label, in the order of `labels`; `is_wary` as in `margins`."""
        scaled = self.margins(normalised, is_wary=is_wary) * self._scale
        powers = np.exp(scaled - scaled.max())
        return powers / powers.sum()

    def save(self, path: Path) -> None:
        """Write the model to one file."""
        words = json.dumps({"labels": self.labels, "features": list(self._vocabulary)}, ensure_ascii=False)
        np.savez_compressed(
            path,
            weights=self._weights.astype(np.float16),
            bias=self._bias.astype(np.float32),
            idf=self._idf.astype(np.float32),
            scale=np.float32(self._scale),
            words=np.frombuffer(words.encode("utf-8"), dtype=np.uint8),
        )

    @classmethod
    def load(cls, path: Path) -> LinearModel:
        """Read a model; ValueError or OSError when the file is not one."""
        with np.load(path, allow_pickle=False) as file:
            words = json.loads(file["words"].tobytes().decode("utf-8"))
            vocabulary = {feature: index for index, feature in enumerate(words["features"])}
            weights = file["weights"].astype(np.float32)
            return cls(words["labels"], vocabulary, weights, file["bias"], float(file["scale"]), file["idf"])
