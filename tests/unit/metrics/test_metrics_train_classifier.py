"""The script that the shipped classifiers come from."""

from __future__ import annotations

import hashlib
import json
import sys

import pytest
import torch

from ganzoo import data
from ganzoo.metrics import extractors, train_classifier
from ganzoo.metrics.extractors import classifier
from ganzoo.metrics.train_classifier import accuracy, dead_features, shifted
from ganzoo.metrics.training_data import training_data


@pytest.fixture
def short(monkeypatch):
    """Six passes over the digits instead of eighty."""
    monkeypatch.setitem(train_classifier.SETTINGS, "digits-cnn", {**train_classifier.SETTINGS["digits-cnn"], "epochs": 6})


def test_a_few_passes_learn_something_and_repeat_exactly(short):
    with torch.random.fork_rng():
        net, facts = train_classifier.train_classifier("digits-cnn", seed=5)
        twin, same_facts = train_classifier.train_classifier("digits-cnn", seed=5)
    assert facts["test_accuracy"] > 0.6 and facts["test_images"] == 360 and facts["seed"] == 5
    assert facts == same_facts
    assert facts["dead_features"] == dead_features(net, training_data("digits-cnn", "digits", 8)[1].images) > 0
    assert all(torch.equal(p, q) for p, q in zip(net.state_dict().values(), twin.state_dict().values(), strict=True))


def test_a_built_in_set_comes_at_the_side_of_the_network():
    same, smaller = (training_data("digits-cnn", "digits", side) for side in (8, 6))
    for split, kept, resized in zip(("train", "test"), same, smaller, strict=True):
        stored = data.load("digits", split)
        assert kept.digests == (stored.digest,)  # at its own side nothing changes, nor do the cards that were written so
        assert resized.images.shape == (len(stored), 1, 6, 6) and torch.equal(resized.labels, stored.labels)


def test_the_command_writes_what_the_loader_takes(short, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_classifier, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(classifier, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(sys, "argv", ["train_classifier", "digits-cnn"])
    extractors.load.cache_clear()
    try:
        with torch.random.fork_rng():
            train_classifier.main()
        assert json.loads(capsys.readouterr().out) == classifier.card("digits-cnn")
        found = hashlib.sha256((tmp_path / "weights" / "digits-cnn.safetensors").read_bytes()).hexdigest()
        assert extractors.load("digits-cnn").weights == found
    finally:
        extractors.load.cache_clear()


def test_shifts_move_whole_images_and_bring_in_zeros():
    image = torch.arange(1.0, 10).view(1, 1, 3, 3)
    generator = torch.Generator().manual_seed(0)
    seen = {tuple(shifted(image, 1, generator).flatten().int().tolist()) for _ in range(200)}
    assert len(seen) == 9  # three places each way
    assert tuple(range(1, 10)) in seen  # not at all
    assert (0, 0, 0, 0, 1, 2, 0, 4, 5) in seen and (5, 6, 0, 8, 9, 0, 0, 0, 0) in seen  # down right, up left


def test_accuracy_counts_across_batches():
    class Reader(torch.nn.Module):
        """Takes an image for the class that its one pixel names."""

        def forward(self, x):
            return x, torch.nn.functional.one_hot((x.flatten() * 255).round().long(), 10)

    labels = torch.arange(2500) % 10
    shown = labels.clone()
    shown[::4] = (shown[::4] + 1) % 10
    assert accuracy(Reader(), shown.to(torch.uint8).view(-1, 1, 1, 1), labels) == 0.75


def test_dead_features_are_the_same_for_all_images_across_batches():
    class Columns(torch.nn.Module):
        def forward(self, x):
            x = x.flatten(1)
            return torch.stack([x[:, 0], torch.zeros(len(x)), torch.full((len(x),), 3.0), (x[:, 0] > 0.999).float()], 1), x

    images = torch.zeros(2500, 1, 1, 1, dtype=torch.uint8)
    assert dead_features(Columns(), images) == 4
    images[2400] = 255
    assert dead_features(Columns(), images) == 2
