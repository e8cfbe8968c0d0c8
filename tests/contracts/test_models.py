"""What every registered model promises: options, declared sizes; and those for generation: shapes, gradients, determinism.

Registering a model enrols it here; those for translation, by their `TASK`, also in `test_translation_models.py`, those that may be told
classes, by their option `num_classes`, also in `test_conditional_models.py`.
"""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterator

import pydantic
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganzoo import models
from ganzoo.bench.counts import parameters
from ganzoo.layers import NonLocalBlock
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train import checkpoint

LATENT = 16
NARROW = {"ch": 4}  # what an option called so is set to, so that these tests are quick
# The registered models for generation at their defaults, and settings under which one has other layers.
# fmt: off
MODELS = {name: (name, {}) for name in models.names() if getattr(models.get(name), "TASK", "generation") == "generation"} | {
    "dcgan, spectral norm, dropout": ("dcgan", {"spectral_norm": "both", "dropout_where": "every", "width_g": 16, "width_d": 16}),
    # Glorot's law: under N(0, 0.02²), D's logits hardly move in the few steps of these tests where no batch norm rescales them
    "dcgan, max-pool, nearest, dense": (
        "dcgan",
        {"down": "max-pool", "up": "nearest", "hidden_dense": [24, 16], "activation_g": "tanh", "init": "glorot-uniform", "width_g": 16},
    ),
    "dcgan, avg-pool, no batch norm in G": (
        "dcgan", {"down": "avg-pool", "batchnorm": "d", "activation_d": "relu", "init": "glorot-uniform", "width_g": 16, "width_d": 64},
    ),
    "residual-dcgan, one plain block, no bias": (
        "residual-dcgan", {"blocks": 1, "se": False, "bias": False, "activation": "relu", "width_g": 16, "width_d": 16},
    ),
    "selfgan-conv, Glorot's law": ("selfgan-conv", {"init": "glorot-uniform"}),
    "dcgan, attention": ("dcgan", {"attention": [8, 16], "spectral_norm": "both", "width_g": 16, "width_d": 16}),
    "biggan, three classes": ("biggan", {"num_classes": 3, "attention": [8], "spectral_attention": True, "init": "orthogonal"}),
    "biggan, as the code": ("biggan", {"num_classes": 3, "layout": "code", "attention": [16], "ch": 8}),
    "biggan, the class at the start": ("biggan", {"num_classes": 3, "conditional_norm": False, "shared_embedding": False}),
    "biggan, tables and chunks": ("biggan", {"num_classes": 3, "shared_embedding": False, "projection": False}),
    "sagan, three classes": ("sagan", {"num_classes": 3}),
}
# fmt: on
DAMPED = {"selfgan-conv"}  # N(0, 0.02²) likewise: batch norm with an eps of 0.8 hardly rescales. Glorot's law stands in where it must learn
SUMMED = {"biggan", "sagan"}  # D sums over all places under spectral norm: what tells noise from noise is soon averaged out
UNBOUNDED = {"point-mlp"}  # makes points, which have no range
DECLARED = re.compile(r"At the defaults(?:, (\d+) latents)? and (\d+)×(\d+) (grey|colour) images: G ([\d,]+) and D ([\d,]+) parameters")
OPTIONS = [(name, option) for name in models.names() for option in models.get(name).Options.model_fields]

registered = pytest.mark.parametrize("name", models.names())
every_model = pytest.mark.parametrize("name", MODELS)
every_learner = pytest.mark.parametrize("name", [name for name in MODELS if name not in DAMPED])


def small(name: str, channels: int = 1) -> models.registry.Shape:
    """The least images that the tests ask of a model: 8×8, or the first of the sides that it says it takes."""
    side = min(getattr(models.get(MODELS[name][0]), "SIDES", (8,)))
    return channels, side, side


def shapes(name: str) -> list[models.registry.Shape]:
    taken = getattr(models.get(MODELS[name][0]), "SIDES", None)
    return [(1, 8, 8), (1, 28, 28), (3, 32, 32)] if taken is None else [(1, taken[0], taken[0]), (3, taken[1], taken[1])]


class Told(nn.Module):
    """A network that is told classes as one that is not: those of a batch are 0, 1, … in turn."""

    def __init__(self, net: nn.Module, num_classes: int):
        super().__init__()
        self.net, self.num_classes = net, num_classes

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x, torch.arange(len(x)) % self.num_classes)


def build(name: str, image: models.registry.Shape | None = None, seed: int = 0, latent: int = LATENT) -> tuple[nn.Module, nn.Module]:
    """G and D, from a seeded global stream; what is drawn next is seeded, too."""
    torch.manual_seed(seed)
    model, options = MODELS[name]
    cls = models.get(model)
    narrow = {key: value for key, value in NARROW.items() if key in cls.Options.model_fields}
    g, d = cls.build(cls.Options(**{**narrow, **options}), latent, image or small(name))
    told = options.get("num_classes", 0)
    return (Told(g, told), Told(d, told)) if told else (g, d)


def quiet(name: str, image: models.registry.Shape | None = None) -> tuple[nn.Module, nn.Module]:
    """The same in eval mode, where dropout is off."""
    g, d = build(name, image)
    return g.eval(), d.eval()


def noise(count: int, seed: int = 1, latent: int = LATENT) -> Tensor:
    return torch.randn(count, latent, generator=torch.Generator().manual_seed(seed))


def pictures(count: int, image: models.registry.Shape, seed: int = 2) -> Tensor:
    return torch.rand(count, *image, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def both(g: nn.Module, d: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    for label, net in (("g", g), ("d", d)):
        for key, parameter in net.named_parameters():
            yield f"{label}.{key}", parameter


@pytest.mark.parametrize(("name", "image"), [(name, image) for name in MODELS for image in shapes(name)], ids=str)
def test_shapes(name, image):
    g, d = build(name, image, latent=20)  # divides into the chunks of a hierarchical z at both sides
    fakes = g(noise(4, latent=20))
    assert fakes.shape == (4, *image) and fakes.dtype == torch.float32
    assert d(fakes).shape == (4,) and d(fakes).dtype == torch.float32
    assert d(pictures(2, image)).shape == (2,)


@every_model
def test_gradients_reach_every_parameter(name):
    g, d = build(name)
    for block in (layer for net in (g, d) for layer in net.modules() if isinstance(layer, NonLocalBlock)):
        nn.init.ones_(block.gamma)  # 0 at first: nothing passes
    softplus(-d(g(noise(8)))).mean().backward()
    for key, parameter in both(g, d):
        assert parameter.grad is not None, f"{key} got no gradient"
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, f"{key}'s gradient is {parameter.grad}"


@every_model
def test_networks_share_no_parameter(name):
    g, d = build(name)
    assert not {id(p) for p in g.parameters()} & {id(p) for p in d.parameters()}


@every_model
def test_build_is_decided_by_the_global_stream(name):
    digests = [[digest_tensors(net.state_dict()) for net in build(name, seed=seed)] for seed in (0, 0, 1)]
    assert digests[0] == digests[1]
    assert digests[0][0] != digests[2][0] and digests[0][1] != digests[2][1]


@registered
def test_unknown_option_is_refused(name):
    with pytest.raises(pydantic.ValidationError, match="no_such_option"):
        models.get(name).Options(no_such_option=1)


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_option_of_the_wrong_type_is_refused(name, option):
    with pytest.raises(pydantic.ValidationError, match=option):
        models.get(name).Options(**{option: {"not": "this"}})
    with pytest.raises(pydantic.ValidationError, match=option):
        models.get(name).Options(**{option: "neither this"})


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_every_option_says_what_it_does(name, option):
    field = models.get(name).Options.model_fields[option]
    assert field.description and not field.is_required(), "an option needs a default, and a description for its source"


@registered
def test_options_survive_a_record(name):
    """A record holds them as JSON; the same options must come back."""
    cls = models.get(name)
    assert cls.Options(**cls.Options().model_dump(mode="json")) == cls.Options()


@registered
def test_declared_parameter_counts(name):
    cls = models.get(name)
    declared = DECLARED.search(cls.__doc__ or "") or DECLARED.search(sys.modules[cls.__module__].__doc__ or "")
    assert declared, f"the docstring of {cls.__module__} states no parameter counts in the form {DECLARED.pattern}"
    latent, height, width, kind, of_g, of_d = declared.groups()
    with torch.device("meta"):  # shapes alone
        g, d = cls.build(cls.Options(), int(latent or 100), ({"grey": 1, "colour": 3}[kind], int(height), int(width)))
    assert (f"{parameters(g):,}", f"{parameters(d):,}") == (of_g, of_d)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in UNBOUNDED])
def test_samples_stay_in_range(name):
    """The default range of G's output, eval.fake_range, is [-1, 1], also for latents far out; and G makes use of it."""
    g, _ = quiet(name)
    far = g(noise(8) * 1e3)
    assert far.min() >= -1 and far.max() <= 1
    assert far.min() < -0.5 and far.max() > 0.5


@every_model
def test_checkpoint_round_trip(name, tmp_path):
    g, d = build(name)
    softplus(-d(g(noise(8)))).mean().backward()  # moves running statistics, where there are any
    kept = {f"g/{key}": value for key, value in g.state_dict().items()} | {f"d/{key}": value for key, value in d.state_dict().items()}
    checkpoint.save(tmp_path / "c.safetensors", kept, {})
    tensors, _ = checkpoint.load(tmp_path / "c.safetensors")
    other_g, other_d = build(name, seed=9)
    for prefix, net in (("g/", other_g), ("d/", other_d)):
        net.load_state_dict({key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)})
    x = g.eval()(noise(4))
    assert torch.equal(x, other_g.eval()(noise(4)))
    assert torch.equal(d.eval()(x), other_d.eval()(x))


@every_model
def test_an_image_does_not_depend_on_its_neighbours_in_eval_mode(name):
    """So a metric does not depend on the size of the evaluation's chunks."""
    g, d = quiet(name)
    alone, among = g(noise(8)[:1]), g(noise(8))
    torch.testing.assert_close(among[:1], alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(d(among)[:1], d(alone), rtol=1e-4, atol=1e-5)


@every_learner
def test_discriminator_learns_to_separate_two_batches(name):
    """Logits of either sign: a sigmoid left in D would never go below zero."""
    _, d = build(name)
    real, fake = pictures(16, small(name), seed=3), pictures(16, small(name), seed=4)
    if MODELS[name][0] in SUMMED:
        real, fake = real / 2 + 0.5, fake / 2 - 0.5
    optimiser = torch.optim.Adam(d.parameters(), lr=1e-3)
    for _ in range(25):
        optimiser.zero_grad()
        (softplus(-d(real)).mean() + softplus(d(fake)).mean()).backward()
        optimiser.step()
    d.eval()
    assert d(real).min() > 0 > d(fake).max()


@every_learner
def test_generator_learns_to_please_a_fixed_discriminator(name):
    g, d = build(name)
    with torch.no_grad():
        for seed in range(30):  # a batch norm in D has its running statistics from somewhere, or D is nearly constant
            d(pictures(16, small(name), seed))
    d.eval().requires_grad_(False)
    optimiser = torch.optim.Adam(g.parameters(), lr=1e-3)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        logits = d(g(noise(16)))
        loss = -logits.mean() if MODELS[name][0] in SUMMED else softplus(-logits).mean()  # sums may please from the start
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.05, f"G's loss went from {losses[0]} to {losses[-1]}"


@every_model
def test_bf16_autocast_is_near_fp32(name):
    g, d = quiet(name)
    full = d(g(noise(8)))
    with torch.autocast("cpu", torch.bfloat16):
        fakes = g(noise(8))
        half = d(fakes)
    assert fakes.dtype == torch.bfloat16, "autocast reached no layer of G"
    assert half.dtype == torch.bfloat16 or isinstance(d, Told), "autocast reached no layer of D"  # the projection's table is float32
    half.float().mean().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 and p.grad.isfinite().all() for _, p in both(g, d))
    assert (half.float() - full).abs().max() < 0.03 * max(1.0, full.abs().max().item())  # bfloat16 keeps 8 bits


@every_model
@pytest.mark.parametrize("image", [None, (3, 32, 32)], ids=["grey", "colour"])
def test_channels_last_computes_the_same(name, image):
    """Forward and backward; only the order of summation may differ."""
    image = image or small(name)
    exact = torch.float64 if MODELS[name][0] in SUMMED else torch.float32  # the code's conditional norms enlarge what rounding leaves
    plain = tuple(net.to(exact) for net in quiet(name, image))
    last = tuple(copy.deepcopy(net).to(memory_format=torch.channels_last) for net in plain)
    seen = []
    for (g, d), layout in ((plain, torch.contiguous_format), (last, torch.channels_last)):
        fakes, x = g(noise(4).to(exact)), pictures(4, image).to(exact, memory_format=layout)
        logits = torch.cat((d(x), d(fakes)))
        softplus(-logits).mean().backward()
        seen.append((fakes.detach(), logits.detach(), dict(both(g, d))))
    torch.testing.assert_close(seen[1][0], seen[0][0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(seen[1][1], seen[0][1], rtol=1e-4, atol=1e-5)
    for key, parameter in seen[0][2].items():
        torch.testing.assert_close(seen[1][2][key].grad, parameter.grad, rtol=1e-3, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}")
