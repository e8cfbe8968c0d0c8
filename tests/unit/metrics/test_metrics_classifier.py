"""The shipped classifiers: digests, accuracies, and what a damaged file leads to."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ganzoo import data
from ganzoo.data.roots import search_roots
from ganzoo.errors import WeightsError
from ganzoo.metrics import extractors, train_classifier
from ganzoo.metrics.extractors import classifier
from ganzoo.metrics.extractors import load as load_extractor
from ganzoo.metrics.extractors.classifier import WEIGHTS, card
from ganzoo.metrics.networks import NETWORKS
from ganzoo.metrics.training_data import PACKS, training_data

LEAST_ACCURACY = {"digits-cnn": 0.97, "mnist-cnn": 0.99, "mnist32-cnn": 0.99, "cifar10-cnn": 0.8, "images64-cnn": 0.8}
LARGEST_FILE = 4 * 2**20  # bytes


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Iterator[Path]:
    """A copy of the weights' folder that may be damaged, in the place of the shipped one."""
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    monkeypatch.setattr(classifier, "WEIGHTS", tmp_path / "weights")
    load_extractor.cache_clear()
    yield tmp_path / "weights"
    load_extractor.cache_clear()


def set_card(folder: Path, name: str, **facts) -> None:
    path = folder / f"{name}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_everything_is_shipped_and_nothing_else():
    expected = {f"{name}.{end}" for name in NETWORKS for end in ("json", "safetensors")}
    assert {path.name for path in WEIGHTS.iterdir()} == expected
    assert NETWORKS.keys() == LEAST_ACCURACY.keys() <= set(extractors.names())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_file_is_small_and_is_the_one_on_the_card(name):
    path = WEIGHTS / f"{name}.safetensors"
    assert path.stat().st_size <= LARGEST_FILE
    assert sha256(path) == card(name)["sha256"] == load_extractor(name).weights


@pytest.mark.parametrize("name", NETWORKS)
def test_the_card_tells_how_it_was_trained(name):
    facts = card(name)
    assert facts["name"] == name
    assert {key: facts[key] for key in train_classifier.SETTINGS[name]} == train_classifier.SETTINGS[name]
    assert facts["test_accuracy"] >= LEAST_ACCURACY[name]


def at_hand(name: str, source: str) -> bool:
    if source != "packs":
        return data.describe(source)["available"]
    return all(any((root / pack).is_dir() for root in search_roots()) for pack in PACKS[name])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_accuracy_and_dead_features_on_the_card_are_what_it_reaches(name):
    facts, network = card(name), load_extractor(name)
    if not at_hand(name, facts["data"]):
        pytest.skip(f"the {facts['data']} files are not at hand (GANZOO_DATA)")
    train, test = training_data(name, facts["data"], NETWORKS[name].image[1])
    assert (facts["train_images"], facts["train_data"]) == (len(train.labels), list(train.digests))
    assert (facts["test_images"], facts["test_data"], facts["classes"]) == (len(test.labels), list(test.digests), list(test.classes))
    features, logits = (torch.cat(parts) for parts in zip(*(network(images) for images in test.images.split(1000)), strict=True))
    taken_for = logits.argmax(1)
    assert int((features == features[0]).all(0).sum()) == facts["dead_features"] == network.dead
    accuracy = float((taken_for == test.labels).double().mean())
    assert accuracy >= LEAST_ACCURACY[name]
    assert accuracy == pytest.approx(facts["test_accuracy"], abs=1.5 / len(test.labels))  # one image, where rounding tips it


@pytest.mark.parametrize("name", NETWORKS)
def test_dead_features_are_told(name):
    assert extractors.card(name)["dead"] == load_extractor(name).dead == card(name)["dead_features"] > 0
    assert extractors.card("tf-inception")["dead"] == 0


def test_an_older_card_says_nothing_of_dead_features(copy):
    facts = card("digits-cnn")
    del facts["dead_features"]
    (copy / "digits-cnn.json").write_text(json.dumps(facts))
    assert load_extractor("digits-cnn").dead == 0


@pytest.mark.parametrize("name", NETWORKS)
def test_features_and_logits(name):
    network = load_extractor(name)
    images = torch.randint(0, 256, (5, *NETWORKS[name].image), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    features, logits = network(images)
    assert features.shape == (5, NETWORKS[name].dim) and logits.shape == (5, NETWORKS[name].classes)
    assert features.dtype == logits.dtype == torch.float32
    assert not features.requires_grad and images.dtype == torch.uint8
    assert torch.allclose(logits, network.network.head(features))
    assert torch.allclose(network(images[2:3])[0], features[2:3], rtol=1e-5, atol=1e-5)  # whatever else is in the batch


def test_loaded_once():
    assert load_extractor("digits-cnn") is load_extractor("digits-cnn")


def test_pixels_are_read_as_0_to_1():
    network = load_extractor("digits-cnn")
    images = torch.arange(64, dtype=torch.uint8).view(1, 1, 8, 8) * 4
    assert torch.equal(network(images)[0], network.network(images / 255)[0])


def test_a_truncated_file(copy):
    path = copy / "mnist-cnn.safetensors"
    whole = sha256(path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match=f"mnist-cnn.safetensors have sha256 {sha256(path)}, expected {whole}.*truncated or changed"):
        load_extractor("mnist-cnn")


def test_one_changed_bit(copy):
    path = copy / "digits-cnn.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="truncated or changed; reinstall"):
        load_extractor("digits-cnn")


def test_missing_weights(copy):
    (copy / "digits-cnn.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"digits-cnn.safetensors are missing .*python -m ganzoo.metrics.train_classifier digits-cnn"):
        load_extractor("digits-cnn")


def test_a_missing_card(copy):
    (copy / "digits-cnn.json").unlink()
    with pytest.raises(WeightsError, match=r"digits-cnn.json is missing: .*python -m ganzoo.metrics.train_classifier digits-cnn"):
        load_extractor("digits-cnn")


def test_weights_of_another_network(copy):
    """The digest fits, the tensors do not."""
    shutil.copy(copy / "mnist-cnn.safetensors", copy / "digits-cnn.safetensors")
    set_card(copy, "digits-cnn", sha256=sha256(copy / "mnist-cnn.safetensors"))
    with pytest.raises(WeightsError, match="do not fit digits-cnn"):
        load_extractor("digits-cnn")


def test_weights_with_a_layer_missing(copy):
    path = copy / "digits-cnn.safetensors"
    tensors = load_file(path)
    del tensors["head.bias"]
    save_file(tensors, path)
    set_card(copy, "digits-cnn", sha256=sha256(path))
    with pytest.raises(WeightsError, match="do not fit digits-cnn"):
        load_extractor("digits-cnn")


def test_a_file_that_is_no_safetensors(copy):
    path = copy / "digits-cnn.safetensors"
    path.write_bytes(b"\x80\x04not tensors")
    set_card(copy, "digits-cnn", sha256=sha256(path))
    with pytest.raises(WeightsError, match="do not fit digits-cnn"):
        load_extractor("digits-cnn")


@pytest.mark.parametrize("ask", [card, load_extractor])
def test_an_unknown_name(ask):
    with pytest.raises(WeightsError, match=r"unknown extractor 'digit-cnn'\. Did you mean 'digits-cnn'\?"):
        ask("digit-cnn")
