"""`sagan`: `biggan`'s networks without what Brock et al. add, and where attention stands."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ganzoo import models
from ganzoo.errors import SpecError
from ganzoo.layers import ClassBatchNorm, NonLocalBlock
from ganzoo.tensor_digest import digest_tensors

MODEL = models.get("sagan")


def build(side: int = 32, name: str = "sagan", **options) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    cls = models.get(name)
    return cls.build(cls.Options(**{"ch": 2, "num_classes": 3, **options}), 10, (3, side, side))


@pytest.mark.parametrize("spectral_norm", ["both", "none"])
def test_it_is_biggan_without_sharing_and_chunks(spectral_norm):
    """Weight for weight, and in what they make of the same z and labels."""
    without = {
        "shared_embedding": False, "hierarchical_z": False, "attention": [32], "init": "glorot-uniform",
        "spectral_attention": spectral_norm == "both",
    }  # fmt: skip
    seen = []
    for name, options in (("sagan", {}), ("biggan", without)):
        g, d = build(64, name, spectral_norm=spectral_norm, **options)
        labels = torch.tensor([0, 1, 2, 0])
        fakes = g(torch.randn(4, 10), labels)
        seen.append([digest_tensors(state) for state in (g.state_dict(), d.state_dict(), {"x": fakes, "logits": d(fakes, labels)})])
    assert seen[0] == seen[1]


@pytest.mark.parametrize(("side", "place"), [(32, "16"), (64, "32"), (128, "32")])
def test_attention_stands_at_32(side, place):
    for net in build(side):
        assert list(net.attention) == [place]
    g, d = build(side, attention=[8])
    assert list(g.attention) == list(d.attention) == ["8"]
    assert all(len(net.attention) == 0 for net in build(side, attention=[]))


def test_the_block_is_that_of_their_code_unless_asked_for_the_papers():
    for pooled in (True, False):
        blocks = [layer for net in build(pooled_attention=pooled) for layer in net.modules() if isinstance(layer, NonLocalBlock)]
        assert len(blocks) == 2 and {block.pooled for block in blocks} == {pooled}
        assert all(block.query.bias is None and is_parametrized(block.query) for block in blocks)


def test_norms_have_gains_and_shifts_of_their_own_a_class():
    g, d = build()
    norms = [norm for block in g.blocks for norm in (block.norm0, block.norm1)]
    assert all(isinstance(norm, ClassBatchNorm) and norm.gain.num_embeddings == 3 for norm in norms)
    assert g.embed is None and is_parametrized(d.head.embed) and is_parametrized(g.dense)
    g, _ = build(num_classes=0)
    assert all(type(block.norm0) is nn.BatchNorm2d for block in g.blocks)


def test_first_weights_follow_glorot():
    g, _ = build(spectral_norm="none", ch=8)
    bound = (6 / (10 + g.dense.out_features)) ** 0.5
    assert 0.95 * bound < g.dense.weight.abs().max() <= bound and g.dense.bias.count_nonzero() == 0


def test_other_sides_are_refused():
    with pytest.raises(SpecError, match=r"'sagan' makes square images of side 32, 64, 128, not 48x48"):
        build(48)
    with pytest.raises(SpecError, match=r"attention names side 4,.*side 8, 16\."):
        build(32, attention=[4])
