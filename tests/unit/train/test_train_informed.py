"""A training with mutual information in G's loss: what it is built of, that it resumes bit by bit, and that off means off."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch.utils._python_dispatch import TorchDispatchMode

from ganzoo.bench.counts import flops_per_step
from ganzoo.bench.recording import _columns
from ganzoo.recipes import INFORMATION, Alternating, Informed
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train import checkpoint
from ganzoo.train.loop import train
from ganzoo.train.state import State

STEPS, CPU, IMAGE = 11, torch.device("cpu"), (1, 8, 8)
ON = {"recipe.mine": {"weight": 0.5, "hidden": [24, 12]}}
LAST = {"train.epochs": 5, "train.lr_decay_from": 1}
KINDS = {
    "usual": ON,
    "a code, new z, two D steps, average": {
        "recipe": {"mine": {"weight": 0.5, "hidden": [24], "code": 3, "rate": 0.2}, "fresh_z": True, "d_steps": 2}, "train.ema": 0.9,
    },
    "no clip, g first, dropout, bf16": {
        "recipe": {"mine": {"weight": 2.0, "clip": False}, "order": "g-first"}, "model.dropout_d": 0.3, "train.precision": "bf16",
    },
    "D rests, rates fall, unfused": {**ON, **LAST, "recipe.d_every": 2, "optim.fused": False, "model.batchnorm_g": True},
}  # fmt: skip


def fresh(case, images, seed: int = 0) -> State:
    return State.fresh(case, images, seed, STEPS, CPU)


def outcome(state: State) -> tuple:
    return state.step, state.weights_digest(), state.log.read(), digest_tensors(state.pack()[0])


@pytest.mark.parametrize("changes", KINDS.values(), ids=list(KINDS))
@pytest.mark.parametrize("stop", [0, 3], ids=["before the first step", "inside an epoch"])
def test_resumed_equals_undisturbed(make_case, images, tmp_path, changes, stop):
    case = make_case(changes)
    whole = fresh(case, images)
    train(case, whole, STEPS)
    state = fresh(case, images)
    train(case, state, stop)
    tensors, meta = state.pack()
    checkpoint.save(tmp_path / "c", tensors, {"training": meta})
    resumed = fresh(case, images, seed=99)
    torch.manual_seed(4321)
    tensors, meta = checkpoint.load(tmp_path / "c")
    resumed.restore(tensors, meta["training"])
    assert resumed.weights_digest() == state.weights_digest()
    train(case, resumed, STEPS)
    assert outcome(resumed) == outcome(whole)


@pytest.mark.parametrize("lost", ["net/t.first.weight", "opt_t/0/exp_avg", "carried/mine/log_mean"])
def test_the_checkpoint_has_what_a_step_leaves_to_the_next(make_case, images, lost):
    state = fresh(make_case(ON), images)
    train(make_case(ON), state, 2)
    assert lost in state.pack()[0]


def test_weight_0_is_the_alternating_rule_to_the_bit(make_case, images):
    plain, off = make_case(), make_case({"recipe.mine": {"weight": 0.0, "hidden": [64], "rate": 0.5}})
    states = [fresh(case, images) for case in (plain, off)]
    for case, state in zip((plain, off), states, strict=True):
        train(case, state, STEPS)
        assert type(state.rule) is Alternating
    assert outcome(states[0]) == outcome(states[1])


def test_what_else_is_drawn_does_not_move(make_case, images):
    """First weights of G and D, latents and batches are as without the statistics network, which has a stream of its own."""
    on, off = fresh(make_case(ON), images), fresh(make_case(), images)
    assert isinstance(on.rule, Informed)
    mine = {name for name in on.pack()[0] if name.startswith(("net/t.", "opt_t/", "carried/mine/"))}
    assert mine and digest_tensors({k: v for k, v in on.pack()[0].items() if k not in mine and k != "log/losses"}) == digest_tensors(
        {k: v for k, v in off.pack()[0].items() if k != "log/losses"}
    )
    train(make_case(ON), on, 4)
    train(make_case(), off, 4)
    for name in ("stream/latent", "stream/global", "batches/epoch_start", "batches/position"):
        assert torch.equal(on.pack()[0][name], off.pack()[0][name])
    assert on.log.steps()[:1, :2].tolist() == off.log.steps()[:1, :2].tolist()  # the first losses are from before any update
    assert on.log.steps()[2:, :2].tolist() != off.log.steps()[2:, :2].tolist()


def test_the_seed_decides_its_first_weights(make_case, images):
    first, again, other = (fresh(make_case(ON), images, seed).networks()["t"].state_dict() for seed in (0, 0, 1))
    assert digest_tensors(first) == digest_tensors(again) != digest_tensors(other)


def test_its_learning_rate_falls_with_the_others(make_case, images):
    case = make_case({**ON, **LAST})
    state = fresh(case, images)
    train(case, state, 8)
    rates = {name: optimiser.param_groups[0]["lr"] for name, optimiser in state.optimisers.items()}
    assert rates == {"g": pytest.approx(0.5e-3), "d": pytest.approx(0.5e-3), "t": pytest.approx(1e-4)}


def test_the_settings_reach_the_rule(make_case, images):
    mine = {"weight": 0.3, "hidden": [7, 5], "code": 2, "lr": 0.01, "betas": [0.1, 0.2], "rate": 0.25, "clip": False}
    state = fresh(make_case({"recipe.mine": mine, "recipe.ortho_g": 0.1}), images)
    rule, t = state.rule, state.optimisers["t"]
    assert (rule.weight, rule.clip, rule.code, rule.ortho_g[0]) == (0.3, False, 2, 0.1)
    assert [tuple(p.shape) for p in state.networks()["t"].parameters()] == [(7, 64 + 2), (7,), (5, 7), (5,), (1, 5), (1,)]
    assert (t.defaults["lr"], t.defaults["betas"]) == (0.01, (0.1, 0.2))
    assert rule.bound.present == pytest.approx(-1.3863, abs=1e-4)


def test_the_bound_is_logged_at_every_step_and_told_apart_in_the_record(make_case, images):
    case = make_case(ON)
    state = fresh(case, images)
    train(case, state, 8)
    logged = state.log.read()
    assert state.log.columns == ("d", "g", "mi") and state.log.steps().isfinite().all() and len(set(state.log.steps()[:, 2].tolist())) == 8
    assert _columns(logged, INFORMATION, state) == {"step": [4, 8], "mi": logged["mi"]}


def test_the_arithmetic_of_the_statistics_network_is_counted(make_case, images):
    """Its first layer once forward, the rest for both batches; back to the fakes; and G once more back, for the clip."""
    batch, code, hidden = 16, 8, 24

    def work(*layers: tuple[int, int]) -> int:
        return sum(2 * batch * a * b for a, b in layers)

    first, rest = work((64, hidden)) + work((code, hidden)), 2 * work((hidden, 12), (12, 1))
    to_first = work((64, hidden))  # what the gradient of the fakes costs; z needs none
    of_t = first + rest + (first + to_first) + 2 * rest
    g = [(8, 16), (16, 24), (24, 64)]
    again = 2 * work(*g) - work(g[0])
    found = {}
    for name, changes in {"off": {}, "clip": ON, "no clip": {"recipe.mine": ON["recipe.mine"] | {"clip": False}}}.items():
        case = make_case(changes)
        state = fresh(case, images)
        before = digest_tensors(state.pack()[0])
        found[name] = flops_per_step(case, state.g, state.d, IMAGE)
        assert digest_tensors(state.pack()[0]) == before
    assert found["no clip"] - found["off"] == of_t
    assert found["clip"] - found["no clip"] == again


class NothingIsReadBack(TorchDispatchMode):
    """Fails where a value goes from the device to the host: `item`, `float`, `if` on a tensor."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func is not torch.ops.aten._local_scalar_dense.default, "a value was read back"
        assert func is not torch.ops.aten.nonzero.default, "a size was read back"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("clip", [True, False])
def test_a_step_reads_nothing_back(make_case, images, clip):
    state = fresh(make_case({"recipe.mine": ON["recipe.mine"] | {"clip": clip}}), images)
    z = torch.randn(16, 8)
    for _ in range(2):  # the first step is another one for the moving mean, and for the optimisers
        with NothingIsReadBack():
            state.rule.step(state.batches.next, lambda: z, 1)
    with pytest.raises(AssertionError, match="read back"), NothingIsReadBack():
        float(state.rule.mi)


@pytest.mark.parametrize("clip", [True, False])
def test_blocks_computed_again_change_nothing(make_case, clip):
    """With the clip there are two ways back through G, and each computes its blocks again; labels, average and spectral norm beside it."""
    images = torch.randint(0, 256, (16, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels, found = torch.arange(16) % 10, []
    for again in (False, True):
        model = {"name": "biggan", "latent": {"dim": 40, "dist": "normal"}, "ch": 4, "num_classes": 10}
        mine = ON["recipe.mine"] | {"clip": clip}
        settings = {"model": model, "recipe": {"loss": "hinge", "mine": mine}, "train.batch_size": 4, "train.ema": 0.9}
        case = make_case(settings | {"train.activation_checkpointing": again})
        state = State.fresh(case, images, 0, STEPS, CPU, labels)
        train(case, state, 2)
        assert any(getattr(layer, "recompute", False) for layer in state.g.modules()) == again
        found.append((state.weights_digest(), state.log.steps().tolist()))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": []}, "mine.hidden\n.*at least 1 item"),
        ({"hidden": [64, 0]}, "mine.hidden.1\n.*greater than 0"),
        ({"weight": -1.0}, "mine.weight\n.*greater than or equal to 0"),
        ({"rate": 0.0}, "mine.rate\n.*greater than 0"),
        ({"rate": 1.5}, "mine.rate\n.*less than or equal to 1"),
        ({"code": 9}, "recipe.mine.code is 9, expected at most model.latent.dim, 8"),
        ({"code": 0}, "mine.code\n.*greater than 0"),
        ({"lr": 0.0}, "mine.lr\n.*greater than 0"),
        ({"widths": [3]}, "mine.widths\n.*not permitted"),
    ],
    ids=str,
)
def test_bad_settings_are_refused(make_case, changes, message):
    with pytest.raises(ValidationError, match=message):
        make_case({"recipe.mine": {"weight": 1.0, **changes}})
