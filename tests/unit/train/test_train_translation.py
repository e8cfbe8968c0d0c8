"""Training translations: stopped and resumed to the same bits, with histories, crops and falling learning rates; and those rates."""

from __future__ import annotations

import pytest
import torch

from ganzoo.data import PairSet
from ganzoo.errors import CheckpointError
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train import checkpoint
from ganzoo.train.loop import train
from ganzoo.train.rules import lr_share
from ganzoo.train.state import State

CPU = torch.device("cpu")
PER_EPOCH, EPOCHS, DECAY_FROM, STEPS = 3, 4, 1, 11
LR_G, LR_D = 1e-3, 3e-4
PIX2PIX = {"name": "pix2pix", "width": 2, "latent": {"dim": 1, "dist": "normal"}}
CYCLEGAN = {"name": "cyclegan", "width": 2, "blocks": 1, "latent": {"dim": 1, "dist": "normal"}}
SHORT = {"train.batch_size": 2, "train.epochs": EPOCHS, "train.lr_decay_from": DECAY_FROM}
SIDES = {"resize": 32, "enlarge": 1.13, "flip": True, "holdout": 3}
PAIRED = {**SHORT, "model": PIX2PIX, "data": {"name": "pairs", **SIDES}, "eval.num_select": 2}
UNPAIRED = {**SHORT, "model": CYCLEGAN, "data": {"name": "domains", "domains": ["a", "b"], **SIDES}, "eval.num_select": 2}
TURNS = {"optim.g.lr": LR_G, "optim.d.lr": LR_D}
KINDS = {
    "paired": {**PAIRED, **TURNS, "recipe": {"loss": "mse", "order": "g-first"}, "train.ema": 0.9},
    "paired, self": {**PAIRED, "recipe": {"name": "self", "loss": "mse", "balance": "outputs"}},
    "paired, self, channels last, bf16": {
        **PAIRED, "recipe": {"name": "self", "form": "normalised"}, "train.channels_last": True, "train.precision": "bf16",
    },
    "unpaired": {**UNPAIRED, **TURNS, "recipe": {"loss": "mse", "order": "g-first", "buffer": 5}},
    "unpaired, one history, channels last": {
        **UNPAIRED, "recipe": {"order": "g-first", "buffer": 3, "one_buffer": True}, "train.channels_last": True, "train.ema": 0.9,
    },
    "unpaired, self": {**UNPAIRED, "recipe": {"name": "self", "loss": "mse", "balance": "outputs", "buffer": 5}},
    "unpaired, self, one history": {**UNPAIRED, "recipe": {"name": "self", "buffer": 3, "one_buffer": True}},
}  # fmt: skip
every_kind = pytest.mark.parametrize("changes", KINDS.values(), ids=list(KINDS))


def sides_of(case) -> PairSet:
    """Seven pairs, or sides of five and seven images: three batches of two an epoch, one image left over."""
    paired, generator = case.data.name == "pairs", torch.Generator().manual_seed(0)
    a, b = (torch.randint(0, 256, (count, 1, 36, 36), dtype=torch.uint8, generator=generator) for count in (7 if paired else 5, 7))
    return PairSet(a, b, paired, case.data.name, "train", "0" * 64)


def fresh(case, seed: int = 0) -> State:
    return State.fresh(case, sides_of(case), seed, STEPS, CPU)


def outcome(state: State) -> tuple:
    return state.step, state.weights_digest(), state.log.read(), digest_tensors(state.pack()[0])


def rates(state: State) -> dict[str, float]:
    return {name: group["lr"] for name, optimiser in state.optimisers.items() for group in optimiser.param_groups}


def save(state: State, path) -> None:
    tensors, meta = state.pack()
    checkpoint.save(path, tensors, {"training": meta})


def reloaded(case, path) -> State:
    """A fresh training, of another seed and with the global stream elsewhere, into which `path` is loaded."""
    state = fresh(case, seed=99)
    torch.manual_seed(4321)
    tensors, meta = checkpoint.load(path)
    state.restore(tensors, meta["training"])
    return state


@every_kind
def test_resumed_equals_undisturbed(make_case, tmp_path, changes):
    """Stopped in the middle of an epoch, once before the histories are full and once in the decay, and at an epoch's edge."""
    case = make_case(changes)
    whole = fresh(case)
    stops = {1: "a", 7: "b", 9: "c"}
    train(case, whole, STEPS, after_step=lambda state: save(state, tmp_path / stops[state.step]) if state.step in stops else None)
    for stop, name in stops.items():
        resumed = reloaded(case, tmp_path / name)
        assert resumed.step == stop
        train(case, resumed, STEPS)
        assert outcome(resumed) == outcome(whole), stop


@pytest.mark.parametrize("changes", [KINDS["unpaired, self"]], ids=["unpaired, self"])
def test_killed_after_every_step(make_case, tmp_path, changes):
    case = make_case(changes)
    whole = fresh(case)
    train(case, whole, STEPS)
    save(fresh(case), tmp_path / "c")
    for step in range(1, STEPS + 1):
        state = reloaded(case, tmp_path / "c")
        train(case, state, step)
        save(state, tmp_path / "c")
    assert outcome(state) == outcome(whole)


@every_kind
def test_the_seed_decides_and_every_part_moves(make_case, changes):
    case = make_case(changes)
    state = fresh(case)
    before = {name: value.clone() for name, value in state.weights().items()}
    start = {name: generator.get_state() for name, generator in state.rule.streams.items()}
    train(case, state, STEPS)
    still = [name for name, value in state.weights().items() if torch.equal(value, before[name])]
    assert still == [], "every weight of every network is trained"
    assert all(not torch.equal(generator.get_state(), start[name]) for name, generator in state.rule.streams.items()), "a full history"
    assert all(bool(value.isfinite().all()) for value in state.weights().values())
    other = fresh(case, seed=1)
    train(case, other, STEPS)
    assert other.weights_digest() != state.weights_digest()


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        ("paired, self", "carried/previous_source"),
        ("paired", "batches/augment_start"),
        ("unpaired", "carried/images_b"),
        ("unpaired", "stream/buffer"),
        ("unpaired, self", "carried/next_a"),
        ("unpaired, self, one history", "carried/filled_a"),
    ],
)
def test_a_checkpoint_that_lacks_a_part_is_refused(make_case, kind, lost):
    state = fresh(make_case(KINDS[kind]))
    tensors, meta = state.pack()
    assert lost in tensors
    with pytest.raises(CheckpointError, match="is not of this run"):
        state.restore({key: value for key, value in tensors.items() if key != lost}, meta)


def test_a_history_of_another_length_is_another_run(make_case, tmp_path):
    save(fresh(make_case(KINDS["unpaired"])), tmp_path / "c")
    with pytest.raises(CheckpointError, match="is not of this run"):
        reloaded(make_case({**KINDS["unpaired"], "recipe": {"order": "g-first", "buffer": 4}}), tmp_path / "c")


def test_the_history_moves_no_other_stream(make_case):
    """One twice as long exchanges at other steps: batches, crops and dropout stay as they are."""
    found = []
    for buffer in (3, 6):
        case = make_case({**KINDS["unpaired"], "recipe": {"order": "g-first", "buffer": buffer}})
        state = fresh(case)
        train(case, state, STEPS)
        tensors = state.pack()[0]
        kept = {name: value for name, value in tensors.items() if name.startswith(("batches/", "stream/")) and name != "stream/buffer"}
        found.append((digest_tensors(kept), state.rule.streams["buffer"].get_state()))
    assert found[0][0] == found[1][0] and not torch.equal(found[0][1], found[1][1])


def test_each_part_of_a_loss_is_logged_under_its_name(make_case):
    named = {"paired": ["pixel"], "unpaired, self": ["v_g", "v_r", "v_f", "d_real", "d_fake", "cycle", "identity"]}
    for kind, columns in named.items():
        case = make_case(KINDS[kind])
        state = fresh(case)
        train(case, state, 4)
        logged = state.log.read()
        assert list(logged) == ["step", "d", "g", *columns] and logged["step"] == [4]
        assert all(0 < logged[name][0] < 3 for name in ("pixel", "cycle", "identity") if name in columns)


@pytest.mark.parametrize(("epochs", "start"), [(4, 1), (200, 100), (3, 2), (7, 3)])
def test_the_share_is_the_authors_schedule(make_case, epochs, start):
    """torch's own scheduler, stepped after every epoch, on the law of `self_cyclegan`: 1 - max(0, epoch - start) / (epochs - start)."""
    case = make_case({"train.epochs": epochs, "train.lr_decay_from": start})
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: 1.0 - max(0, epoch - start) / (epochs - start))
    for epoch in range(epochs):
        shares = {lr_share(case, step, 5) for step in range(5 * epoch, 5 * epoch + 5)}
        assert shares == {optimiser.param_groups[0]["lr"]}
        optimiser.step()
        scheduler.step()


def test_the_share_by_hand(make_case):
    case = make_case({"train.epochs": 6, "train.lr_decay_from": 2})
    assert [lr_share(case, step, 10) for step in (0, 19, 20, 29)] == [1.0] * 4, "the epoch after `lr_decay_from` is still whole"
    assert [lr_share(case, step, 10) for step in (30, 39, 40, 50, 59)] == [0.75, 0.75, 0.5, 0.25, 0.25], "never 0, not even in the last"
    assert {lr_share(make_case({"train.epochs": 6}), step, 10) for step in (0, 30, 59)} == {1.0}


SHARES = [1.0] * 6 + [2 / 3] * 3 + [1 / 3] * 2  # of each step, for DECAY_FROM of EPOCHS


@pytest.mark.parametrize("kind", ["paired", "paired, self"])
def test_the_optimisers_really_have_these_rates(make_case, kind):
    case = make_case(KINDS[kind])
    first = {"both": LR_G} if kind.endswith("self") else {"g": LR_G, "d": LR_D}
    state, seen = fresh(case), []
    assert rates(state) == first
    train(case, state, STEPS, after_step=lambda state: seen.append(rates(state)))
    for found, share in zip(seen, SHARES, strict=True):
        assert found == {name: pytest.approx(lr * share, rel=1e-12) for name, lr in first.items()}


@pytest.mark.parametrize("stop", range(STEPS))
def test_they_have_them_right_after_a_restore(make_case, tmp_path, stop):
    """Those of the last step at first, those of the next in it: stopped in an epoch, at every edge, and before the first step."""
    case = make_case({**KINDS["paired"], "train.ema": 0.0})
    state, seen = fresh(case), []
    train(case, state, stop)
    save(state, tmp_path / "c")
    resumed = reloaded(case, tmp_path / "c")
    assert rates(resumed) == rates(state)
    train(case, resumed, STEPS, after_step=lambda state: seen.append(rates(state)))
    for found, share in zip(seen, SHARES[stop:], strict=True):
        assert found == {"g": pytest.approx(LR_G * share, rel=1e-12), "d": pytest.approx(LR_D * share, rel=1e-12)}


def test_a_smaller_rate_makes_a_smaller_step(make_case):
    """Plain SGD in two epochs' first steps from the same weights, on the same batch: the changes are as the shares."""
    sgd = {"name": "sgd", "lr": 0.01}
    changes = {"model": {**PIX2PIX, "dropout": 0.0}, "optim": {"g": sgd, "d": sgd}, "recipe.order": "g-first"}
    case = make_case({**PAIRED, **changes})
    moved = []
    for step in (0, 9):
        state = fresh(case)
        before = [p.detach().clone() for p in state.g.parameters()]
        state.step = step
        train(case, state, step + 1)
        moved.append([p.detach() - old for p, old in zip(state.g.parameters(), before, strict=True)])
    for whole, third in zip(*moved, strict=True):
        torch.testing.assert_close(third, whole / 3, rtol=1e-3, atol=1e-6)


def test_without_a_decay_nothing_touches_the_rates(make_case):
    case = make_case({**KINDS["paired"], "train.lr_decay_from": None})
    state = fresh(case)
    train(case, state, STEPS)
    assert rates(state) == {"g": LR_G, "d": LR_D}
