"""The named resizes: facts that tell them apart. Their agreement with other libraries is in tests/parity."""

from __future__ import annotations

import pytest
import torch

from ganzoo.metrics.resize import pil_bicubic, tf1_bilinear, torch_bilinear

RESIZES = [tf1_bilinear, pil_bicubic, torch_bilinear]
RAMP = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 1, 4, 4)  # columns 0 1 2 3


def test_tf1_reads_without_the_half_pixel_and_repeats_the_last_column():
    expected = torch.tensor([0, 0.5, 1, 1.5, 2, 2.5, 3, 3])
    assert torch.equal(tf1_bilinear(RAMP, (4, 8))[0, 0, 0], expected)
    assert torch.equal(tf1_bilinear(RAMP.mT, (8, 4))[0, 0, :, 0], expected)


def test_torch_bilinear_reads_between_pixel_centres():
    assert torch.equal(torch_bilinear(RAMP, (4, 8))[0, 0, 0], torch.tensor([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]))


def test_tf1_shrinking_picks_pixels_where_pil_averages():
    stripes = torch.tensor([0.0, 255.0]).repeat(8).view(1, 1, 1, 16).expand(1, 1, 16, 16)
    assert tf1_bilinear(stripes, (8, 8)).max() == 0
    inner = pil_bicubic(stripes, (8, 8))[..., 2:-2]
    assert (inner - 127.5).abs().max() < 10


def test_pil_bicubic_overshoots_and_is_not_clamped():
    step = torch.zeros(1, 1, 8, 8)
    step[..., 4:] = 255
    y = pil_bicubic(step, (32, 32))
    assert y.min() < -5 and y.max() > 260


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 1, 1, 1), (1, 3, 40, 9)], ids=str)
def test_any_shape_and_a_constant_stays(resize, shape):
    y = resize(torch.full(shape, 37.0), (11, 6))
    assert y.shape == (*shape[:2], 11, 6)
    assert torch.allclose(y, torch.full_like(y, 37.0), rtol=1e-6)


def test_tf1_may_be_differentiated_after_use_under_inference_mode():
    """The remembered indices and shares are ordinary tensors."""
    with torch.inference_mode():
        tf1_bilinear(torch.ones(1, 1, 3, 3), (13, 13))
    x = torch.ones(1, 1, 3, 3, requires_grad=True)
    tf1_bilinear(x, (13, 13)).sum().backward()
    assert x.grad.sum() == pytest.approx(13 * 13, rel=1e-5)


def test_tf1_lays_out_channels_last_and_leaves_its_input_alone():
    x = torch.rand(2, 3, 8, 8)
    kept = x.clone()
    assert tf1_bilinear(x, (8, 8)).is_contiguous(memory_format=torch.channels_last)
    tf1_bilinear(x.contiguous(memory_format=torch.channels_last), (8, 8)).zero_()
    assert torch.equal(x, kept)
