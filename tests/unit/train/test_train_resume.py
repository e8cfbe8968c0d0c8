"""Stopped, saved, loaded in a fresh training and continued: the same bits as never stopped."""

from __future__ import annotations

import pytest
import torch

from ganzoo.errors import CheckpointError
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train import checkpoint
from ganzoo.train.loop import train
from ganzoo.train.state import State

STEPS = 11
CPU = torch.device("cpu")

KINDS = {
    "dense": {},
    "dropout, batch norm, average": {"model.dropout_g": 0.4, "model.dropout_d": 0.3, "model.batchnorm_g": True, "train.ema": 0.9},
    "sgd for D": {"model.dropout_d": 0.3, "optim.d": {"name": "sgd", "lr": 0.05}},
    "sgd with momentum": {"optim.d": {"name": "sgd", "lr": 0.05, "momentum": 0.9}, "optim.g": {"name": "sgd", "lr": 0.05}},
    "convolutional, channels last": {
        "model": {"name": "conv-gen-gan", "latent": {"dim": 8, "dist": "uniform"}, "filters": [3, 4], "hidden_d": [16]},
        "train.channels_last": True,
    },
    "bf16": {"train.precision": "bf16", "model.dropout_d": 0.3},
    "g first": {"recipe.order": "g-first", "model.dropout_d": 0.3},
    "self": {"recipe": {"name": "self"}, "model.dropout_d": 0.3, "train.ema": 0.9},
    "self, four shards, batch norm, bf16": {
        "recipe": {"name": "self", "form": "normalised", "balance": "outputs", "shards": 4, "loss": "mse"},
        "model.batchnorm_g": True,
        "train.precision": "bf16",
    },
    "two D steps, new z, unfused": {"recipe.d_steps": 2, "recipe.fresh_z": True, "optim.fused": False, "recipe.loss": "hinge"},
}
every_kind = pytest.mark.parametrize("changes", KINDS.values(), ids=list(KINDS))


def fresh(case, images, seed: int = 0, total: int = STEPS) -> State:
    return State.fresh(case, images, seed, total, CPU)


def outcome(state: State) -> tuple:
    """All that a record tells of a training, and where its streams stand."""
    return state.step, state.weights_digest(), state.log.read(), digest_tensors(state.pack()[0])


@pytest.fixture
def undisturbed(make_case, images, changes):
    case = make_case(changes)
    state = fresh(case, images)
    assert train(case, state, STEPS)
    return outcome(state)


def reloaded(case, images, path) -> State:
    """A fresh training, of another seed and with the global stream elsewhere, into which `path` is loaded."""
    state = fresh(case, images, seed=99)
    torch.manual_seed(4321)
    tensors, meta = checkpoint.load(path)
    state.restore(tensors, meta["training"])
    return state


def save(state: State, path) -> None:
    tensors, meta = state.pack()
    checkpoint.save(path, tensors, {"training": meta})


@every_kind
@pytest.mark.parametrize("stop", [3, 6], ids=["inside an epoch and a window", "at an epoch's edge"])
def test_resumed_equals_undisturbed(make_case, images, tmp_path, changes, stop, undisturbed):
    case = make_case(changes)
    state = fresh(case, images)
    train(case, state, stop)
    save(state, tmp_path / "c")
    resumed = reloaded(case, images, tmp_path / "c")
    assert (resumed.step, resumed.weights_digest()) == (stop, state.weights_digest())
    train(case, resumed, STEPS)
    assert outcome(resumed) == undisturbed


@pytest.mark.parametrize("changes", [KINDS["dropout, batch norm, average"]], ids=["dropout, batch norm, average"])
def test_killed_after_every_step(make_case, images, tmp_path, changes, undisturbed):
    """A chain of eleven processes' worth of resuming, the first before any step was done."""
    case = make_case(changes)
    save(fresh(case, images), tmp_path / "c")
    for step in range(1, STEPS + 1):
        state = reloaded(case, images, tmp_path / "c")
        train(case, state, step)
        save(state, tmp_path / "c")
    assert outcome(state) == undisturbed


@pytest.mark.parametrize("changes", [KINDS["dropout, batch norm, average"]], ids=["dropout, batch norm, average"])
def test_packing_disturbs_nothing(make_case, images, changes, undisturbed):
    case = make_case(changes)
    state = fresh(case, images)
    train(case, state, STEPS, after_step=lambda state: bool(state.pack()) and False)
    assert outcome(state) == undisturbed


def test_what_is_packed_does_not_move_on(make_case, images, tmp_path):
    """Saved is the moment of `save`, though training goes on in the same buffers."""
    case = make_case()
    state = fresh(case, images)
    train(case, state, 3)
    save(state, tmp_path / "c")
    before = state.weights_digest()
    train(case, state, 5)
    assert reloaded(case, images, tmp_path / "c").weights_digest() == before != state.weights_digest()


def test_a_longer_run_continues_a_shorter_one(make_case, images, tmp_path):
    """The 50-epoch case goes on from the 30-epoch one."""
    short, long = make_case({"model.dropout_d": 0.3, "train.epochs": 1}), make_case({"model.dropout_d": 0.3, "train.epochs": 9})
    whole = fresh(long, images, total=STEPS)
    train(long, whole, STEPS)
    state = fresh(short, images, total=5)
    train(short, state, 5)
    save(state, tmp_path / "c")
    resumed = reloaded(long, images, tmp_path / "c")
    train(long, resumed, STEPS)
    assert outcome(resumed) == outcome(whole)


@pytest.mark.parametrize(
    "changes",
    [
        {"model.hidden_g": [16, 25]},
        {"model.hidden_d": [24, 16, 8]},
        {"model.batchnorm_g": True},
        {"train.ema": 0.9},
        {"model": {"name": "conv-gen-gan", "latent": {"dim": 8, "dist": "normal"}, "filters": [3]}},
    ],
    ids=str,
)
def test_a_checkpoint_of_other_networks_is_refused(make_case, images, tmp_path, changes):
    save(fresh(make_case(), images), tmp_path / "c")
    with pytest.raises(CheckpointError) as caught:
        reloaded(make_case(changes), images, tmp_path / "c")
    assert "is not of this run" in str(caught.value) and "Delete it" in str(caught.value)


@pytest.mark.parametrize("lost", ["stream/latent", "stream/global", "batches/position", "log/losses", "net/d.layers.0.weight"])
def test_a_checkpoint_that_lacks_a_part_is_refused(make_case, images, lost):
    state = fresh(make_case(), images)
    tensors, meta = state.pack()
    with pytest.raises(CheckpointError, match="is not of this run"):
        state.restore({key: value for key, value in tensors.items() if key != lost}, meta)


def test_moments_come_back_in_the_weights_layout(make_case, images, tmp_path):
    """Fused optimisers walk weight, gradient and moments in memory order: moments laid out otherwise would meet the wrong weights."""
    case = make_case(KINDS["convolutional, channels last"])
    state = fresh(case, images)
    train(case, state, 3)
    save(state, tmp_path / "c")
    resumed = reloaded(case, images, tmp_path / "c")
    kernels = [p for p in resumed.g.parameters() if p.dim() == 4]
    assert any(not p.is_contiguous() for p in kernels), "the case must have a layout to lose"
    for p in kernels:
        moments = resumed.optimisers["g"].state[p]
        assert all(moments[key].is_contiguous() == p.is_contiguous() for key in ("exp_avg", "exp_avg_sq"))
