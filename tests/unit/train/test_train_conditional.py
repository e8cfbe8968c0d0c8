"""Training with classes: which labels the networks are told, and that a step is what eq. 1-2 of *iyengar* (Miyato & Koyama 2018) say."""

from __future__ import annotations

import copy

import pytest
import torch
from conditional_net import Conditional
from torch.nn.functional import relu

from ganzoo.train import checkpoint
from ganzoo.train.batches import Batches
from ganzoo.train.loop import train
from ganzoo.train.state import State

CPU = torch.device("cpu")
HINGE = {"name": "alternating", "loss": "hinge", "d_weight": 1.0, "fresh_z": True}
CHANGES = {"model": {"name": "conditional_net:Conditional", "latent": {"dim": 8}, "num_classes": 5}, "recipe": HINGE}


@pytest.fixture
def labels() -> torch.Tensor:
    """Of the 40 images; image i is of class i % 5."""
    return torch.arange(40) % 5


def fresh(case, images, labels, seed: int = 0, total: int = 11) -> State:
    return State.fresh(case, images, seed, total, CPU, labels)


def test_each_image_comes_with_its_own_label(images, labels):
    batches = Batches(images, 16, (0.0, 255.0), torch.Generator().manual_seed(0), labels=labels)
    plain = Batches(images, 16, (0.0, 255.0), torch.Generator().manual_seed(0))
    by_pixels = {tuple(image.flatten().tolist()): int(label) for image, label in zip(images.float(), labels, strict=True)}
    for _ in range(5):
        x, told = batches.next()
        assert [by_pixels[tuple(one.flatten().tolist())] for one in x] == told.tolist()
        assert torch.equal(x, plain.next()), "labels move no image"


def test_three_steps_are_the_hinge_games(make_case, images, labels):
    """Against a plain transcription that draws from the same streams: L_D over (x, y) and (G(z, y'), y'), then L_G of new z and y'."""
    case = make_case(CHANGES | {"optim": {net: {"name": "sgd", "lr": 0.05} for net in "gd"}})
    state, twin = fresh(case, images, labels), fresh(case, images, labels)
    g, d = copy.deepcopy(twin.g), copy.deepcopy(twin.d)
    opt_g, opt_d = (torch.optim.SGD(net.parameters(), lr=0.05) for net in (g, d))

    def noise():
        z = torch.randn(16, 8, generator=twin.latent)
        return z, torch.empty(16, dtype=torch.long).random_(0, 5, generator=twin.labels)

    for _ in range(3):
        z, told = noise()
        x, y = twin.batches.next()
        d_loss = relu(1 - d(x, y)).mean() + relu(1 + d(g(z, told).detach(), told)).mean()
        opt_d.zero_grad(), d_loss.backward(), opt_d.step()
        z, told = noise()
        g_loss = -d(g(z, told), told).mean()
        opt_g.zero_grad(), g_loss.backward(), opt_g.step()
    assert train(case, state, 3)
    for net, plain in ((state.g, g), (state.d, d)):
        for name, value in net.state_dict().items():
            torch.testing.assert_close(value, plain.state_dict()[name], rtol=1e-5, atol=1e-6)
    assert state.log.steps()[2].tolist() == pytest.approx([d_loss.item(), g_loss.item()], rel=1e-5)


def test_the_fakes_labels_are_uniform_and_of_a_stream_of_their_own(make_case, images, labels):
    case, seen = make_case(CHANGES), []
    state = fresh(case, images, labels, total=60)
    z_before = state.latent.get_state()
    inner = state.g.forward
    state.g.forward = lambda z, told: (seen.append(told.clone()), inner(z, told))[1]
    train(case, state, 60)
    counts = torch.cat(seen).bincount(minlength=5)
    assert counts.sum() == 2 * 60 * 16, "new labels for each of the two updates"
    assert (counts - counts.sum() / 5).abs().max() < 5 * (counts.sum() * 0.16).sqrt(), "five standard deviations of a uniform draw"
    other = torch.Generator()
    other.set_state(z_before)
    for _ in range(2 * 60):
        torch.randn(16, 8, generator=other)
    assert torch.equal(other.get_state(), state.latent.get_state()), "labels draw nothing from the latents' stream"


@pytest.mark.parametrize("stop", [3, 6])
def test_resumed_equals_undisturbed(make_case, images, labels, tmp_path, stop):
    case = make_case(CHANGES | {"train.ema": 0.9, "recipe.d_steps": 2, "recipe.ortho_g": 1e-3, "recipe.ortho_d": 1e-3})
    whole, state = fresh(case, images, labels), fresh(case, images, labels)
    train(case, whole, 11)
    train(case, state, stop)
    tensors, meta = state.pack()
    checkpoint.save(tmp_path / "c", tensors, {"training": meta})
    resumed = fresh(case, images, labels, seed=99)
    tensors, meta = checkpoint.load(tmp_path / "c")
    resumed.restore(tensors, meta["training"])
    train(case, resumed, 11)
    assert resumed.weights_digest() == whole.weights_digest()
    assert resumed.log.read() == whole.log.read()


def test_a_model_that_is_told_nothing_draws_no_labels(make_case, images, labels):
    state = fresh(make_case(), images, labels)
    before = state.labels.get_state()
    train(make_case(), state, 3)
    assert torch.equal(state.labels.get_state(), before)
    assert isinstance(state.batches.next(), torch.Tensor)


def test_the_pair_is_one(images):
    g, d = Conditional.build(Conditional.Options(num_classes=3), 8, (1, 8, 8))
    assert d(g(torch.randn(4, 8), torch.tensor([0, 1, 2, 0])), torch.tensor([0, 1, 2, 0])).shape == (4,)
