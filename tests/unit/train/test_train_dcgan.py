"""Training `dcgan`: the order of its update, resuming with spectral norm's vectors, digits at 32×32."""

from __future__ import annotations

import math
from contextlib import nullcontext

import pytest
import torch

from ganzoo.bench.catalogue import load_checked
from ganzoo.bench.plan import load_images
from ganzoo.recipes import Alternating
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train import checkpoint
from ganzoo.train.loop import train
from ganzoo.train.state import State

CPU = torch.device("cpu")
STEPS = 7
MODEL = {"name": "dcgan", "latent": {"dim": 8, "dist": "normal"}, "width_g": 4, "width_d": 4}
ADAM = {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999]}

KINDS = {
    "plain": {},
    "spectral norm on both, channel dropout, average": {"model.spectral_norm": "both", "model.dropout_where": "every", "train.ema": 0.9},
    "spectral norm on D, channels last, bf16": {"model.spectral_norm": "d", "train.channels_last": True, "train.precision": "bf16"},
}


@pytest.fixture
def pictures():
    """40 grey images of 32×32: two batches of 16 an epoch."""
    return torch.randint(0, 256, (40, 1, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def outcome(state: State) -> tuple:
    return state.step, state.weights_digest(), state.log.read(), digest_tensors(state.pack()[0])


@pytest.mark.parametrize("changes", KINDS.values(), ids=list(KINDS))
def test_resumed_equals_undisturbed(make_case, pictures, tmp_path, changes):
    case = make_case({"model": {**MODEL}, **changes})
    whole = State.fresh(case, pictures, 0, STEPS, CPU)
    train(case, whole, STEPS)
    state = State.fresh(case, pictures, 0, STEPS, CPU)
    train(case, state, 3)
    tensors, meta = state.pack()
    checkpoint.save(tmp_path / "c", tensors, {"training": meta})
    resumed = State.fresh(case, pictures, 99, STEPS, CPU)
    tensors, meta = checkpoint.load(tmp_path / "c")
    kept = sum(key.startswith("net/") and key.endswith(".u") for key in tensors)
    assert kept == {"none": 0, "d": 4, "both": 12}[case.model.options.get("spectral_norm", "none")]  # G, D and the average of G
    resumed.restore(tensors, meta["training"])
    train(case, resumed, STEPS)
    assert outcome(resumed) == outcome(whole)


@pytest.mark.parametrize("lost", [".u", ".original"])
def test_a_checkpoint_without_spectral_norm_is_refused(make_case, pictures, lost):
    case = make_case({"model": {**MODEL, "spectral_norm": "d"}})
    state = State.fresh(case, pictures, 0, STEPS, CPU)
    tensors, meta = state.pack()
    with pytest.raises(checkpoint.CheckpointError, match="is not of this run"):
        state.restore({key: value for key, value in tensors.items() if not key.endswith(lost)}, meta)


@pytest.mark.parametrize(("fresh_z", "same"), [(False, True), (True, False)])
def test_one_z_serves_both_updates(make_case, pictures, fresh_z, same):
    """iyengar's code, `gan_trainer.py`: D sees reals, then fakes; after its update it sees the fakes of the same z again."""
    case = make_case({"model": {**MODEL}})
    state, seen, latents = State.fresh(case, pictures, 0, STEPS, CPU), [], []
    state.d.register_forward_pre_hook(lambda module, arguments: seen.append((arguments[0].detach().clone(), weight(state))))
    state.g.register_forward_pre_hook(lambda module, arguments: latents.append(arguments[0].clone()))
    rule = Alternating(
        state.g, state.d, state.optimisers["g"], state.optimisers["d"], loss="non-saturating", d_weight=1.0, fresh_z=fresh_z,
        autocast=lambda: torch.autocast("cpu", enabled=False),
    )  # fmt: skip
    reals = state.batches.next()
    rule.step(lambda: reals, lambda: torch.randn(16, 8, generator=state.latent), 1)
    assert len(latents) == (1 if same else 2)
    (real, first), (fake, second), (again, third) = seen
    assert torch.equal(real, reals) and torch.equal(again, fake) == same
    assert torch.equal(first, second) and not torch.equal(second, third), "G is updated through the D that has just learnt"


def weight(state: State) -> torch.Tensor:
    return state.d.layers[0].weight.detach().clone()


@pytest.mark.parametrize("spectral_norm", ["none", "d"])
def test_the_fast_path_is_the_plain_path(make_case, pictures, spectral_norm):
    """Ten steps at the documents' learning rate against the usual way of writing them: channels first, G run anew for its update, D's
    gradients computed there too, unfused Adam, sigmoid and binary cross entropy. In float64, where rounding stays out of sight; with G
    under spectral norm its second forward would be one more power iteration.
    """
    changes = {"model": {**MODEL, "spectral_norm": spectral_norm}, "optim": {"g": ADAM, "d": ADAM}, "recipe.d_weight": 1.0}
    fast = State.fresh(make_case({**changes, "train.channels_last": True}), pictures, 0, 10, CPU)
    plain = State.fresh(make_case(changes), pictures, 0, 10, CPU)
    for state in (fast, plain):
        state.g.double(), state.d.double()
    rule = Alternating(
        fast.g, fast.d, fast.optimisers["g"], fast.optimisers["d"], loss="non-saturating", d_weight=1.0, fresh_z=False, autocast=nullcontext
    )  # fmt: skip
    rule.logits, rule.fakes = (lambda x, told: fast.d(x)), (lambda z, told: fast.g(z))  # which would make them float32
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), foreach=False) for net in (plain.g, plain.d))
    criterion, ones, zeros = torch.nn.BCELoss(), torch.ones(16, dtype=torch.double), torch.zeros(16, dtype=torch.double)
    chance = torch.Generator().manual_seed(3)
    for _ in range(10):
        z, reals = torch.randn(16, 8, generator=chance, dtype=torch.double), fast.batches.next().double()
        found = [float(loss) for loss in rule.step(lambda reals=reals: reals, lambda z=z: z, 1)]
        opt_d.zero_grad()
        d_loss = criterion(plain.d(reals).sigmoid(), ones) + criterion(plain.d(plain.g(z).detach()).sigmoid(), zeros)
        d_loss.backward()
        opt_d.step()
        opt_g.zero_grad()
        g_loss = criterion(plain.d(plain.g(z)).sigmoid(), ones)
        g_loss.backward()
        opt_g.step()
        assert found == pytest.approx([float(d_loss), float(g_loss)], rel=1e-9)
    for one, other in ((fast.g, plain.g), (fast.d, plain.d)):
        for (name, p), q in zip(one.named_parameters(), other.parameters(), strict=True):
            assert torch.allclose(p, q, rtol=1e-7, atol=1e-9), name


def test_a_few_steps_on_digits_resized_to_32(tmp_path, write_tiny_spec):
    """From a spec: D learns to tell them apart, G's samples move, nothing is infinite."""
    source = {"assumed": "a test"}
    changes = {
        "model": {**MODEL, "latent": {"dim": 16, "dist": "normal"}, "width_g": 8, "width_d": 8, "spectral_norm": "both"},
        "data": {"name": "digits", "range": [-1, 1], "limit": 320, "resize": 32},
        "optim": {"g": ADAM, "d": ADAM},
        "train.batch_size": 32,
    }
    write_tiny_spec(tmp_path / "tiny.yaml", {"dcgan": {**changes, "source": source}})
    case = load_checked(tmp_path / "tiny.yaml").resolve("dcgan", "full").case
    images = load_images(case).images
    assert images.shape == (320, 1, 32, 32)
    state = State.fresh(case, images, 0, 20, CPU)
    z = torch.randn(16, 16, generator=torch.Generator().manual_seed(1))
    before = state.g.eval()(z)
    state.g.train()
    assert train(case, state, 20)
    losses = state.log.read()
    assert all(map(math.isfinite, losses["d"] + losses["g"])) and losses["d"][-1] < math.log(2), losses
    after = state.g.eval()(z)
    assert after.isfinite().all() and (after - before).abs().max() > 0.1
