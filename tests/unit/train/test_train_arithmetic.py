"""Counted arithmetic of a step against formulas by hand, and that counting leaves the training alone."""

from __future__ import annotations

import pytest
import torch

from ganzoo.bench.counts import flops_per_step, parameters_of
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train.state import State, build_networks

BATCH, IMAGE = 16, (1, 8, 8)
G = [(8, 16), (16, 24), (24, 64)]  # (in, out) of the dense layers of the small case
D = [(64, 24), (24, 16), (16, 1)]


def work(layers: list[tuple[int, int]]) -> int:
    """Operations of one pass over a batch: a multiply and an add for every weight and image."""
    return sum(2 * BATCH * a * b for a, b in layers)


# What goes into the first layer needs no gradient, unless D hands it on to G.
G_FORWARD, G_BACKWARD = work(G), 2 * work(G) - work(G[:1])
D_UPDATE = 2 * (work(D) + 2 * work(D) - work(D[:1]))  # reals and fakes
G_UPDATE = 2 * work(D) + G_BACKWARD  # through D forward and back, without gradients of D's weights


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({}, G_FORWARD + D_UPDATE + G_UPDATE),
        ({"recipe.d_steps": 3}, 3 * (G_FORWARD + D_UPDATE) + G_UPDATE),
        ({"recipe.fresh_z": True}, 2 * G_FORWARD + D_UPDATE + G_UPDATE),
    ],
    ids=["reusing fakes", "three D steps", "fresh z"],
)
def test_flops_of_the_dense_step(make_case, recipe, expected):
    case = make_case(recipe)
    g, d = build_networks(case, IMAGE, seed=0)
    assert flops_per_step(case, g, d, IMAGE) == expected


def test_batch_norm_in_g_and_dropout_add_no_matrix_products(make_case):
    case = make_case({"model.batchnorm_g": True, "model.dropout_g": 0.4, "model.dropout_d": 0.3})
    g, d = build_networks(case, IMAGE, seed=0)
    assert flops_per_step(case, g, d, IMAGE) == G_FORWARD + D_UPDATE + G_UPDATE


def test_convolutions_are_counted(make_case):
    """8x8 pixels; a 3x3 convolution a → b does 9·a·b multiply-adds at each. Only its input gradient in G differs from a dense layer's."""
    model = {"name": "conv-gen-gan", "latent": {"dim": 8, "dist": "normal"}, "filters": [4, 5], "hidden_d": [24, 16]}
    case = make_case({"model": model})
    g, d = build_networks(case, IMAGE, seed=0)
    dense, convolutions = 2 * BATCH * 8 * 64, 2 * BATCH * 64 * 9 * (1 * 4 + 4 * 5 + 5 * 1)
    of_g = (dense + convolutions) + (dense + 2 * convolutions)  # z needs no gradient
    assert flops_per_step(case, g, d, IMAGE) == of_g + D_UPDATE + 2 * work(D)


def test_counting_moves_nothing(make_case, images):
    case = make_case({"model.batchnorm_g": True, "model.dropout_d": 0.3})
    state = State.fresh(case, images, 0, 10, torch.device("cpu"))
    before = digest_tensors(state.pack()[0])
    flops_per_step(case, state.g, state.d, IMAGE)
    assert digest_tensors(state.pack()[0]) == before
    assert all(p.grad is None for net in (state.g, state.d) for p in net.parameters())


def test_parameters_of_a_case(make_case):
    def weights_and_biases(layers):
        return sum(a * b + b for a, b in layers)

    expected = {"generator": weights_and_biases(G), "discriminator": weights_and_biases(D)}
    assert parameters_of(make_case(), IMAGE) == expected
    normed = parameters_of(make_case({"model.batchnorm_g": True}), IMAGE)
    assert normed == {**expected, "generator": expected["generator"] + 2 * (16 + 24)}
