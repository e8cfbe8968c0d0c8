"""scikit-learn's handwritten digits: 1,797 real grey images of 8x8, part of the scikit-learn package, no file needed.

Source: `sklearn.datasets.load_digits`, a copy of the test set of the UCI "Optical Recognition of Handwritten Digits".
"""

from __future__ import annotations

import importlib.util

import numpy as np

from ganzoo.data.raw_set import RawSet, raw_set
from ganzoo.errors import DataError

CLASSES = tuple("0123456789")
TEST_EVERY = 5  # image i is a test image where i % 5 == 0: 360 test, 1,437 train


def load_digits(split: str) -> RawSet:
    """One split, uint8 (N, 1, 8, 8). The stored intensities 0..16 become round(v * 255 / 16), halves up."""
    if not is_installed():
        raise DataError(f"data set 'digits' comes with the package scikit-learn, which is not installed. {how_to_get()}")
    from sklearn.datasets import load_digits as stored

    bunch = stored()
    is_test = np.arange(len(bunch.target)) % TEST_EVERY == 0
    chosen = is_test if split == "test" else ~is_test
    v = bunch.images[chosen].astype(np.int64)  # (N, 8, 8), whole numbers 0..16
    pixels = ((v * 255 + 8) // 16).astype(np.uint8)[:, None]  # in integers, so that every machine rounds alike
    return raw_set(pixels, bunch.target[chosen].astype(np.int64), CLASSES)


def is_installed() -> bool:
    return importlib.util.find_spec("sklearn") is not None


def how_to_get() -> str:
    return "Install it: pip install scikit-learn."
