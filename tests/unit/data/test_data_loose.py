"""Images that belong to no data set: folders of any shape, zips, array files."""

from __future__ import annotations

import zipfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ganzoo.data.loose import load_loose
from ganzoo.errors import DataError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))


def png(value: int, size: int = 4, mode: str = "RGB") -> bytes:
    file = BytesIO()
    Image.new(mode, (size, size), value if mode == "L" else (value,) * 3).save(file, "PNG")
    return file.getvalue()


def fill(folder, names: dict[str, bytes]):
    for name, content in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def firsts(images) -> list[int]:
    return images.pixels[:, 0, 0, 0].tolist()


def test_a_flat_folder_in_the_order_of_names(tmp_path):
    images = load_loose(fill(tmp_path / "flat", {"b.png": png(2), "a.png": png(1), "c.png": png(3)}))
    assert images.pixels.shape == (3, 3, 4, 4) and firsts(images) == [1, 2, 3]


def test_folders_at_any_depth(tmp_path):
    images = load_loose(fill(tmp_path / "deep", {"x/y/z/a.png": png(5), "b.png": png(6), ".DS_Store": b"", "x/.hidden/c.png": b""}))
    assert firsts(images) == [6, 5]


def test_a_zip_and_a_folder_inside_it(tmp_path):
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in {"train/frog/1.png": 1, "train/cat/1.png": 2, "other/1.png": 3}.items():
            archive.writestr(name, png(value))
    assert firsts(load_loose(path)) == [3, 2, 1]
    assert firsts(load_loose(path / "train")) == [2, 1]
    assert firsts(load_loose(path / "train" / "frog")) == [1]


@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_of_either_order_lie_alike_in_memory(tmp_path, channels):
    first = np.random.RandomState(0).randint(0, 256, (5, channels, 6, 4), dtype=np.uint8)
    np.save(tmp_path / "first.npy", first)
    np.save(tmp_path / "last.npy", first.transpose(0, 2, 3, 1))
    one, other = load_loose(tmp_path / "first.npy"), load_loose(tmp_path / "last.npy")
    assert (one.pixels == other.pixels).all() and one.digest == other.digest
    assert one.pixels.strides == other.pixels.strides == (channels * 24, 24, 4, 1)


@pytest.mark.parametrize("name", ["g.pt", "g.pth", "g.safetensors"])
def test_weights_are_no_images(tmp_path, name):
    (tmp_path / name).write_bytes(b"weights")
    with pytest.raises(DataError, match="holds weights, not images"):
        load_loose(tmp_path / name)


@pytest.mark.parametrize("side", [0, 2049])
def test_a_side_out_of_bounds(tmp_path, side):
    with pytest.raises(DataError, match=f"resize is {side}, expected a side of 1 to 2,048 pixels"):
        load_loose(fill(tmp_path / "flat", {"a.png": png(1)}), side)


def test_splits_are_never_mixed(tmp_path):
    folder = fill(tmp_path / "split", {"train/a.png": png(1), "test/a.png": png(2)})
    with pytest.raises(DataError, match=r"holds the splits test, train\. Name one of them: .*/test"):
        load_loose(folder)
    assert firsts(load_loose(folder / "train")) == [1]


@pytest.mark.parametrize("shape", [(5, 4, 4, 3), (5, 3, 4, 4), (5, 4, 4, 1), (5, 1, 4, 4)])
def test_arrays_of_either_layout(tmp_path, shape):
    array = np.random.RandomState(0).randint(0, 256, shape, dtype=np.uint8)
    np.savez(tmp_path / "a.npz", arr_0=array, labels=np.arange(5))
    np.save(tmp_path / "a.npy", array)
    expected = array if shape[1] in (1, 3) else array.transpose(0, 3, 1, 2)
    for name in ("a.npz", "a.npy"):
        assert np.array_equal(load_loose(tmp_path / name).pixels, expected)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((2, 4, 4, 3), np.float32), "is float32, expected uint8"),
        (np.zeros((2, 4, 4, 2), np.uint8), r"shape \(2, 4, 4, 2\), expected"),
        (np.zeros((4, 4, 3), np.uint8), "expected one array of images"),
        (np.zeros((0, 4, 4, 3), np.uint8), "no images"),
        (np.array([{"not": "data"}], object), "cannot be read|one array of images"),
    ],
    ids=["floats", "channels", "one image", "none", "pickles"],
)
def test_arrays_that_are_no_images(tmp_path, array, says):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=says):
        load_loose(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({"a.png": png(1), "notes.txt": b"x"}, "'notes.txt' is not an image file"),
        ({"a.png": png(1), "b.png": b"no image"}, "'b.png' is corrupt or not an image"),
        ({"a.png": png(1), "b.png": png(1)[:40]}, "'b.png' is corrupt or not an image"),
        ({"a.png": png(1), "b.png": png(1, size=5)}, "images of different sizes"),
        ({".keep": b""}, "no images"),
    ],
    ids=["text", "no image", "cut short", "sizes", "empty"],
)
def test_folders_that_are_refused_leave_nothing_behind(tmp_path, names, says):
    folder = fill(tmp_path / "bad", names)
    with pytest.raises(DataError, match=says):
        load_loose(folder)
    left = tmp_path / "cache" / "images"
    assert not left.exists() or all(path.suffix == ".lock" for path in left.iterdir())


def test_mixed_sizes_may_be_resized(tmp_path):
    folder = fill(tmp_path / "mixed", {"a.png": png(7, 4), "b.png": png(7, 6)})
    assert load_loose(folder, resize=3).pixels.shape == (2, 3, 3, 3)


@pytest.mark.parametrize("name", ["nowhere", "nowhere.zip/train", "nowhere.npz"])
def test_what_is_not_there(tmp_path, name):
    with pytest.raises(DataError, match="not found. Expected a folder of images"):
        load_loose(tmp_path / name)


def test_a_file_that_is_no_archive(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"x" * 100)
    with pytest.raises(DataError, match="neither a zip nor an array file"):
        load_loose(tmp_path / "a.tar")


def test_class_folders_and_loose_images_are_cached_apart(tmp_path):
    from ganzoo import data

    fill(tmp_path / "set", {"frog/a.png": png(1), "cat/a.png": png(2)})
    labelled, loose = data.load("folder", "train", path=tmp_path / "set"), load_loose(tmp_path / "set")
    assert labelled.labels.tolist() == [0, 1] and loose.labels.tolist() == [0, 0]
    assert labelled.digest != loose.digest and labelled.digest == data.load("folder", "train", path=tmp_path / "set").digest
