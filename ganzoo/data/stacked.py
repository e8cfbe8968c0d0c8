"""`stacked-mnist` and `stacked-digits`: three random digits as the channels of a colour image, 1,000 modes that a classifier can tell.

Stacked MNIST is that of Metz et al., "Unrolled Generative Adversarial Networks" (2017), arXiv 1611.02163, as a count of lost modes.
`stacked-digits` is the suite's own small likeness of it, of scikit-learn's 8×8 digits. A split's stacks are drawn from the digits of
the same split, with replacement, so that no digit of a test stack is in a train stack; how many, and with which seed, is the suite's own.
"""

from __future__ import annotations

import numpy as np

from ganzoo.data.raw_set import RawSet, raw_set

SIZE = {"train": 50_000, "test": 10_000}  # stacks
SEED = {"train": 0, "test": 1}
CLASSES = tuple(f"{mode:03d}" for mode in range(1000))


def stack(digits: RawSet, split: str) -> RawSet:
    """uint8 (N, 1, H, W) digits → uint8 (SIZE, 3, H, W); label 100·r + 10·g + b of the digits in red, green and blue."""
    random = np.random.RandomState(SEED[split])  # this generator's stream is frozen across numpy versions
    drawn = random.randint(0, len(digits.pixels), (SIZE[split], 3))
    labels = digits.labels[drawn] @ np.array([100, 10, 1])
    return raw_set(digits.pixels[:, 0][drawn], labels.astype(np.int64), CLASSES)
