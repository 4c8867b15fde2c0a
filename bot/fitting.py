"""Fits linear models over n-grams with scikit-learn, the one of the gateway as well as the older one of the engine.

Runs on Python 3.10 too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from bot.domain.ngrams import LinearModel, features

MAX_FEATURES = 150_000
SCALES = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0)


def fit(texts: Sequence[str], labels: Sequence[str], *, strength: float = 1.0, balanced: bool = False) -> LinearModel:
    """A linear model for normalised `texts`; its probabilities are scaled on held-out folds."""
    vocabulary, idf = _vocabulary(texts)
    matrix = _matrix(texts, vocabulary, idf)
    names = sorted(set(labels))
    targets = np.array([names.index(label) for label in labels])
    scale = _scale(matrix, targets, len(names), strength, balanced)
    machine = _machine(strength, balanced).fit(matrix, targets)
    weights, bias = machine.coef_.T, machine.intercept_
    if len(names) == 2:
        weights, bias = np.hstack([-weights, weights]), np.array([-bias[0], bias[0]])
    model = LinearModel(
        names, vocabulary, np.ascontiguousarray(weights, dtype=np.float32), bias.astype(np.float32), scale
    )
    model.set_idf(idf)
    return model


def _machine(strength: float, balanced: bool) -> Any:
    return LinearSVC(C=strength, class_weight="balanced" if balanced else None, random_state=0, max_iter=400, tol=1e-3)


def _vocabulary(texts: Sequence[str]) -> tuple[dict[str, int], Any]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(features(text)))
    kept = sorted((name for name, count in counts.most_common(MAX_FEATURES) if count >= 2))
    idf = np.log((1 + len(texts)) / (1 + np.array([counts[name] for name in kept]))) + 1
    return {name: index for index, name in enumerate(kept)}, idf.astype(np.float32)


def _matrix(texts: Sequence[str], vocabulary: dict[str, int], idf: Any) -> Any:
    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for text in texts:
        counts = Counter(index for name in features(text) if (index := vocabulary.get(name)) is not None)
        row = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
        weight = (1 + np.log(np.fromiter(counts.values(), dtype=np.float64, count=len(counts)))) * idf[row]
        norm = np.sqrt(np.dot(weight, weight)) or 1.0
        columns += row.tolist()
        values += (weight / norm).tolist()
        ends.append(len(columns))
    return csr_matrix((values, columns, ends), shape=(len(texts), len(vocabulary)), dtype=np.float64)


def _scale(matrix: Any, targets: Any, size: int, strength: float, balanced: bool) -> float:
    """The factor that makes held-out probabilities truest (least log loss)."""
    if Counter(targets.tolist()).most_common()[-1][1] < 2:
        return 2.0
    folds = StratifiedKFold(n_splits=2, shuffle=True, random_state=0)
    train, held = next(iter(folds.split(matrix, targets)))
    machine = _machine(strength, balanced).fit(matrix[train], targets[train])
    margins = machine.decision_function(matrix[held])
    if size == 2:
        margins = np.stack([-margins, margins], axis=1)

    def loss(scale: float) -> float:
        scaled = margins * scale
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        logs = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-logs[np.arange(len(held)), targets[held]].mean())

    return min(SCALES, key=loss)
