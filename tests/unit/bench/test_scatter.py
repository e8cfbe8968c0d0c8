"""Scatter pictures: where points are drawn, in which colour, and what lies outside."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import ImageColor

from ganzoo.bench.scatter import IN_MODE, IN_NONE, REAL, SIDE, as_scatter, outside
from ganzoo.data.points import MIXTURES

NOTHING = torch.empty(0, 2)


def pixels_of(colour: str, fakes: torch.Tensor, in_mode: list[bool], reals: torch.Tensor = NOTHING, name: str = "grid") -> np.ndarray:
    """(k, 2) places, x and y, of the pixels of just that colour."""
    picture = as_scatter(fakes, torch.tensor(in_mode, dtype=torch.bool), reals, MIXTURES[name]).convert("RGB")
    assert picture.size == (SIDE, SIDE)
    y, x = np.nonzero((np.asarray(picture) == ImageColor.getrgb(colour)).all(2))
    return np.stack((x, y), 1)


@pytest.mark.parametrize(("point", "place"), [((3.0, 3.0), (0.8, 0.2)), ((-3.0, 1.0), (0.2, 0.4)), ((1.0, -3.0), (0.6, 0.8))])
@pytest.mark.parametrize(("inside", "colour"), [(True, IN_MODE), (False, IN_NONE)])
def test_a_fake_stands_at_its_coordinates_in_its_colour(point, place, inside, colour):
    """The second coordinate rises upwards."""
    fakes = torch.tensor([point])
    found = pixels_of(colour, fakes, [inside])
    assert len(found) and np.abs(found - np.array(place) * (SIDE - 1)).max() <= 2
    assert not len(pixels_of(IN_NONE if inside else IN_MODE, fakes, [inside]))


def test_reals_are_grey_and_lie_below_the_fakes():
    point = torch.tensor([[1.0, 1.0]])
    assert len(pixels_of(REAL, NOTHING, [], point))
    assert len(pixels_of(IN_MODE, point, [True], point)) and not len(pixels_of(REAL, point, [True], point))


def test_what_lies_outside_is_counted_and_stands_on_the_border():
    fakes = torch.tensor([[100.0, 0.3], [0.0, -5.01], [4.99, 0.0], [5.0, 5.0]])
    assert outside(fakes, MIXTURES["grid"]) == 2 and outside(fakes, MIXTURES["ring"]) == 4
    found = pixels_of(IN_NONE, fakes[:1], [False])
    assert found[:, 0].min() > SIDE - 8
    plain = as_scatter(fakes[2:], torch.tensor([False] * 2), NOTHING, MIXTURES["grid"])
    told = as_scatter(fakes, torch.tensor([False] * 4), NOTHING, MIXTURES["grid"])
    corner = (0, SIDE - 20, 120, SIDE)
    assert plain.crop(corner).convert("L").getextrema() == (255, 255) > told.crop(corner).convert("L").getextrema()


def test_modes_can_be_seen_and_told_apart():
    """A ring around each mode, though 3 sd of `ring` are but three pixels."""
    for name, mixture in MIXTURES.items():
        empty = np.asarray(as_scatter(NOTHING, torch.empty(0, dtype=torch.bool), NOTHING, mixture).convert("L"))
        for x, y in mixture.centres:
            column, row = (round((1 + sign * value / mixture.reach) / 2 * (SIDE - 1)) for sign, value in ((1, x), (-1, y)))
            around = empty[max(0, row - 6) : row + 7, max(0, column - 6) : column + 7]
            assert around.min() < 250, f"{name}: no ring at {(x, y)}"
