"""The joint classifier of stacks: three digits at once, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ganzoo import data
from ganzoo.errors import DataError
from ganzoo.metrics import extractors, protocols, reals
from ganzoo.metrics.measure import measure, metric_names
from ganzoo.metrics.reals import reals_for

NAMES = ["stacked-digits", "stacked-mnist", "stacked-mnist32"]
SIDE = {"stacked-mnist32": 32}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(reals, "_held", {})


def loaded(name: str, split: str = "test", limit: int | None = None) -> data.ImageSet:
    base = name.removesuffix("32")
    if not data.describe(base)["available"]:
        pytest.skip("MNIST is not at hand (GANZOO_DATA)")
    return data.load(base, split, resize=SIDE.get(name), limit=limit)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_digit_classifier_on_each_channel(name):
    found = loaded(name, limit=40)
    features, logits = extractors.load(f"{name}-cnn")(found.images)
    one = extractors.load(f"{name.removeprefix('stacked-')}-cnn")
    apart = [one(found.images[:, [channel]]) for channel in range(3)]
    assert torch.allclose(features, torch.cat([f for f, _ in apart], 1), rtol=1e-4, atol=1e-4)
    r, g, b = (y.argmax(1) for _, y in apart)
    assert torch.equal(logits.argmax(1), 100 * r + 10 * g + b)
    assert torch.allclose(logits.exp().sum(1), torch.ones(40), atol=1e-5), "log-probabilities of independent digits sum to one"


@pytest.mark.parametrize(("name", "accuracy", "modes"), [("stacked-digits", 0.965, 998), ("stacked-mnist", 0.978, 1000)])
def test_how_well_it_knows_real_test_stacks(name, accuracy, modes):
    """The instrument's own error: about three times that of one digit. Of stacked-digits, 999 triples are in the test split."""
    found = loaded(name)
    taken = extractors.load(f"{name}-cnn")(found.images)[1].argmax(1)
    right = (taken == found.labels).double().mean()
    assert accuracy < right < 1 and len(taken.unique()) >= modes


def test_lost_modes_are_told():
    """Stacks whose red digit is below 5 have half the modes and log 2 more divergence.

    One fake is enough for a mode, so that the classifier's rare mistakes find some that are not there: the divergence hardly minds them.
    """
    count = 8_000
    protocol = replace(protocols.get("stacked-digits"), num_fake=count, num_kid=500, num_neighbours=200, real_count=count)
    found = loaded("stacked-digits", "train")
    reals_side = reals_for(protocol, images=found.images, digest=found.digest)
    half = found.images[found.labels < 500][-count:]
    whole, lost = (measure(protocol, reals_side, images.split(1000), "cpu").metrics for images in (found.images[-count:], half))
    assert list(whole) == metric_names(protocol) and not {"is", "high_quality"} & set(whole)
    assert whole["modes"] > 990 and 490 < lost["modes"] < 600
    assert whole["mode_kl"] == pytest.approx(999 / 2 / count, rel=0.2), "its bias: (k - 1)/(2 n)"
    assert lost["mode_kl"] == pytest.approx(np.log(2) + 499 / 2 / count, abs=0.05)
    assert whole["frechet"] < lost["frechet"]


def test_grey_digits_are_no_stacks():
    network = extractors.load("stacked-digits-cnn")
    with pytest.raises(DataError, match=r"expected \(N, C, H, W\) of 3 channels, 8×8"):
        network(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))
    assert not extractors.fits(extractors.card("stacked-digits-cnn"), (1, 8, 8))


def test_inceptions_classes_count_no_modes_however_many_a_stack_has():
    """A fact of the extractor, not of the number of its classes."""
    assert "modes" not in metric_names(protocols.get("tf-inception")) and "is" in metric_names(protocols.get("tf-inception"))
    assert "modes" in metric_names(protocols.get("stacked-mnist")) and extractors.card("stacked-mnist-cnn")["classes"] == 1000
