"""`load`, `names` and `describe` across all data sets."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.data import describe, load, names
from ganzoo.errors import DataError


def test_the_digest_is_the_documented_one():
    found = load("digits", "test")
    expected = hashlib.sha256(b"360 1 8 8\n" + found.images.numpy().tobytes() + found.labels.numpy().astype("<i8").tobytes())
    assert found.digest == expected.hexdigest()


def test_limit_takes_a_fixed_choice_that_grows_with_it():
    whole, some, more = load("digits"), load("digits", limit=100), load("digits", limit=200)
    kept = np.sort(np.random.RandomState(0).permutation(1437)[:100])
    assert np.array_equal(some.images.numpy(), whole.images.numpy()[kept])
    assert np.array_equal(some.labels.numpy(), whole.labels.numpy()[kept])
    assert {image.numpy().tobytes() for image in some.images} <= {image.numpy().tobytes() for image in more.images}
    assert len({some.digest, more.digest, whole.digest}) == 3
    assert some.digest == "d47291982e9e2b6629cd9ee57aab2fb5ab3843aa9333aace87b0791fd927ff94"
    assert load("digits", limit=1437).digest == whole.digest


@pytest.mark.parametrize("side", [4, 5, 16])
def test_resize_is_the_antialiased_bilinear_filter_of_torch(side):
    found, whole = load("digits", "test", resize=side), load("digits", "test")
    assert found.images.shape == (360, 1, side, side) and found.images.is_contiguous()
    expected = torch.nn.functional.interpolate(whole.images.double(), size=(side, side), mode="bilinear", antialias=True)
    assert (found.images.double() - expected).abs().max() <= 1.01  # PIL rounds after each axis
    assert found.digest != whole.digest


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"name": "mnsit"}, f"unknown data set 'mnsit'. Did you mean 'mnist'? Valid: {', '.join(sorted(names()))}."),
        ({"name": "digits", "split": "tset"}, "no split 'tset'. Did you mean 'test'?"),
        ({"name": "digits", "path": "x"}, "takes no path, got 'x'"),
        ({"name": "imagenet", "path": "x"}, "takes no path, got 'x'"),
        ({"name": "digits", "limit": 1438}, "limit is 1438, expected a whole number from 1 to 1,437 images"),
        ({"name": "digits", "limit": 0}, "limit is 0"),
        ({"name": "digits", "resize": -1}, "resize is -1"),
        ({"name": "digits", "resize": 100_000}, "resize is 100000"),
        ({"name": "folder", "path": "pack", "limit": 6}, "limit is 6, expected a whole number from 1 to 5"),
        ({"name": "folder", "path": "pack", "split": "../test"}, "split '../test' is not the name of a folder"),
        ({"name": "folder", "path": "pack", "split": ""}, "split '' is not"),
        ({"name": "folder"}, "needs a path"),
        ({"name": "zip", "path": "nowhere.zip"}, "'nowhere.zip' not found. Looked in: "),
    ],
)
def test_what_cannot_be_meant_is_refused(pack, arguments, says):
    with pytest.raises(DataError) as refused:
        load(**arguments)
    assert says in str(refused.value)


def test_every_set_describes_itself_in_json():
    toys = ["ring", "grid", "stacked-digits", "stacked-mnist"]
    assert names() == ["digits", "mnist", "cifar10", *toys, "celeba", "celeba-hq", "imagenet", "folder", "zip", "pairs", "domains"]
    for name in names():
        told = json.loads(json.dumps(describe(name)))
        assert told["name"] == name and told["summary"] and told["how_to_get"]
        assert told["needs_path"] == (name in ("folder", "zip", "pairs", "domains"))
        assert (told["shape"] is None) == (told["splits"] is None) == told["needs_path"]
    assert describe("digits")["available"] is True
    assert tuple(describe("digits")["shape"]) == load("digits").shape
    with pytest.raises(DataError, match="unknown data set"):
        describe("cifar")
    assert describe("imagenet")["shape"] == [3, None, None] and describe("celeba")["splits"] == ["train", "valid", "test", "all"]


def test_listing_data_sets_imports_nothing_heavy():
    script = "import sys, ganzoo.data; ganzoo.data.names(); print([m for m in ('torch', 'torchvision', 'sklearn') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(ganzoo.__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
