"""Fits linear models over n-grams with scikit-learn, the one of the gateway as well as the older one of the engine.

Runs on Python 3.10 too.
"""

from __future__ import annotations

from array import array
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
    vocabulary, idf, matrix = _matrix(texts)
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
    return LinearSVC(C=strength, class_weight=weight_of, random_state=0, max_iter=400, tol=1e-2)


def _matrix(texts: Sequence[str]) -> tuple[dict[str, int], Any, Any]:
    """The features kept, their inverse document frequencies, and a row of unit length for each text."""
    numbers: dict[str, int] = {}
    columns, ends = array("i"), [0]
    for text in texts:
        columns.extend([numbers.setdefault(name, len(numbers)) for name in features(text)])
        ends.append(len(columns))
    matrix = csr_matrix((np.ones(len(columns)), np.asarray(columns), ends), shape=(len(texts), len(numbers)))
    matrix.sum_duplicates()
    frequency = np.bincount(matrix.indices, minlength=len(numbers))
    often = np.argsort(-frequency, kind="stable")[:MAX_FEATURES]
    found = list(numbers)
    kept = sorted((int(number) for number in often if frequency[number] >= 2), key=found.__getitem__)
    idf = (np.log((1 + len(texts)) / (1 + frequency[kept])) + 1).astype(np.float32)
    matrix = matrix[:, kept]
    matrix.data = (1 + np.log(matrix.data)) * idf[matrix.indices]
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    matrix.data /= np.sqrt(np.repeat(squares, np.diff(matrix.indptr)))
    return {found[number]: column for column, number in enumerate(kept)}, idf, matrix


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
