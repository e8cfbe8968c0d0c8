"""Modes of points are counted exactly: by hand-placed points, and what the mixture's own points give."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from ganzoo import data
from ganzoo.data.points import MIXTURES
from ganzoo.errors import DataError
from ganzoo.metrics import extractors, protocols, reals
from ganzoo.metrics.encode import NotFinite
from ganzoo.metrics.evaluate import evaluate
from ganzoo.metrics.measure import measure, metric_names
from ganzoo.metrics.reals import reals_for
from ganzoo.spec.schema import Case

both = pytest.mark.parametrize("name", ["ring", "grid"])


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(reals, "_held", {})
        yield


def away(name: str, mode: int, sds: float, angle: float = 0.7) -> list[float]:
    """The point so many standard deviations from the centre of a mode."""
    (x, y), sd = MIXTURES[name].centres[mode], MIXTURES[name].sd
    return [x + sds * sd * math.cos(angle), y + sds * sd * math.sin(angle)]


def as_points(rows: list[list[float]]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32).view(-1, 2, 1, 1)


def measured(name: str, rows: list[list[float]]) -> dict[str, float]:
    protocol = replace(protocols.get(name), num_fake=len(rows), num_neighbours=100)
    return measure(protocol, reals_for(protocol), [as_points(rows)], "cpu").metrics


@both
@pytest.mark.parametrize("angle", [0.0, 0.7, 2.5, 4.0])
def test_a_point_is_in_a_mode_up_to_three_standard_deviations(name, angle):
    network, count = extractors.load(f"{name}-modes"), len(MIXTURES[name].centres)
    for mode in range(count):
        rows = [away(name, mode, sds, angle) for sds in (0, 1, 2.99, 3.01, 8)]
        features, logits = network(as_points(rows))
        assert logits.argmax(1).tolist() == [mode, mode, mode, count, count]
        assert torch.equal(features, as_points(rows).flatten(1))


@both
def test_the_logits_are_log_densities_up_to_a_constant(name):
    """-d²/(2 sd²), by torch's own normal law."""
    rows = [away(name, 0, 1.5), away(name, 1, 2.0)]
    mixture = MIXTURES[name]
    logits = extractors.load(f"{name}-modes")(as_points(rows))[1]
    for mode, centre in enumerate(mixture.centres[:2]):
        law = torch.distributions.Normal(torch.tensor(centre, dtype=torch.float64), mixture.sd)
        at_peak = law.log_prob(torch.tensor(centre, dtype=torch.float64)).sum()
        expected = law.log_prob(torch.tensor(rows[mode], dtype=torch.float64)).sum() - at_peak
        assert float(logits[mode, mode]) == pytest.approx(float(expected), rel=1e-4)


def test_every_mode_once_or_all_in_one():
    one_each = [away("ring", mode, 1.0) for mode in range(8)]
    assert {"modes": 8, "high_quality": 1.0}.items() <= measured("ring", one_each).items()
    assert measured("ring", one_each)["entropy"] == pytest.approx(math.log(8), rel=1e-12)
    collapsed = measured("ring", [away("ring", 3, 0.1 * i) for i in range(20)])
    assert (collapsed["modes"], collapsed["entropy"], collapsed["high_quality"]) == (1, 0.0, 1.0)
    assert collapsed["mode_kl"] == pytest.approx(math.log(8), abs=0.06), "the reals' share of the mode is about 1/8"


def test_one_fake_is_enough_for_a_mode_and_those_in_none_count_for_none():
    rows = [away("grid", 0, 0.5)] * 98 + [away("grid", 24, 2.99), away("grid", 12, 3.01)]
    found = measured("grid", rows)
    assert (found["modes"], found["high_quality"]) == (2, 0.99)
    nowhere = measured("grid", [[1.0, 1.0 + 0.001 * i] for i in range(20)])
    assert (nowhere["modes"], nowhere["entropy"], nowhere["high_quality"]) == (0, 0.0, 0.0)
    assert nowhere["mode_kl"] == pytest.approx(math.log(25), abs=0.15), "as if all lay in the rarest mode, of about 1/25"


def test_shares_of_the_modes_are_not_quality():
    """Samples between the modes cost `high_quality` and nothing else; a lost mode costs `mode_kl`, however sharp the rest."""
    every = [away("ring", mode, 0.1) for mode in range(8)]
    stray = [[0.5, 0.001 * i] for i in range(32)]
    blurred, sharp = measured("ring", every * 6 + stray), measured("ring", every[:6] * 12)
    assert blurred["high_quality"] == 0.6 and sharp["high_quality"] == 1.0
    assert blurred["mode_kl"] < 0.01 and sharp["mode_kl"] == pytest.approx(math.log(8 / 6), abs=0.02)


@both
def test_the_mixtures_own_points_reach_all_modes(name):
    """Within 3 sd in two dimensions: 1 - exp(-9/2) = 0.98889, to 4 standard errors of 10,000."""
    found = measure(protocols.get(name), reals_for(protocols.get(name)), data.load(name).images[:10_000].split(999), "cpu").metrics
    assert list(found) == metric_names(protocols.get(name)) and not {"kid", "is"} & set(found)
    assert found["modes"] == len(MIXTURES[name].centres)
    assert found["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=0.0042)
    assert found["entropy"] == pytest.approx(math.log(found["modes"]), abs=0.005) and found["mode_kl"] < 0.01
    assert found["precision"] > 0.9 and found["coverage"] > 0.9 and found["frechet"] < 0.02


class Away(nn.Module):
    """z (N, 2) → the mode (4, 4) of the grid, or not a number."""

    def __init__(self, value: float = 4.0):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, z):
        return (self.value + 0.01 * z)[:, :, None, None]


CASE = Case.model_validate_json(
    json.dumps(
        {
            "model": {"name": "point-mlp", "latent": {"dim": 2, "dist": "normal"}},
            "data": {"name": "grid"},
            "optim": {"g": {"name": "adam", "lr": 1e-3}, "d": {"name": "adam", "lr": 1e-3}},
            "train": {"batch_size": 32, "epochs": 1},
            "eval": {"protocol": "grid", "num_select": 50},
        }
    )
)


def test_outputs_are_measured_as_they_are():
    """Clipped to [-1, 1], or rounded to 256 steps, no point would be at (4, 4)."""
    protocol = replace(protocols.get("grid"), num_fake=200, num_neighbours=100)
    found = evaluate(Away(), protocol, CASE, 0, "cpu")[0].metrics
    assert (found["modes"], found["high_quality"]) == (1, 1.0)
    with pytest.raises(NotFinite):
        evaluate(Away(math.inf), protocol, CASE, 0, "cpu")


def test_points_and_images_are_not_mixed_up():
    network = extractors.load("ring-modes")
    with pytest.raises(DataError, match=r"ring-modes got images of dtype torch.uint8, expected floating point"):
        network(torch.zeros(2, 2, 1, 1, dtype=torch.uint8))
    with pytest.raises(DataError, match=r"expected \(N, C, H, W\) of points of 2 coordinates"):
        network(torch.zeros(2, 1, 8, 8))
    with pytest.raises(DataError, match=r"expected uint8"):
        extractors.load("digits-cnn")(torch.zeros(2, 1, 8, 8))


def test_far_points_are_in_none_without_overflow():
    logits = extractors.load("ring-modes")(as_points([[1e18, -1e18], [1e-30, 0.0]]))[1]
    assert logits.argmax(1).tolist() == [8, 8] and not logits.isnan().any()


def test_constants_are_known_by_digest():
    cards = [extractors.card(name) for name in ("ring-modes", "grid-modes")]
    assert len({card["sha256"] for card in cards}) == 2
    assert cards[0]["sha256"] == extractors.load("ring-modes").weights == protocols.get("ring").weights
    assert [card["classes"] for card in cards] == [8, 25], "none is no class: it is not one of the data's"
