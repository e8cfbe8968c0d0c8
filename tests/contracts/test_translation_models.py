"""What every model for translation promises, by its `TASK`. Registering a model enrols it here."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from ganzoo import models
from ganzoo.errors import SpecError
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train import checkpoint

TASKS = ("generation", "paired", "unpaired")
NARROW = {"width": 4}  # what an option called so is set to, so that these tests are quick
IMAGE = (3, 32, 32)


def task(name: str) -> str:
    return getattr(models.get(name), "TASK", "generation")


TRANSLATION = [name for name in models.names() if task(name) != "generation"]
# Settings under which a model has other layers.
MODELS = {name: (name, {}) for name in TRANSLATION} | {
    "pix2pix, as in the paper": ("pix2pix", {"dropout_where": "decoder", "last": "transposed", "patch": 70, "width_d": 6}),
    "pix2pix, shallow": ("pix2pix", {"depth": 2, "dropout": 0.0}),
    "cyclegan, one block": ("cyclegan", {"blocks": 1, "patch": 70, "width_d": 6}),
}
every_model = pytest.mark.parametrize("name", MODELS)


def build(name: str, image: models.registry.Shape = IMAGE, seed: int = 0) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seed)
    model, options = MODELS[name]
    cls = models.get(model)
    narrow = {key: value for key, value in NARROW.items() if key in cls.Options.model_fields}
    return cls.build(cls.Options(**{**narrow, **options}), 100, image)


def pictures(count: int, image: models.registry.Shape = IMAGE, seed: int = 2) -> Tensor:
    return torch.rand(count, *image, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def outputs(name: str, g: nn.Module, d: nn.Module, a: Tensor, b: Tensor) -> dict[str, Tensor]:
    """What the networks make of two sides, as a recipe of their task calls them."""
    if task(MODELS[name][0]) == "paired":
        made = g(a)
        return {"made": made, "judged": d(made, a), "real": d(b, a)}
    made_b, made_a = g["ab"](a), g["ba"](b)
    found = {"made_b": made_b, "made_a": made_a, "back": g["ba"](made_b)}
    return found | {"judged_b": d["b"](made_b), "judged_a": d["a"](made_a), "real_a": d["a"](a), "real_b": d["b"](b)}


def loss(found: dict[str, Tensor]) -> Tensor:
    return sum((value - 1).square().mean() for value in found.values())


def both(g: nn.Module, d: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    for label, net in (("g", g), ("d", d)):
        for key, parameter in net.named_parameters():
            yield f"{label}.{key}", parameter


def biases_without_effect(net: nn.Module, prefix: str) -> set[str]:
    """Biases of layers that an instance norm follows, which takes them away again."""
    found = set()
    for name, block in net.named_modules():
        if isinstance(block, nn.Sequential):
            layers = list(block.named_children())
            found |= {
                f"{prefix}.{name}.{a}.bias" for (a, _), (_, b) in zip(layers, layers[1:], strict=False) if isinstance(b, nn.InstanceNorm2d)
            }
    return found


def test_every_task_is_known():
    assert {task(name) for name in models.names()} <= set(TASKS)
    assert {task(name) for name in TRANSLATION} == {"paired", "unpaired"}


@every_model
@pytest.mark.parametrize("image", [(3, 32, 32), (1, 64, 64)], ids=str)
def test_shapes(name, image):
    g, d = build(name, image)
    patches = set()
    for key, value in outputs(name, g, d, pictures(2, image), pictures(2, image, 3)).items():
        assert value.dtype == torch.float32 and value.isfinite().all(), key
        if key.startswith(("made", "back")):
            assert value.shape == (2, *image) and value.abs().max() <= 1, key
        else:
            assert value.dim() == 4 and value.shape[:2] == (2, 1), key
            patches.add(value.shape)
    assert len(patches) == 1


@every_model
def test_networks_are_apart_and_named(name):
    """No parameter serves twice, and the networks of the unpaired task have the names that its recipes call."""
    g, d = build(name)
    count = sum(1 for net in (g, d) for _ in net.named_parameters(remove_duplicate=False))
    assert count == len({id(parameter) for _, parameter in both(g, d)})
    if task(MODELS[name][0]) == "unpaired":
        assert set(g) == {"ab", "ba"} and set(d) == {"a", "b"}


@every_model
def test_images_of_zeros_are_judged_and_learnt_from(name):
    """A Self form's fakes before its first step."""
    g, d = build(name)
    found = outputs(name, g, d, torch.zeros(1, *IMAGE), torch.zeros(1, *IMAGE))
    loss(found).backward()
    assert all(value.isfinite().all() for value in found.values())
    assert all(parameter.grad.isfinite().all() for _, parameter in both(g, d))


@every_model
def test_gradients_reach_every_parameter(name):
    g, d = build(name)
    idle = biases_without_effect(g, "g") | biases_without_effect(d, "d")
    loss(outputs(name, g, d, pictures(2), pictures(2, seed=3))).backward()
    for key, parameter in both(g, d):
        assert parameter.grad is not None, f"{key} got no gradient"
        assert parameter.grad.isfinite().all(), f"{key}'s gradient is {parameter.grad}"
        assert key in idle or parameter.grad.abs().max() > 1e-8, f"{key}'s gradient is {parameter.grad}"


@every_model
def test_networks_and_outputs_are_decided_by_the_global_stream(name):
    """First weights, and dropout after them."""
    seen = []
    for seed in (0, 0, 1):
        g, d = build(name, seed=seed)
        found = outputs(name, g, d, pictures(2), pictures(2, seed=3))
        seen.append([digest_tensors(tensors) for tensors in (g.state_dict(), d.state_dict(), {k: v.detach() for k, v in found.items()})])
    assert seen[0] == seen[1]
    assert all(a != b for a, b in zip(seen[0], seen[2], strict=True))


@every_model
def test_eval_mode_leaves_nothing_to_chance_and_samples_alone(name):
    g, d = (net.eval() for net in build(name))
    a, b = pictures(3), pictures(3, seed=3)
    before = torch.get_rng_state()
    among, alone = outputs(name, g, d, a, b), outputs(name, g, d, a[:1], b[:1])
    assert torch.equal(before, torch.get_rng_state())
    for key, value in alone.items():
        torch.testing.assert_close(among[key][:1], value, rtol=1e-4, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}")


@every_model
def test_checkpoint_round_trip(name, tmp_path):
    g, d = build(name)
    kept = {f"{label}/{key}": value for label, net in (("g", g), ("d", d)) for key, value in net.state_dict().items()}
    checkpoint.save(tmp_path / "c.safetensors", kept, {})
    tensors, _ = checkpoint.load(tmp_path / "c.safetensors")
    others = build(name, seed=9)
    for label, net in zip(("g/", "d/"), others, strict=True):
        net.load_state_dict({key.removeprefix(label): value for key, value in tensors.items() if key.startswith(label)})
    a, b = pictures(2), pictures(2, seed=3)
    found, again = (outputs(name, x.eval(), y.eval(), a, b) for x, y in ((g, d), others))
    assert all(torch.equal(found[key], again[key]) for key in found)


@every_model
@pytest.mark.parametrize("count", [1, 3])
def test_channels_last_computes_the_same(name, count):
    """Forward and backward, in float64: only the order of summation may differ. One sample and several go different ways."""
    plain = tuple(net.double().eval() for net in build(name))
    last = tuple(copy.deepcopy(net).to(memory_format=torch.channels_last) for net in plain)
    seen = []
    for (g, d), layout in ((plain, torch.contiguous_format), (last, torch.channels_last)):
        a, b = (pictures(count, seed=seed).double().to(memory_format=layout) for seed in (2, 3))
        found = outputs(name, g, d, a, b)
        loss(found).backward()
        seen.append(({key: value.detach() for key, value in found.items()}, {key: p.grad for key, p in both(g, d)}))
    for expected, actual in zip(*seen, strict=True):
        for key, value in expected.items():
            torch.testing.assert_close(actual[key], value, rtol=1e-6, atol=1e-8, msg=lambda text, key=key: f"{key}: {text}")


@every_model
def test_bf16_autocast_runs_and_learns(name):
    g, d = (net.eval() for net in build(name))
    full = outputs(name, g, d, pictures(2), pictures(2, seed=3))
    with torch.autocast("cpu", torch.bfloat16):
        half = outputs(name, g, d, pictures(2), pictures(2, seed=3))
    for key, value in half.items():
        assert value.dtype == torch.bfloat16, f"autocast reached no layer before {key}"
        error = (value.float() - full[key]).square().mean().sqrt()
        assert error < 0.05 * max(1.0, full[key].square().mean().sqrt()), f"{key} is off by {error}"
    loss({key: value.float() for key, value in half.items()}).backward()
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for _, p in both(g, d))


@every_model
def test_images_it_cannot_take_are_refused_with_a_remedy(name):
    with pytest.raises(SpecError, match=r"not 30x30.*data\.resize"):
        build(name, (3, 30, 30))
