"""Our single pass through the 2015 Inception against torch-fidelity's extractor, on one random weights file.

The published weights, 95 MB from the network, end to end:  GANZOO_DOWNLOAD=1 pytest -m network tests/parity
"""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from random_inception import images, publish, randomise, worst_relative
from torch import Tensor

from ganzoo.metrics import Moments, extractors, frechet_distance, frechet_of_features, inception_score, kid_subsets, precision_recall
from ganzoo.metrics.extractors import tf_inception
from ganzoo.metrics.resize import tf1_bilinear

REASON = "torch-fidelity, the library compared with, is not installed"
torch_fidelity = pytest.importorskip("torch_fidelity", reason=REASON)
theirs_module = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3", reason=REASON)
compat = pytest.importorskip("torch_fidelity.interpolate_compat_tensorflow", reason=REASON)

OUTPUTS = ["2048", "logits_unbiased"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "random-inception.pth"
    torch.save(randomise(tf_inception.inception()).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def ours(weights):
    with pytest.MonkeyPatch.context() as patch:
        publish(patch, tf_inception, weights)
        return tf_inception.load(torch.device("cpu"))


@pytest.fixture(scope="module")
def theirs(weights):
    return theirs_module.FeatureExtractorInceptionV3("inception-v3-compat", OUTPUTS, feature_extractor_weights_path=str(weights))


@pytest.mark.plumbing
@pytest.mark.parametrize("side", [28, 32, 64, 299, 350])
def test_features_and_logits(ours, theirs, side):
    x = images(3, side)
    features, logits = ours(x)
    their_features, their_logits = theirs(x)
    assert features.shape == (3, 2048) and logits.shape == (3, 1008)
    assert their_features.std(0).mean() > 1e-2 * their_features.mean(), "the random network tells no images apart"
    assert worst_relative(features, their_features) < 1e-6
    assert worst_relative(logits, their_logits) < 1e-6


@pytest.mark.plumbing
def test_features_do_not_depend_on_the_batch(ours):
    x = images(5, 32)
    together = ours(x)
    alone = [torch.cat(parts) for parts in zip(*(ours(one) for one in x.split(2)), strict=True)]
    for one, other in zip(together, alone, strict=True):
        assert worst_relative(one, other) < 1e-6
    assert torch.equal(ours(x)[0], together[0])


@pytest.mark.plumbing
def test_grey_is_repeated(ours):
    grey = images(2, 28)[:, :1]
    assert torch.equal(ours(grey)[0], ours(grey.repeat(1, 3, 1, 1))[0])


@pytest.mark.plumbing
def test_embed_takes_any_range(ours):
    """The same network behind the same resize: normalised pixels give the same features, others than those others."""
    x = images(2, 32)
    assert worst_relative(ours.embed((x.float() - 128) / 128)[0], ours(x)[0]) < 1e-5
    assert worst_relative(ours.embed(x.float() / 255)[0], ours(x)[0]) > 1e-2


@pytest.mark.plumbing
def test_loading_leaves_the_random_stream_alone(weights, monkeypatch):
    publish(monkeypatch, tf_inception, weights)
    before = torch.get_rng_state()
    tf_inception.load(torch.device("cpu"))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (32, 32), (33, 17), (64, 48), (299, 299), (512, 300)], ids=str)
def test_resize(shape):
    x = torch.rand(2, 3, *shape, generator=torch.Generator().manual_seed(0)) * 255
    theirs = compat.interpolate_bilinear_2d_like_tensorflow1x(x, (299, 299), align_corners=False)
    assert (tf1_bilinear(x, (299, 299)) - theirs).abs().max() < 1e-4 * 255


class Given(torch.utils.data.Dataset):
    """As torch-fidelity wants them: bare uint8 (C, H, W)."""

    def __init__(self, x: Tensor):
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Tensor:
        return self.x[index]


def their_scores(real: Tensor, fake: Tensor, **more) -> dict[str, float]:
    return torch_fidelity.calculate_metrics(
        input1=Given(fake), input2=Given(real), feature_extractor="inception-v3-compat", batch_size=16, cuda=False,
        cache=False, verbose=False, save_cpu_ram=True, **{"fid": True, "isc": False} | more,
    )  # fmt: skip


def our_fid(network, real: Tensor, fake: Tensor) -> float:
    return frechet_distance(*(Moments(network.dim).add(network(side)[0]) for side in (real, fake)))


@pytest.mark.plumbing
def test_fid_end_to_end(ours, weights):
    real, fake = images(6, 32, seed=1), images(6, 32, seed=2).flip(1) // 2
    theirs = their_scores(real, fake, feature_extractor_weights_path=str(weights))["frechet_inception_distance"]
    assert our_fid(ours, real, fake) == pytest.approx(theirs, rel=1e-5)


COUNT, SUBSETS, SUBSET, SPLITS, NEIGHBOURS = 12, 4, 8, 3, 2  # a side


@pytest.fixture(scope="module")
def measured(ours):
    """Real and fake images, which lie partly on each other, and our features and logits of both."""
    real = images(COUNT, 32, seed=1)
    fake = images(COUNT, 32, seed=2).flip(1) // 2 + real // 2
    return (real, fake), (ours(real), ours(fake))


@pytest.mark.plumbing
def test_scores_end_to_end(measured, weights):
    """Images in, numbers out, at their sampling: our KID on their subsets, our IS in their order. Their KID is float32."""
    (real, fake), ((real_features, _), (fake_features, logits)) = measured
    theirs = their_scores(
        real, fake, fid=False, isc=True, kid=True, prc=True, isc_splits=SPLITS, kid_subsets=SUBSETS, kid_subset_size=SUBSET,
        prc_neighborhood=NEIGHBOURS, feature_extractor_weights_path=str(weights),
    )  # fmt: skip
    order = np.random.RandomState(2020).permutation(COUNT)
    score, spread, _ = inception_score(logits, SPLITS, order)
    subsets = kid_subsets(real_features, fake_features, SUBSETS, SUBSET)
    precision, recall = precision_recall(real_features, fake_features, NEIGHBOURS)
    above_one = theirs["inception_score_mean"] - 1  # a random head is sure of nothing, so what is above 1 counts
    assert 1e-6 < above_one == pytest.approx(score - 1, rel=1e-4)
    assert score == pytest.approx(theirs["inception_score_mean"], rel=1e-5)
    assert spread == pytest.approx(theirs["inception_score_std"], rel=1e-4)  # of millionths: as exact as what is above 1
    their_kid = theirs["kernel_inception_distance_mean"], theirs["kernel_inception_distance_std"]
    assert min(their_kid) > 1e-4, "KID tells nothing here"
    assert (subsets.mean, subsets.std) == pytest.approx(their_kid, abs=1e-6)
    assert 0 < theirs["recall"] < 1 and 0 < theirs["precision"] < 1, "precision and recall tell nothing here"
    assert (precision, recall) == pytest.approx((theirs["precision"], theirs["recall"]), abs=2 / COUNT)


KEPT = 128  # of 2048 features: torchmetrics' eigenvalues of a 2048² matrix take most of a minute on one thread


@pytest.mark.plumbing
def test_fid_end_to_end_against_torchmetrics(measured, weights):
    """torchmetrics' own Inception with antialias=False (its TF1 resize and its forward pass, uint8 in), and its sums and distance.

    Both sides keep the first KEPT features, which is all that differs from `FrechetInceptionDistance(feature=2048, antialias=False)`.
    """
    theirs_fid = pytest.importorskip("torchmetrics.image.fid", reason="torchmetrics, the library compared with, is not installed")

    class First(torch.nn.Module):
        num_features = KEPT

        def __init__(self):
            super().__init__()
            path = str(weights)
            self.net = theirs_fid.NoTrainInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=path, antialias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x)[:, :KEPT]

    (real, fake), outputs = measured
    metric = theirs_fid.FrechetInceptionDistance(First())
    metric.update(real, real=True)
    metric.update(fake, real=False)
    found = frechet_of_features(*(features[:, :KEPT] for features, _ in outputs))
    assert found == pytest.approx(float(metric.compute()), rel=1e-5)


@pytest.mark.network
@pytest.mark.skipif(os.environ.get("GANZOO_DOWNLOAD") != "1", reason="95 MB: GANZOO_DOWNLOAD=1 pytest -m network tests/parity")
def test_published_weights_end_to_end():
    network = extractors.load("tf-inception")
    path = tf_inception.WEIGHTS.locate()
    theirs = theirs_module.FeatureExtractorInceptionV3("inception-v3-compat", OUTPUTS, feature_extractor_weights_path=str(path))
    real, fake = images(32, 32, seed=1), images(32, 32, seed=2).flip(1) // 2
    for one, other in zip(network(real), theirs(real), strict=True):
        assert worst_relative(one, other) < 1e-6
    expected = their_scores(real, fake, feature_extractor_weights_path=str(path))["frechet_inception_distance"]
    assert our_fid(network, real, fake) == pytest.approx(expected, rel=1e-5)
