"""The mixtures: where their modes are, what is drawn from them, and that it is the same everywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ganzoo.data import load
from ganzoo.data.points import MIXTURES
from ganzoo.errors import DataError
from ganzoo.spec.schema import POINTS

MODES = {
    "ring": [(math.cos(math.pi * i / 4), math.sin(math.pi * i / 4)) for i in range(8)],
    "grid": [(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)],
}
SD = {"ring": 1e-4**0.5, "grid": 0.0025**0.5}
both = pytest.mark.parametrize("name", ["ring", "grid"])


def test_the_schema_names_all_sets_of_points():
    """It knows no data room; what it refuses of points hangs on these names."""
    assert set(POINTS) == set(MIXTURES)


@both
def test_each_mode_is_a_gaussian_around_its_place(name):
    found = load(name)
    assert found.images.dtype == torch.float32 and found.images.shape == (50_000, 2, 1, 1)
    assert len(found.classes) == len(MODES[name]) and load(name, "test").images.shape == (10_000, 2, 1, 1)
    points, labels = found.images.flatten(1).double().numpy(), found.labels.numpy()
    for mode, centre in enumerate(MODES[name]):
        mine = points[labels == mode]
        share, error = 1 / len(MODES[name]), SD[name] / len(mine) ** 0.5
        assert len(mine) == pytest.approx(50_000 * share, abs=5 * (50_000 * share) ** 0.5)
        assert np.abs(mine.mean(0) - centre).max() < 5 * error
        assert np.abs(np.cov(mine.T) / SD[name] ** 2 - np.eye(2)).max() < 5 * (2 / len(mine)) ** 0.5


@both
def test_the_splits_are_draws_of_their_own(name):
    train, test = (load(name, split).images.flatten(1) for split in ("train", "test"))
    assert not set(map(tuple, train.tolist())) & set(map(tuple, test.tolist()))


@pytest.mark.parametrize(
    ("name", "split", "digest"),
    [
        ("ring", "train", "8b93a9a10204704c57fcdf3c3e030aaf697903d987ecbfd4cd76de6985267545"),
        ("ring", "test", "f1d4f73e014bcd192782cef1a5e931e310839bcdd6d1b24689da7928f8fff241"),
        ("grid", "train", "d71a2ca675999a7019f5faf95821ea521b2db57536ce6dfef602cf2a6f4faeb8"),
        ("grid", "test", "c2dc6f01f44599eaac2305bdcf5e350b515a6cd680c3b3f853dfc97feaee9c62"),
    ],
)
def test_points_are_the_same_everywhere(name, split, digest):
    assert load(name, split).digest == digest


def test_some_modes_and_some_points():
    two = load("ring", classes=["0", "4"], limit=100)
    assert len(two) == 100 and two.classes == ("0", "4") and two.images[:, 0].abs().min() > 0.9


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"resize": 8}, "data set 'ring' holds points, not images, got resize 8. Remove data.resize."),
        ({"path": "x"}, "takes no path"),
        ({"split": "tset"}, "Did you mean 'test'?"),
        ({"classes": ["8"]}, "the 1 classes asked for are not there: 8"),
    ],
)
def test_what_points_have_not_is_refused(arguments, says):
    with pytest.raises(DataError) as refused:
        load("ring", **arguments)
    assert says in str(refused.value)
