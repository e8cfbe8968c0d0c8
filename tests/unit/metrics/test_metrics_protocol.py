"""The protocol and its hash: what makes two numbers comparable."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, fields, replace

import pytest

from ganzoo.errors import SpecError
from ganzoo.metrics import protocols
from ganzoo.metrics.extractors import card, classifier
from ganzoo.metrics.measure import metric_names
from ganzoo.metrics.protocol import Protocol

PLAIN = Protocol(name="example", extractor="example-net", weights="00ff", real_data="digits", real_split="train")

# Another value for each field. A field missing here fails `test_every_field_is_in_the_hash`.
OTHER = {
    "name": "another",
    "extractor": "another-net",
    "weights": "00fe",
    "real_data": "mnist",
    "real_split": "test",
    "num_fake": 9_999,
    "num_neighbours": 4_999,
    "neighbours": 5,
    "is_splits": 1,
    "mode_share": 0.02,
    "quantisation": "jpeg",
    "latent": "truncated at 0.7",
    "batch_norm": "batch statistics (train mode)",
    "ema": True,
    "statistics": "float32",
    "kid": "100 subsets of 1000",
    "real_digest": "ab",
    "real_count": 5_000,
    "real_batch": 64,
    "real_order": "shuffled",
    "num_kid": 1_000,
    "coverage_neighbours": 4,
    "denormalised": False,
    "jpeg": 75,
    "real_range": (-1.0, 1.0),
    "fake_range": (0.0, 1.0),
    "score_range": (0.0, 1.0),
    "channel_shift": True,
    "checkpoint": "the best",
    "subset": "a fixed shuffle's first",
    "fake_batch": 64,
    "preprocessing": "x / 127.5 - 1",
    "points": True,
}


def test_the_hash_is_pinned():
    """A change here orphans every number measured so far."""
    told = {"extractor": "example-net", "name": "example", "real_data": "digits", "real_split": "train", "weights": "00ff"}
    assert PLAIN.hash == hashlib.sha256(json.dumps(told).encode()).hexdigest()
    assert PLAIN.hash == "1820700721a9820643454601fabc95d92eb5f038ebcbdeb63d7f6d6a510d0fe5"
    assert replace(PLAIN, num_fake=256, ema=True).hash == "38adf5c40bcaac8218b4388992107972b130fbfa032cb0dc1530944b86db26b3"


@pytest.mark.parametrize(
    ("name", "pinned"),
    [
        ("digits-cnn", "6c727769f7b5d9956ad79306efdbecbfd49fdcffca197f9879f13316803b0c7b"),
        ("mnist-cnn", "64b0649abdaddb58b589ce1fa41c7fb1f72cd927f093465931a8d1faf6fe83bb"),
        ("mnist32-cnn", "19b9217fe602277aee9b0a72df0a45a3eddac58b5ac037bcd08e1c9e0e2044db"),
    ],
    ids=["digits-cnn", "mnist-cnn", "mnist32-cnn"],
)
def test_the_hashes_of_the_shipped_protocols_are_pinned(name, pinned):
    assert protocols.get(name).hash == pinned


def test_no_default_ever_changes():
    """The hash leaves defaults out: with another default, numbers measured in two ways would share a hash. Add a field instead."""
    assert {field.name: field.default for field in fields(Protocol) if field.default is not MISSING} == {
        "num_fake": 10_000,
        "num_neighbours": 5_000,
        "neighbours": 3,
        "is_splits": 10,
        "mode_share": 0.01,
        "quantisation": "uint8: the generator's output range (eval.fake_range) clipped, scaled to 0..255, rounded to nearest",
        "latent": "the law trained with, no truncation",
        "batch_norm": "running statistics (eval mode)",
        "ema": False,
        "statistics": "float64",
        "kid": "unbiased, all pairs, cubic kernel",
        "real_digest": None,
        "real_count": None,
        "real_batch": None,
        "real_order": "as stored",
        "num_kid": None,
        "coverage_neighbours": 5,
        "denormalised": True,
        "jpeg": None,
        "real_range": None,
        "fake_range": None,
        "score_range": None,
        "channel_shift": False,
        "checkpoint": "the run's last, and the one best on other samples",
        "subset": "the first",
        "fake_batch": None,
        "preprocessing": None,
        "points": False,
    }


@pytest.mark.parametrize("field", [field.name for field in fields(Protocol)])
def test_every_field_is_in_the_hash(field):
    changed = replace(PLAIN, **{field: OTHER[field]})
    assert changed.hash != PLAIN.hash
    assert replace(changed, **{field: getattr(PLAIN, field)}).hash == PLAIN.hash


def test_no_two_of_these_changes_share_a_hash():
    hashes = [replace(PLAIN, **{field: value}).hash for field, value in OTHER.items()]
    assert len({PLAIN.hash, *hashes}) == len(OTHER) + 1


def test_the_hash_does_not_depend_on_the_order_of_the_arguments():
    assert Protocol(**dict(reversed(asdict(PLAIN).items()))).hash == PLAIN.hash


def test_a_field_added_later_orphans_nothing_at_its_default():
    @dataclass(frozen=True)
    class Later(Protocol):
        truncation: float | None = None

    assert Later(**asdict(PLAIN)).hash == PLAIN.hash
    assert Later(**asdict(PLAIN), truncation=0.7).hash != PLAIN.hash


def test_the_record_holds_every_field():
    record = json.loads(json.dumps(PLAIN.as_record()))
    assert record["name"] == "example" and record["hash"] == PLAIN.hash
    assert record["fields"] == asdict(PLAIN)
    odd = json.loads(json.dumps(replace(PLAIN, real_range=(-1.0, 1.0), jpeg=75).as_record()))
    assert Protocol(**odd["fields"]).hash == odd["hash"]  # a list reads as the tuple it was
    assert Protocol(**record["fields"]).hash == PLAIN.hash


def test_a_classifier_distance_is_never_called_fid():
    for name in classifier.names():
        labels = protocols.get(name).labels
        assert labels["frechet"] == "classifier Fréchet distance" and labels["is"] == "classifier score"
        assert not any(word in label.lower() for label in labels.values() for word in ("fid", "inception"))


@pytest.mark.parametrize(
    ("name", "frechet", "score"),
    [
        ("tf-inception", "FID", "Inception Score"),
        ("tf-inception-test", "FID, against test images", "Inception Score, against test images"),
        ("clean-fid", "clean-FID", None),
        ("iyengar-2018", "FID, torchvision's Inception (iyengar-2018)", "Inception Score, torchvision's Inception (iyengar-2018)"),
        ("iyengar-2018@mnist-cnn", "classifier Fréchet distance (iyengar-2018@mnist-cnn)", "classifier score (iyengar-2018@mnist-cnn)"),
        ("dinov2", "Fréchet distance, DINOv2", None),
    ],
)
def test_what_a_number_is_called(name, frechet, score):
    labels = protocols.get(name).labels
    assert labels["frechet"] == frechet and labels.get("is") == score


@pytest.mark.parametrize("name", protocols.names())
def test_the_weights_in_the_hash_are_those_of_the_extractor(name):
    found = protocols.get(name)
    assert found.name == name
    assert found.weights == card(found.extractor)["sha256"]


def test_no_two_protocols_share_a_hash():
    found = [protocols.get(name).hash for name in [*protocols.names(), "iyengar-2018@cifar10-cnn", "tf-inception@clean"]]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", ["mnist-cn", "own", "own@", "mnist-cnn@", "nothing@mnist-cnn"])
def test_an_unknown_name(name):
    with pytest.raises(SpecError, match=r"unknown protocol '.*'\..* Valid: cifar10-cnn, clean-fid, .* goes in as NAME@EXTRACTOR\."):
        protocols.get(name)


def test_an_unknown_network_in_a_protocol():
    with pytest.raises(SpecError, match=r"protocol 'iyengar-2018@cifar-cnn': unknown extractor 'cifar-cnn'\. Did you mean 'cifar10-cnn'\?"):
        protocols.get("iyengar-2018@cifar-cnn")


def test_the_steps_of_the_authors_evaluator():
    """As FACTS of their code have it: one at a time, and all of them off is the network's own way."""
    whole = protocols.get("iyengar-2018@cifar10-cnn")
    assert (whole.num_fake, whole.is_splits, whole.jpeg, whole.real_batch) == (10_240, 10, 75, 64)
    without = protocols.steps(whole)
    assert list(without) == [
        "negative half not clipped", "no JPEG", "reals and fakes in one range", "no channel shift", "score in the network's own range",
        "running statistics", "all reals", "none of them",
    ]  # fmt: skip
    assert len({changed.hash for changed in [whole, *without.values()]}) == 9
    plain = without["none of them"]
    assert (plain.denormalised, plain.jpeg, plain.real_range, plain.fake_range, plain.score_range, plain.fake_batch) == (
        True, None, None, None, None, None,
    )  # fmt: skip
    assert without["reals and fakes in one range"].real_range == (0.0, 1.0)
    assert protocols.steps(protocols.get("mnist-cnn")) == {}


@pytest.mark.parametrize("name", ["iyengar-2018@ring-modes", "own@grid-modes", "ring@digits-cnn", "mnist-cnn@ring-modes"])
def test_points_and_images_have_protocols_of_their_own(name):
    with pytest.raises(SpecError, match=r"reads (points|images), protocol '.*' is for (images|points)\..* ring and grid"):
        protocols.get(name)


def test_toy_protocols_count_one_fake_and_call_modes_modes():
    for name in ("ring", "grid", "stacked-digits", "stacked-mnist", "stacked-mnist32"):
        protocol = protocols.get(name)
        assert protocol.mode_share == 0 and protocol.labels["modes"] == "modes reached" and protocols.steps(protocol) == {}
        assert set(metric_names(protocol)) <= set(protocol.labels)
    assert protocols.get("stacked-digits").labels["frechet"] == "classifier Fréchet distance"
    assert protocols.get("ring").labels["frechet"] == "Fréchet distance of points"
    assert "high_quality" not in protocols.get("stacked-digits").labels
