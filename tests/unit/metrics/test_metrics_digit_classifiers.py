"""What the distances of the MNIST classifiers weigh: worse digits are further away, in 28×28 as in 32×32."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from ganzoo import data
from ganzoo.metrics import frechet_of_features
from ganzoo.metrics.extractors import card
from ganzoo.metrics.extractors import load as load_extractor

COUNT = 600  # images a side
UNSPOILED = "10 classes"
SPOILED = {
    "noise": ["noise 0.1", "noise 0.2", "noise 0.4"],
    "blend": ["blend 0.1", "blend 0.25", "blend 0.5"],
    "classes": ["9 classes", "5 classes", "2 classes"],
}

pytestmark = pytest.mark.skipif(not data.describe("mnist")["available"], reason="MNIST is not at hand (GANZOO_DATA)")


@cache
def digits(side: int) -> tuple[Tensor, Tensor]:
    """The test split at `side`, in an order of its own."""
    found = data.load("mnist", "test", resize=side)
    order = torch.randperm(len(found), generator=torch.Generator().manual_seed(0))
    return found.images[order], found.labels[order]


def spoiled(images: Tensor, labels: Tensor, how: str) -> Tensor:
    """`noise S`: of standard deviation S of the range; `blend A`: with a share A of the next image; `K classes`: the first K alone."""
    kept = images[:COUNT].float()
    if how.startswith("noise"):
        kept = kept + float(how[6:]) * 255 * torch.randn(kept.shape, generator=torch.Generator().manual_seed(1))
    elif how.startswith("blend"):
        kept = kept.lerp(kept.roll(1, 0), float(how[6:]))
    elif how.endswith("classes"):
        return images[labels < int(how.split()[0])][:COUNT]
    return kept.round().clamp(0, 255).to(torch.uint8)


@cache
def features(name: str, how: str | None) -> Tensor:
    """Of the first digits (None), or of as many others, spoiled."""
    images, labels = digits(card(name)["size"][0])
    network = load_extractor(name)
    return network(images[:COUNT] if how is None else spoiled(images[COUNT:], labels[COUNT:], how))[0]


def distance(name: str, how: str) -> float:
    return float(frechet_of_features(features(name, None), features(name, how)))


@pytest.mark.parametrize("name", ["mnist-cnn", "mnist32-cnn"])
@pytest.mark.parametrize("kind", ["noise", "blend", "classes"])
def test_the_more_spoiled_the_further(name, kind):
    found = [distance(name, how) for how in (UNSPOILED, *SPOILED[kind])]
    assert found == sorted(found)
    assert found[-1] > 20 * found[0]


@pytest.mark.parametrize("how", [how for kind in SPOILED.values() for how in kind])
def test_both_sizes_weigh_alike(how):
    """Of the same layers and training; the spec of SelfGAN's convolutional nets says so."""
    assert distance("mnist32-cnn", how) == pytest.approx(distance("mnist-cnn", how), rel=0.35)


def test_noise_does_not_outweigh_missing_classes():
    """Under the colour classifier, which reads grey images too, a tenth of noise is worse than eight classes of ten missing."""
    assert distance("mnist32-cnn", "noise 0.1") < 0.1 * distance("mnist32-cnn", "2 classes")
    assert distance("cifar10-cnn", "noise 0.1") > distance("cifar10-cnn", "2 classes")
