"""`evaluate`: all metrics of a protocol in one pass."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from ganzoo import data
from ganzoo.errors import DataError
from ganzoo.metrics import density_coverage, frechet_of_features, inception_score, kid, mode_coverage, precision_recall, protocols
from ganzoo.metrics.encode import evaluation_mode
from ganzoo.metrics.evaluate import evaluate, sample_images
from ganzoo.metrics.extractors import load as load_extractor
from ganzoo.metrics.measure import metric_names
from ganzoo.metrics.reals import reals_for


class Replay(nn.Module):
    """A generator that has learnt the training images by heart and shows them in order, whatever z says."""

    def __init__(self, images: torch.Tensor):
        super().__init__()
        self.images, self.shown = images.float() / 127.5 - 1, 0

    def forward(self, z):
        chosen = (torch.arange(len(z)) + self.shown) % len(self.images)
        self.shown += len(z)
        return self.images[chosen]


def test_twice_the_same(generator, small, make_case):
    assert evaluate(generator, small, make_case(), 0, "cpu") == evaluate(generator, small, make_case(), 0, "cpu")


def test_another_seed_other_samples(generator, small, make_case):
    one, two = (evaluate(generator, small, make_case(), seed, "cpu")[0].metrics for seed in (0, 1))
    assert one["frechet"] != two["frechet"]


def test_it_is_the_metrics_of_the_report_stream(generator, small, make_case):
    case, real, network = make_case(), reals_for(small).features, load_extractor("digits-cnn")
    with evaluation_mode(generator):
        fakes = torch.cat(list(sample_images(generator, case, small, 120, 4, "eval/report", "cpu")))
        others = torch.cat(list(sample_images(generator, case, small, 50, 4, "eval/select", "cpu")))
    features, logits = network(fakes)
    mean, spread, _ = inception_score(logits, 10)
    precision, recall = precision_recall(real[:100], features[:100], 3)
    density, coverage = density_coverage(real[:100], features[:100], 5)
    modes, entropy = mode_coverage(logits, 0.01)
    found, select = evaluate(generator, small, case, 4, "cpu")
    assert list(found.metrics) == metric_names(small)
    assert found.metrics == {
        "frechet": pytest.approx(frechet_of_features(real, features), rel=1e-12),
        "kid": pytest.approx(kid(real, features), rel=1e-12),
        "is": pytest.approx(mean, rel=1e-12),
        "is_split_std": pytest.approx(spread, rel=1e-9),
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
        "modes": modes,
        "entropy": entropy,
    }
    assert select == {"frechet": pytest.approx(frechet_of_features(real, network(others)[0]), rel=1e-12)}


def test_choosing_the_best_does_not_move_what_is_reported(generator, small, make_case):
    few, few_select = evaluate(generator, small, make_case(num_select=50), 0, "cpu")
    more, more_select = evaluate(generator, small, make_case(num_select=80), 0, "cpu")
    assert few == more
    assert few_select != more_select
    assert few_select["frechet"] != few.metrics["frechet"]


def test_the_best_possible_generator(small, make_case):
    """Every real image once: no distance, full coverage, and KID below zero, since it leaves out no pair of twins across the sides."""
    images = data.load("digits", "train").images
    whole = replace(small, num_fake=len(images), num_neighbours=len(images))
    metrics = evaluate(Replay(images), whole, make_case(), 0, "cpu")[0].metrics
    real = reals_for(whole)
    assert metrics["frechet"] == pytest.approx(0, abs=1e-6 * float(real.moments.covariance.trace()))
    assert metrics["precision"] == metrics["recall"] == 1.0
    assert metrics["modes"] == 10 and metrics["entropy"] == pytest.approx(math.log(10), abs=0.005)  # classes differ by a few images
    assert metrics["is"] > 9
    assert metrics["kid"] < 0


def test_the_worst_possible_generator(small, make_case):
    """One real image over and over: precise, and nothing else."""
    images = data.load("digits", "train").images
    metrics = evaluate(Replay(images[:1]), small, make_case(), 0, "cpu")[0].metrics
    real = reals_for(small)
    to_the_point = float((real.moments.mean - real.features[0].double()).square().sum() + real.moments.covariance.trace())
    assert metrics["frechet"] == pytest.approx(to_the_point, rel=1e-6)
    assert (metrics["modes"], metrics["entropy"]) == (1, 0.0)
    assert metrics["is"] == pytest.approx(1, rel=1e-9)
    assert metrics["precision"] == 1.0 and metrics["recall"] <= 0.01


def test_features_that_no_image_moves_are_no_warning(generator, small, make_case):
    """18 of the 32 of digits-cnn are dead, as its card says; one constant image leaves all 32 without variance."""
    assert load_extractor("digits-cnn").dead == 18
    images = data.load("digits", "train").images
    many, _ = evaluate(Replay(images), small, make_case(), 0, "cpu")
    assert "constant-features" not in [warning["code"] for warning in many.warnings]
    one, _ = evaluate(Replay(images[:1]), small, make_case(), 0, "cpu")
    assert [warning["code"] for warning in one.warnings] == ["constant-features"] and "32 of 32 fake" in one.warnings[0]["message"]


def test_less_of_the_data_is_further_away(small, make_case):
    """Dropping classes shows in every metric that is meant to show it."""
    digits = data.load("digits", "train")
    order = torch.randperm(len(digits.labels), generator=torch.Generator().manual_seed(0))
    images, labels = digits.images[order], digits.labels[order]
    large = replace(small, num_fake=400, num_neighbours=400)
    all_ten, five, two = (evaluate(Replay(images[labels < kept]), large, make_case(), 0, "cpu")[0].metrics for kept in (10, 5, 2))
    assert all_ten["frechet"] < five["frechet"] < two["frechet"]
    assert all_ten["kid"] < five["kid"] < two["kid"]
    assert all_ten["is"] > five["is"] > two["is"]
    assert all_ten["recall"] > five["recall"] > two["recall"]
    assert (all_ten["modes"], five["modes"], two["modes"]) == (10, 5, 2)


def test_images_of_another_shape(generator, small, make_case):
    generator.side, generator.out = 4, nn.Linear(32, 16)
    expected = r"the fakes are images of shape \(1, 4, 4\), but digits-cnn reads 1 channel, 8×8\. Choose a protocol"
    with pytest.raises(DataError, match=expected):
        evaluate(generator, small, make_case(), 0, "cpu")
    assert generator.training  # put back, although it failed


def test_reals_of_another_shape():
    with pytest.raises(DataError, match=r"digits holds images of shape \(1, 8, 8\), but mnist-cnn reads 1 channel, 28×28"):
        reals_for(replace(protocols.get("digits-cnn"), extractor="mnist-cnn"))


def test_the_reals_are_extracted_once(small):
    reals = reals_for(small)
    assert reals_for(replace(small, num_fake=77)) is reals
    assert reals_for(replace(small, num_neighbours=50)) is not reals


def test_the_reals_are_the_whole_split(small):
    reals = reals_for(small)
    images = data.load("digits", "train").images
    assert torch.allclose(reals.features, load_extractor("digits-cnn")(images)[0], rtol=1e-5, atol=1e-4)
    assert reals.moments.count == len(images) == 1437
    assert torch.equal(reals.near, reals.features[:100]) and reals.near_radii.shape == reals.coverage_radii.shape == (100,)
    assert torch.equal(reals.for_kid, reals.features) and len(reals.features) == 1437
    assert reals_for(replace(small, real_split="test")).moments.count == 360
