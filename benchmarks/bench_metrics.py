"""Speed of FID and KID on Inception-sized features, as ratios within one run.

    pytest benchmarks/bench_metrics.py            # a minute or two on 2 cores, measures on an otherwise idle machine

Rounds alternate between the sides, so that a slow minute of the machine hits all; the median of the paired ratios counts.
That the sides agree in their values is asserted here too, to the tolerances of tests/parity.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from ganzoo.metrics import Moments, frechet, kid
from ganzoo.metrics.kid import self_term

metric_kid = pytest.importorskip("torch_fidelity.metric_kid", reason="torch-fidelity, compared with, is not installed")

DIM, COUNT = 2048, 10_000
ROUNDS = 3


def like_inception(seed: int) -> Tensor:
    """(COUNT, DIM) float32: none negative, mean 0.4, a long tail, dimensions that share some of what they say."""
    random = np.random.RandomState(seed)
    x = random.standard_gamma(0.6, (COUNT, DIM)).astype(np.float32) * np.linspace(0.1, 1.2, DIM, dtype=np.float32)
    return torch.from_numpy(x + 0.3 * np.roll(x, 7, axis=1))


@pytest.fixture(scope="module")
def features() -> tuple[Tensor, Tensor]:
    return like_inception(0), like_inception(1) * 1.03


def seconds(side: Callable[[], object]) -> float:
    begun = time.perf_counter()
    side()
    return time.perf_counter() - begun


def rounds(sides: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each side in each round; the side that goes first changes with each round."""
    names, taken = list(sides), {name: [] for name in sides}
    for turn in range(ROUNDS):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            taken[name].append(seconds(sides[name]))
    return taken


def ratio(taken: dict[str, list[float]], first: str, second: str) -> float:
    return statistics.median(a / b for a, b in zip(taken[first], taken[second], strict=True))


def bench_fid_solve(benchmark, features):
    """The distance between two Gaussians of 2048 dimensions, from their moments: at least 2.5 times faster than numpy's `eigvals`."""
    real, fake = (Moments(DIM).add(side) for side in features)

    def by_eigvals() -> float:
        product = real.covariance.numpy() @ fake.covariance.numpy()
        root = np.sqrt(np.linalg.eigvals(product).astype(complex)).real.sum()
        shift = float((real.mean - fake.mean).square().sum())
        return shift + float(real.covariance.trace() + fake.covariance.trace()) - 2 * root

    assert frechet(real, fake).value == pytest.approx(by_eigvals(), rel=1e-6)
    taken = rounds({"ours": lambda: frechet(real, fake), "eigvals": by_eigvals})
    found = ratio(taken, "eigvals", "ours")
    benchmark.extra_info["eigvals_over_ours"] = round(found, 2)
    benchmark.pedantic(lambda: frechet(real, fake), rounds=2)
    assert found >= 2.5, f"eigvals takes {found:.2f} times our time, expected at least 2.5"


LEAST = {  # theirs over ours
    ("default subsets", "from nothing"): 1.3,
    ("default subsets", "reals known"): 1.8,
    ("all pairs", "from nothing"): 1.8,
    ("all pairs", "reals known"): 2.3,
}


def bench_kid(benchmark, features):
    """All pairs of 10,000 against 10,000, next to torch-fidelity on the same features: its 100 random subsets of 1,000, and all pairs.

    Ours from nothing, and with the reals' own term known, as it is from the second evaluation on. Each way that starts
    from nothing takes 4 · 10¹¹ multiplications, so the bounds are about how much faster one matrix product is than another.
    """
    real, fake = features
    known = self_term(real)

    def theirs(subsets: int, size: int) -> float:
        found = metric_kid.kid_features_to_metric(fake, real, kid_subsets=subsets, kid_subset_size=size, verbose=False)
        return found[metric_kid.KEY_METRIC_KID_MEAN]

    assert kid(real, fake, known) == pytest.approx(theirs(1, COUNT), abs=1e-6)
    taken = rounds(
        {
            "default subsets": lambda: theirs(100, 1000),
            "from nothing": lambda: kid(real, fake),
            "all pairs": lambda: theirs(1, COUNT),
            "reals known": lambda: kid(real, fake, known),
        }
    )
    found = {pair: ratio(taken, *pair) for pair in LEAST}
    for (theirs_way, our_way), times in found.items():
        benchmark.extra_info[f"theirs, {theirs_way} / ours, {our_way}"] = round(times, 2)
    benchmark.pedantic(lambda: kid(real, fake, known), rounds=1)
    for (theirs_way, our_way), least in LEAST.items():
        times = found[theirs_way, our_way]
        assert times >= least, f"torch-fidelity ({theirs_way}) takes {times:.2f} times our time ({our_way}), expected at least {least}"
