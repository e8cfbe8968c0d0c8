"""The four formulations against torch's own losses and closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, mse_loss, relu

from ganzoo.losses import HINGE, LEAST_SQUARES, LOSSES, MINIMAX, NON_SATURATING

every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=list(LOSSES))


def logits(seed: int) -> Tensor:
    return 3 * torch.randn(64, generator=torch.Generator().manual_seed(seed))


REAL, FAKE = logits(0), logits(1)


def slope(function, at: float) -> float:
    """d function / d logit for a batch of one."""
    x = torch.tensor([at], requires_grad=True)
    function(x).backward()
    return x.grad.item()


@pytest.mark.parametrize("loss", [NON_SATURATING, MINIMAX], ids=["non-saturating", "minimax"])
def test_d_minimises_binary_cross_entropy(loss):
    """Goodfellow et al. 2014, eq. 1: reals are labelled 1, fakes 0."""
    with_logits = binary_cross_entropy_with_logits(REAL, torch.ones(64)) + binary_cross_entropy_with_logits(FAKE, torch.zeros(64))
    torch.testing.assert_close(loss.d(REAL, FAKE), with_logits)
    on_probabilities = binary_cross_entropy(REAL.sigmoid(), torch.ones(64)) + binary_cross_entropy(FAKE.sigmoid(), torch.zeros(64))
    torch.testing.assert_close(loss.d(REAL, FAKE), on_probabilities, rtol=1e-4, atol=1e-5)


def test_non_saturating_g_wants_fakes_called_real():
    torch.testing.assert_close(NON_SATURATING.g(FAKE), binary_cross_entropy_with_logits(FAKE, torch.ones(64)))


def test_minimax_g_maximises_what_d_minimises():
    torch.testing.assert_close(MINIMAX.g(FAKE), -binary_cross_entropy_with_logits(FAKE, torch.zeros(64)))


def test_hinge():
    """Miyato et al. 2018, eq. 16-17: real 2, -1 cost 0, 2; fake 0.5, -3 cost 1.5, 0."""
    assert HINGE.d(torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])).item() == pytest.approx(1.0 + 0.75)
    assert HINGE.g(torch.tensor([0.5, -3.0])).item() == pytest.approx(1.25)
    torch.testing.assert_close(HINGE.d(REAL, FAKE), (relu(1 - REAL) + relu(1 + FAKE)).mean())


def test_least_squares():
    """Mao et al. 2017, eq. 9."""
    halves = 0.5 * mse_loss(REAL, torch.ones(64)) + 0.5 * mse_loss(FAKE, torch.zeros(64))
    torch.testing.assert_close(LEAST_SQUARES.d(REAL, FAKE), halves)
    torch.testing.assert_close(LEAST_SQUARES.g(FAKE), 0.5 * mse_loss(FAKE, torch.ones(64)))


@pytest.mark.parametrize(
    ("loss", "of_d", "of_g"),
    [
        (NON_SATURATING, 2 * math.log(2), math.log(2)),
        (MINIMAX, 2 * math.log(2), -math.log(2)),
        (HINGE, 2.0, 0.0),
        (LEAST_SQUARES, 0.5, 0.5),
    ],
    ids=["non-saturating", "minimax", "hinge", "least-squares"],
)
def test_values_where_d_knows_nothing(loss, of_d, of_g):
    """All logits zero; for the first, Goodfellow et al. 2014, theorem 1: -log 4 is the game's value."""
    zero = torch.zeros(5)
    assert loss.d(zero, zero).item() == pytest.approx(of_d)
    assert loss.g(zero).item() == pytest.approx(of_g)


@every_loss
def test_scalars_and_means(loss):
    """A batch seen twice costs the same; real and fake batches may differ in size."""
    assert loss.d(REAL, FAKE).shape == () and loss.g(FAKE).shape == ()
    torch.testing.assert_close(loss.d(REAL.repeat(2), FAKE.repeat(2)), loss.d(REAL, FAKE))
    torch.testing.assert_close(loss.g(FAKE.repeat(2)), loss.g(FAKE))
    torch.testing.assert_close(loss.d(REAL.repeat(2), FAKE), loss.d(REAL, FAKE))


@every_loss
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_values_and_gradients_stay_finite(loss, size):
    real, fake = torch.full((4,), size, requires_grad=True), torch.full((4,), size, requires_grad=True)
    (loss.d(real, fake) + loss.g(fake)).backward()
    assert loss.d(real, fake).isfinite() and loss.g(fake).isfinite()
    assert real.grad.isfinite().all() and fake.grad.isfinite().all()


@every_loss
@pytest.mark.parametrize("at", [0.1, 0.9])
def test_players_pull_in_opposite_directions(loss, at):
    """Inside the margin, where every formulation has a slope: D raises reals and lowers fakes, G raises fakes."""
    assert slope(lambda x: loss.d(x, torch.zeros(1)), at) < 0
    assert slope(lambda x: loss.d(torch.zeros(1), x), at) > 0
    assert slope(loss.g, at) < 0


def test_least_squares_pulls_fakes_to_zero():
    """Unlike the others it also punishes fakes far below."""
    assert slope(lambda x: LEAST_SQUARES.d(torch.zeros(1), x), -0.9) == pytest.approx(-0.9)


def test_only_minimax_saturates():
    """Where D is sure of a fake, minimax leaves G no gradient and the non-saturating form all of it."""
    assert slope(MINIMAX.g, -30.0) == pytest.approx(0.0, abs=1e-9)
    assert slope(NON_SATURATING.g, -30.0) == pytest.approx(-1.0)


def test_hinge_stops_at_the_margin():
    assert slope(lambda x: HINGE.d(x, torch.zeros(1)), 1.5) == 0
    assert slope(lambda x: HINGE.d(torch.zeros(1), x), -1.5) == 0
