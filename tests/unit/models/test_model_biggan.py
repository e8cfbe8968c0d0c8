"""`biggan`: where blocks and attention stand, who is told the class and z, what each switch takes away, and the authors' code."""

from __future__ import annotations

import copy

import pydantic
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, batch_norm, conv2d, interpolate, linear
from torch.nn.utils.parametrize import is_parametrized

from ganzoo import models
from ganzoo.errors import SpecError
from ganzoo.layers import ClassBatchNorm, ConditionalBatchNorm, NonLocalBlock, SharedEmbedding, recompute_blocks
from ganzoo.losses import LOSSES

MODEL = models.get("biggan")
LATENT, CLASSES = 60, 5
WEIGHTED = (nn.Conv2d, nn.Linear, nn.Embedding)


def build(side: int = 32, *, channels: int = 3, seed: int = 0, latent: int = LATENT, **options) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seed)
    return MODEL.build(MODEL.Options(**{"ch": 2, "num_classes": CLASSES, **options}), latent, (channels, side, side))


def z_and_labels(count: int = 4, seed: int = 1) -> tuple[Tensor, Tensor]:
    return torch.randn(count, LATENT, generator=torch.Generator().manual_seed(seed)), torch.arange(count) % CLASSES


def seen_sides(net: nn.Module, *inputs: Tensor) -> tuple[list[int], list[int]]:
    """Sides of the maps after each block, and those that a non-local block follows."""
    blocks, attended = [], []
    for block in net.blocks:
        block.register_forward_hook(lambda module, arguments, out: blocks.append(out.shape[2]))
    for block in net.attention.values():
        block.register_forward_hook(lambda module, arguments, out: attended.append(out.shape[2]))
    net(*inputs)
    return blocks, attended


LAYOUTS = {
    (32, "figure"): ([8, 16, 32], [], [16, 8, 8, 8], []),
    (64, "figure"): ([8, 16, 32, 64], [32], [32, 16, 8, 4, 4], [32]),
    (128, "figure"): ([8, 16, 32, 64, 128], [64], [64, 32, 16, 8, 4, 4], [64]),
    (32, "code"): ([8, 16, 32], [], [16, 8, 4, 4, 4], []),
    (64, "code"): ([8, 16, 32, 64], [32], [32, 16, 8, 4, 2, 2], [16]),
    (128, "code"): ([8, 16, 32, 64, 128], [64], [64, 32, 16, 8, 4, 2, 2], [32]),
}


@pytest.mark.parametrize(("side", "layout"), LAYOUTS)
def test_blocks_and_attention_stand_as_laid_out(side, layout):
    g, d = build(side, layout=layout)
    z, labels = z_and_labels(2)
    of_g, of_d = seen_sides(g, z, labels), seen_sides(d, torch.randn(2, 3, side, side), labels)
    assert (*of_g, *of_d) == LAYOUTS[side, layout]
    pooled = {block.pooled for net in (g, d) for block in net.attention.values()}
    assert pooled <= {layout == "figure"}


def test_attention_can_be_placed_and_left_out():
    for sides in ([], [8], [16, 32]):
        g, d = build(64, attention=sides)
        assert sorted(map(int, g.attention)) == sorted(map(int, d.attention)) == sides
    g, _ = build(64, pooled_attention=False)
    assert not g.attention["32"].pooled


def test_what_is_under_spectral_norm():
    """All convolutions and dense layers and D's table; neither G's nor the non-local blocks, unless asked."""

    def left_out(net: nn.Module) -> set[str]:
        return {name for name, layer in net.named_modules() if isinstance(layer, WEIGHTED) and not is_parametrized(layer)}

    def of_attention(net: nn.Module) -> set[str]:
        return {name for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d) and name.startswith("attention")}

    g, d = build(64)
    assert left_out(g) == {"embed", *of_attention(g)} and left_out(d) == of_attention(d) != set()
    g, d = build(64, spectral_attention=True)
    assert left_out(g) == {"embed"} and left_out(d) == set()
    g, d = build(64, layout="code")
    assert left_out(g) == {*of_attention(g), *(f"blocks.{i}.norm{j}.both" for i in range(4) for j in range(2))}
    for who in ("g", "d", "none"):
        for net, name in zip(build(64, spectral_norm=who), "gd", strict=True):
            assert any(map(is_parametrized, net.modules())) == (name == who)
    g, _ = build(power_iterations=3)
    assert g.dense.parametrizations.weight[0].iterations == 3


def norms(g: nn.Module) -> set[type]:
    return {type(norm) for block in g.blocks for norm in (block.norm0, block.norm1)}


def test_each_technique_can_be_given_up_alone():
    g, d = build()
    assert norms(g) == {ConditionalBatchNorm} and isinstance(g.embed, SharedEmbedding) and g.dense.in_features == LATENT // 4
    assert g.blocks[0].norm0.gain.in_features == 128 + LATENT // 4 and d.head.embed is not None
    g, _ = build(shared_embedding=False)
    assert g.embed is None and norms(g) == {ConditionalBatchNorm} and g.blocks[0].norm0.gain.in_features == CLASSES + LATENT // 4
    g, _ = build(hierarchical_z=False)
    assert g.dense.in_features == LATENT and g.blocks[0].norm0.gain.in_features == 128
    g, _ = build(hierarchical_z=False, shared_embedding=False)
    assert norms(g) == {ClassBatchNorm}
    g, _ = build(conditional_norm=False)
    assert g.dense.in_features == LATENT // 4 + 128 and g.blocks[0].norm0.gain.in_features == LATENT // 4
    g, _ = build(conditional_norm=False, hierarchical_z=False)
    assert g.dense.in_features == LATENT + 128 and norms(g) == {nn.BatchNorm2d}
    assert build(projection=False)[1].head.embed is None
    g, d = build(num_classes=0)
    assert g.embed is None and g.blocks[0].norm0.gain.in_features == LATENT // 4 and d.head.embed is None
    g, _ = build(num_classes=0, hierarchical_z=False)
    assert norms(g) == {nn.BatchNorm2d}


def test_a_chunk_of_z_reaches_its_own_block_first():
    """The first feeds the dense layer, the i-th the i-th block: what stands before does not move with it."""
    g, _ = build(64)
    seen: list[Tensor] = []
    for block in g.blocks:
        block.register_forward_hook(lambda module, arguments, out: seen.append(out))
    g.eval()
    z, labels = z_and_labels()
    g(z, labels)
    size = LATENT // 5
    for chunk in range(5):
        moved = z.clone()
        moved[:, chunk * size : (chunk + 1) * size] += 1
        g(moved, labels)
        before, after = seen[:4], seen[-4:]
        same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
        assert same == [i < chunk - 1 for i in range(4)], f"chunk {chunk}"


def transcribed(state: dict[str, Tensor], z: Tensor, labels: Tensor, side: int) -> Tensor:
    """The authors' generator in train mode, read off their code and written with plain functions; spectral norm off."""
    blocks = {32: 3, 64: 4}[side]
    codes = z.split(z.shape[1] // (blocks + 1), 1)
    embedded = state["embed.weight"][labels]

    def conv(x: Tensor, name: str, padding: int) -> Tensor:
        return conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)

    def norm(x: Tensor, name: str, condition: Tensor) -> Tensor:
        gamma, beta = linear(condition, state[f"{name}.both.weight"], state[f"{name}.both.bias"])[:, :, None, None].chunk(2, 1)
        return gamma * batch_norm(x, None, None, training=True) + beta

    x = linear(codes[0], state["dense.weight"], state["dense.bias"]).view(len(z), -1, 4, 4)
    for i in range(blocks):
        condition, name = torch.cat([codes[i + 1], embedded], 1), f"blocks.{i}"
        bypass = conv(interpolate(x, scale_factor=2), f"{name}.shortcut", 0)
        y = conv(interpolate(norm(x, f"{name}.norm0", condition).relu(), scale_factor=2), f"{name}.conv0", 1)
        x = conv(norm(y, f"{name}.norm1", condition).relu(), f"{name}.conv1", 1) + bypass
        if f"attention.{x.shape[2]}.gamma" in state:
            x = attended(state, x, f"attention.{x.shape[2]}")
    x = batch_norm(x, None, None, state["norm.weight"], state["norm.bias"], training=True).relu()
    return conv(x, "last", 1).tanh()


def attended(state: dict[str, Tensor], x: Tensor, name: str) -> Tensor:
    """Zhang et al. as the authors' code has it: every place to every place, no pooling."""
    query, key, value = (
        conv2d(x, state[f"{name}.{part}.weight"], state[f"{name}.{part}.bias"]).flatten(2) for part in ("query", "key", "value")
    )
    weights = torch.softmax(torch.bmm(query.transpose(1, 2), key), -1)
    return state[f"{name}.gamma"] * torch.bmm(value, weights.transpose(1, 2)).view_as(x) + x


def judged(state: dict[str, Tensor], x: Tensor, labels: Tensor, halvings: int) -> Tensor:
    """The authors' discriminator likewise, in-place ReLUs as in-place ReLUs."""

    def conv(x: Tensor, name: str, padding: int) -> Tensor:
        return conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)

    out = avg_pool2d(conv(conv(x, "blocks.0.conv0", 1).relu(), "blocks.0.conv1", 1), 2)
    x = out + conv(avg_pool2d(x, 2), "blocks.0.shortcut", 0)
    for i in range(1, sum(key.endswith("conv0.weight") for key in state)):
        name = f"blocks.{i}"
        main = conv(conv(x.relu_(), f"{name}.conv0", 1).relu(), f"{name}.conv1", 1)
        bypass = conv(x, f"{name}.shortcut", 0) if f"{name}.shortcut.weight" in state else x
        x = avg_pool2d(main, 2) + avg_pool2d(bypass, 2) if i < halvings else main + bypass
        if i == 1 and any(key.startswith("attention") for key in state):
            x = attended(state, x, f"attention.{x.shape[2]}")
    out = x.relu().flatten(2).sum(2)
    return linear(out, state["head.linear.weight"], state["head.linear.bias"]).squeeze(1) + (out * state["head.embed.weight"][labels]).sum(
        1
    )


@pytest.mark.parametrize("side", [32, 64])
def test_layout_code_is_the_authors_networks(side):
    g, d = (net.double() for net in build(side, layout="code", spectral_norm="none", ch=4))
    for block in (*g.attention.values(), *d.attention.values()):
        nn.init.constant_(block.gamma, 0.7)
    for norm in (layer for layer in g.modules() if isinstance(layer, ConditionalBatchNorm)):
        nn.init.normal_(norm.both.weight, 0, 0.1)  # else gains and shifts of hundreds leave nothing to see
    z, labels = z_and_labels()
    fakes = g(z.double(), labels)
    assert fakes.abs().max() < 0.9999
    torch.testing.assert_close(fakes, transcribed(dict(g.named_parameters()), z.double(), labels, side), rtol=1e-8, atol=1e-9)
    logits = d(fakes, labels)
    halvings = {32: 3, 64: 5}[side]
    with torch.no_grad():
        expected = judged(dict(d.named_parameters()), fakes.clone(), labels, halvings)
    torch.testing.assert_close(logits.detach(), expected, rtol=1e-8, atol=1e-9)


def test_first_weights_as_code():
    g, d = build(64, layout="code", spectral_norm="none", ch=16)
    assert g.embed.weight.abs().max() <= 1 / CLASSES**0.5 and g.embed.weight.std() > 0.2
    assert d.head.embed.weight.abs().max() <= 0.1 and d.head.embed.weight.std() > 0.04
    for block in (*g.attention.values(), *d.attention.values()):
        bound = (6 / (block.query.in_channels + block.query.out_channels)) ** 0.5
        assert block.query.bias.count_nonzero() == 0 and 0.8 * bound < block.query.weight.abs().max() <= bound
    both = g.blocks[0].norm0.both.weight
    assert (both == 1).all(), "256 channels are more than the condition has entries"


def test_orthogonal_first_weights():
    for net in build(64, init="orthogonal", spectral_norm="none", ch=4):
        for name, layer in net.named_modules():
            if isinstance(layer, WEIGHTED):
                matrix = layer.weight.flatten(1)
                matrix = matrix if len(matrix) <= matrix.shape[1] else matrix.mT
                torch.testing.assert_close(matrix @ matrix.mT, torch.eye(len(matrix)), rtol=0, atol=1e-4, msg=name)


def test_a_truncated_or_unsplittable_z_is_told_apart():
    with pytest.raises(SpecError, match=r"latent\.dim is 62, .*'biggan' splits z into 4 equal chunks.*60 or 64"):
        build(latent=62)
    with pytest.raises(SpecError, match=r"6 equal chunks.*120 or 126"):
        build(128, latent=125)
    assert build(latent=62, hierarchical_z=False)


@pytest.mark.parametrize("image", [(3, 28, 28), (3, 256, 256), (3, 64, 32), (1, 16, 16)], ids=str)
def test_other_sides_are_refused_with_the_valid_ones(image):
    with pytest.raises(SpecError, match=rf"'biggan' makes square images of side 32, 64, 128, not {image[1]}x{image[2]}\. Set data\.resize"):
        MODEL.build(MODEL.Options(), 120, image)


def test_attention_on_no_map_is_refused_with_the_maps_there_are():
    with pytest.raises(SpecError, match=r"attention names side 64.*64x64 images.*side 8, 16, 32\."):
        build(64, attention=[64])
    with pytest.raises(SpecError, match="each side once"):
        build(64, attention=[8, 8])
    with pytest.raises(pydantic.ValidationError, match="spectral_attention is True, but spectral_norm is 'none': expected False"):
        MODEL.Options(spectral_attention=True, spectral_norm="none")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"power_iterations": 5, "spectral_norm": "none"}, "power_iterations is 5, but spectral_norm is 'none': expected 1"),
        ({"spectral_attention": True, "attention": []}, "spectral_attention is True, but attention is .*: expected False"),
        ({"pooled_attention": False, "attention": []}, "pooled_attention is False, but attention is .*: expected None"),
        (
            {"pooled_attention": True, "attention": [], "spectral_norm": "none"},
            "pooled_attention is True, but attention is .*: expected None",
        ),
    ],
)
def test_an_option_without_effect_is_refused(options, says):
    with pytest.raises(pydantic.ValidationError, match=says):
        MODEL.Options(**options)


@pytest.mark.parametrize("layout", ["figure", "code"])
@pytest.mark.parametrize("recompute", [False, True])
def test_a_step_under_bf16_is_finite_and_spectral_norm_stays_fp32(layout, recompute):
    g, d = build(64, layout=layout, ch=8)
    if recompute:
        assert recompute_blocks(g) == 4 + 1 and recompute_blocks(d) == {"figure": 5, "code": 6}[layout] + 1
    z, labels = z_and_labels(8)
    kinds = set()
    for net in (g, d):
        for layer in net.modules():
            if is_parametrized(layer):
                layer.parametrizations.weight[0].register_forward_hook(lambda module, arguments, out: kinds.add(out.dtype))
    params = [*g.parameters(), *d.parameters()]
    optimiser = torch.optim.Adam(params, lr=1e-4)
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16):
            fakes = g(z, labels)
            logits = d(fakes, labels).float()
        loss = LOSSES["hinge"].d(d(torch.randn(8, 3, 64, 64), labels), logits) + LOSSES["hinge"].g(logits)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert loss.isfinite() and fakes.dtype == torch.bfloat16
        assert all(p.grad is not None and p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in params)
    assert kinds == {torch.float32}
    assert all(u.dtype == torch.float32 for name, u in g.named_buffers() if name.endswith(".u"))


def test_activation_checkpointing_changes_no_number():
    """Outputs, gradients, running statistics and spectral norm's vectors."""
    plain = build(64, ch=4)
    again = copy.deepcopy(plain)
    for net in again:
        recompute_blocks(net)
    z, labels = z_and_labels()
    for g, d in (plain, again):
        d(g(z, labels), labels).sum().backward()
    for a, b in zip(plain, again, strict=True):
        for (name, x), (_, y) in zip(a.state_dict().items(), b.state_dict().items(), strict=True):
            assert torch.equal(x, y), name
        for (name, x), (_, y) in zip(a.named_parameters(), b.named_parameters(), strict=True):
            assert torch.equal(x.grad, y.grad), name


def test_labels_are_asked_for():
    g, d = build()
    with pytest.raises(ValueError, match="told 5 classes: expected labels"):
        g(z_and_labels()[0])
    with pytest.raises(ValueError, match="told 5 classes: expected labels"):
        d(torch.randn(2, 3, 32, 32))
    g, d = build(num_classes=0)
    assert d(g(z_and_labels()[0])).shape == (4,)


def test_no_attention_leaves_no_block():
    assert not any(isinstance(layer, NonLocalBlock) for net in build(128, attention=[]) for layer in net.modules())
