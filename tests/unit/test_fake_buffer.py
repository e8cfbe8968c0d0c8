"""The history of fakes: how it fills, how often it exchanges and with which place, and what a checkpoint must keep of it."""

from __future__ import annotations

import copy
from collections import Counter

import pytest
import torch
from torch import Tensor

from ganzoo.recipes.fake_buffer import FakeBuffer


def numbered(*numbers: int, shape: tuple[int, ...] = (1, 2, 2)) -> Tensor:
    """Images that are known again: (N, *shape), each of one value."""
    return torch.stack([torch.full(shape, float(number)) for number in numbers])


def names(images: Tensor) -> list[int]:
    assert (images == images[:, :1, :1, :1]).all()
    return [int(image.flatten()[0]) for image in images]


def buffer_of(size: int, seed: int = 0) -> FakeBuffer:
    return FakeBuffer(size, numbered(0), torch.Generator().manual_seed(seed))


def test_while_it_fills_fakes_are_kept_and_come_back_and_nothing_is_drawn():
    buffer = buffer_of(4)
    before = buffer.stream.get_state()
    assert names(buffer.exchange(numbered(1, 2, 3))) == [1, 2, 3]
    assert int(buffer.filled) == 3 and names(buffer.images) == [1, 2, 3, 0]
    assert names(buffer.exchange(numbered(4))) == [4]
    assert int(buffer.filled) == 4 and names(buffer.images) == [1, 2, 3, 4]
    assert torch.equal(buffer.stream.get_state(), before)


def test_the_batch_that_fills_it_may_be_exchanged_by_its_own_rest():
    """One after another: of a batch of 60 the first two fill it, and later ones give back earlier ones of the same batch."""
    buffer = buffer_of(2)
    back = names(buffer.exchange(numbered(*range(1, 61))))
    assert back[:2] == [1, 2] and int(buffer.filled) == 2
    old = [image for place, image in enumerate(back, 1) if image != place]
    assert old and all(image < place for place, image in enumerate(back, 1) if image != place)
    assert sorted(back + names(buffer.images)) == sorted([1, 2, *range(1, 61)]), "each fake comes back once, or is still in there"


def test_half_of_the_fakes_are_exchanged_and_every_place_is_drawn_alike():
    size, count = 5, 4000
    buffer = buffer_of(size, seed=7)
    buffer.exchange(numbered(*range(size)))
    places, exchanged = Counter(), 0
    for number in range(size, size + count):
        before = names(buffer.images)
        (back,) = names(buffer.exchange(numbered(number)))
        after = names(buffer.images)
        if back == number:
            assert after == before
            continue
        exchanged += 1
        place = before.index(back)
        assert after == [*before[:place], number, *before[place + 1 :]]
        places[place] += 1
    assert exchanged / count == pytest.approx(0.5, abs=4 * (0.25 / count) ** 0.5)
    for place in range(size):
        assert places[place] / exchanged == pytest.approx(1 / size, abs=4 * (0.16 / exchanged) ** 0.5)


def test_what_came_back_is_nobodys_but_the_callers():
    buffer = buffer_of(2)
    fakes = numbered(1, 2)
    back = buffer.exchange(fakes)
    fakes.zero_(), back.zero_()
    assert names(buffer.images) == [1, 2]
    exchanged = torch.cat([buffer.exchange(numbered(3)) for _ in range(20)])
    kept = names(exchanged)
    buffer.images.zero_()
    assert names(exchanged) == kept


def test_it_goes_on_from_images_count_and_stream():
    """In the middle of filling, and when full: what a checkpoint keeps is enough."""
    batches = [numbered(*range(start, start + 3)) for start in range(1, 40, 3)]
    for stop in (1, 6):
        buffer = buffer_of(7, seed=3)
        images, filled = buffer.images, buffer.filled
        for batch in batches[:stop]:
            buffer.exchange(batch)
        assert buffer.images is images and buffer.filled is filled, "refilled in place: a checkpoint knows these tensors"
        again = buffer_of(7, seed=99)
        again.images.copy_(buffer.images)
        again.filled.copy_(buffer.filled)
        again.stream.set_state(buffer.stream.get_state())
        for batch in batches[stop:]:
            assert names(buffer.exchange(batch)) == names(again.exchange(batch))
        assert torch.equal(buffer.images, again.images)


def test_the_seed_decides():
    def all_of(seed: int) -> list[int]:
        buffer = buffer_of(3, seed)
        return [name for start in range(0, 60, 4) for name in names(buffer.exchange(numbered(*range(start, start + 4))))]

    assert all_of(1) == all_of(1) != all_of(2)


def test_it_keeps_the_images_as_they_are():
    like = torch.zeros(4, 3, 6, 5, dtype=torch.float64)
    buffer = FakeBuffer(2, like, torch.Generator().manual_seed(0))
    assert buffer.images.shape == (2, 3, 6, 5) and buffer.images.dtype == torch.float64 and buffer.filled.device.type == "cpu"
    fakes = torch.rand(4, 3, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    back = buffer.exchange(fakes)
    assert back.shape == fakes.shape and back.dtype == torch.float64 and torch.equal(back[:2], fakes[:2])


def test_drawing_leaves_torchs_own_stream_alone():
    buffer = buffer_of(1)
    before = copy.copy(torch.get_rng_state())
    buffer.exchange(numbered(*range(9)))
    assert torch.equal(torch.get_rng_state(), before)
