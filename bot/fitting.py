"""Fits linear models over n-grams with scikit-learn, the one of the gateway as well as the older one of the engine.

Runs on Python 3.10 too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from bot.domain.ngrams import LinearModel, features

MAX_FEATURES = 260_000
FOLDS = 3
SCALES = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0)


def fit(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    strength: float = 1.0,
    balance: float = 0.0,
    counts_as: Callable[[str], str] = str,
    originals: int | None = None,
) -> LinearModel:
    """A linear model for normalised `texts`; its probabilities are scaled on held-out messages.

    `balance`: 0 lets frequent labels weigh by their number, 1 gives all labels the same weight, 0.5 the mean way between.
    `counts_as` says which labels are one answer to whoever asks (`high` for every `<intent>/high`): the scale that makes
    those answers truest is taken.
    `originals`: so many of the first texts are messages, what follows are the same ones written again, and nothing to be held
    out: a model knows what it has seen in another spelling.
    """
    counted = [Counter(features(text)) for text in texts]
    vocabulary, idf = _vocabulary(counted)
    matrix = _matrix(counted, vocabulary, idf)
    del counted
    names = sorted(set(labels))
    targets = np.array([names.index(label) for label in labels])
    answers = sorted({counts_as(name) for name in names})
    groups = np.array([answers.index(counts_as(name)) for name in names])
    numbers = np.bincount(targets)
    weight_of = dict(enumerate((len(targets) / (len(names) * numbers)) ** balance))
    first = slice(originals)
    scale = _scale(matrix[first], targets[first], groups, _machine(strength, weight_of))
    weights, bias = _weights(_machine(strength, weight_of).fit(matrix, targets))
    return LinearModel(names, vocabulary, weights, bias, scale, idf)


def _weights(machine: Any) -> tuple[Any, Any]:
    weights, bias = machine.coef_.T, machine.intercept_
    if weights.shape[1] == 1:
        weights, bias = np.hstack([-weights, weights]), np.array([-bias[0], bias[0]])
    return np.ascontiguousarray(weights, dtype=np.float32), bias.astype(np.float32)


def _machine(strength: float, weight_of: dict[int, float]) -> Any:
    return LinearSVC(C=strength, class_weight=weight_of, random_state=0, max_iter=400, tol=1e-3)


def _vocabulary(counted: Sequence[Counter[str]]) -> tuple[dict[str, int], Any]:
    counts: Counter[str] = Counter()
    for found in counted:
        counts.update(found.keys())
    kept = sorted((name for name, count in counts.most_common(MAX_FEATURES) if count >= 2))
    idf = np.log((1 + len(counted)) / (1 + np.array([counts[name] for name in kept]))) + 1
    return {name: index for index, name in enumerate(kept)}, idf.astype(np.float32)


def _matrix(counted: Sequence[Counter[str]], vocabulary: dict[str, int], idf: Any) -> Any:
    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for found in counted:
        counts = {index: count for name, count in found.items() if (index := vocabulary.get(name)) is not None}
        row = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
        weight = (1 + np.log(np.fromiter(counts.values(), dtype=np.float64, count=len(counts)))) * idf[row]
        norm = np.sqrt(np.dot(weight, weight)) or 1.0
        columns += row.tolist()
        values += (weight / norm).tolist()
        ends.append(len(columns))
    return csr_matrix((values, columns, ends), shape=(len(counted), len(vocabulary)), dtype=np.float64)


def _scale(matrix: Any, targets: Any, groups: Any, machine: Any) -> float:
    """The factor that makes the held-out probabilities of the groups truest (least log loss)."""
    counts = Counter(targets.tolist())
    common = np.flatnonzero([counts[target] >= FOLDS for target in targets])
    if len(common) < FOLDS:
        return 3.0
    train, held = next(iter(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(common, targets[common])))
    machine.fit(matrix[common[train]], targets[common[train]])
    weights, bias = _weights(machine)
    margins = matrix[common[held]] @ weights + bias
    members = groups[machine.classes_][np.newaxis, :] == groups[targets[common[held]]][:, np.newaxis]

    def loss(scale: float) -> float:
        powers = np.exp((margins - margins.max(axis=1, keepdims=True)) * scale)
        right = (powers * members).sum(axis=1) / powers.sum(axis=1)
        return float(-np.log(np.maximum(right, 1e-9)).mean())

    return min(SCALES, key=loss)
