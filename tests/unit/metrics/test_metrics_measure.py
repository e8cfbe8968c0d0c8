"""All metrics in one pass: which ones, whatever the pieces the images come in, and how much is kept meanwhile."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
import torch

from ganzoo.errors import DataError
from ganzoo.metrics import MetricError, frechet_of_features, kid, protocols, reals
from ganzoo.metrics.extractors import load as load_extractor
from ganzoo.metrics.measure import frechet_only, measure, metric_names
from ganzoo.metrics.reals import reals_for

DISTANCES = ["frechet", "kid"]
SCORE = ["is", "is_split_std"]
NEIGHBOURS = ["precision", "recall", "density", "coverage"]
CLASSES = ["modes", "entropy"]
NUM_FAKE = 130


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(reals, "_held", {})


@pytest.fixture
def setting(own_net, pixels):
    """setting("Noted") → a protocol for that network, and its reals."""

    def make(network: str, **changes):
        base = replace(protocols.get(f"own@own_net:{network}"), num_fake=NUM_FAKE, num_neighbours=50, num_kid=60)
        protocol = replace(base, **changes)
        return protocol, reals_for(protocol, images=pixels(140, 3, seed=1))

    return make


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ("FeaturesAlone", DISTANCES + NEIGHBOURS),
        ("Noted", DISTANCES + SCORE + NEIGHBOURS + CLASSES),
        ("ImageNetLike", DISTANCES + SCORE + NEIGHBOURS),
    ],
    ids=["no classes", "ten classes", "ImageNet's classes"],
)
def test_what_a_network_can_measure(setting, pixels, network, names):
    protocol, real = setting(network)
    assert metric_names(protocol) == names
    found = measure(protocol, real, pixels(NUM_FAKE, 3).split(50), "cpu")
    assert list(found.metrics) == names
    assert all(value == value and abs(value) != float("inf") for value in found.metrics.values())


@pytest.mark.parametrize("sizes", [[NUM_FAKE], [1] * NUM_FAKE, [7, 50, 3, 64, 6]])
def test_pieces_make_no_difference(setting, pixels, sizes):
    protocol, real = setting("Noted")
    images = pixels(NUM_FAKE, 3)
    whole = measure(protocol, real, images.split(64), "cpu").metrics
    pieces = measure(protocol, real, images.split(sizes), "cpu").metrics
    # the network's own arithmetic depends on how many images it is given at once, in float32
    assert pieces == pytest.approx(whole, rel=1e-5)


def test_pieces_make_no_difference_to_the_statistics(setting, pixels, monkeypatch):
    """To 1e-12, where the network is one that rounds nothing: pixels' means are computed image by image."""
    protocol, real = setting("Noted")
    images, network = pixels(NUM_FAKE, 3), load_extractor("own_net:Noted")
    known = dict(zip((image.numpy().tobytes() for image in images), zip(*network(images), strict=True), strict=True))

    def looked_up(_network, _protocol, piece, *, score):
        rows = [known[image.numpy().tobytes()] for image in piece]
        return tuple(torch.stack(column) for column in zip(*rows, strict=True))

    monkeypatch.setattr("ganzoo.metrics.measure.look_at_fakes", looked_up)
    whole = measure(protocol, real, [images], "cpu").metrics
    for sizes in ([1] * NUM_FAKE, [7, 50, 3, 64, 6]):
        assert measure(protocol, real, images.split(sizes), "cpu").metrics == pytest.approx(whole, rel=1e-12)


def test_the_first_fakes_are_those_compared_one_by_one(setting, pixels):
    protocol, real = setting("Noted")
    images = pixels(NUM_FAKE, 3)
    features, _ = load_extractor("own_net:Noted")(images)
    found = measure(protocol, real, images.split(40), "cpu").metrics
    assert found["kid"] == pytest.approx(kid(real.for_kid, features[:60]), rel=1e-6)
    assert found["frechet"] == pytest.approx(measure(protocol, real, images.flip(0).split(40), "cpu").metrics["frechet"], rel=1e-6)
    assert found["kid"] != measure(protocol, real, images.flip(0).split(40), "cpu").metrics["kid"]


def test_the_distance_alone_is_the_same_distance(setting, pixels):
    protocol, real = setting("Noted")
    images = pixels(NUM_FAKE, 3)
    assert frechet_only(protocol, real, images.split(64), "cpu") == measure(protocol, real, images.split(64), "cpu").metrics["frechet"]


def test_it_is_the_distance_between_the_features(setting, pixels):
    protocol, real = setting("Noted", num_kid=None)  # so that the features of all reals are kept
    features, _ = load_extractor("own_net:Noted")(images := pixels(NUM_FAKE, 3))
    found = measure(protocol, real, [images], "cpu").metrics["frechet"]
    assert found == pytest.approx(frechet_of_features(real.features, features), rel=1e-9)


def test_what_is_kept_of_the_fakes_does_not_grow_with_them(setting, pixels, monkeypatch):
    """Only as many features as are compared one by one; the images of a chunk are let go of before the next is drawn."""
    protocol, real = setting("Noted", num_fake=2000)
    sizes, most, living = [], [], set()
    empty = torch.empty
    monkeypatch.setattr("ganzoo.metrics.measure.torch.empty", lambda *shape, **more: sizes.append(shape) or empty(*shape, **more))

    def chunks():
        for seed in range(20):
            chunk = pixels(100, 3, seed=seed)
            living.add(seed)
            weakref.finalize(chunk, living.discard, seed)
            most.append(len(living))
            yield chunk
            del chunk

    measure(protocol, real, chunks(), "cpu")
    assert (60, 6) in sizes and max(shape[0] for shape in sizes) <= 100
    assert max(most) <= 2


def test_progress_counts_the_fakes(setting, pixels):
    protocol, real = setting("Noted")
    told = []
    measure(protocol, real, pixels(NUM_FAKE, 3).split(100), "cpu", told.append)
    assert told == sorted(set(told)) and {100, 130} <= set(told) and told[-1] == 130


@pytest.mark.parametrize("network", ["Noted", "FeaturesAlone"])
@pytest.mark.parametrize("count", [NUM_FAKE - 1, NUM_FAKE + 1, 1, 0])
def test_another_number_of_fakes_than_told(setting, pixels, count, network):
    protocol, real = setting(network)
    with pytest.raises(MetricError, match="expected 130"):
        measure(protocol, real, pixels(count, 3).split(64) if count else [], "cpu")


def test_fakes_of_another_shape(pixels):
    protocol = replace(protocols.get("digits-cnn"), num_fake=50)
    with pytest.raises(DataError, match=r"the fakes are images of shape \(3, 8, 8\), but digits-cnn"):
        measure(protocol, reals_for(protocol), [pixels(50, 3)], "cpu")


def test_warnings_travel_with_the_numbers(setting, pixels):
    protocol, real = setting("Noted")
    one = pixels(1, 3).expand(NUM_FAKE, -1, -1, -1)
    assert [warning["code"] for warning in measure(protocol, real, one.split(64), "cpu").warnings] == ["constant-features"]
    assert measure(protocol, real, pixels(NUM_FAKE, 3).split(64), "cpu").warnings == []
