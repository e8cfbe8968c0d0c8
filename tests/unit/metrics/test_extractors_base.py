"""What every extractor does with images, on a network of one layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganzoo import data
from ganzoo.errors import DataError, WeightsError
from ganzoo.metrics import extractors
from ganzoo.metrics.extractors.base import Extractor, unit
from ganzoo.metrics.resize import torch_bilinear


def extractor(channels: int = 3, size: tuple[int, int] | None = (4, 4), network=None, **more) -> Extractor:
    """Features: means of the channels and of each quarter's; logits: their doubles."""

    def means(x):
        y = nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)
        return y, 2 * y[:, :3]

    settings = {"dim": 4 * channels, "classes": 3, "chunk": 2, "preprocessing": "x / 255", "before": unit, **more}
    return Extractor("means", "0" * 64, channels, size, network=network or means, **settings)


def pixels(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_chunks_of_images_in_order():
    x = pixels(5, 3, 4, 4)
    features, logits = extractor()(x)
    expected = nn.functional.adaptive_avg_pool2d(x / 255, 2).flatten(1)
    assert torch.equal(features, expected) and torch.equal(logits, 2 * expected[:, :3])
    seen = []
    extractor(network=lambda x: seen.append(len(x)) or (torch.zeros(len(x), 12), torch.zeros(len(x), 3)))(x)
    assert seen == [2, 2, 1]


def test_order_of_steps_and_embed_without_normalisation():
    steps = []

    def step(name):
        return lambda x: steps.append(name) or x

    network = extractor(before=step("before"), resize=step("resize"), after=step("after"))
    network(pixels(1, 3, 4, 4))
    assert steps == ["before", "resize", "after"]
    steps.clear()
    x = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 50
    features, _ = network.embed(x)
    assert set(steps) == {"resize"}
    assert torch.equal(features, nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))


def test_grey_is_repeated_for_three_channels_only():
    grey = pixels(3, 1, 4, 4)
    assert torch.equal(extractor()(grey)[0], extractor()(grey.expand(-1, 3, -1, -1))[0])
    with pytest.raises(DataError, match="1 channel, 4×4"):
        extractor(channels=1, classes=3)(pixels(3, 3, 4, 4))


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (torch.zeros(2, 3, 4, 4), "float32, expected uint8"),
        (pixels(2, 2, 4, 4), r"\(2, 2, 4, 4\), expected .* of 3 channels \(or 1, repeated\), 4×4"),
        (pixels(2, 3, 4, 5), "4×4"),
        (pixels(3, 4, 4), "N, C, H, W"),
    ],
    ids=["float", "channels", "size", "one-image"],
)
def test_wrong_images(x, told):
    with pytest.raises(DataError, match=told):
        extractor()(x)


def test_wrong_images_where_any_size_goes():
    network = extractor(size=None, resize=lambda x: torch_bilinear(x, (4, 4)))
    assert network(pixels(2, 3, 9, 7))[0].shape == (2, 12)
    with pytest.raises(DataError, match="any size"):
        network(pixels(2, 3, 0, 7))
    with pytest.raises(DataError, match="uint8, expected floating point"):
        network.embed(pixels(2, 3, 9, 7))


def test_no_images():
    features, logits = extractor()(pixels(0, 3, 4, 4))
    assert features.shape == (0, 12) and logits.shape == (0, 3)


def test_outputs_of_another_shape_than_announced():
    with pytest.raises(DataError, match=r"features of shape \(1, 12\) for 1 images, expected \(1, 13\)"):
        extractor(dim=13)(pixels(1, 3, 4, 4))


def test_outputs_are_plain_float32_tensors():
    double = extractor(network=lambda x: (x.double().flatten(1)[:, :12], x.flatten(1)[:, :3]))
    for part in double(pixels(3, 3, 4, 4)):
        assert part.dtype == torch.float32 and not part.requires_grad and not part.is_inference()
        part.mul_(2)


def test_the_callers_precision_neither_counts_nor_is_lost():
    layer = nn.Linear(48, 12).requires_grad_(False)
    seen = []

    def network(x):
        seen.append((torch.is_autocast_enabled("cpu"), torch.get_float32_matmul_precision()))
        return layer(x.flatten(1)), x.new_zeros(len(x), 3)

    x = pixels(2, 3, 4, 4)
    expected = extractor(network=network)(x)[0]
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(extractor(network=network)(x)[0], expected)
            assert torch.is_autocast_enabled("cpu")
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert set(seen) == {(False, "highest")}


@pytest.mark.parametrize("name", extractors.names())
def test_cards_need_no_weights(name, monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    card = extractors.card(name)
    assert {"name", "sha256", "channels", "size", "dim", "classes", "chunk", "preprocessing", "source", "licence"} <= set(card)
    assert card["name"] == name and len(card["sha256"]) == 64


def test_what_a_card_reads():
    card = extractors.card("tf-inception")
    assert extractors.fits(card, (3, 50, 7)) and extractors.fits(card, (1, 28, 28)) and not extractors.fits(card, (2, 28, 28))
    assert extractors.in_words(card) == "3 channels (or 1, repeated), any size"
    small = {"channels": 1, "size": (8, 8)}
    assert extractors.fits(small, (1, 8, 8)) and not extractors.fits(small, (1, 8, 9)) and not extractors.fits(small, (3, 8, 8))


@pytest.mark.parametrize("what", [extractors.card, extractors.load])
def test_unknown_name(what):
    with pytest.raises(WeightsError, match=r"unknown extractor 'tf-inceptoin'. Did you mean 'tf-inception'\?"):
        what("tf-inceptoin")


@pytest.mark.parametrize("name", ["tf-inception", "torchvision-inception", "clean"])
def test_missing_weights(name, monkeypatch, tmp_path):
    for variable in ("GANZOO_CACHE", "TORCH_HOME", "GANZOO_WEIGHTS"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.delenv("GANZOO_DOWNLOAD", raising=False)
    extractors.load.cache_clear()
    with pytest.raises(WeightsError, match="not found. Looked in") as caught:
        extractors.load(name)
    assert extractors.card(name)["sha256"] in str(caught.value)


def test_classes_are_known_by_name():
    """Ten animals are as many as CIFAR-10's classes and others."""
    cifar = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    assert extractors.knows("cifar10-cnn", cifar) and not extractors.knows("cifar10-cnn", [*cifar[:9], "goldfish"])
    assert extractors.knows("mnist-cnn", data.load("digits").classes), "digits are digits"
    assert extractors.knows("ring-modes", [str(mode) for mode in range(8)]) and not extractors.knows("ring-modes", ["one"])
