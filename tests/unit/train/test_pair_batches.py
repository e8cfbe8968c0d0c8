"""Batches of two sides: what belongs together stays together, windows and flips, and going on from the middle of an epoch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganzoo.data import PairSet
from ganzoo.errors import DataError
from ganzoo.train.pair_batches import PairBatches


def random_images(count: int, side: int = 6, seed: int = 0, channels: int = 3) -> Tensor:
    return torch.randint(0, 256, (count, channels, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def placed(count: int, side: int = 6) -> Tensor:
    """A pixel of image i holds i in channel 0, its row in channel 1 and its column in channel 2."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.stack([torch.stack([torch.full_like(rows, i), rows, columns]) for i in range(count)]).to(torch.uint8)


def of(a: Tensor, b: Tensor, paired: bool = True) -> PairSet:
    return PairSet(a, b, paired, "pairs" if paired else "domains", "train", "")


def walk(pairs: PairSet, batch_size: int = 4, seed: int = 0, augment: int = 1, value_range=(0.0, 255.0), **settings) -> PairBatches:
    order, windows = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(augment)
    return PairBatches(pairs, batch_size, value_range, order, windows, **settings)


def ids(batch: Tensor) -> list[int]:
    return batch[:, 0, 0, 0].int().tolist()


def seen(batches: PairBatches, steps: int) -> tuple[Tensor, Tensor]:
    """The images of so many batches, a and b."""
    a, b = zip(*(tuple(side.clone() for side in batches.next()) for _ in range(steps)), strict=True)
    return torch.cat(a), torch.cat(b)


def flipped(batch: Tensor) -> list[bool]:
    """Of images made by `placed`: whether columns fall to the right."""
    return (batch[:, 2, 0, 0] > batch[:, 2, 0, -1]).tolist()


def corners(batch: Tensor) -> list[tuple[int, int]]:
    """Of images made by `placed`: top and left of each window."""
    return list(zip(batch[:, 1, 0, 0].int().tolist(), batch[:, 2].amin((1, 2)).int().tolist(), strict=True))


@pytest.mark.parametrize("settings", [{}, {"crop": 4}, {"flip": True}, {"crop": 4, "flip": True}], ids=str)
def test_pairs_stay_together(settings):
    """b is a's negative: it still is after shuffling, cropping and flipping."""
    images = random_images(10)
    a, b = seen(walk(of(images, 255 - images), **settings), 9)
    assert torch.equal(a, 255 - b)


@pytest.mark.parametrize(("crop", "flip"), [(4, False), (None, True), (4, True), (1, True)])
def test_each_image_is_a_window_of_its_own(crop, flip):
    """Against slicing and flipping one image at a time."""
    images = placed(10)
    images[:, 1:] += 10 * images[:, :1]
    batches = walk(of(placed(10), images), crop=crop, flip=flip)
    for _ in range(6):
        a, b = batches.next()
        side = crop or 6
        for row, (i, (top, left), turned) in enumerate(zip(ids(a), corners(a), flipped(a), strict=True)):
            expected = images[i, :, top : top + side, left : left + side]
            assert torch.equal(b[row], (expected.flip(-1) if turned else expected).float())


@pytest.mark.parametrize("side", [4, 5, 6])
def test_windows_are_at_every_place_and_flips_in_half_of_them(side):
    batches = walk(of(placed(40), placed(40)), 20, crop=side, flip=True)
    a, _ = seen(batches, 40)
    places = corners(a)
    assert set(places) == {(top, left) for top in range(7 - side) for left in range(7 - side)}
    rarest, mean = min(places.count(place) for place in set(places)), 800 / (7 - side) ** 2
    assert rarest > 0.6 * mean
    assert 340 < sum(flipped(a)) < 460
    assert {(place, turned) for place, turned in zip(places, flipped(a), strict=True)} == {
        (place, turned) for place in set(places) for turned in (False, True)
    }


def test_without_windows_and_flips_whole_images_come_through():
    images = random_images(8)
    batches = walk(of(images, images), 8)
    a, b = batches.next()
    rows = [next(i for i in range(8) if torch.equal(images[i].float(), image)) for image in a]
    assert sorted(rows) == list(range(8)) and torch.equal(a, b)


def test_windows_and_flips_move_neither_the_order_nor_each_other():
    pairs = of(placed(10), placed(10))
    plain, cropped, turned, both = (
        seen(walk(pairs, **settings), 6)[0] for settings in ({}, {"crop": 4}, {"flip": True}, {"crop": 4, "flip": True})
    )
    assert ids(plain) == ids(cropped) == ids(turned) == ids(both)
    assert flipped(turned) == flipped(both) and corners(cropped) == corners(both)
    other = seen(walk(pairs, augment=2, crop=4, flip=True), 6)[0]
    assert ids(other) == ids(plain) and corners(other) != corners(both)


def test_an_epoch_shows_each_pair_at_most_once():
    batches = walk(of(placed(10), placed(10)), 4)
    assert batches.per_epoch == 2
    epochs = [ids(seen(batches, 2)[0]) for _ in range(3)]
    assert all(len(set(epoch)) == 8 for epoch in epochs) and len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize(("count_a", "count_b"), [(4, 12), (5, 12), (12, 5)])
def test_an_unpaired_epoch_is_as_long_as_the_longer_side(count_a, count_b):
    """a goes round: of 12 places, each of its images gets 12 // N or one more. b is drawn with replacement from all of it."""
    batches = walk(of(placed(count_a), placed(count_b), paired=False), 4)
    assert batches.per_epoch == 3
    shown, drawn = [], []
    for _ in range(20):
        a, b = seen(batches, 3)
        counts = [ids(a).count(i) for i in range(count_a)]
        assert sum(counts) == 12 and max(counts) - min(counts) <= 1
        shown.append(tuple(ids(a)))
        drawn += ids(b)
    assert len(set(shown)) == 20
    counts = [drawn.count(i) for i in range(count_b)]
    assert min(counts) > 0.4 * 240 / count_b and max(counts) < 2 * 240 / count_b
    assert any(len(set(drawn[start : start + 4])) < 4 for start in range(0, 240, 4)), "with replacement"


def test_unpaired_sides_have_windows_and_flips_of_their_own():
    batches = walk(of(placed(40), placed(40), paired=False), 20, crop=4, flip=True)
    a, b = seen(batches, 40)
    for told in (ids, corners, flipped):
        both = list(zip(told(a), told(b), strict=True))
        kinds = len(set(told(a)))
        alike = sum(one == other for one, other in both) / len(both)
        assert alike == pytest.approx(1 / kinds, abs=0.06), told.__name__


@pytest.mark.parametrize("value_range", [(-1.0, 1.0), (0.0, 255.0), (0.0, 1.0)], ids=str)
def test_values(value_range):
    lo, hi = value_range
    images = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1).expand(256, 1, 2, 2).contiguous()
    for batch in walk(of(images, images), 256, value_range=value_range, flip=True).next():
        values = batch[:, 0, 0, 0].sort().values
        assert values[0] == lo and values[-1] == hi and batch.dtype == torch.float32
        assert values.tolist() == pytest.approx([lo + p * (hi - lo) / 255 for p in range(256)], abs=1e-6 * (hi - lo))


@pytest.mark.parametrize("settings", [{}, {"crop": 4, "flip": True}], ids=str)
def test_two_buffers_are_refilled(settings):
    images = random_images(8)
    kept = images.clone()
    batches = walk(of(images, images), **settings)
    a, b = batches.next()
    places = a.data_ptr(), b.data_ptr()
    assert places[0] != places[1]
    for _ in range(5):  # over the edge of an epoch
        again = batches.next()
        assert again[0] is a and again[1] is b and (a.data_ptr(), b.data_ptr()) == places
    assert a.is_contiguous() and torch.equal(images, kept), "the data itself is only read"


def test_channels_last_is_a_layout_only():
    images = random_images(8)
    plain, last = (walk(of(images, 255 - images), crop=4, flip=True, channels_last=layout) for layout in (False, True))
    for one, other in zip(plain.next(), last.next(), strict=True):
        assert torch.equal(one, other) and other.is_contiguous(memory_format=torch.channels_last) and not other.is_contiguous()


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("taken", [0, 1, 3, 4, 9], ids="after {} batches".format)
def test_restored_mid_epoch_it_goes_on_alike(taken, paired):
    """3 batches an epoch: at the start, inside, at the edge, and in later epochs."""
    pairs, settings = of(random_images(14), random_images(14, seed=1), paired), {"crop": 4, "flip": True}
    batches = walk(pairs, **settings)
    for _ in range(taken):
        batches.next()
    state = {key: value.clone() for key, value in batches.state().items()}
    expected = seen(batches, 10)
    other = walk(pairs, seed=77, augment=78, **settings)
    other.next()
    other.restore(state)
    found = seen(other, 10)
    assert torch.equal(found[0], expected[0]) and torch.equal(found[1], expected[1])


def test_asking_for_the_state_moves_nothing():
    pairs = of(random_images(14), random_images(14, seed=1), paired=False)
    asked, plain = walk(pairs, crop=4, flip=True), walk(pairs, crop=4, flip=True)
    for _ in range(8):
        asked.state()
        for one, other in zip(asked.next(), plain.next(), strict=True):
            assert torch.equal(one, other)


def test_what_makes_no_batch_or_no_window_is_refused():
    images = random_images(3)
    with pytest.raises(DataError, match="3 pairs make no batch of 4. Lower train.batch_size, or raise data.limit"):
        walk(of(images, images), 4)
    with pytest.raises(DataError, match="3 images of the longer side make no batch of 4"):
        walk(of(images, images[:2], paired=False), 4)
    with pytest.raises(DataError, match="crops of 7 pixels, expected at most the images' 6x6"):
        walk(of(images, images), 2, crop=7)
