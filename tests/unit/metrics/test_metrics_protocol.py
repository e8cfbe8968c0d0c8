"""The protocol and its hash: what makes two numbers comparable."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, fields, replace

import pytest

from ganzoo.errors import SpecError
from ganzoo.metrics import protocol
from ganzoo.metrics.classifier import card
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
    ],
    ids=["digits-cnn", "mnist-cnn"],
)
def test_the_hashes_of_the_shipped_protocols_are_pinned(name, pinned):
    assert protocol.get(name).hash == pinned


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
    assert Protocol(**record["fields"]).hash == PLAIN.hash


def test_a_classifier_distance_is_never_called_fid():
    for name in protocol.names():
        labels = protocol.get(name).labels
        assert labels["frechet"] == "classifier Fréchet distance" and labels["is"] == "classifier score"
        assert not any(word in label.lower() for label in labels.values() for word in ("fid", "inception"))


@pytest.mark.parametrize("name", protocol.names())
def test_the_weights_in_the_hash_are_the_shipped_ones(name):
    found = protocol.get(name)
    assert found.name == name
    assert found.weights == card(found.extractor)["sha256"]


def test_an_unknown_name():
    with pytest.raises(SpecError, match=r"unknown protocol 'mnist-cn'\. Did you mean 'mnist-cnn'\? Valid: digits-cnn, mnist-cnn\."):
        protocol.get("mnist-cn")
