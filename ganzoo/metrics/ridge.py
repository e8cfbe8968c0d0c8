"""The linear classifier of the probe: ridge regression on ±1 targets, one column a class, the strength chosen on held-out rows.

It is scikit-learn's StandardScaler and RidgeClassifier (a test holds the two together), but the matrix of scalar products, which is
most of the work, is made once for all strengths. In float64 on the CPU; nothing is drawn, so the same rows give the same accuracy.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.preprocessing import StandardScaler, label_binarize

STRENGTHS = (0.03, 0.3, 3.0)  # of the penalty, as multiples of the number of features
HELD_OUT = 5  # one row in so many serves to choose the strength


def accuracy(train: np.ndarray, labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> float:
    """Share of `test` (m, p) that a classifier of `train` (n, p) gets right. The last fifth of the train rows chooses the strength.

    Rows are taken in the order given: shuffle them first. The classifier that meets the test rows is fitted on all train rows.
    """
    scaler = StandardScaler()
    x = scaler.fit_transform(np.asarray(train, np.float64))
    classes = np.unique(labels)
    y = _targets(labels, classes)
    gram = _Gram(x)
    kept = len(x) - max(1, len(x) // HELD_OUT)
    strengths = [strength * x.shape[1] for strength in STRENGTHS]
    rightly = [_right(gram.fit(y, kept, strength), x[kept:], labels[kept:], classes) for strength in strengths]
    best = max(range(len(strengths)), key=lambda i: (rightly[i], strengths[i]))  # of equals the strongest
    return _right(gram.fit(y, len(x), strengths[best]), scaler.transform(np.asarray(test, np.float64)), test_labels, classes)


def _targets(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    y = label_binarize(labels, classes=classes, neg_label=-1, pos_label=1).astype(np.float64)
    return np.hstack((-y, y)) if len(classes) == 2 else y  # of two classes it makes one column


def _right(plane: tuple[np.ndarray, np.ndarray], x: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> float:
    weights, shift = plane
    return float((classes[(x @ weights + shift).argmax(1)] == labels).mean())


class _Gram:
    """Ridge regression on the first rows of x (n, p), from products of features (p ≤ n) or of rows (p > n)."""

    def __init__(self, x: np.ndarray):
        self.x = x
        self.by_rows = x.shape[1] > len(x)
        self.counted = 0  # rows in `products`, where they are of features
        self.products = x @ x.T if self.by_rows else np.zeros((x.shape[1], x.shape[1]))
        self.centred = (0, self.products)  # the latest count and its matrix

    def _of(self, count: int) -> np.ndarray:
        """Scalar products of the first `count` rows, centred. `count` must not fall from call to call."""
        if self.centred[0] == count:
            return self.centred[1]
        if self.by_rows:
            part = self.products[:count, :count]
            mean = part.mean(0)
            matrix = part - mean
            matrix -= mean[:, None] - mean.mean()
        else:
            more = self.x[self.counted : count]
            self.products += more.T @ more
            self.counted, mean = count, self.x[:count].mean(0)
            matrix = self.products - (count * mean)[:, None] * mean
        self.centred = (count, matrix)
        return matrix

    def fit(self, y: np.ndarray, count: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """(weights (p, k), shift (k,)) that minimise ‖Xw + b - y‖² + strength·‖w‖² over the first `count` rows."""
        x, target = self.x[:count], y[:count] - y[:count].mean(0)
        matrix = self._of(count).copy().T  # symmetric: this is the order that LAPACK works on in place
        matrix[np.diag_indices_from(matrix)] += strength
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        if self.by_rows:
            dual = cho_solve(factor, target, check_finite=False)
            weights = x.T @ (dual - dual.mean(0))
        else:
            weights = cho_solve(factor, x.T @ target, check_finite=False)  # the target's mean is zero: x needs no centring here
        return weights, y[:count].mean(0) - x.mean(0) @ weights
