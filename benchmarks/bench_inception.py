"""Speed of Inception features: ours against torch-fidelity's, as a ratio within one run, on random weights.

    pytest benchmarks/bench_inception.py            # under a minute on 2 cores, measures on an otherwise idle machine

Both take the same small uint8 images to features and logits. Rounds alternate between the two sides, so that a slow minute of the
machine hits both; the median of the paired ratios counts. That both compute the same is tests/parity/test_extractors_tf_inception.py.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ganzoo.metrics.extractors import tf_inception

theirs_module = pytest.importorskip(
    "torch_fidelity.feature_extractor_inceptionv3", reason="torch-fidelity, compared with, is not installed"
)

COUNT, SIDE = 64, 32  # images a round: torch-fidelity's default batch; ours chooses its own
ROUNDS = 3


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Speed does not depend on what the weights are, as long as activations stay ordinary numbers."""
    net, generator = tf_inception.inception(), torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, generator=generator)
    path = tmp_path_factory.mktemp("weights") / "random-inception.pth"
    torch.save(net.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.randint(0, 256, (COUNT, 3, SIDE, SIDE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def ours(weights, images) -> Callable[[], object]:
    content = weights.read_bytes()
    known = replace(tf_inception.WEIGHTS, name=weights.name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf_inception, "WEIGHTS", known)
        patch.setenv("GANZOO_WEIGHTS", str(weights))
        network = tf_inception.load(torch.device("cpu"))
    network(images[:16])  # a first pass chooses kernels
    return lambda: network(images)


@pytest.fixture(scope="module")
def theirs(weights, images) -> Callable[[], object]:
    network = theirs_module.FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(weights)
    )

    @torch.no_grad()
    def one_pass():
        return network(images)

    network(images[:16])
    return one_pass


def seconds(side: Callable[[], object]) -> float:
    begun = time.perf_counter()
    side()
    return time.perf_counter() - begun


def paired_ratio(first: Callable[[], object], second: Callable[[], object]) -> float:
    """Median over rounds of seconds(first) / seconds(second); the side that goes first changes with each round."""
    ratios = []
    for turn in range(ROUNDS):
        if turn % 2:
            b, a = seconds(second), seconds(first)
        else:
            a, b = seconds(first), seconds(second)
        ratios.append(a / b)
    return statistics.median(ratios)


def bench_inception_features(benchmark, ours, theirs):
    """Features and logits of the 2015 Inception come at least twice as fast as from torch-fidelity."""
    ratio = paired_ratio(theirs, ours)
    benchmark.extra_info["theirs_over_ours"] = round(ratio, 3)
    benchmark.pedantic(ours, rounds=2)
    benchmark.extra_info["images_a_second"] = round(COUNT / benchmark.stats.stats.median, 1)
    assert ratio >= 2, f"torch-fidelity takes {ratio:.2f} times our time, expected at least 2"
