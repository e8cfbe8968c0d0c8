"""Error rates by simulation: thousands of made-up experiments, decided by the functions the judge uses. Seeded."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from ganzoo.judge.stats.equivalence import equivalences
from ganzoo.judge.stats.holm import holm
from ganzoo.judge.stats.intervals import difference_interval, mean_interval, prediction_interval, superiority
from ganzoo.judge.stats.permutation import tails
from ganzoo.judge.stats.shares import clopper_pearson
from ganzoo.judge.stats.trend import trend

EXPERIMENTS = 4000
ALPHA = 0.05
SLACK = 3 * np.sqrt(ALPHA * (1 - ALPHA) / EXPERIMENTS)  # three standard errors of a simulated rate: about 0.01


def draw(law: str, size: tuple[int, ...], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return {"normal": rng.standard_normal, "skewed": lambda s: rng.lognormal(0, 1, s), "collapsing": lambda s: _collapsing(rng, s)}[law](
        size
    )


def _collapsing(rng, size):
    """One training in four ends far off, as GANs do."""
    return rng.normal(10, 1, size) + 80 * (rng.random(size) < 0.25)


def two_sided(x, y, paired=False):
    greater, less = tails(x, y, paired)
    return np.minimum(1, 2 * np.minimum(greater, less))


@pytest.mark.parametrize("law", ["normal", "skewed", "collapsing"])
@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_a_configuration_against_itself_differs_no_more_often_than_alpha(law, n):
    p = two_sided(draw(law, (EXPERIMENTS, n), 1), draw(law, (EXPERIMENTS, n), 2))
    assert np.mean(p <= ALPHA) <= ALPHA + SLACK
    if n == 3:
        assert p.min() == pytest.approx(0.1)  # three against three decide nothing


def test_the_test_is_no_more_careful_than_its_steps_force_it_to_be():
    """Of 924 splits of 6 + 6, 46 lie within alpha: the rate is close below it. A test that never rejects would pass the others."""
    p = two_sided(draw("normal", (EXPERIMENTS, 6), 1), draw("normal", (EXPERIMENTS, 6), 2))
    assert np.mean(p <= ALPHA) >= ALPHA - 2 * SLACK


def test_unequal_numbers_of_seeds():
    p = two_sided(draw("skewed", (EXPERIMENTS, 3), 1), draw("skewed", (EXPERIMENTS, 7), 2))
    assert np.mean(p <= ALPHA) <= ALPHA + SLACK


def test_a_real_difference_is_seen():
    p = two_sided(draw("normal", (EXPERIMENTS, 5), 1) + 3, draw("normal", (EXPERIMENTS, 5), 2))
    assert np.mean(p <= ALPHA) > 0.95


def test_pairs_of_one_trajectory():
    """Epochs of one training differ by less than trainings do: still no more than alpha, and a steady gain is seen."""
    training = 20 * draw("normal", (EXPERIMENTS, 1), 3)
    a, b = training + draw("normal", (EXPERIMENTS, 6), 1), training + draw("normal", (EXPERIMENTS, 6), 2)
    assert np.mean(two_sided(a, b, paired=True) <= ALPHA) <= ALPHA + SLACK
    assert np.mean(two_sided(a + 4, b, paired=True) <= ALPHA) > 0.9


@pytest.mark.parametrize(("law", "n"), [("normal", 3), ("normal", 4), ("normal", 6), ("skewed", 5)])
@pytest.mark.parametrize("sign", [1, -1])
def test_equivalence_is_not_claimed_where_the_difference_equals_the_margin(law, n, sign):
    x, y = draw(law, (EXPERIMENTS, n), 1), draw(law, (EXPERIMENTS, n), 2)
    within, _ = equivalences(x + sign * 2.0, y, 2.0)
    assert np.mean(within <= ALPHA) <= ALPHA + SLACK


def test_equivalence_with_a_relative_margin_taken_from_the_first_case():
    """The margin's own scatter is not accounted for; at 10 % of a mean known to 5 % that costs little."""
    x = 100 + 5 * draw("normal", (EXPERIMENTS, 6), 1)
    y = 110 + 5 * draw("normal", (EXPERIMENTS, 6), 2)
    within, _ = equivalences(x, y, 0.1 * np.abs(x.mean(axis=1)))
    assert np.mean(within <= ALPHA) <= ALPHA + 2 * SLACK


@pytest.mark.parametrize("true_difference", [0.0, 1.5, 2.0])
def test_no_difference_is_not_contradicted_within_the_margin(true_difference):
    x, y = draw("normal", (EXPERIMENTS, 5), 1), draw("normal", (EXPERIMENTS, 5), 2)
    _, beyond = equivalences(x + true_difference, y, 2.0)
    assert np.mean(beyond <= ALPHA) <= ALPHA + SLACK


def test_equivalence_is_shown_and_refuted_where_there_is_reason():
    x, y = draw("normal", (EXPERIMENTS, 6), 1), draw("normal", (EXPERIMENTS, 6), 2)
    assert np.mean(equivalences(x, y, 3.0)[0] <= ALPHA) > 0.95
    assert np.mean(equivalences(x + 6, y, 3.0)[1] <= ALPHA) > 0.95


@pytest.mark.parametrize("law", ["normal", "skewed"])
@pytest.mark.parametrize("n", [3, 5])
def test_intervals_of_means_cover(law, n):
    """Nominal for normal scatter; a skewed law costs a t-interval of few seeds some of its cover."""
    truth = {"normal": 0.0, "skewed": np.exp(0.5)}[law]
    covered = [low <= truth <= high for low, high in map(mean_interval, draw(law, (2000, n), 4))]
    assert np.mean(covered) >= {"normal": 0.935, "skewed": 0.8}[law]


@pytest.mark.parametrize(("n", "m"), [(3, 3), (3, 6), (5, 5)])
def test_intervals_of_differences_cover(n, m):
    x, y = 1 + 3 * draw("normal", (2000, n), 5), draw("normal", (2000, m), 6)
    covered = [low <= 1 <= high for low, high in map(difference_interval, x, y)]
    assert np.mean(covered) >= 0.92


@pytest.mark.parametrize("n", [2, 3, 6])
def test_prediction_intervals_hold_the_next_training(n):
    seeds, following = draw("normal", (3000, n), 7), draw("normal", (3000,), 8)
    inside = [low <= new <= high for (low, high), new in zip(map(prediction_interval, seeds), following, strict=True)]
    assert 0.935 <= np.mean(inside) <= 0.965


@pytest.mark.parametrize("shift", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("n", [3, 5])
def test_intervals_of_the_chance_to_be_better_cover(shift, n):
    truth = norm.cdf(shift / np.sqrt(2))
    x, y = draw("normal", (1500, n), 9), draw("normal", (1500, n), 10) + shift
    covered = [low <= truth <= high for _, (low, high) in map(superiority, x, y)]
    assert np.mean(covered) >= 0.94


@pytest.mark.parametrize("share", [0.05, 0.5, 0.8])
def test_intervals_of_shares_cover(share):
    counts = np.random.default_rng(11).binomial(5, share, 3000)
    assert np.mean([low <= share <= high for low, high in (clopper_pearson(k, 5) for k in counts)]) >= 0.95 - 0.012


def test_holm_keeps_the_chance_of_any_false_verdict_below_alpha():
    """Ten claims of six seeds, seven without any difference, three with one; two thousand suites."""
    pairs = [(draw("normal", (2000, 6), 2 * i), draw("normal", (2000, 6), 2 * i + 1) + (5 if i > 6 else 0)) for i in range(10)]
    p = np.stack([two_sided(x, y) for x, y in pairs], axis=1)
    adjusted = np.array([holm(row) for row in p])
    assert np.mean((adjusted[:, :7] <= ALPHA).any(axis=1)) <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / 2000)
    assert np.mean((p[:, :7] <= ALPHA).any(axis=1)) > 0.2  # without it, every fourth suite would claim something false
    assert np.mean(adjusted[:, 7:] <= ALPHA) > 0.9


@pytest.mark.parametrize("paired", [False, True])
def test_trends_are_not_seen_where_there_is_none(paired):
    """Within trajectories the trainings differ far more than their epochs do."""
    rng = np.random.default_rng(12)
    seen = []
    for _ in range(1500):
        values = rng.normal(size=(4, 3)) + (10 * rng.normal(size=(4, 1)) if paired else 0)  # (seeds, cases)
        rows = [list(enumerate(row)) for row in values]
        test, _ = trend(rows if paired else [sum(rows, [])], "x")
        seen.append(test.two_sided <= ALPHA)
    assert np.mean(seen) <= ALPHA + 3 * np.sqrt(ALPHA * 0.95 / 1500)
    assert np.mean(seen) > 0.01
