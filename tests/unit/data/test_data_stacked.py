"""Stacks: every channel is a digit of the same split, and the label says which three."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzoo.data import describe, load


def channels_by_bytes(images: torch.Tensor) -> list[bytes]:
    return [plane.tobytes() for plane in images.flatten(0, 1).numpy()]


@pytest.mark.parametrize("split", ["train", "test"])
def test_each_channel_is_a_digit_and_the_label_reads_them_from_red_to_blue(split):
    digits, stacks = load("digits", split), load("stacked-digits", split)
    assert stacks.images.dtype == torch.uint8 and stacks.images.is_contiguous() and stacks.shape == (3, 8, 8)
    assert len(stacks.classes) == 1000 and stacks.classes[7] == "007" and stacks.classes[999] == "999"
    label_of = dict(zip(channels_by_bytes(digits.images), digits.labels.tolist(), strict=True))
    part = load("stacked-digits", split, limit=500)
    read = np.array([label_of[plane] for plane in channels_by_bytes(part.images)]).reshape(-1, 3)
    assert np.array_equal(part.labels.numpy(), read[:, 0] * 100 + read[:, 1] * 10 + read[:, 2])
    assert len({tuple(triple) for triple in read}) > 350, "the channels are drawn apart"


def test_how_many_modes_the_splits_hold():
    assert len(load("stacked-digits").labels.unique()) == 1000
    assert len(load("stacked-digits", "test").labels.unique()) == 999  # one of 1,000 was not drawn in 10,000


@pytest.mark.parametrize(
    ("name", "split", "side", "digest"),
    [
        ("stacked-digits", "train", None, "55fd311a37e1a216d37768365ce423aa7f9812d4380d75c68386a533ed0e4830"),
        ("stacked-digits", "test", None, "e7377bf51bf2beb960448c978efb2d117ba2aac088f1347862202b10a2fd9a65"),
        ("stacked-mnist", "train", None, "4fcecc6cec37dd03f40e33b7f11e0e2aa92f3acae8b1ffe03041ecfa9165183f"),
        ("stacked-mnist", "test", None, "b7ee7789561a99832fab1a2360e98eeffdfddc63ff97a9d19c067820788c58cb"),
    ],
)
def test_stacks_are_the_same_everywhere(name, split, side, digest, users_data):
    if not describe(name)["available"]:
        pytest.skip(f"{name} is not at hand (GANZOO_DATA)")
    assert load(name, split, resize=side).digest == digest


def test_a_stack_of_resized_digits_is_the_stack_resized():
    """Which digits are drawn does not depend on the side, and a channel knows nothing of the others."""
    small, digits = load("stacked-digits", "test", resize=4, limit=50), load("digits", "test", resize=4)
    whole = load("stacked-digits", "test", limit=50)
    assert torch.equal(small.labels, whole.labels) and small.shape == (3, 4, 4)
    order = {plane: place for place, plane in enumerate(channels_by_bytes(load("digits", "test").images))}
    drawn = [order[plane] for plane in channels_by_bytes(whole.images)]
    assert torch.equal(small.images.flatten(0, 1), digits.images[drawn, 0])
