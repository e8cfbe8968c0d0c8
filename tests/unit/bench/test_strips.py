"""Strips of a translation, read back from the file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.bench.strips import MOST, save_strips


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8))


@pytest.fixture
def read(tmp_path):
    """Write strips and read the file: its pixels (H, W) or (H, W, 3)."""

    def of(*sides: torch.Tensor | None) -> np.ndarray:
        path = tmp_path / "samples" / "step-0000100.png"
        save_strips(path, *sides)
        with Image.open(path) as image:
            assert image.format == "PNG"
            return np.asarray(image)

    return of


def cell(pixels: np.ndarray, row: int, column: int, height: int, width: int) -> np.ndarray:
    top, left = 1 + row * (height + 1), 1 + column * (width + 1)
    return pixels[top : top + height, left : left + width]


def test_every_image_in_its_place_and_grey_between(read):
    sides = [noise(i, 3, 3, 5, 7) for i in range(3)]
    pixels = read(*sides)
    assert pixels.shape == (3 * 6 + 1, 3 * 8 + 1, 3)
    for row in range(3):
        for column, side in enumerate(sides):
            assert np.array_equal(cell(pixels, row, column, 5, 7), side[row].permute(1, 2, 0).numpy())
    assert (pixels[::6] == 128).all() and (pixels[:, ::8] == 128).all()


def test_unpaired_has_no_third_column(read):
    source, output = noise(0, 2, 3, 6, 6), noise(1, 2, 3, 6, 6)
    pixels = read(source, output, None)
    assert pixels.shape == (2 * 7 + 1, 2 * 7 + 1, 3) and np.array_equal(pixels, read(source, output))


def test_grey_beside_colour_stays_grey_to_the_eye(read):
    source, output, target = noise(0, 2, 1, 4, 4), noise(1, 2, 3, 4, 4), noise(2, 2, 3, 4, 4)
    pixels = read(source, output, target)
    for row in range(2):
        assert np.array_equal(cell(pixels, row, 0, 4, 4), source[row, 0].numpy()[..., None].repeat(3, 2))
        assert np.array_equal(cell(pixels, row, 1, 4, 4), output[row].permute(1, 2, 0).numpy())
    assert np.array_equal(cell(read(output, target, source), 1, 2, 4, 4), source[1, 0].numpy()[..., None].repeat(3, 2))


def test_grey_alone_is_a_grey_picture(read):
    sides = [noise(i, 2, 1, 4, 6) for i in range(3)]
    pixels = read(*sides)
    assert pixels.shape == (2 * 5 + 1, 3 * 7 + 1) and np.array_equal(cell(pixels, 1, 2, 4, 6), sides[2][1, 0].numpy())


def test_no_more_rows_than_eight(read):
    sides = [noise(i, 20, 1, 4, 4) for i in range(3)]
    pixels = read(*sides)
    assert MOST == 8 and len(pixels) == 8 * 5 + 1
    assert np.array_equal(cell(pixels, 7, 1, 4, 4), sides[1][7, 0].numpy())


def test_any_memory_layout(read):
    sides = [noise(i, 2, 3, 4, 6) for i in range(3)]
    assert np.array_equal(read(*(side.contiguous(memory_format=torch.channels_last) for side in sides)), read(*sides))


@pytest.mark.parametrize(
    ("output", "target", "found"),
    [
        ((2, 3, 4, 5), (2, 3, 4, 4), r"output torch.uint8 \(2, 3, 4, 5\)"),
        ((1, 3, 4, 4), (2, 3, 4, 4), r"output torch.uint8 \(1, 3, 4, 4\)"),
        ((2, 3, 4, 4), (2, 2, 4, 4), r"target torch.uint8 \(2, 2, 4, 4\)"),
        ((2, 4, 4), None, r"output torch.uint8 \(2, 4, 4\)"),
    ],
)
def test_sides_that_do_not_fit(output, target, found, tmp_path):
    sides = [torch.zeros(shape, dtype=torch.uint8) for shape in ((2, 3, 4, 4), output, target) if shape]
    with pytest.raises(ValueError, match=found + ".*: expected uint8"):
        save_strips(tmp_path / "new" / "strips.png", *sides)
    assert not list(tmp_path.iterdir())


def test_floats_and_nothing_are_refused(tmp_path):
    x = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    for source, output in ((x, x.float()), (x[:0], x[:0])):
        with pytest.raises(ValueError, match=r"expected uint8 \(n, C, H, W\)"):
            save_strips(tmp_path / "strips.png", source, output)
