"""The embedded digits: known content, known split."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ganzoo.data import load


def test_digits_are_scaled_by_the_documented_rule_and_split_by_position():
    stored = load_digits()
    train, test = load("digits"), load("digits", "test")
    assert train.images.shape == (1437, 1, 8, 8) and test.images.shape == (360, 1, 8, 8)
    assert train.images.dtype == torch.uint8 and train.labels.dtype == torch.int64 and train.images.is_contiguous()

    exact = stored.images * 255 / 16
    rounded = np.floor(exact + 0.5).astype(np.uint8)[:, None]
    assert np.array_equal(test.images.numpy(), rounded[::5])
    assert np.array_equal(np.delete(rounded, np.s_[::5], axis=0), train.images.numpy())
    assert np.array_equal(test.labels.numpy(), stored.target[::5])
    assert (train.classes, train.name, train.split, test.split, train.shape, len(test)) == (
        tuple("0123456789"), "digits", "train", "test", (1, 8, 8), 360
    )  # fmt: skip


@pytest.mark.parametrize(
    ("split", "digest"),
    [
        ("train", "4bfb0b9886baa33b83728f46b167d798b69ea1902e2a00f522d75f625314d1b7"),
        ("test", "b88342f204ebd5218b3abe94351b79fdf7c18de0fcd2ffbb236ebb833146fa29"),
    ],
)
def test_digits_are_the_same_everywhere(split, digest):
    assert load("digits", split).digest == digest
