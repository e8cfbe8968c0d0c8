"""One training by two processes: halves of a batch train as the whole does, and what each draws is its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
import two_ranks
from safetensors.torch import load_file, save_file
from small_case import SMALL
from torch import nn

from ganzoo.spec.schema import Case
from ganzoo.streams import stream
from ganzoo.train.batches import Batches
from ganzoo.train.distributed import Agreement, PartBatches, Ranks, SyncBatchNorm, synchronised
from ganzoo.train.state import State

DCGAN = {"name": "dcgan", "latent": {"dim": 8, "dist": "normal"}, "width_g": 4, "width_d": 4}
FRESH = {**SMALL, "recipe": {"d_steps": 2, "fresh_z": True}}
SHARED = {
    "dense": FRESH | {"train": {**SMALL["train"], "ranks": 2}},
    "own statistics": SMALL | {"model": DCGAN, "train": {**SMALL["train"], "ranks": 2}},
    "whole statistics": SMALL | {"model": DCGAN, "train": {**SMALL["train"], "ranks": 2, "sync_batchnorm": True}},
}
# What BigGAN's cases with several ranks are made of: classes, conditional norms, spectral norm, attention, hinge, recomputed blocks.
BIGGAN = {"name": "biggan", "latent": {"dim": 8}, "ch": 2, "num_classes": 4, "shared_width": 3, "attention": [16]}
SHARED["told classes"] = SHARED["whole statistics"] | {
    "model": BIGGAN,
    "recipe": {"loss": "hinge", "d_weight": 1.0, "fresh_z": True, "ortho_g": 1e-3},
    # A bias before batch norm has a gradient of zero but for rounding, of which Adam would make whole steps.
    "optim": {net: {"name": "sgd", "lr": 0.02} for net in "gd"},
    "train": {**SMALL["train"], "ranks": 2, "sync_batchnorm": True, "activation_checkpointing": True},
}
ALONE = {name: {**tree, "train": {**tree["train"], "ranks": 1, "sync_batchnorm": False}} for name, tree in SHARED.items()}


def case_of(tree: dict) -> Case:
    return Case.model_validate_json(json.dumps(tree))


def pictures(side: int) -> torch.Tensor:
    return torch.randint(0, 256, (40, 1, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(side))


IMAGES = {name: pictures(8 if name == "dense" else 32) for name in SHARED}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> list[dict[str, torch.Tensor]]:
    """By rank, what two processes under torchrun found."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "cases.json").write_text(json.dumps({name: json.dumps(tree) for name, tree in SHARED.items()}))
    save_file(IMAGES, folder / "images.safetensors")
    options = ["--standalone", "--local-addr", "localhost", "--nproc-per-node", "2"]
    command = [sys.executable, "-m", "torch.distributed.run", *options, two_ranks.__file__, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [load_file(folder / f"rank-{rank}.safetensors") for rank in range(2)]


def of(found: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}


@pytest.mark.parametrize("name", ["dense", "whole statistics", "told classes"])
def test_two_halves_of_a_batch_train_as_the_whole(found, name):
    """Gradients, weights and, with synchronised batch norm, running statistics; in double precision."""
    whole = two_ranks.by_hand(case_of(ALONE[name]), IMAGES[name])
    for rank in range(2):
        half = of(found[rank], f"{name}/by_hand/")
        assert half.keys() == whole.keys()
        for key, value in whole.items():
            torch.testing.assert_close(half[key], value, rtol=1e-8, atol=1e-12, msg=lambda text, key=key: f"{key}: {text}")


def test_batch_norm_of_each_half_is_another_training(found):
    """What the test before would not see if batch norm had the whole batch's statistics anyway."""
    whole = two_ranks.by_hand(case_of(ALONE["own statistics"]), IMAGES["own statistics"])
    half = of(found[0], "own statistics/by_hand/")
    assert any(not torch.allclose(half[key], value, rtol=1e-3) for key, value in whole.items() if key.endswith("grad"))


@pytest.mark.parametrize("name", SHARED)
def test_weights_stay_equal_to_the_last_bit(found, name):
    one, other = (of(rank, f"{name}/trained/") for rank in found)
    weights = {key for key in one if key[:2] in ("g.", "d.")}
    differ = {key for key in weights if not one[key].equal(other[key])}
    running = {key for key in weights if "running" in key}
    assert weights and differ == (running if name == "own statistics" else set())


def test_each_rank_draws_its_own_z_and_rank_0_that_of_a_single_process(found):
    for name in SHARED:
        z = [rank[f"{name}/trained/z"] for rank in found]
        assert [len(one) for one in z] == [8, 8] and not z[0].equal(z[1])
        assert z[0].equal(torch.empty(8, 8).normal_(generator=stream(0, "latent")))
        assert z[1].equal(torch.empty(8, 8).normal_(generator=stream(0, "latent/rank 1")))


def test_logged_losses_are_means_over_ranks(found):
    for name in SHARED:
        own = [rank[f"{name}/trained/own losses"] for rank in found]
        assert not own[0].equal(own[1])
        for rank in found:
            torch.testing.assert_close(rank[f"{name}/trained/losses"], (own[0] + own[1]) / 2)


def test_all_stop_in_the_same_step_if_one_wants_to(found):
    stops = [rank["stops"].tolist() for rank in found]
    assert stops[0] == stops[1] and stops[0].index(True) >= 3


def test_ranks_that_differ_are_told(found):
    assert {bytes(rank["told"].tolist()).decode() for rank in found} == {
        "weights of rank 1 are not those of rank 0: expected the same on all 2 ranks"
    }


@pytest.mark.parametrize("size", [2, 4])
def test_parts_of_batches_make_the_whole(size):
    """Over three epochs of five batches with two images left over, and from a state in the middle."""
    images, labels = pictures(8)[:22], torch.arange(22)

    def walk(kind, **more):
        return kind(images, 4, (-1.0, 1.0), stream(0, "data"), labels=labels, **more)

    whole, parts = walk(Batches), [walk(PartBatches, ranks=Ranks(rank, size)) for rank in range(size)]
    for step in range(15):
        if step == 7:
            parts = [
                again
                for rank, part in enumerate(parts)
                if (again := walk(PartBatches, ranks=Ranks(rank, size))).restore(part.state()) is None
            ]
        x, y = whole.next()
        found = [part.next() for part in parts]
        assert torch.cat([one for one, _ in found]).equal(x) and torch.cat([told for _, told in found]).equal(y)
        assert {part.per_epoch for part in parts} == {whole.per_epoch}


@pytest.mark.parametrize("training", [True, False])
def test_synchronised_batch_norm_waits_for_nobody_outside_a_step(training):
    """An evaluation in train mode by rank 0 alone; it has no process group here, so waiting would be an error."""
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(48, 5), nn.BatchNorm1d(5, affine=False)).train(
        training
    )
    x = torch.randn(6, 2, 6, 6)
    expected, before = net(x), {key: value.clone() for key, value in net.state_dict().items()}
    other = synchronised(net)
    assert other.state_dict().keys() == before.keys() and sum(isinstance(layer, SyncBatchNorm) for layer in other) == 2
    assert other(x).equal(expected)
    with pytest.raises(ValueError, match="process group"):
        Ranks(0, 2).in_step(other.train())(x)
    assert not SyncBatchNorm.together


def test_a_single_process_is_asked_nothing(make_case, images):
    assert Agreement(Ranks()).on(True, False) == (True, False)
    state = State.fresh(make_case(), images, 0, 2, torch.device("cpu"))
    assert not any(optimiser._optimizer_step_pre_hooks for optimiser in state.optimisers.values())
    assert state.ranks.in_step(state.rule.step) == state.rule.step


def test_a_case_for_several_is_not_trained_by_one(make_case, images):
    with pytest.raises(ValueError, match=r"train.ranks is 2, but 1 processes train"):
        State.fresh(make_case({"train.ranks": 2}), images, 0, 2, torch.device("cpu"))
