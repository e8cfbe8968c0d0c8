"""The walk through the data: order, scaling, buffer, and going on from the middle of an epoch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganzoo.errors import DataError
from ganzoo.train.batches import Batches


def numbered(count: int, shape: tuple[int, int, int] = (1, 2, 3)) -> Tensor:
    """Image i holds the value i in every pixel."""
    return torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(count, *shape).contiguous()


def walk(count: int, batch_size: int, seed: int = 0, **layout) -> Batches:
    """Batches whose values are the images' numbers."""
    return Batches(numbered(count), batch_size, (0.0, 255.0), torch.Generator().manual_seed(seed), **layout)


def ids(batch: Tensor) -> list[int]:
    return batch[:, 0, 0, 0].int().tolist()


def epoch_of(batches: Batches) -> list[list[int]]:
    return [ids(batches.next()) for _ in range(batches.per_epoch)]


@pytest.mark.parametrize(("count", "batch_size", "per_epoch"), [(40, 16, 2), (48, 16, 3), (16, 16, 1), (7, 2, 3)])
def test_an_epoch_shows_each_image_at_most_once(count, batch_size, per_epoch):
    """The last partial batch is dropped."""
    batches = walk(count, batch_size)
    assert batches.per_epoch == per_epoch
    for _ in range(3):
        shown = sum(epoch_of(batches), [])
        assert len(shown) == per_epoch * batch_size == len(set(shown))
        assert set(shown) <= set(range(count))


def test_each_epoch_is_another_permutation():
    batches = walk(40, 8)
    epochs = [sum(epoch_of(batches), []) for _ in range(4)]
    assert all(sorted(epoch) == list(range(40)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_what_is_dropped_changes_from_epoch_to_epoch():
    batches = walk(40, 16)
    dropped = [set(range(40)) - set(sum(epoch_of(batches), [])) for _ in range(3)]
    assert dropped[0] != dropped[1] or dropped[1] != dropped[2]


def test_the_order_is_the_generators():
    assert epoch_of(walk(40, 8, seed=1)) == epoch_of(walk(40, 8, seed=1)) != epoch_of(walk(40, 8, seed=2))


def test_whole_images_come_through():
    images = torch.randint(0, 256, (10, 3, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    batches = Batches(images, 10, (0.0, 255.0), torch.Generator().manual_seed(0))
    assert torch.equal(batches.next(), images[batches.order].float())


@pytest.mark.parametrize("value_range", [(-1.0, 1.0), (0.0, 255.0), (0.0, 1.0), (-0.5, 0.5)], ids=str)
def test_values(value_range):
    """p → lo + p·(hi - lo)/255: exact at both ends, so nothing lies outside the range G can reach."""
    lo, hi = value_range
    batches = Batches(numbered(256), 256, value_range, torch.Generator().manual_seed(0))
    values = dict(zip(batches.order.tolist(), batches.next()[:, 0, 0, 0].tolist(), strict=True))
    assert values[0] == lo and values[255] == hi
    assert min(values.values()) == lo and max(values.values()) == hi
    expected = [lo + p * (hi - lo) / 255 for p in range(256)]
    assert [values[p] for p in range(256)] == pytest.approx(expected, abs=1e-6 * (hi - lo))


def test_the_full_byte_range_is_left_as_it_is():
    """For `unnormalised`: [0, 255] changes no value at all."""
    batches = walk(256, 256)
    assert ids(batches.next()) == batches.order.tolist()
    assert batches.out.flatten(1).std(1).max() == 0


def test_one_buffer_is_refilled():
    images = numbered(8)
    batches = Batches(images, 4, (-1.0, 1.0), torch.Generator().manual_seed(0))
    first = batches.next()
    kept, place = first.clone(), first.data_ptr()
    second = batches.next()
    assert second is first and second.data_ptr() == place and not torch.equal(second, kept)
    assert first.dtype == torch.float32 and first.is_contiguous()
    assert torch.equal(images, numbered(8)), "the data itself is only read"


def test_channels_last_is_a_layout_only():
    images = torch.randint(0, 256, (6, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    plain, last = (Batches(images, 4, (-1.0, 1.0), torch.Generator().manual_seed(0), channels_last=layout) for layout in (False, True))
    assert torch.equal(plain.next(), last.next())
    assert last.out.is_contiguous(memory_format=torch.channels_last) and not last.out.is_contiguous()


@pytest.mark.parametrize("taken", [0, 1, 4, 5, 6, 13], ids="after {} batches".format)
def test_restored_mid_epoch_it_goes_on_alike(taken):
    """5 batches an epoch: at the start, inside, at the edge, and in later epochs."""
    batches = walk(42, 8)
    for _ in range(taken):
        batches.next()
    state = {key: value.clone() for key, value in batches.state().items()}
    expected = [ids(batches.next()) for _ in range(12)]
    other = walk(42, 8, seed=77)
    other.next()
    other.restore(state)
    assert [ids(other.next()) for _ in range(12)] == expected


def test_asking_for_the_state_moves_nothing():
    asked, plain = walk(42, 8), walk(42, 8)
    for _ in range(11):
        asked.state()
        assert ids(asked.next()) == ids(plain.next())


def test_too_few_images_are_refused():
    with pytest.raises(DataError) as caught:
        walk(15, 16)
    assert "15 images make no batch of 16" in str(caught.value) and "train.batch_size" in str(caught.value)


def test_float_points_come_through_as_they_are_whatever_the_range():
    points = torch.randn(12, 2, 1, 1, generator=torch.Generator().manual_seed(0)) * 4
    batches = Batches(points, 4, (0.0, 1.0), torch.Generator().manual_seed(0), labels=torch.arange(12))
    for _ in range(6):
        shown, labels = batches.next()
        assert shown.dtype == torch.float32 and torch.equal(shown, points[labels])
