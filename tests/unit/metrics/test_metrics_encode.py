"""From a generator's floats to stored pixels."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torchvision.utils import save_image

from ganzoo.metrics.encode import stored, through_jpeg, to_uint8, to_uint8_clipped
from ganzoo.metrics.protocol import Protocol

PLAIN = Protocol(name="example", extractor="example", weights="00", real_data="digits", real_split="train")


def images(channels: int = 3) -> torch.Tensor:
    """Smooth floats beyond (-1, 1) on both sides, as JPEG was made for."""
    x = torch.linspace(-1.2, 1.2, 16)
    return (x.view(1, 1, 16, 1) * 0.5 + x.view(1, 1, 1, 16) * 0.5).repeat(2, channels, 1, 1) * torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)


def test_the_usual_way_maps_the_whole_range():
    assert to_uint8(torch.tensor([-2.0, -1, -0.5, 0, 1, 3]), (-1, 1)).tolist() == [0, 0, 64, 128, 255, 255]
    assert torch.equal(stored(images(), PLAIN, (-1.0, 1.0)), to_uint8(images(), (-1.0, 1.0)))


def test_without_denormalisation_it_is_what_save_image_writes(tmp_path):
    """torchvision's own writer, to a lossless file."""
    for index, image in enumerate(images()):
        save_image(image, tmp_path / f"{index}.png")
    written = torch.stack([torch.from_numpy(np.array(Image.open(tmp_path / f"{i}.png"))).permute(2, 0, 1) for i in range(2)])
    clipped = stored(images(), replace(PLAIN, denormalised=False), (-1.0, 1.0))
    assert torch.equal(clipped, written) and torch.equal(clipped, to_uint8_clipped(images()))
    assert (clipped[0, :, 0, 0] == 0).all() and (clipped == 0).float().mean() > 0.4  # the negative half is black


def test_jpeg_is_what_save_image_writes_as_jpeg(tmp_path):
    for index, image in enumerate(images()):
        save_image(image, tmp_path / f"{index}.jpeg")
    read = torch.stack([torch.from_numpy(np.array(Image.open(tmp_path / f"{i}.jpeg"))).permute(2, 0, 1) for i in range(2)])
    found = stored(images(), replace(PLAIN, denormalised=False, jpeg=75), (-1.0, 1.0))
    assert torch.equal(found, read)
    assert not torch.equal(found, to_uint8_clipped(images()))


def test_jpeg_of_grey_images_and_other_qualities():
    grey = to_uint8(images(1), (-1, 1))
    file = BytesIO()
    Image.fromarray(grey[0, 0].numpy()).save(file, "JPEG", quality=30)
    expected = torch.from_numpy(np.array(Image.open(file)))
    assert torch.equal(through_jpeg(grey, 30)[0, 0], expected)
    assert not torch.equal(through_jpeg(grey, 30), through_jpeg(grey, 90))
