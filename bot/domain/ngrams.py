"""Linear models over words and character n-grams: the features, and inference with numpy alone (training: bot/training.py).

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

SIZES = (2, 3, 4, 5)
MAX_CHARACTERS = 2_000


def features(normalised: str) -> list[str]:
    """Words, pairs of words, and the 2- to 5-grams inside each padded word."""
    words = normalised[:MAX_CHARACTERS].split()
    found = ["=" + word for word in words]
    found += ["=" + first + " " + second for first, second in pairwise(words)]
    for word in words:
        padded = f" {word} "
        length = len(padded)
        for size in SIZES:
            if size >= length:
                found.append(padded)
                break
            found.extend([padded[start : start + size] for start in range(length - size + 1)])
    return found


class LinearModel:
    """Weights per feature and label; probabilities are a softmax over scaled margins."""

    def __init__(
        self, labels: Sequence[str], vocabulary: dict[str, int], weights: Any, bias: Any, scale: float
    ) -> None:
        self.labels = tuple(labels)
        self._vocabulary = vocabulary
        self._weights = weights
        self._bias = bias
        self._scale = scale

    def margins(self, normalised: str) -> Any:
        """The margin of each label, an array of the length of `labels`."""
        counts: dict[int, int] = {}
        find = self._vocabulary.get
        for feature in features(normalised):
            index = find(feature)
            if index is not None:
                counts[index] = counts.get(index, 0) + 1
        if not counts:
            return self._bias
        rows = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
        values = np.fromiter((1.0 + math.log(count) for count in counts.values()), dtype=np.float32, count=len(counts))
        # Inverse document frequencies are part of the weights but not of the norm, so the norm needs them apart.
        values = values * self._idf[rows]
        norm = float(np.sqrt(np.dot(values, values))) or 1.0
        return (values / norm) @ self._weights[rows] + self._bias

    def probabilities(self, normalised: str) -> Any:
        """The probability of each label, in the order of `labels`."""
        scaled = self.margins(normalised) * self._scale
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
            model = cls(
                words["labels"], vocabulary, file["weights"].astype(np.float32), file["bias"], float(file["scale"])
            )
            model.set_idf(file["idf"])
        return model

    def set_idf(self, idf: Any) -> None:
        """Inverse document frequency of each feature."""
        self._idf = idf
