"""The feature-extractor probe: what it reads of D and of G, its classifier, and that it leaves the networks alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d, conv2d, conv_transpose2d, leaky_relu, one_hot

from ganzoo import data
from ganzoo.metrics import ridge
from ganzoo.metrics.backwards import Backwards, NotReversible
from ganzoo.metrics.encode import NotFinite, evaluation_mode
from ganzoo.metrics.features import MetricError
from ganzoo.metrics.layer_outputs import hidden_outputs
from ganzoo.metrics.probe import PROBES, first, in_batches, probe
from ganzoo.models import registry
from ganzoo.tensor_digest import digest_tensors

LATENT = 6


@dataclass
class Part:
    images: Tensor
    labels: Tensor


def tiny_g() -> nn.Module:
    """z → (N, 8, 2, 2) → (N, 6, 4, 4) → (N, 1, 8, 8), with dropout and spectral norm to be disturbed."""
    return nn.Sequential(
        nn.Linear(LATENT, 32), nn.Unflatten(1, (8, 2, 2)), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        nn.utils.parametrizations.spectral_norm(nn.ConvTranspose2d(8, 6, 4, 2, 1, bias=False)), nn.LeakyReLU(0.2, inplace=True),
        nn.Dropout(0.3), nn.ConvTranspose2d(6, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


def tiny_d() -> nn.Module:
    """(N, 1, 8, 8) → (N, 6, 8, 8) → (N, 8, 4, 4) → logit (N,)."""
    return nn.Sequential(
        nn.utils.spectral_norm(nn.Conv2d(1, 6, 3, padding=1)), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(6, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.Dropout(0.3), nn.LeakyReLU(0.2, inplace=True),
        nn.Flatten(), nn.Linear(128, 1), nn.Flatten(0),
    )  # fmt: skip


@pytest.fixture
def pairs() -> list[nn.Module]:
    """(g, d, untrained_g, untrained_d), the first two in the middle of training."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        g, d, g_0, d_0 = tiny_g(), tiny_d(), tiny_g(), tiny_d()
        for _ in range(2):
            d(g(torch.randn(16, LATENT))).sum().backward()
    return [g, d, g_0, d_0]


@pytest.fixture(scope="module")
def digits() -> tuple[Part, Part]:
    train, test = data.load("digits", limit=600), data.load("digits", "test", limit=200)
    return Part(train.images, train.labels), Part(test.images, test.labels)


def run(pairs, digits, **more) -> dict[str, float]:
    return probe(*pairs, *digits, (-1.0, 1.0), LATENT, "cpu", **more)


# --- the whole


def test_all_five_and_twice_the_same(pairs, digits):
    found = run(pairs, digits)
    assert tuple(found) == PROBES
    assert all(0.6 < value <= 1 for value in found.values())  # ten classes: chance is 0.1
    assert run(pairs, digits) == found


def test_untrained_means_the_untrained_networks(pairs, digits):
    g, d, g_0, d_0 = pairs
    there, back = run(pairs, digits, num_train=60), run([g_0, d_0, g, d], digits, num_train=60)
    assert there["probe_d"] == back["probe_untrained_d"] != there["probe_untrained_d"]
    assert there["probe_g"] == back["probe_untrained_g"] != there["probe_untrained_g"]
    assert there["probe_pixels"] == back["probe_pixels"]


class Oracle(nn.Module):
    """A D whose hidden units know the label of each image it was told of."""

    def __init__(self, parts: tuple[Part, Part]):
        super().__init__()
        self.known = {x.numpy().tobytes(): y for part in parts for x, y in zip(part.images, part.labels, strict=True)}
        self.hidden, self.out = nn.ReLU(), nn.Linear(10, 1)

    def forward(self, x: Tensor) -> Tensor:
        back = ((x + 1) * 127.5).round().to(torch.uint8)
        return self.out(self.hidden(one_hot(torch.stack([self.known[one.numpy().tobytes()] for one in back]), 10).float()))


def test_features_that_know_the_label(pairs, digits):
    pairs[1] = Oracle(digits)
    found = run(pairs, digits)
    assert found["probe_d"] == 1.0 > found["probe_pixels"]


def test_random_labels_are_not_learnt(pairs, digits):
    draw = torch.Generator().manual_seed(1)
    wrong = [Part(part.images, torch.randint(2, part.labels.shape, generator=draw)) for part in digits]
    for name, value in run(pairs, wrong).items():  # 200 images: one half within 4 standard deviations
        assert value == pytest.approx(0.5, abs=4 * 0.5 / 200**0.5), name


def test_the_parts_are_those_of_a_limit(digits):
    whole, limited = data.load("digits", "train"), data.load("digits", "train", limit=50)
    images, labels = first(whole, 50)
    assert sorted(x.numpy().tobytes() for x in images) == sorted(x.numpy().tobytes() for x in limited.images)
    assert len(first(whole, 10**6)[1]) == len(whole)
    assert set(labels.tolist()) == set(limited.labels.tolist())


def test_fewer_images_other_numbers(pairs, digits):
    assert run(pairs, digits, num_train=100) != run(pairs, digits)


def test_one_class_is_refused(pairs, digits):
    train, test = digits
    with pytest.raises(MetricError, match=r"600 train images of 1 class\(es\) and 200 test images, expected two.*eval\.probe: false"):
        run(pairs, (Part(train.images, torch.zeros_like(train.labels)), test))


def test_a_diverged_network_is_told(pairs, digits):
    nn.init.constant_(pairs[1][2].weight, float("nan"))
    with pytest.raises(NotFinite, match="D's features are not finite"):
        run(pairs, digits)


# --- what it must leave alone


def everything(nets: list[nn.Module]) -> list:
    states = [digest_tensors(net.state_dict()) for net in nets]
    modes = [[module.training for module in net.modules()] for net in nets]
    flags = [[(p.requires_grad, None if p.grad is None else p.grad.sum().item()) for p in net.parameters()] for net in nets]
    hooks = [[len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules()] for net in nets]
    return [states, modes, flags, hooks, torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()]  # noqa: NPY002


def test_networks_and_streams_stay(pairs, digits):
    pairs[0][2].eval()  # one layer in a mode of its own
    before = everything(pairs)
    assert any(grad for flags in before[2] for _, grad in flags)
    run(pairs, digits)
    assert everything(pairs) == before
    assert torch.is_grad_enabled()


def test_networks_stay_after_a_failure(pairs, digits):
    nn.init.constant_(pairs[0][4].parametrizations.weight.original, float("nan"))
    before = everything(pairs)
    with pytest.raises(NotFinite, match="generator's weights are not finite"):
        run(pairs, digits)
    assert everything(pairs) == before


# --- D's features


def features_of(d: nn.Module, x: Tensor) -> Tensor:
    with evaluation_mode(d):
        return hidden_outputs(d, lambda: d(x))


def test_maps_are_pooled_to_a_grid_and_put_side_by_side(pairs):
    d, x = pairs[1], torch.randn(3, 1, 8, 8)
    with evaluation_mode(d):
        low = d[:2](x)
        high = d[2:6](low.clone())
    expected = torch.cat((adaptive_max_pool2d(low, 4).flatten(1), high.flatten(1)), 1)
    assert torch.equal(features_of(d, x), expected)
    assert expected.shape == (3, 6 * 16 + 8 * 16)


def test_dense_layers_are_taken_as_they_are():
    d = nn.Sequential(nn.Flatten(), nn.Linear(64, 7), nn.LeakyReLU(0.1), nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 1), nn.Sigmoid())
    x = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        hidden = d[:3](x)
        expected = torch.cat((hidden, d[3:5](hidden)), 1)  # and not what the last Sigmoid gives
    assert torch.equal(features_of(d, x), expected)


class Functional(nn.Module):
    """A user's network whose nonlinearities are no modules."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 9), nn.Linear(9, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x.flatten(1)).relu())


def test_without_activation_modules_what_enters_the_last_layer():
    d, x = Functional(), torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        expected = d.first(x.flatten(1)).relu()
    assert torch.equal(features_of(d, x), expected)


def test_a_network_without_weights():
    with pytest.raises(MetricError, match="no layer with weights in Flatten"):
        features_of(nn.Flatten(), torch.randn(2, 1, 8, 8))


# --- G's features


def backwards(g: nn.Module, x: Tensor, latent: int = LATENT) -> Tensor:
    with evaluation_mode(g):
        return Backwards(g, latent, len(x), "cpu").features(x)


@pytest.mark.parametrize(
    ("layer", "hidden"),
    [
        (nn.ConvTranspose2d(5, 3, 4, 2, 1), (5, 4, 4)),
        (nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(5, 3, 3, padding=1)), (5, 4, 4)),
        (nn.Sequential(nn.Flatten(), nn.Linear(80, 192), nn.Unflatten(1, (3, 8, 8))), (5, 4, 4)),
    ],
    ids=["transposed", "nearest", "dense"],
)
def test_each_map_becomes_its_adjoint(layer, hidden):
    """⟨A h, x⟩ = ⟨h, Aᵀx⟩, biases apart; an activation that changes nothing gives Aᵀx away."""
    g = nn.Sequential(nn.Linear(LATENT, 80), nn.Unflatten(1, hidden), nn.LeakyReLU(1.0), layer, nn.Tanh()).double()
    h, x = torch.randn(2, *hidden, dtype=torch.float64), torch.randn(2, 3, 8, 8, dtype=torch.float64)
    g = g.float()
    back = backwards(g, x.float()).double()
    with torch.no_grad():
        forth = (layer(h.float()) - layer(torch.zeros_like(h).float())).double()
    assert float((forth * x).sum()) == pytest.approx(float((h.flatten(1) * back).sum()), rel=1e-4, abs=1e-4)


def test_two_layers_by_hand():
    """Transposed convolutions become strided ones; the nonlinearity follows each; running statistics scale, the shift does not show."""
    first, last = nn.ConvTranspose2d(5, 4, 4, 2, 1, bias=False), nn.ConvTranspose2d(4, 1, 4, 2, 1)
    norm = nn.BatchNorm2d(4)
    nn.init.uniform_(norm.running_var, 0.5, 2), nn.init.normal_(norm.running_mean), nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
    g = nn.Sequential(
        nn.Linear(LATENT, 80),
        nn.Unflatten(1, (5, 4, 4)),
        nn.ReLU(inplace=True),
        first,
        norm,
        nn.LeakyReLU(0.2, inplace=True),
        last,
        nn.Tanh(),
    )
    x = torch.randn(3, 1, 16, 16)
    with torch.no_grad():
        high = leaky_relu(conv2d(x, last.weight, stride=2, padding=1), 0.2)
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        low = conv2d(high * scale[:, None, None], first.weight, stride=2, padding=1).relu()
    expected = torch.cat((adaptive_max_pool2d(high, 4).flatten(1), low.flatten(1)), 1)
    assert torch.allclose(backwards(g, x), expected, atol=1e-5)


def test_a_skip_connection_adds_on_the_way_back():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense, self.act = nn.Linear(LATENT, 32), nn.LeakyReLU(0.2)
            self.conv, self.out = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 1, 3, padding=1)

        def forward(self, z):
            x = self.act(self.dense(z).view(-1, 2, 4, 4))
            return self.out(x + self.conv(x))

    g, x = Residual(), torch.randn(3, 1, 4, 4)
    with torch.no_grad():
        signal = conv_transpose2d(x, g.out.weight, padding=1)
        expected = leaky_relu(signal + conv_transpose2d(signal, g.conv.weight, padding=1), 0.2).flatten(1)
    assert torch.allclose(backwards(g, x), expected, atol=1e-5)


def test_images_do_not_depend_on_their_neighbours(pairs):
    x = torch.randn(5, 1, 8, 8)
    with evaluation_mode(pairs[0]):
        turned = Backwards(pairs[0], LATENT, 5, "cpu")
        whole, alone = turned.features(x), turned.features(x[3:4])
    assert torch.allclose(whole[3:4], alone, atol=1e-6)


@pytest.mark.parametrize("name", ["dcgan", "residual-dcgan", "mlp-gan", "conv-gen-gan"])
def test_the_models_of_the_suite_can_be_run_backwards(name):
    model = registry.get(name)
    small = {"width_g": 16, "width_d": 8} if "dcgan" in name else {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        g, d = model.build(model.Options(**small), 12, (1, 32, 32))
    x = torch.rand(2, 1, 32, 32) * 2 - 1
    back, seen = backwards(g, x, 12), features_of(d, x)
    assert back.shape[1] > 100 and seen.shape[1] > 100
    assert (back[0] != back[1]).any() and (seen[0] != seen[1]).any()


class FunctionalG(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(LATENT, 9), nn.Linear(9, 64)

    def forward(self, z: Tensor) -> Tensor:
        return self.last(self.first(z).relu()).view(-1, 1, 8, 8)


@pytest.mark.parametrize("g", [FunctionalG(), nn.Sequential(nn.Linear(LATENT, 64), nn.Unflatten(1, (1, 8, 8)), nn.Tanh())])
def test_a_generator_that_cannot_be_turned_is_left_out(g, pairs, digits):
    with pytest.raises(NotReversible):
        backwards(g, torch.randn(2, 1, 8, 8))
    assert list(run([g, pairs[1], g, pairs[3]], digits)) == ["probe_d", "probe_untrained_d", "probe_pixels"]
    assert list(run([pairs[0], pairs[1], g, pairs[3]], digits)) == ["probe_d", "probe_untrained_d", "probe_pixels"]


# --- the classifier


def reference(x, y, t, v) -> float:
    """The same with scikit-learn's classifier."""

    def model(strength):
        return RidgeClassifier(alpha=strength * x.shape[1], solver="cholesky")

    kept = len(x) - len(x) // 5
    scaled = StandardScaler().fit_transform(x)
    scores = [model(s).fit(scaled[:kept], y[:kept]).score(scaled[kept:], y[kept:]) for s in ridge.STRENGTHS]
    best = max(zip(scores, ridge.STRENGTHS, strict=True))[1]
    return make_pipeline(StandardScaler(), model(best)).fit(x, y).score(t, v)


def test_pixels_as_scikit_learn_has_them(pairs, digits):
    (x, y), (t, v) = first(digits[0], 5000), first(digits[1], 5000)
    expected = reference(x.flatten(1).double().numpy(), y.numpy(), t.flatten(1).double().numpy(), v.numpy())
    assert run(pairs, digits)["probe_pixels"] == expected
    assert expected > 0.85


@pytest.mark.parametrize(("rows", "width", "classes"), [(200, 30, 4), (90, 150, 4), (200, 30, 2), (90, 150, 2)])
def test_it_is_scikit_learns_ridge_classifier(rows, width, classes):
    random = np.random.RandomState(rows + classes)
    centres = random.randn(classes, width) * 0.15
    y = random.randint(classes, size=rows + 300) * 3 + 1  # labels need not count from zero
    x = centres[y // 3] + random.randn(len(y), width) + 5
    x[:, 0] = 7.0  # constant
    parts = x[:rows], y[:rows], x[rows:], y[rows:]
    found = ridge.accuracy(*parts)
    assert found == reference(*parts)
    assert 1.2 / classes < found < 1  # something to find, and not all of it


def test_the_strength_is_not_chosen_on_the_test_part():
    """Other test labels, the same classifier: each row is right under one of the two labellings only."""
    random = np.random.RandomState(0)
    x, t = random.randn(100, 20), random.randn(80, 20)
    y, v = (x[:, 0] > 0).astype(int), (t[:, 0] > 0).astype(int)
    assert ridge.accuracy(x, y, t, v) + ridge.accuracy(x, y, t, 1 - v) == pytest.approx(1)


def test_images_are_scaled_as_in_training():
    rows = in_batches(torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1), lambda x: x.flatten(1), (-1.0, 1.0), "cpu", "x")
    assert rows.tolist() == [[-1.0], [pytest.approx(-0.6)], [1.0]]
