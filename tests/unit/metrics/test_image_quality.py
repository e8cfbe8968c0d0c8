"""L1, PSNR and SSIM of outputs against their own targets: known values, chunks, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ganzoo.metrics import MetricError, MetricWarning
from ganzoo.metrics.image_quality import ImageQuality, image_quality
from ganzoo.metrics.ms_ssim import C1, C2


def noise(seed: int, *shape: int) -> torch.Tensor:
    """uint8 images, frozen."""
    return torch.from_numpy(np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8))


@pytest.mark.parametrize("shift", [1, 5, 16, 255])
def test_a_shift_in_brightness_by_hand(shift):
    """L1 and PSNR know the size of the shift alone; of constant images SSIM keeps the luminance term alone."""
    x = torch.zeros(2, 3, 16, 20, dtype=torch.uint8)
    found = image_quality(x + shift, x)
    assert found.l1.tolist() == [shift / 255] * 2
    assert found.psnr.tolist() == pytest.approx([20 * math.log10(255 / shift)] * 2, rel=1e-14)
    assert found.ssim.tolist() == pytest.approx([C1 / (shift**2 + C1)] * 2, rel=1e-9)
    assert found.l1.dtype == found.psnr.dtype == found.ssim.dtype == torch.float64 and found.l1.shape == (2,)


def test_a_shift_down_is_as_far_as_one_up():
    """What unsigned pixels get wrong: 3 - 8 is 251 to them."""
    x, y = torch.full((1, 1, 11, 11), 3, dtype=torch.uint8), torch.full((1, 1, 11, 11), 8, dtype=torch.uint8)
    for found in (image_quality(x, y), image_quality(y, x)):
        assert found.l1.item() == 5 / 255 and found.psnr.item() == pytest.approx(20 * math.log10(255 / 5), rel=1e-14)


def test_psnr_is_of_the_error_over_all_channels_and_not_a_mean_of_each():
    """One channel off by 30, two right: the squared error is 300."""
    x = torch.full((1, 3, 12, 12), 100, dtype=torch.uint8)
    y = x.clone()
    y[:, 0] += 30
    found = image_quality(y, x)
    assert found.psnr.item() == pytest.approx(10 * math.log10(255**2 / 300), rel=1e-14)
    assert found.l1.item() == pytest.approx(10 / 255, rel=1e-14)
    assert found.ssim.item() == pytest.approx((2 + (2 * 100 * 130 + C1) / (100**2 + 130**2 + C1)) / 3, rel=1e-9)


def test_ssim_of_opposite_contrast_is_negative():
    """One window of black and white against its negative; the product of means is what is left of the luminance."""
    x = (noise(0, 1, 1, 11, 11) // 128) * 255
    at = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    share = float((np.outer(at, at) / at.sum() ** 2 * (x[0, 0].numpy() / 255)).sum())  # weight of the white pixels
    a, b, var = 255 * share, 255 * (1 - share), 255**2 * share * (1 - share)
    expected = (2 * a * b + C1) / (a * a + b * b + C1) * (C2 - 2 * var) / (C2 + 2 * var)
    assert expected < -0.8
    assert image_quality(255 - x, x).ssim.item() == pytest.approx(expected, rel=1e-9)


def test_the_farther_the_worse_by_each_of_them():
    x, other = noise(1, 4, 3, 24, 24) // 2 + 60, noise(2, 4, 3, 24, 24)
    near, far = ((x.float() * (1 - share) + other.float() * share).round().to(torch.uint8) for share in (0.1, 0.4))
    near, far = image_quality(near, x), image_quality(far, x)
    assert (near.l1 < far.l1).all() and (near.psnr > far.psnr).all() and (near.ssim > far.ssim).all()


def test_an_output_that_is_its_target():
    """Infinite by itself; in the mean it counts as the least error there can be, and the count is told."""
    x = noise(3, 4, 1, 16, 16)
    y = x.clone()
    y[1:] //= 2
    found = image_quality(y, x)
    assert (found.l1[0], found.psnr[0]) == (0, math.inf) and found.ssim[0].item() == pytest.approx(1, abs=1e-12)
    assert found.psnr[1:].isfinite().all() and found.identical == 1
    least = x.clone()
    least[0, 0, 0, 0] ^= 1
    one_off = image_quality(least[:1], x[:1])
    assert one_off.psnr.item() == found.highest_psnr == pytest.approx(10 * math.log10(255**2 * 256), rel=1e-14) and not one_off.warnings()
    assert found.means()["psnr"] == pytest.approx((one_off.psnr.item() + found.psnr[1:].sum().item()) / 4, rel=1e-14)
    told = "1 of 4 outputs are their target, value by value; their PSNR is infinite and counts as 72.21 dB, one value off by one level."
    assert found.warnings() == [MetricWarning("identical-images", told, 1)]


def test_the_mean_does_not_fall_when_an_output_becomes_its_target():
    x = noise(4, 3, 3, 11, 11)
    steps = []
    for right in range(4):
        y = x.clone()
        y[right:] ^= 1
        steps.append(image_quality(y, x).means()["psnr"])
    assert steps == sorted(set(steps)) and math.isfinite(steps[-1])


def test_means_are_over_images():
    x, y = noise(5, 5, 3, 16, 16), noise(6, 5, 3, 16, 16) // 2
    y[0] = x[0] // 4 * 4  # of another quality than the rest
    found = image_quality(y, x)
    alone = [image_quality(y[i : i + 1], x[i : i + 1]).means() for i in range(5)]
    assert found.means() == pytest.approx({name: sum(one[name] for one in alone) / 5 for name in ("l1", "psnr", "ssim")}, rel=1e-12)
    assert list(found.means()) == ["l1", "psnr", "ssim"] and found.warnings() == []


def test_chunks_change_nothing_and_bound_what_is_looked_at(monkeypatch):
    from ganzoo.metrics import image_quality as module

    x, y = noise(7, 10, 3, 16, 12), noise(8, 10, 3, 16, 12)
    whole, looked = image_quality(y, x), []
    plain = module.ssim_map
    monkeypatch.setattr(module, "PIXELS", 4 * 3 * 16 * 12 + 5)
    monkeypatch.setattr(module, "ssim_map", lambda a, b: looked.append(len(a) // 3) or plain(a, b))
    found = image_quality(y, x)
    assert looked == [4, 4, 2]
    assert torch.equal(found.l1, whole.l1) and torch.equal(found.psnr, whole.psnr)
    assert torch.allclose(found.ssim, whole.ssim, rtol=1e-12)
    monkeypatch.setattr(module, "PIXELS", 10)  # less than an image: one at a time
    assert torch.allclose(image_quality(y, x).ssim, whole.ssim, rtol=1e-12)


def test_parts_are_joined():
    x, y = noise(9, 7, 1, 16, 16), noise(10, 7, 1, 16, 16)
    y[5] = x[5]
    whole = image_quality(y, x)
    joined = ImageQuality.join(image_quality(a, b) for a, b in zip(y.split(3), x.split(3), strict=True))
    assert torch.equal(joined.psnr, whole.psnr) and torch.allclose(joined.ssim, whole.ssim, rtol=1e-12)
    assert joined.means() == pytest.approx(whole.means(), rel=1e-12) and joined.warnings() == whole.warnings()
    with pytest.raises(MetricError, match="different sizes"):
        ImageQuality.join([whole, image_quality(noise(0, 1, 1, 20, 20), noise(1, 1, 1, 20, 20))])
    with pytest.raises(MetricError, match="no images to compare"):
        ImageQuality.join([])


def test_numpy_or_torch():
    x, y = noise(11, 3, 3, 16, 16), noise(12, 3, 3, 16, 16)
    expected = image_quality(y, x).means()
    frozen = y.numpy().copy()
    frozen.flags.writeable = False
    assert image_quality(frozen, x.numpy()).means() == expected
    assert image_quality(y, x.to(memory_format=torch.channels_last)).means() == expected


@pytest.mark.parametrize(
    ("outputs", "targets", "message"),
    [
        ((4, 3, 32, 32), (4, 3, 32, 30), r"outputs have shape \(4, 3, 32, 32\), targets \(4, 3, 32, 30\): expected the same"),
        ((4, 3, 32, 32), (4, 1, 32, 32), "expected the same. Give each output its own target"),
        ((4, 3, 32, 32), (1, 3, 32, 32), "expected the same"),
        ((4, 1, 32, 10), (4, 1, 32, 10), r"images of 32 × 10 pixels, expected at least 11 × 11. SSIM says nothing of smaller ones"),
        ((0, 1, 32, 32), (0, 1, 32, 32), r"shape \(0, 1, 32, 32\), expected at least 1 image"),
        ((3, 32, 32), (4, 3, 32, 32), r"outputs are torch.uint8 of shape \(3, 32, 32\), expected uint8 \(N, C, H, W\)"),
    ],
)
def test_shapes_it_cannot_use(outputs, targets, message):
    with pytest.raises(MetricError, match=message):
        image_quality(torch.zeros(outputs, dtype=torch.uint8), torch.zeros(targets, dtype=torch.uint8))


def test_floats_are_refused_on_either_side():
    """A generator's own output, before it is stored: its range is nobody's guess."""
    x = noise(13, 2, 1, 16, 16)
    with pytest.raises(MetricError, match="outputs are torch.float32"):
        image_quality(x / 255, x)
    with pytest.raises(MetricError, match="targets are float64"):
        image_quality(x, x.numpy() / 255)


def test_pinned():
    found = image_quality(noise(14, 3, 3, 32, 32) // 3 + noise(15, 3, 3, 32, 32) // 2, noise(15, 3, 3, 32, 32))
    assert found.means() == pytest.approx({"l1": 0.1573371970315904, "psnr": 14.30459268755971, "ssim": 0.7222483138234995}, rel=1e-9)
