"""Protocols through a spec: on a user's own images, with other reals, with a network of the user's."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo import data
from ganzoo.bench.catalogue import load_checked, reals_of
from ganzoo.bench.plan import plan
from ganzoo.bench.run import execute
from ganzoo.errors import DataError, SpecError, WeightsError
from ganzoo.metrics import extractors, protocols, reals

SOURCE = {"assumed": "a test"}
NETWORK = """
from torch import nn

class Pooled(nn.Module):
    dim, channels, size = 4, 3, (32, 32)

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 4, stride=4)

    def forward(self, x):
        return self.layer(x).square().mean((2, 3))
"""


@pytest.fixture(autouse=True)
def nothing_else_at_hand(tmp_path, monkeypatch):
    for variable in ("GANZOO_WEIGHTS", "GANZOO_DOWNLOAD"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("GANZOO_DATA", "GANZOO_CACHE", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.setattr(reals, "_held", {})


@pytest.fixture
def pack(tmp_path) -> Path:
    """Colour images 32×32 in class folders: 80 to train on, 40 to test."""
    random = np.random.RandomState(0)
    for split, count in (("train", 80), ("test", 40)):
        for kind in ("cat", "dog"):
            folder = tmp_path / "pack" / split / kind
            folder.mkdir(parents=True)
            for i in range(count // 2):
                Image.fromarray(random.randint(0, 256, (8, 8, 3), dtype=np.uint8)).resize((32, 32)).save(folder / f"{i}.png")
    return tmp_path / "pack"


@pytest.fixture
def planned(tmp_path, pack, write_tiny_spec):
    """planned({setting: value}) → the run of a tiny case on the pack under `cifar10-cnn`."""

    def make(changes: dict | None = None):
        settings = {
            "data.name": "folder", "data.path": str(pack), "data.limit": 64, "eval.protocol": "cifar10-cnn", "eval.num_fake": 60,
            "train.epochs": 1, "source": SOURCE, **(changes or {}),
        }  # fmt: skip
        write_tiny_spec(tmp_path / "own.yaml", {"a": settings})
        (run,) = plan(load_checked(tmp_path / "own.yaml"), None, "full", [0])
        return run

    return make


def zipped(pack: Path) -> Path:
    return Path(shutil.make_archive(str(pack), "zip", pack))


def test_the_reals_are_the_users_own_images(planned, pack):
    run = planned()
    whole = data.load("folder", "train", path=pack)
    assert (run.protocol.real_data, run.protocol.real_split) == ("folder", "train")
    assert run.protocol.real_digest == whole.digest != run.data_digest  # all of them, though a part is trained on
    assert len(reals_of(run.resolved, run.protocol).load()) == 80


def test_a_zip_of_the_same_images_has_the_same_reals(planned, pack):
    folder, archive = planned(), planned({"data.name": "zip", "data.path": str(zipped(pack))})
    assert archive.protocol.real_digest == folder.protocol.real_digest and archive.protocol.real_data == "zip"


@pytest.mark.parametrize("changes", [{"eval.real_split": "test"}, {"eval.num_real": 50}, {"eval.num_fake": 70}, {"train.ema": 0.9}])
def test_what_is_asked_of_the_reals_is_in_the_hash_and_the_key(planned, changes):
    plain, other = planned(), planned(changes)
    assert other.protocol.hash != plain.protocol.hash and other.key != plain.key


def test_the_images_themselves_are_in_the_hash(planned, pack):
    before = planned().protocol
    Image.new("RGB", (32, 32), (1, 2, 3)).save(pack / "train" / "cat" / "0.png")
    after = planned().protocol
    assert after.real_digest != before.real_digest and after.hash != before.hash


def test_another_split_and_a_count_are_what_is_measured_against(planned, store):
    run = planned({"eval.real_split": "test", "eval.num_real": 30})
    assert (run.protocol.real_split, run.protocol.real_count) == ("test", 30)
    record = execute(run, store, torch.device("cpu"))
    (found,) = reals._held.values()
    assert found.moments.count == 30
    assert record["protocol"]["hash"] == run.protocol.hash
    assert record["protocol"]["fields"]["real_digest"] == data.load("folder", "test", path=run.resolved.data.path).digest
    assert record["evaluations"][-1]["metrics"]["frechet"] > 0


def test_more_reals_than_there_are(planned, tmp_path):
    with pytest.raises(SpecError, match=r"eval\.num_real is 81, but folder \(train\) holds 80 images"):
        planned({"eval.num_real": 81})
    assert planned({"eval.num_real": 80}).protocol.real_count == 80


def test_too_few_reals(planned):
    with pytest.raises(SpecError, match=r"eval\.num_real is 9, but cifar10-cnn needs at least 10"):
        planned({"eval.num_real": 9})


def test_reals_of_which_whole_batches_leave_none(planned):
    with pytest.raises(SpecError, match=r"folder \(train\) gives 0 reals in whole batches of 64, but protocol .* needs at least 10"):
        planned({"eval.protocol": "iyengar-2018@cifar10-cnn", "eval.num_real": 63})


def test_a_split_that_is_not_there(planned):
    with pytest.raises(DataError, match="no split 'val'. It holds: test, train"):
        planned({"eval.real_split": "val"})


@pytest.mark.parametrize("protocol", ["tf-inception", "clean-fid", "torchvision-inception", "iyengar-2018", "dinov2"])
def test_missing_weights_are_told_before_anything_is_written(planned, tmp_path, protocol):
    with pytest.raises(WeightsError, match=r"sha256 [0-9a-f]{64}.* (not found\. Looked in: .*Ways to get it|beside the other weights)"):
        planned({"eval.protocol": protocol})
    assert sorted(path.name for path in tmp_path.iterdir()) in (["own.yaml", "pack"], ["ganzoo_cache", "own.yaml", "pack"])
    assert not list((tmp_path / "ganzoo_cache").glob("statistics/*"))


@pytest.fixture
def pooled(tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "own_pooled.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    yield "own@own_pooled:Pooled"
    sys.modules.pop("own_pooled", None)
    extractors.load.cache_clear()


def test_a_network_of_the_users(planned, pooled, store):
    run = planned({"eval.protocol": pooled})
    assert run.protocol.name == pooled and run.protocol.weights == protocols.get(pooled).weights
    metrics = execute(run, store, torch.device("cpu"))["evaluations"][-1]["metrics"]
    assert list(metrics) == ["frechet", "kid", "precision", "recall", "density", "coverage"]  # it has no logits


def test_other_weights_of_the_users_network_are_another_protocol(planned, pooled, tmp_path):
    before = planned({"eval.protocol": pooled}).protocol
    path = tmp_path / "code" / "own_pooled.py"
    path.write_text(NETWORK.replace("super().__init__()", "super().__init__()\n        nn.Linear(2, 2)"))  # draws before the layer does
    sys.modules.pop("own_pooled")
    extractors.load.cache_clear()
    assert planned({"eval.protocol": pooled}).protocol.hash != before.hash


def test_a_network_that_reads_other_images(planned, pooled):
    with pytest.raises(SpecError, match=r"of shape \(3, 16, 16\), but its network reads 3 channels \(or 1, repeated\), 32×32"):
        planned({"eval.protocol": pooled, "data.resize": 16})


def test_a_network_that_cannot_be_imported(planned):
    with pytest.raises(SpecError, match=r"'own@nowhere:Net': extractor 'nowhere:Net' cannot be imported"):
        planned({"eval.protocol": "own@nowhere:Net"})
