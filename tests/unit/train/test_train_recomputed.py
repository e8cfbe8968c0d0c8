"""Activation checkpointing in a training: the same weights, and a refusal where no block can."""

from __future__ import annotations

import pytest
import torch

from ganzoo.errors import SpecError
from ganzoo.layers import Recomputable
from ganzoo.train.loop import train
from ganzoo.train.state import State, build_networks

BIGGAN = {
    "model": {"name": "biggan", "latent": {"dim": 20, "dist": "normal"}, "ch": 8},
    "train.batch_size": 4,
    "train.ema": 0.9,
}


def weights(case, images) -> dict[str, torch.Tensor]:
    state = State.fresh(case, images, seed=3, total_steps=3, device=torch.device("cpu"))
    blocks = [block for net in (state.g, state.d) for block in net.modules() if isinstance(block, Recomputable)]
    assert blocks
    assert all(block.recompute == case.train.activation_checkpointing for block in blocks)
    train(case, state, 3)
    return state.weights()


def test_the_weights_are_those_of_a_training_without(make_case):
    images = torch.randint(0, 256, (12, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    plain, frugal = (weights(make_case({**BIGGAN, "train.activation_checkpointing": on}), images) for on in (False, True))
    assert plain.keys() == frugal.keys()
    assert any("ema" in key for key in plain)
    assert all(torch.equal(value, frugal[key]) for key, value in plain.items())


def test_refused_where_no_block_can(make_case):
    case = make_case({"train.activation_checkpointing": True})
    with pytest.raises(
        SpecError, match=r"is true, but model 'mlp-gan' has no residual or attention blocks.*biggan, sagan, dcgan with attention\.$"
    ):
        build_networks(case, (1, 8, 8), seed=0)


def test_told_before_anything_is_written(make_case):
    """Plans build networks without memory behind the weights."""
    with torch.device("meta"):
        with pytest.raises(SpecError, match=r"^train\.activation_checkpointing is true, but"):
            build_networks(make_case({"train.activation_checkpointing": True}), (1, 8, 8), seed=0)
        g, d = build_networks(make_case({**BIGGAN, "train.activation_checkpointing": True}), (3, 32, 32), seed=0)
    assert all(any(isinstance(block, Recomputable) and block.recompute for block in net.modules()) for net in (g, d))
