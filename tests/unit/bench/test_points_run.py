"""A case on points from spec to report: trained, measured, resumed, drawn; and what does not go together is refused in one line."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from ganzoo.bench.catalogue import load_checked
from ganzoo.bench.plan import plan
from ganzoo.bench.run import CHECKPOINT, Hooks, execute
from ganzoo.errors import UserError
from ganzoo.metrics.measure import metric_names
from ganzoo.report.samples import grids

CPU = torch.device("cpu")
ADAM = {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}
BASE = {
    "model": {"name": "point-mlp", "latent": {"dim": 2, "dist": "normal"}, "hidden_g": [8], "hidden_d": [8]},
    "data": {"name": "ring", "limit": 320},
    "optim": {"g": ADAM, "d": ADAM},
    "train": {"batch_size": 64, "epochs": 2, "log_every_steps": 2},
    "eval": {"protocol": "ring", "num_fake": 200, "num_select": 50, "every_epochs": 1},
}
NO_WIDTHS = {"hidden_g": None, "hidden_d": None}  # dcgan has no such options


@pytest.fixture
def run_on(tmp_path, write_tiny_spec):
    """run_on({"data": {…}}) → the one run of that base."""

    def make(changes: dict | None = None):
        base = {room: {**settings, **(changes or {}).get(room, {})} for room, settings in BASE.items()}
        base["model"] = {option: value for option, value in base["model"].items() if value is not None}
        path = tmp_path / "points.yaml"
        write_tiny_spec(path, {"only": {}}, base=base)
        (run,) = plan(load_checked(path), None, "full", [0])
        return run

    return make


def test_a_run_on_points_is_measured_and_drawn(run_on, store):
    run = run_on()
    record = execute(run, store, CPU)
    assert record["status"] == "finished" and record["data"]["shape"] == [2, 1, 1] and record["data"]["classes"] == 8
    for entry in record["evaluations"]:
        assert list(entry["metrics"]) == metric_names(run.protocol)
        assert 0 <= entry["metrics"]["modes"] <= 8 and 0 <= entry["metrics"]["high_quality"] <= 1
        with Image.open(store.root / run.folder / entry["samples"]) as picture:
            assert picture.format == "PNG" and picture.size == (320, 320)
    assert all(value > 0 for value in record["watch"]["diversity"])
    assert record["protocol"]["labels"]["modes"] == "modes reached"
    (shown,) = grids({"only": "A case"}, [record], store.root)
    assert shown.points and shown.title.startswith("A case; points: dark blue in a mode") and shown.uri


def test_a_run_that_is_killed_and_resumed_is_the_same(run_on, store, tmp_path):
    run = run_on()
    whole = execute(run, store, CPU)
    other = type(store)(tmp_path / "other")
    asked = iter(range(1, 10**6))
    half = execute(run, other, CPU, Hooks(interrupted=lambda: next(asked) >= 4, checkpoint_seconds=1e9))
    assert half["status"] == "partial" and (other.root / run.folder / CHECKPOINT).is_file()
    resumed = execute(run, other, CPU)
    assert resumed["weights"] == whole["weights"]
    assert [entry["metrics"] for entry in resumed["evaluations"]] == [entry["metrics"] for entry in whole["evaluations"]]


def test_a_trained_generator_reaches_the_ring(run_on, store):
    """Some hundred steps move the samples from around the origin towards the circle; G's outputs pass no range on the way."""
    longer = {"train": {"epochs": 60}, "eval": {"every_epochs": 60}, "model": {"hidden_g": [32, 32], "hidden_d": [32, 32]}}
    record = execute(run_on(longer), store, CPU)
    assert record["evaluations"][-1]["metrics"]["frechet"] < record["start"]["frechet"]


def test_stacks_are_trained_on_as_images(run_on, store):
    stacked = {
        "model": {"name": "mlp-gan"}, "data": {"name": "stacked-digits"}, "train": {"epochs": 1},
        "eval": {"protocol": "stacked-digits", "num_real": 500},
    }  # fmt: skip
    record = execute(run_on(stacked), store, CPU)
    metrics = record["evaluations"][-1]["metrics"]
    assert record["data"]["classes"] == 1000 and 1 <= metrics["modes"] <= 200 and metrics["mode_kl"] > 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": {"name": "dcgan", **NO_WIDTHS}}, "only: model 'dcgan' makes images, but 'ring' holds points. Set model.name: point-mlp"),
        ({"eval": {"protocol": "digits-cnn"}}, "trains on images of shape (2, 1, 1), but protocol digits-cnn reads 1 channel, 8×8"),
        ({"data": {"name": "digits"}}, "shape (1, 8, 8), but protocol ring reads points of 2 coordinates, as shape (2, 1, 1)"),
        ({"data": {"resize": 8}}, "data.resize is 8, but the points of 'ring' are no pixels: expected its default, None"),
        ({"train": {"activation_checkpointing": True}}, "model 'point-mlp' has no residual or attention blocks here"),
        ({"train": {"ranks": 2, "sync_batchnorm": True}}, "train.sync_batchnorm is true, but model 'point-mlp' has no batch norm here"),
        ({"data": {"range": [0, 1]}}, "data.range is (0.0, 1.0), but the points of 'ring' are no pixels"),
        ({"eval": {"probe": True}}, "eval.probe is True, but the points of 'ring' are no pixels"),
        ({"data": {"name": "grid"}}, "trains on 'grid', but protocol ring counts the modes of 'ring': expected eval.protocol: grid"),
        ({"eval": {"protocol": "ring@digits-cnn"}}, "'digits-cnn' reads images, protocol 'ring' is for points"),
        ({"eval": {"protocol": "stacked-digits"}}, "but protocol stacked-digits reads 3 channels, 8×8"),
    ],
    ids=[
        "a model for images",
        "a protocol for images",
        "images under ring",
        "resize",
        "no blocks",
        "no batch norm",
        "range",
        "probe",
        "another set's modes",
        "a network for images",
        "stacks",
    ],  # fmt: skip
)
def test_what_does_not_go_together(run_on, changes, says):
    with pytest.raises(UserError) as refused:
        run_on(changes)
    assert says in str(refused.value) and "\n" not in str(refused.value)
