"""The loop: how many updates, on what, when it ends, and that it never waits for the device."""

from __future__ import annotations

import json

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ganzoo.spec.schema import Case
from ganzoo.train.loop import train
from ganzoo.train.state import State

CPU = torch.device("cpu")


def fresh(case: Case, images: torch.Tensor, total: int = 12) -> State:
    return State.fresh(case, images, 0, total, CPU)


def updates(optimiser: torch.optim.Optimizer) -> set[int]:
    """How often Adam stepped, by its own count for every parameter."""
    return {int(entry["step"]) for entry in optimiser.state.values()}


@pytest.mark.parametrize("d_steps", [1, 3])
def test_number_of_updates(make_case, images, d_steps):
    case = make_case({"recipe.d_steps": d_steps})
    state = fresh(case, images)
    assert train(case, state, 5) is True
    assert state.step == 5
    assert updates(state.optimisers["g"]) == {5} and updates(state.optimisers["d"]) == {5 * d_steps}
    assert state.batches.position == (5 * d_steps - 1) % 2 + 1, "each D update takes one batch; two make an epoch"


def test_d_rests_in_all_but_the_first_of_so_many_steps(make_case, images):
    case = make_case({"recipe.d_every": 3})
    state, d_moved = fresh(case, images), []
    for step in range(1, 8):
        before = [p.clone() for p in state.d.parameters()]
        train(case, state, step)
        d_moved.append(any(not torch.equal(a, b) for a, b in zip(before, state.d.parameters(), strict=True)))
    assert d_moved == [True, False, False, True, False, False, True]
    assert updates(state.optimisers["g"]) == {7} and updates(state.optimisers["d"]) == {3}
    d = state.log.steps()[:, 0].tolist()
    assert d[0] == d[1] == d[2] != d[3] == d[4] == d[5] != d[6]


def test_it_ends_when_asked(make_case, images):
    case, seen = make_case(), []
    state = fresh(case, images)

    def after_step(state: State) -> bool:
        seen.append(state.step)
        return state.step == 4

    assert train(case, state, 9, after_step=after_step) is False
    assert seen == [1, 2, 3, 4] and state.step == 4 and updates(state.optimisers["g"]) == {4}


def test_asked_at_the_last_step_it_has_not_been_allowed_to_finish(make_case, images):
    """An interruption during the last step still counts as one; asked again, nothing is left to do."""
    case = make_case()
    state = fresh(case, images)
    assert train(case, state, 3, after_step=lambda state: state.step == 3) is False
    assert train(case, state, 3, after_step=lambda state: pytest.fail("a step was done")) is True


def test_nothing_is_done_where_nothing_is_left(make_case, images):
    case = make_case()
    state = fresh(case, images)
    before = state.weights_digest()
    assert train(case, state, 0) is True
    assert state.step == 0 and state.weights_digest() == before


def test_in_pieces_or_in_one_go(make_case, images):
    """Read off at several epochs, a trajectory is the same."""
    case = make_case({"model.dropout_d": 0.3, "train.ema": 0.9})
    pieces = fresh(case, images)
    for point in (1, 4, 4, 9):
        train(case, pieces, point)
    whole = fresh(case, images)  # only now: a fresh training takes the global stream to its start
    train(case, whole, 9)
    assert pieces.weights_digest() == whole.weights_digest() and pieces.log.read() == whole.log.read()


def test_another_seed_is_another_training(make_case, images):
    digests = set()
    for seed in (0, 1):
        state = State.fresh(make_case(), images, seed, 12, CPU)
        train(make_case(), state, 3)
        digests.add(state.weights_digest())
    assert len(digests) == 2


@pytest.mark.parametrize("dist", ["normal", "uniform"])
@pytest.mark.parametrize("value_range", [[-1, 1], [0, 255]], ids=str)
def test_what_the_networks_are_given(make_case, images, dist, value_range):
    case = make_case({"model.latent": {"dim": 8, "dist": dist}, "data.range": value_range})
    state = fresh(case, images)
    latents, judged = [], []
    state.g.register_forward_pre_hook(lambda net, arguments: latents.append(arguments[0].clone()))
    state.d.register_forward_pre_hook(lambda net, arguments: judged.append(arguments[0].clone()))
    train(case, state, 4)
    z = torch.stack(latents)
    assert z.shape == (4, 16, 8) and len(z.unique()) == z.numel(), "new latents at every step"
    assert (z.abs().max() <= 1) == (dist == "uniform")
    assert [len(x) for x in judged] == [32, 16] * 4, "reals and fakes together, then G's fakes"
    lo, hi = value_range
    reals, fakes = judged[0][:16], judged[0][16:]
    assert lo <= reals.min() < lo + 0.02 * (hi - lo) and hi - 0.02 * (hi - lo) < reals.max() <= hi
    assert fakes.abs().max() <= 1
    assert torch.equal(judged[1], fakes), "G is judged on the very fakes D was shown"


def test_the_average_follows_every_step(make_case, images):
    case = make_case({"train.ema": 0.75})
    state = fresh(case, images)
    average = [p.detach().clone() for p in state.g.parameters()]

    def after_step(state: State) -> bool:
        for kept, now in zip(average, state.g.parameters(), strict=True):
            kept.lerp_(now.detach(), 0.25)
        return False

    train(case, state, 6, after_step=after_step)
    for kept, ours in zip(average, state.ema.net.parameters(), strict=True):
        torch.testing.assert_close(ours, kept)
    assert fresh(make_case(), images).ema is None


def test_the_log_holds_the_losses(make_case, images):
    """Windows of 4 steps; D's loss is that of the last D update of a step."""
    case = make_case()
    state = fresh(case, images)
    train(case, state, 10)
    log = state.log.read()
    assert log["step"] == [4, 8]
    every, each = make_case({"train.log_every_steps": 1}), fresh(make_case({"train.log_every_steps": 1}), images)
    train(every, each, 10)
    losses = each.log.read()
    assert losses["step"] == list(range(1, 11))
    for player in ("d", "g"):
        assert log[player] == pytest.approx([sum(losses[player][:4]) / 4, sum(losses[player][4:8]) / 4], rel=1e-5)


class Operations(TorchDispatchMode):
    """Names of every operation done."""

    def __init__(self):
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, operation, types, arguments=(), settings=None):
        self.names.add(operation.name())
        return operation(*arguments, **(settings or {}))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"train.ema": 0.9, "model.batchnorm_g": True, "model.dropout_d": 0.3, "train.precision": "bf16"},
        {"recipe.d_steps": 2, "recipe.fresh_z": True, "recipe.loss": "hinge", "optim.d": {"name": "sgd", "lr": 0.1, "momentum": 0.9}},
    ],
    ids=["dense", "everything else", "hinge and SGD"],
)
def test_no_value_is_read_back(make_case, images, changes):
    """No .item(), no shape that depends on data: either would make the host wait for the device at every step."""
    case = make_case(changes)
    state = fresh(case, images)
    with Operations() as seen:
        train(case, state, 9)  # windows and epochs end in here
    assert {"aten::addmm", "aten::randperm.generator_out", "aten::normal_"} & seen.names
    waits = {
        name for name in seen.names if name.split(".")[0] in ("aten::_local_scalar_dense", "aten::item", "aten::nonzero", "aten::equal")
    }
    assert not waits
    with Operations() as seen:
        state.log.losses.sum().item()
    assert "aten::_local_scalar_dense" in seen.names, "the watch sees what it watches for"


def test_optimisers_are_the_cases(make_case, images):
    case = make_case(
        {
            "optim.g": {"name": "adam", "lr": 3e-4, "betas": [0.5, 0.9], "eps": 1e-7},
            "optim.d": {"name": "sgd", "lr": 0.02, "momentum": 0.8},
            "optim.fused": False,
        }
    )
    state = fresh(case, images)
    (g,), (d,) = state.optimisers["g"].param_groups, state.optimisers["d"].param_groups
    assert isinstance(state.optimisers["g"], torch.optim.Adam) and (g["lr"], g["betas"], g["eps"]) == (3e-4, (0.5, 0.9), 1e-7)
    assert isinstance(state.optimisers["d"], torch.optim.SGD) and (d["lr"], d["momentum"]) == (0.02, 0.8)
    assert not g["fused"] and not d["fused"] and g["weight_decay"] == d["weight_decay"] == 0
    for group, net in ((g, state.g), (d, state.d)):
        assert {id(p) for p in group["params"]} == {id(p) for p in net.parameters()}
    fused = fresh(make_case(), images)
    assert fused.optimisers["g"].param_groups[0]["fused"] and fused.optimisers["d"].param_groups[0]["fused"]


CONVOLUTIONAL = {"model": {"name": "conv-gen-gan", "latent": {"dim": 8, "dist": "normal"}, "filters": [3, 4], "hidden_d": [16]}}


@pytest.mark.parametrize(
    "changes",
    [
        {"optim.g": {"name": "adam", "lr": 1e-3}, "optim.d": {"name": "adam", "lr": 1e-3}},
        {"optim.g": {"name": "sgd", "lr": 0.05}, "optim.d": {"name": "sgd", "lr": 0.05, "momentum": 0.9}},
        {**CONVOLUTIONAL, "train.channels_last": True},
    ],
    ids=["adam", "sgd", "adam, channels last"],
)
def test_fused_and_plain_optimisers_agree(make_case, images, changes):
    """The fast path equals the plain one, up to rounding."""
    weights = []
    for fused in (True, False):
        case = make_case({**changes, "optim.fused": fused})
        state = fresh(case, images)
        train(case, state, 10)
        weights.append(state.weights())
    for key, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][key], rtol=0, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}")


def test_the_case_decides(make_case, images):
    """The same case from its JSON trains to the same bits."""
    case = make_case({"model.dropout_d": 0.3})
    again = Case.model_validate_json(json.dumps(case.model_dump(mode="json")))
    digests = set()
    for same in (case, again):
        state = fresh(same, images)
        train(same, state, 4)
        digests.add(state.weights_digest())
    assert len(digests) == 1
