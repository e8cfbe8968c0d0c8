"""Are parts of a trained GAN good features? A linear classifier on frozen D and G, against the pixels and the untrained networks.

After Radford et al. 2015 (arXiv 1511.06434), §5.1, who show the maps of D's convolutional layers, max-pooled to 4×4, to a linear
L2-SVM. Here the classifier is ridge regression (`ridge.py`), whose result does not hang on a solver's patience. Which layers: see
`layer_outputs.py`. What G's features are is the suite's own reading: `backwards.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ganzoo.metrics.backwards import Backwards, NotReversible
from ganzoo.metrics.encode import NotFinite, evaluation_mode
from ganzoo.metrics.features import MetricError
from ganzoo.metrics.layer_outputs import hidden_outputs
from ganzoo.metrics.ridge import accuracy

PROBES = ("probe_d", "probe_untrained_d", "probe_g", "probe_untrained_g", "probe_pixels")  # names of the accuracies
NUM_TRAIN, NUM_TEST = 5000, 2000  # images at most, of each part
BATCH = 250
SHUFFLE_SEED = 0  # that of the shuffle behind data.limit


class Labelled(Protocol):
    """What is read of an ImageSet."""

    images: Tensor  # uint8 (N, C, H, W)
    labels: Tensor  # int64 (N,)


def probe(
    g: nn.Module,
    d: nn.Module,
    untrained_g: nn.Module,
    untrained_d: nn.Module,
    train: Labelled,
    test: Labelled,
    value_range: tuple[float, float],
    latent: int,
    device: str,
    num_train: int = NUM_TRAIN,
    num_test: int = NUM_TEST,
) -> dict[str, float]:
    """Test accuracies, 0..1, by the names in PROBES; without `probe_g` and `probe_untrained_g` where a G cannot be run backwards.

    `train` and `test`: labelled images; of each the first `num_train`, `num_test` of the shuffle behind `data.limit` are used.
    `value_range`: of the networks' images. `latent`: numbers in z. The four networks lie on `device` and are left as they are.
    MetricError for fewer than two classes, NotFinite for a network whose features are no numbers.
    """
    (x, y), (x_test, y_test) = first(train, num_train), first(test, num_test)
    if (classes := len(set(y.tolist()))) < 2 or not len(y_test):
        found = f"the probe has {len(y):,} train images of {classes} class(es) and {len(y_test):,} test images"
        raise MetricError(f"{found}, expected two classes or more and some test images. Use labelled data, or set eval.probe: false.")

    def score(features: Callable[[Tensor], Tensor], whose: str) -> float:
        rows, test_rows = (in_batches(images, features, value_range, device, whose) for images in (x, x_test))
        return accuracy(rows, y.numpy(), test_rows, y_test.numpy())

    found = {}
    for name, net in (("probe_d", d), ("probe_untrained_d", untrained_d)):
        with evaluation_mode(net):
            found[name] = score(lambda images, net=net: hidden_outputs(net, lambda: net(images)), "D's")
    try:
        for name, net in (("probe_g", g), ("probe_untrained_g", untrained_g)):
            with evaluation_mode(net):
                found[name] = score(Backwards(net, latent, BATCH, device).features, "G's")
    except NotReversible:  # the pair of them says something, one alone does not
        found.pop("probe_g", None)
    return found | {"probe_pixels": score(lambda images: images.flatten(1), "the images'")}


def first(part: Labelled, limit: int) -> tuple[Tensor, Tensor]:
    """The first `limit` images and labels of the fixed shuffle, in its order, on the CPU."""
    chosen = torch.from_numpy(np.random.RandomState(SHUFFLE_SEED).permutation(len(part.labels))[:limit])
    return part.images.cpu()[chosen], part.labels.cpu()[chosen]


def in_batches(
    images: Tensor, features: Callable[[Tensor], Tensor], value_range: tuple[float, float], device: str, whose: str
) -> np.ndarray:
    """Features (N, p), float32, of uint8 images (N, C, H, W); pixel p becomes lo + p·(hi - lo)/255. NotFinite."""
    lo, hi = value_range
    parts = [features(part.to(device).float().mul_((hi - lo) / 255.0).add_(lo)).cpu() for part in images.split(BATCH)]
    rows = torch.cat(parts)
    if not bool(torch.isfinite(rows.sum(dtype=torch.float64))):
        raise NotFinite(f"{whose} features are not finite: there is nothing to classify. Look where its training diverged.")
    return rows.numpy()
