"""What every model with an option `num_classes` promises. Registering a model enrols it here; what all models promise: test_models.py."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganzoo import models
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train import checkpoint

LATENT, CLASSES = 16, 3
NARROW = {"ch": 4}
CONDITIONAL = [name for name in models.names() if "num_classes" in models.get(name).Options.model_fields]
every_model = pytest.mark.parametrize("name", CONDITIONAL)


def build(name: str, num_classes: int = CLASSES, seed: int = 0) -> tuple[nn.Module, nn.Module]:
    cls = models.get(name)
    narrow = {key: value for key, value in NARROW.items() if key in cls.Options.model_fields}
    torch.manual_seed(seed)
    return cls.build(cls.Options(num_classes=num_classes, **narrow), LATENT, image(name))


def image(name: str) -> models.registry.Shape:
    side = min(getattr(models.get(name), "SIDES", (8,)))
    return 3, side, side


def noise(count: int, seed: int = 1) -> Tensor:
    return torch.randn(count, LATENT, generator=torch.Generator().manual_seed(seed))


def pictures(name: str, count: int) -> Tensor:
    return torch.rand(count, *image(name), generator=torch.Generator().manual_seed(2)) * 2 - 1


def updated(name: str, seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """After one step of each: some begin alike for all classes."""
    g, d = build(name, seed=seed)
    labels = torch.arange(12) % CLASSES
    optimisers = [torch.optim.Adam(net.parameters(), lr=0.01) for net in (g, d)]
    softplus(-d(g(noise(12)[:12], labels), labels)).mean().backward()
    for optimiser in optimisers:
        optimiser.step()
    return g.eval(), d.eval()


def test_there_are_some():
    assert {"biggan", "sagan"} <= set(CONDITIONAL)


@every_model
def test_g_names_its_classes_and_0_means_none(name):
    """What the loop and the evaluation go by."""
    g, _ = build(name)
    assert g.num_classes == CLASSES
    g, d = build(name, 0)
    assert g.num_classes == 0 and models.get(name).Options().num_classes == 0
    assert d(g(noise(2))).shape == (2,)


@every_model
def test_both_depend_on_the_label_of_each_sample(name):
    g, d = updated(name)
    z, x = noise(1).expand(CLASSES, -1), pictures(name, 1).expand(CLASSES, -1, -1, -1)
    labels = torch.arange(CLASSES)
    for outputs in (g(z, labels), d(x, labels)):
        for i in range(CLASSES):
            for j in range(i):
                assert (outputs[i] - outputs[j]).abs().max() > 1e-4
    turned = labels.roll(1)
    torch.testing.assert_close(g(z, turned), g(z, labels)[turned], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(d(x, turned), d(x, labels)[turned], rtol=1e-4, atol=1e-4)


@every_model
def test_every_class_is_learnt_from(name):
    """What belongs to a class that is not in the batch gets no gradient, and only that."""
    g, d = build(name)
    labels = torch.arange(8) % (CLASSES - 1)
    softplus(-d(g(noise(8), labels), labels)).mean().backward()
    tables = [
        layer for net in (g, d) for layer in net.modules() if isinstance(layer, nn.Embedding) and not hasattr(layer, "parametrizations")
    ]
    assert tables
    for table in tables:
        reached = table.weight.grad.abs().sum(1) > 0
        assert reached.tolist() == [True] * (CLASSES - 1) + [False]


@every_model
def test_outputs_are_decided_by_z_labels_and_the_global_stream(name):
    labels = torch.tensor([2, 0, 1, 1])
    digests = []
    for seed in (0, 0, 1):
        g, d = updated(name, seed)
        before = torch.get_rng_state()
        x = g(noise(4), labels)
        digests.append(digest_tensors({"x": x.detach(), "logits": d(x, labels).detach()}))
        assert torch.equal(before, torch.get_rng_state())
    assert digests[0] == digests[1] != digests[2]


@every_model
def test_checkpoint_round_trip(name, tmp_path):
    g, d = updated(name)
    kept = {f"{label}/{key}": value for label, net in (("g", g), ("d", d)) for key, value in net.state_dict().items()}
    checkpoint.save(tmp_path / "c.safetensors", kept, {})
    tensors, _ = checkpoint.load(tmp_path / "c.safetensors")
    others = build(name, seed=9)
    for label, net in zip(("g/", "d/"), others, strict=True):
        net.eval().load_state_dict({key.removeprefix(label): value for key, value in tensors.items() if key.startswith(label)})
    labels = torch.tensor([0, 1, 2, 0])
    x = g(noise(4), labels)
    assert torch.equal(x, others[0](noise(4), labels)) and torch.equal(d(x, labels), others[1](x, labels))


@every_model
def test_labels_are_its_second_argument(name):
    for net in build(name):
        assert list(inspect.signature(net.forward).parameters)[1] == "labels"
