"""Every data test works in a folder of its own, with its own GANZOO_DATA and cache; generated images, fixed random pixels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

USERS_DATA = os.environ.get("GANZOO_DATA")


@pytest.fixture(autouse=True)
def data_root(tmp_path, monkeypatch) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANZOO_DATA", str(root))
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GANZOO_DOWNLOAD", raising=False)
    return root


@pytest.fixture
def users_data(monkeypatch) -> Path:
    """The data folder of whoever runs the tests, for the tests on real files."""
    if not USERS_DATA:
        pytest.skip("GANZOO_DATA is not set: no real data to read")
    monkeypatch.setenv("GANZOO_DATA", USERS_DATA)
    return Path(USERS_DATA)


def random_image(seed: int, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> Image.Image:
    pixels = np.random.RandomState(seed).randint(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.fixture
def write_image():
    """write_image(path, seed=0, size=(width, height), mode="RGB") → the image written there."""

    def write(path: Path, seed: int = 0, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> Image.Image:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = random_image(seed, size, mode)
        image.save(path)
        return image

    return write


@pytest.fixture
def pack(data_root, write_image) -> Path:
    """data/pack: splits train (2 frogs, 3 toads) and test (1 of each), 8x8 RGB PNG, with a README beside the classes."""
    files = [
        "train/toad/b.png",
        "train/toad/a.png",
        "train/frog/1.png",
        "train/frog/2.png",
        "train/toad/c.PNG",
        "test/frog/1.png",
        "test/toad/1.png",
    ]
    for seed, name in enumerate(files):
        write_image(data_root / "pack" / name, seed)
    (data_root / "pack" / "train" / "README.txt").write_text("not an image, and not in a class folder")
    (data_root / "pack" / "train" / "frog" / ".DS_Store").write_text("litter")
    return data_root / "pack"
