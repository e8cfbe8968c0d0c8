"""How pixels reach the network: ranges, the channel shift, and no more passes than needed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ganzoo.metrics import extractors, protocols
from ganzoo.metrics.look import look_at_fakes, look_at_reals, ranged


@pytest.fixture
def means(own_net):
    return extractors.load("own_net:Means")


@pytest.fixture
def plain():
    return protocols.get("own@own_net:Means")


@pytest.fixture
def images(pixels):
    return pixels(7, 3)


def share(images: torch.Tensor) -> torch.Tensor:
    """Channel means (N, 3) of 0..255 on 0..1, in float64."""
    return images.double().div(255).mean((2, 3))


def test_nothing_odd_is_the_networks_own_way_in_one_pass(own_net, pixels):
    network, protocol = extractors.load("own_net:Noted"), protocols.get("own@own_net:Noted")
    images = pixels(50, 3)
    own_net.CALLS.clear()
    features, logits = look_at_fakes(network, protocol, images)
    assert [count for count, *_ in own_net.CALLS] == [50]
    assert torch.equal(features, network(images)[0]) and torch.equal(logits, network(images)[1])
    own_net.CALLS.clear()
    assert torch.equal(look_at_reals(network, protocol, images), features)
    assert [count for count, *_ in own_net.CALLS] == [50]


@pytest.mark.parametrize("to", [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (2.0, -3.0)])
def test_ranges(pixels, to):
    ends = torch.tensor([0, 255, 51], dtype=torch.uint8).view(1, 1, 1, 3)
    low, high = to
    assert ranged(ends, to).flatten().tolist() == pytest.approx([low, high, low + (high - low) / 5], abs=1e-5)


def test_each_side_has_its_own_range(means, plain, images):
    odd = replace(plain, real_range=(-1.0, 1.0), fake_range=(0.0, 0.5), score_range=(0.0, 4.0))
    features, logits = look_at_fakes(means, odd, images)
    assert torch.allclose(look_at_reals(means, odd, images).double(), share(images) * 2 - 1, atol=1e-6)
    assert torch.allclose(features.double(), share(images) / 2, atol=1e-6)
    assert torch.allclose(logits.double(), share(images)[:, :2] * 4, atol=1e-5)


def test_the_shift_is_torchvisions_and_moves_no_logits(means, plain, images):
    odd = replace(plain, real_range=(-1.0, 1.0), fake_range=(0.0, 1.0), score_range=(0.0, 1.0), channel_shift=True)
    std, mean = torch.tensor([0.229, 0.224, 0.225]).double(), torch.tensor([0.485, 0.456, 0.406]).double()
    features, logits = look_at_fakes(means, odd, images)
    assert torch.allclose(features.double(), share(images) * std / 0.5 + (mean - 0.5) / 0.5, atol=1e-6)
    assert torch.allclose(look_at_reals(means, odd, images).double(), (share(images) * 2 - 1) * std / 0.5 + (mean - 0.5) / 0.5, atol=1e-6)
    assert torch.allclose(logits.double(), share(images)[:, :2], atol=1e-6)


def test_odd_ranges_take_two_passes(own_net, pixels):
    network = extractors.load("own_net:Noted")
    odd = replace(protocols.get("own@own_net:Noted"), fake_range=(-1.0, 1.0), score_range=(0.0, 1.0))
    own_net.CALLS.clear()
    look_at_fakes(network, odd, pixels(20, 3))
    assert [count for count, *_ in own_net.CALLS] == [20, 20]
    (_, low, _), (_, also_low, _) = own_net.CALLS
    assert low < -0.9 and also_low >= 0  # the features' pass, then the logits'


def test_a_range_for_one_of_them_leaves_the_other(means, plain, images):
    features, logits = look_at_fakes(means, replace(plain, fake_range=(0.0, 2.0)), images)
    assert torch.allclose(features.double(), share(images) * 2, atol=1e-5) and torch.equal(logits, means(images)[1])
    features, logits = look_at_fakes(means, replace(plain, score_range=(0.0, 2.0)), images)
    assert torch.equal(features, means(images)[0]) and torch.allclose(logits.double(), share(images)[:, :2] * 2, atol=1e-5)


def test_a_network_without_logits_is_passed_once(own_net, pixels):
    network = extractors.load("own_net:FeaturesAlone")
    odd = replace(protocols.get("own@own_net:FeaturesAlone"), fake_range=(-1.0, 1.0), score_range=(0.0, 1.0))
    own_net.CALLS.clear()
    features, logits = look_at_fakes(network, odd, pixels(20, 3))
    assert features.shape == (20, 6) and logits.shape == (20, 0)
    assert len(own_net.CALLS) == 1


def test_grey_images_are_shifted_as_three_channels(means, plain, pixels):
    grey = pixels(4, 1)
    odd = replace(plain, fake_range=(0.0, 1.0), channel_shift=True)
    assert torch.equal(look_at_fakes(means, odd, grey)[0], look_at_fakes(means, odd, grey.expand(-1, 3, -1, -1))[0])


def test_a_grey_network_has_no_channels_to_shift(pixels):
    """And its protocol says so, in the hash."""
    protocol = protocols.get("iyengar-2018@digits-cnn")
    assert protocol.channel_shift is False and "no channel shift" not in protocols.steps(protocol)
    features, logits = look_at_fakes(extractors.load("digits-cnn"), protocol, pixels(5, 1))
    assert features.shape == (5, 32) and logits.shape == (5, 10)
