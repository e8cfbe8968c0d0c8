"""Which metrics a judge takes at each evaluation, which way of them is better, and what they are called."""

from __future__ import annotations

import math

import pytest

from ganzoo.judge.metrics import DIRECTION, EPOCH_OF, PROBES, SCALARS, badness, is_measured, label, listed


def test_measured_at_each_evaluation():
    assert all(is_measured(name) for name in ("frechet", "kid", "is", "precision", "entropy"))
    assert not any(is_measured(name) for name in (*PROBES, *SCALARS, *EPOCH_OF, "frechet@1.0", "parameters", "unheard", "is_split_std"))


def test_per_image_metrics_have_units_or_a_range():
    assert (label("l1"), label("psnr"), label("ssim")) == (
        "L1 distance to the target (pixels in [0, 1])", "PSNR to the target (dB)", "SSIM to the target",
    )  # fmt: skip


@pytest.mark.parametrize(("name", "better", "worse"), [("l1", 0.1, 0.2), ("psnr", 20.0, 10.0), ("ssim", 0.5, -0.1)])
def test_per_image_metrics_have_a_better_and_a_worse(name, better, worse):
    assert is_measured(name) and badness(name, better) < badness(name, worse) < badness(name, math.nan)


def test_per_image_metrics_stand_behind_those_of_sets():
    assert listed(["ssim", "probe_d", "psnr", "frechet", "l1"]) == ["frechet", "l1", "psnr", "ssim", "probe_d"]
    assert set(DIRECTION) >= {"l1", "psnr", "ssim"}
