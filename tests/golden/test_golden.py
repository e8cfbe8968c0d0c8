"""A small fixed training: the same bits twice on one machine, the pinned numbers everywhere."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

import golden_run as golden
import pytest
import torch

import ganzoo

PINNED = json.loads(golden.PINNED.read_text())
AGAIN = "If the change is meant: python tests/golden/golden_run.py --write"


@pytest.fixture(scope="module", autouse=True)
def as_before():
    """Threads and the global stream are put back: a golden run takes one thread and seeds the stream."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def runs() -> list[dict]:
    return [golden.golden_run(seed) for seed in golden.SEEDS]


def band(metric: str) -> tuple[float, float]:
    """Where the mean of a metric over as many other seeds would lie: four standard errors of the difference of two means."""
    values = [run["late"][metric] for run in PINNED["runs"]]
    reach = 4 * statistics.stdev(values) * math.sqrt(2 / len(values))
    return statistics.mean(values) - reach, statistics.mean(values) + reach


def test_the_pinned_case_is_the_one_that_runs():
    assert PINNED["case"] == golden.CASE, AGAIN
    assert [run["seed"] for run in PINNED["runs"]] == golden.SEEDS


@pytest.mark.parametrize("index", range(len(golden.SEEDS)), ids=[f"seed-{seed}" for seed in golden.SEEDS])
def test_early_losses(runs, index):
    """The first eight windows of five steps. Weights off by 1e-6 move them by up to 2e-3, 5 % on a learning rate by 3e-2."""
    for player in ("d", "g"):
        assert runs[index]["losses"][player] == pytest.approx(PINNED["runs"][index]["losses"][player], rel=3e-3), AGAIN


@pytest.mark.parametrize("index", range(len(golden.SEEDS)), ids=[f"seed-{seed}" for seed in golden.SEEDS])
def test_early_metrics(runs, index):
    """After 40 steps, 1,000 fakes: near the pinned values on every machine, so a change of any metric shows."""
    ours, theirs = runs[index]["early"], PINNED["runs"][index]["early"]
    for metric in ("frechet", "kid", "is", "entropy"):
        assert ours[metric] == pytest.approx(theirs[metric], rel=1e-2), f"{metric}. {AGAIN}"
    for metric in ("precision", "recall"):
        assert ours[metric] == pytest.approx(theirs[metric], abs=0.01), f"{metric}. {AGAIN}"


@pytest.mark.parametrize("metric", golden.METRICS)
def test_late_metrics_by_their_law_over_seeds(runs, metric):
    low, high = band(metric)
    assert low <= statistics.mean(run["late"][metric] for run in runs) <= high, AGAIN


def test_the_bands_are_not_so_wide_that_everything_fits():
    """A training stopped after 40 steps falls out of most of them."""
    early = {metric: statistics.mean(run["early"][metric] for run in PINNED["runs"]) for metric in golden.METRICS}
    outside = [metric for metric in golden.METRICS if not band(metric)[0] <= early[metric] <= band(metric)[1]]
    assert {"frechet", "kid"} <= set(outside)


def test_the_same_bits_twice(runs):
    """Losses, metrics and the digest of the weights, in another process with another hash seed.

    The last run of this process found the extractor loaded, the other process has to load it between two parts of the
    training: that must move nothing.
    """
    places = [str(Path(ganzoo.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": os.pathsep.join(filter(None, places))}
    command = [sys.executable, golden.__file__, "--seed", str(golden.SEEDS[-1])]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == runs[-1]


def test_every_seed_is_its_own_training(runs):
    assert len({run["weights"] for run in runs}) == len(runs)
