"""A case whose networks are told classes, from the spec to the record: trained, stopped, resumed, measured, shown; and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ganzoo.bench import grid
from ganzoo.bench.catalogue import load_checked
from ganzoo.bench.grid import SIDE, as_grid, classes_shown, save_grid
from ganzoo.bench.plan import plan
from ganzoo.bench.run import CHECKPOINT, Hooks, execute
from ganzoo.bench.store import Store
from ganzoo.errors import SpecError
from ganzoo.metrics.encode import to_uint8
from ganzoo.metrics.evaluate import generate
from ganzoo.metrics.measure import metric_names
from ganzoo.train import checkpoint

CPU = torch.device("cpu")
BIGGAN = {
    "model": {"name": "biggan", "latent": {"dim": 8, "dist": "normal"}, "ch": 2, "num_classes": 10},
    "data": {"name": "digits", "resize": 32, "range": [-1, 1], "limit": 48},
    "recipe": {"loss": "hinge", "fresh_z": True, "d_weight": 1.0},
    "optim": {"g": {"name": "adam", "lr": 1e-4, "betas": [0.0, 0.9]}, "d": {"name": "adam", "lr": 4e-4, "betas": [0.0, 0.9]}},
    "train": {"batch_size": 16, "epochs": 1, "log_every_steps": 1, "ema": 0.9},
    "eval": {"protocol": "mnist32-cnn", "num_fake": 60, "num_select": 40, "every_epochs": 1},
}


def changed(tree: dict, changes: dict) -> dict:
    tree = json.loads(json.dumps(tree))
    for path, value in changes.items():
        *parents, last = path.split(".")
        node = tree
        for part in parents:
            node = node.setdefault(part, {})
        node[last] = value
    return tree


@pytest.fixture
def run_with(tmp_path, write_tiny_spec):
    """The one run of the case with these settings changed."""

    def make(changes: dict | None = None):
        path = tmp_path / "told.yaml"
        base = changed(BIGGAN, changes or {})
        write_tiny_spec(path, {"told": {}}, base=base, sources={part: {"assumed": "a test"} for part in base})
        (run,) = plan(load_checked(path), None, "full", [0])
        return run

    return make


def interrupted_after(steps: int) -> Hooks:
    asked = iter(range(1, 10**6))
    return Hooks(interrupted=lambda: next(asked) >= steps, checkpoint_seconds=1e9)


@pytest.mark.parametrize("changes", [{}, {"model": {"name": "sagan", "latent": {"dim": 8, "dist": "normal"}, "ch": 2, "num_classes": 10}}])
def test_the_record_is_whole(run_with, store, changes):
    run = run_with(changes)
    record = execute(run, store, CPU)
    assert record["status"] == "finished" and record["losses"]["step"] == [1, 2, 3]
    assert all(np.isfinite(record["losses"][name]).all() for name in ("d", "g"))
    (entry,) = record["evaluations"]
    assert set(entry["metrics"]) == set(metric_names(run.protocol)) and all(value is not None for value in entry["metrics"].values())
    assert record["resolved"]["model"]["num_classes"] == 10 and record["counts"]["parameters"]["generator"] > 0
    assert (store.root / run.folder / entry["samples"]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("steps", [1, 2])
def test_stopped_and_resumed_it_ends_as_if_nothing_had_happened(run_with, tmp_path, steps):
    """With the stream of labels where it stood, and the averaged G."""
    run, whole, parted = run_with(), Store(tmp_path / "whole"), Store(tmp_path / "parted")
    expected = execute(run, whole, CPU)
    assert execute(run, parted, CPU, interrupted_after(steps))["status"] == "partial"
    tensors, _ = checkpoint.load(parted.root / run.folder / CHECKPOINT)
    assert "stream/labels" in tensors and any(name.startswith("net/ema.") for name in tensors)
    found = execute(run, parted, CPU)
    assert found["weights"] == expected["weights"] and found["losses"] == expected["losses"]
    assert [e["metrics"] for e in found["evaluations"]] == [e["metrics"] for e in expected["evaluations"]]
    ends = [checkpoint.load(store.root / run.folder / CHECKPOINT)[0]["stream/labels"] for store in (whole, parted)]
    assert torch.equal(*ends) and not torch.equal(ends[0], tensors["stream/labels"])


def test_what_the_networks_are_told_decides_what_they_learn(run_with, store):
    told, untold = (execute(run_with({"model.num_classes": classes}), store, CPU) for classes in (10, 0))
    assert told["key"] != untold["key"] and told["losses"] != untold["losses"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.num_classes": 12}, r"told.*model\.num_classes is 12, but digits \(train\) has 10 classes: expected 10, or 0"),
        ({"data.classes": ["0", "1", "2"]}, r"model\.num_classes is 10, but digits \(train\) has 3 classes: expected 3, or 0"),
        ({"eval.probe": True}, r"eval\.probe is true, but a network that is told classes"),
        ({"recipe": {"name": "self"}, "optim.d.lr": 1e-4}, r"model\.num_classes is 10, but the rule 'self' tells no classes"),
        ({"model.latent.dim": 10}, r"latent\.dim is 10, .*4 equal chunks.*8 or 12"),
        ({"model.attention": [32]}, r"attention names side 32,.*side 8, 16"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(run_with, tmp_path, changes, message):
    with pytest.raises(SpecError, match=message):
        run_with(changes)
    assert [path.name for path in tmp_path.iterdir()] == ["told.yaml"]


class Shades(nn.Module):
    """Every pixel is the class, in the image's left half, and z's first entry in its right."""

    def __init__(self, num_classes: int):
        super().__init__()
        self.num_classes = num_classes

    def forward(self, z, labels):
        left = (labels / self.num_classes)[:, None, None, None].expand(-1, 1, 4, 2)
        return torch.cat((left, z[:, :1, None, None].tanh().expand(-1, 1, 4, 2)), 3)


@pytest.mark.parametrize(
    ("num_classes", "rows"),
    [
        (2, [0, 1] * 4),
        (3, [0, 1, 2, 0, 1, 2, 0, 1]),
        (8, list(range(8))),
        (10, [0, 1, 2, 3, 5, 6, 7, 9]),
        (1000, [0, 142, 285]),
    ],
)
def test_a_row_of_the_grid_is_a_class_and_a_column_one_z(run_with, tmp_path, num_classes, rows):
    case = run_with().resolved
    save_grid(tmp_path / "grid.png", Shades(num_classes), case, "cpu")
    pixels = np.asarray(Image.open(tmp_path / "grid.png"))
    tiles = np.stack([[pixels[1 + 5 * i : 5 + 5 * i, 1 + 5 * j : 5 + 5 * j] for j in range(SIDE)] for i in range(SIDE)])
    shades = to_uint8(torch.tensor([row / num_classes for row in classes_shown(num_classes)]), (-1, 1)).numpy()
    assert (tiles[..., :2] == shades[:, None, None, None]).all(), "a row is of one class"
    assert (tiles[..., 2:] == tiles[:1, :, :1, 2:3]).all(), "a column is of one z"
    assert len(np.unique(tiles[0, :, 0, 2])) == SIDE
    shown = classes_shown(num_classes)
    assert shown[: len(rows)] == rows and shown[-1] == ((num_classes - 1) if num_classes >= SIDE else rows[-1])


def test_the_grid_of_a_g_that_is_told_nothing_is_what_it_was(run_with, tmp_path):
    """The first 64 samples of the stream `grid` of seed 0, in order."""
    case = run_with({"model.num_classes": 0}).resolved
    g = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Unflatten(1, (1, 4, 4)))
    save_grid(tmp_path / "grid.png", g, case, "cpu")
    with torch.no_grad():
        expected = as_grid(to_uint8(next(generate(g, case, 64, 0, "grid", "cpu")), (-1, 1)))
    assert (np.asarray(Image.open(tmp_path / "grid.png")) == np.asarray(expected)).all()
    assert grid.SIDE**2 == 64
