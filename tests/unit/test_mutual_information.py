"""The Donsker-Varadhan estimate: its formula, its corrected gradient, and Gaussians whose mutual information is known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganzoo.recipes.mutual_information import MovingBound, donsker_varadhan, estimate, held_out_bound, log_mean_exp
from ganzoo.recipes.statistics_network import StatisticsNetwork

RECORD = Path(__file__).resolve().parents[2] / "benchmarks" / "records" / "mine-gaussians.json"


def gaussians(count: int, dim: int, rho: float, seed: int) -> tuple[Tensor, Tensor]:
    """x and z (count, dim), each entry of x correlated with that of z by rho."""
    draw = torch.Generator().manual_seed(seed)
    x, noise = (torch.randn(count, dim, generator=draw) for _ in range(2))
    return x, rho * x + math.sqrt(1 - rho**2) * noise


def known(dim: int, rho: float) -> float:
    """Their mutual information in nats: -d/2 ln(1 - rho²)."""
    return -dim / 2 * math.log(1 - rho**2)


def outputs(seed: int = 0, count: int = 50) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(count, generator=draw, dtype=torch.double) for _ in range(2))


def test_the_bound_is_its_formula():
    joint, marginal = outputs()
    as_written = sum(joint.tolist()) / 50 - math.log(sum(math.exp(t) for t in marginal.tolist()) / 50)
    assert float(donsker_varadhan(joint, marginal)) == pytest.approx(as_written, abs=1e-12)
    assert float(donsker_varadhan(joint + 500, marginal + 500)) == pytest.approx(as_written, abs=1e-9)  # e^500 is no float
    assert float(log_mean_exp(torch.full((7,), 300.0))) == pytest.approx(300.0)


def test_at_the_log_density_ratio_the_bound_is_the_information():
    """Equality of the bound: no network, T = log p(x, z) - log p(x) p(z) as it is known of Gaussians."""
    rho = 0.6

    def log_ratio(x: Tensor, z: Tensor) -> Tensor:
        return (-0.5 * math.log(1 - rho**2) - (rho**2 * (x**2 + z**2) - 2 * rho * x * z) / (2 * (1 - rho**2))).flatten()

    x, z = gaussians(200_000, 1, rho, 1)
    found = float(donsker_varadhan(log_ratio(x, z), log_ratio(x, z.roll(1, 0))))
    assert found == pytest.approx(known(1, rho), abs=0.01)  # three times the sampling error, 0.0035
    worse = float(donsker_varadhan(0.5 * log_ratio(x, z), 0.5 * log_ratio(x, z.roll(1, 0))))
    assert worse < found - 0.02


def test_the_gradient_is_divided_by_the_moving_mean():
    """Equation 12, over three batches: E[dT] - E[e^T dT] / moving mean of E[e^T]; the mean begins with the first batch's."""
    bound, mean = MovingBound(0.1, dtype=torch.double), None
    for seed in range(3):
        joint, marginal = (t.requires_grad_() for t in outputs(seed))
        present = marginal.detach().exp().mean()
        mean = present if mean is None else 0.9 * mean + 0.1 * present
        of_joint, of_marginal = torch.autograd.grad(bound.loss(joint, marginal), (joint, marginal))
        torch.testing.assert_close(of_joint, torch.full_like(joint, -1 / 50))
        torch.testing.assert_close(of_marginal, marginal.detach().exp() / 50 / mean, rtol=1e-12, atol=0)
        assert float(bound.log_mean) == pytest.approx(float(mean.log()), abs=1e-12)


def test_with_rate_1_it_is_the_plain_gradient():
    bound = MovingBound(1.0, dtype=torch.double)
    for seed in range(2):
        joint, marginal = (t.requires_grad_() for t in outputs(seed))
        plain = torch.autograd.grad(-donsker_varadhan(joint, marginal), (joint, marginal))
        for one, other in zip(torch.autograd.grad(bound.loss(joint, marginal), (joint, marginal)), plain, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-15)


def test_the_correction_takes_bias_away():
    """E over batches of the gradient, for T = a·t at a = 1: the plain one is off by the quotient's bias, the corrected one hardly."""
    draw = torch.Generator().manual_seed(0)
    t = torch.randn(1500, 8, generator=draw, dtype=torch.double)  # batches of 8, e^T log-normal
    exact = 1.0  # E[t e^t] / E[e^t] of a standard normal
    a = torch.ones((), dtype=torch.double, requires_grad=True)

    def mean_gradient(rate: float) -> float:
        bound, zero = MovingBound(rate, dtype=torch.double), torch.zeros(8, dtype=torch.double)
        return sum(float(torch.autograd.grad(bound.loss(zero, a * batch), a)[0]) for batch in t) / len(t)

    plain, corrected = mean_gradient(1.0), mean_gradient(0.01)
    assert abs(plain - exact) > 0.12 and abs(corrected - exact) < 0.05


@pytest.mark.parametrize("size", [100.0, -100.0, 2000.0])
def test_what_overflows_a_float_stays_finite(size):
    """A T that jumps: e^2000 is no number, the gradient is one, at most 1 / rate for a sample."""
    bound = MovingBound(0.01)
    for level in (0.0, size, 0.0):
        marginal = torch.full((16,), level, requires_grad=True)
        (of_marginal,) = torch.autograd.grad(bound.loss(torch.zeros(16), marginal), marginal)
        assert of_marginal.isfinite().all() and of_marginal.max() <= 100 / 16 * 1.01 and bound.log_mean.isfinite()


def network(x_size: int = 12, z_size: int = 3) -> StatisticsNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return StatisticsNetwork(x_size, z_size, [8, 5]).double()


def test_pairs_are_a_plain_network_on_each_pair():
    t, draw = network(), torch.Generator().manual_seed(0)
    x = torch.randn(6, 3, 2, 2, generator=draw, dtype=torch.double)
    z = torch.randn(6, 3, generator=draw, dtype=torch.double)
    plain = nn.Sequential(t.first, nn.ELU(), t.layers[0], nn.ELU(), t.layers[1], nn.Flatten(0))
    joint, marginal = t.pairs(x, z, shift=2)
    torch.testing.assert_close(joint, plain(torch.cat((x.flatten(1), z), 1)))
    torch.testing.assert_close(t(x, z), joint)
    others = torch.stack([z[i - 2] for i in range(6)])
    torch.testing.assert_close(marginal, plain(torch.cat((x.flatten(1), others), 1)))


def test_held_out_pairs_are_all_counted():
    t, (x, z) = network(2, 2), (side.double() for side in gaussians(40, 2, 0.5, 0))
    crossed = torch.stack([t(x, z.roll(shift, 0)) for shift in (1, 2, 3)])
    expected = float((t(x, z).mean() - crossed.exp().mean().log()).detach())
    assert held_out_bound(t, x, z, shifts=3) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("dim", "rho", "short"),
    # How far below the truth 400 steps may leave the bound: about twice what five seeds do. The estimate may lie above it by the
    # sampling error of the 10,000 fresh samples alone: three of its standard deviations, at most 0.04 for these.
    [(1, 0.0, 0.01), (1, 0.9, 0.07), (5, 0.5, 0.09)],
)
def test_gaussians_of_known_information(dim, rho, short):
    found = estimate(*gaussians(6_000, dim, rho, 1), gaussians(10_000, dim, rho, 2), hidden=(32, 32), steps=400, lr=5e-3, shifts=8)
    assert known(dim, rho) - short <= found <= known(dim, rho) + 0.04


def test_the_seed_decides_and_nothing_else_is_drawn():
    data, fresh = gaussians(600, 1, 0.8, 1), gaussians(500, 1, 0.8, 2)
    before = torch.get_rng_state()
    first, again, other = (estimate(*data, fresh, hidden=(8,), steps=20, batch_size=64, seed=seed) for seed in (0, 0, 1))
    assert first == again != other and torch.equal(torch.get_rng_state(), before)


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="100 samples make no batch of 256"):
        estimate(*gaussians(100, 1, 0.5, 1), gaussians(100, 1, 0.5, 2))


def test_the_committed_validation_is_near_the_closed_form():
    """Up to 5 entries and 2 nats within 5 % (or 0.02); beyond, lower, and nowhere above the truth by more than sampling error."""
    rows = json.loads(RECORD.read_text(encoding="utf-8"))["rows"]
    assert {(row["dim"], row["rho"]) for row in rows} >= {(dim, rho) for dim in (1, 2, 5) for rho in (0.0, 0.3, 0.5, 0.9)}
    for row in rows:
        truth = known(row["dim"], row["rho"])
        assert row["closed_form"] == pytest.approx(truth, abs=1e-4) and len(row["estimates"]) == 3
        for found in row["estimates"]:
            assert found <= truth + max(0.01, 0.03 * truth)
            if row["dim"] <= 5 and truth <= 2:
                assert found >= truth - max(0.02, 0.05 * truth)
