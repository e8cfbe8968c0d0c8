"""An evaluation leaves the training as it was: modes, weights, statistics, gradients, streams of chance."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest
import torch
from torch.nn.functional import mse_loss

from ganzoo.metrics import reals
from ganzoo.metrics.encode import evaluation_mode
from ganzoo.metrics.evaluate import evaluate
from ganzoo.metrics.extractors import load as load_extractor
from ganzoo.streams import fill_latent, stream


@pytest.fixture(autouse=True)
def extractor_at_hand() -> None:
    """Loaded before the test looks at any stream; the first evaluation of a process has its own test."""
    load_extractor("digits-cnn", "cpu")


def modes(net) -> dict[str, bool]:
    return {name: module.training for name, module in net.named_modules()}


def train_some(g, steps: int, evaluated_after: dict[int, object]) -> dict[str, torch.Tensor]:
    """Weights after `steps` steps with dropout drawn on torch's global stream; at some steps something is done in between."""
    torch.manual_seed(11)
    latents, optimiser = stream(11, "latent"), torch.optim.Adam([p for p in g.parameters() if p.requires_grad], lr=1e-2)
    z = torch.empty(32, 16)
    for step in range(steps):
        loss = mse_loss(g(fill_latent(z, "normal", latents)), torch.full((32, 1, 8, 8), 0.3))
        optimiser.zero_grad()
        loss.backward()
        if step in evaluated_after:
            evaluated_after[step]()  # between backward and step: the gradients must survive too
        optimiser.step()
    return g.state_dict()


def test_a_training_that_is_evaluated_ends_where_an_undisturbed_one_ends(generator, small, make_case):
    twin = copy.deepcopy(generator)
    undisturbed = train_some(twin, 6, {})
    looked_at = train_some(generator, 6, {step: lambda: evaluate(generator, small, make_case(), 0, "cpu") for step in (0, 1, 4)})
    assert undisturbed.keys() == looked_at.keys()
    for name, value in undisturbed.items():
        assert torch.equal(value, looked_at[name]), name


def test_weights_batch_statistics_and_spectral_vectors_stay(generator, small, make_case):
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    assert {"norm.running_mean", "norm.num_batches_tracked", "dense.parametrizations.weight.0._u"} <= before.keys()
    evaluate(generator, small, make_case(), 0, "cpu")
    after = generator.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_every_layer_keeps_its_own_mode(generator, small, make_case):
    before = modes(generator)
    assert before["norm"] and not before["frozen_norm"]  # mixed
    evaluate(generator, small, make_case(), 0, "cpu")
    assert modes(generator) == before


def test_the_modes_come_back_after_an_error(generator):
    before = modes(generator)
    with pytest.raises(KeyError), evaluation_mode(generator):
        assert not any(modes(generator).values())
        raise KeyError
    assert modes(generator) == before
    assert torch.is_grad_enabled()


def test_global_streams_stay(generator, small, make_case):
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002  (the global stream is what must not move)
    evaluate(generator, small, make_case(), 0, "cpu")
    drawn = random.random(), np.random.rand(), float(torch.rand(()))  # noqa: NPY002
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    assert drawn == (random.random(), np.random.rand(), float(torch.rand(())))  # noqa: NPY002


def test_the_first_evaluation_of_a_process_moves_no_stream_either(generator, small, make_case):
    """It loads the extractor, whose layers must not draw first weights from the stream that dropout uses."""
    load_extractor.cache_clear()
    reals._held.clear()
    before = torch.get_rng_state()
    evaluate(generator, small, make_case(), 0, "cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_gradients_and_their_flags_stay(generator, small, make_case):
    generator(torch.ones(4, 16)).sum().backward()
    flags = {name: p.requires_grad for name, p in generator.named_parameters()}
    gradients = {name: p.grad.clone() for name, p in generator.named_parameters() if p.grad is not None}
    assert gradients and False in flags.values()
    evaluate(generator, small, make_case(), 0, "cpu")
    assert {name: p.requires_grad for name, p in generator.named_parameters()} == flags
    assert all(torch.equal(p.grad, gradients[name]) for name, p in generator.named_parameters() if p.requires_grad)
    assert torch.is_grad_enabled()


def test_no_graph_is_built(generator):
    with evaluation_mode(generator):
        assert not generator(torch.ones(2, 16)).requires_grad


def test_batch_norm_reads_its_running_statistics(generator, small, make_case):
    """As the protocol says: another running mean, other numbers, though no weight has changed."""
    before, _ = evaluate(generator, small, make_case(), 0, "cpu")
    generator.norm.running_mean += 3.0
    after, _ = evaluate(generator, small, make_case(), 0, "cpu")
    assert after.metrics["frechet"] != pytest.approx(before.metrics["frechet"], rel=1e-3)


def test_the_extractor_is_frozen():
    net = load_extractor("digits-cnn").network
    assert not any(module.training for module in net.modules())
    assert not any(p.requires_grad for p in net.parameters())
