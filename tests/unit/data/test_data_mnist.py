"""MNIST: small files of the same format with their own digests, and the real files where they are at hand."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from ganzoo.data import describe, load, mnist
from ganzoo.errors import DataError

COUNT = {"train": 20, "t10k": 10}


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def small_files() -> dict[str, bytes]:
    draw = np.random.RandomState(0)
    files = {}
    for prefix, count in COUNT.items():
        files[f"{prefix}-images-idx3-ubyte"] = idx(draw.randint(0, 256, (count, 28, 28), dtype=np.uint8))
        files[f"{prefix}-labels-idx1-ubyte"] = idx((np.arange(count) % 10).astype(np.uint8))
    return files


@pytest.fixture
def raw(data_root, monkeypatch) -> Path:
    """data/MNIST/raw with small files, whose digests stand for the published ones."""
    folder = data_root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, content in small_files().items():
        (folder / name).write_bytes(content)
        monkeypatch.setitem(mnist.MD5, name, hashlib.md5(content).hexdigest())
    return folder


def test_images_and_labels_come_out_as_stored(raw):
    found = load("mnist", "test")
    content = (raw / "t10k-images-idx3-ubyte").read_bytes()
    assert found.images.shape == (10, 1, 28, 28)
    assert found.images.numpy().tobytes() == content[16:]
    assert found.labels.tolist() == list(range(10))
    assert len(load("mnist")) == 20


def test_gzipped_files_give_the_same_set_and_the_folder_is_left_alone(raw):
    plain = load("mnist").digest
    for path in list(raw.iterdir()):
        (raw / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    before = sorted(raw.iterdir())
    assert load("mnist").digest == plain
    assert sorted(raw.iterdir()) == before


def damage(path: Path, kind: str) -> None:
    content = path.read_bytes()
    if kind == "cut short":
        path.write_bytes(content[:-1])
    elif kind == "header only":
        path.write_bytes(content[:10])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "one bit":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif kind == "labels for images":
        shutil.copy(path.with_name("train-labels-idx1-ubyte"), path)
    elif kind == "broken gzip":
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content)[:-9])
        path.unlink()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("cut short", "holds 15,695 bytes, its header announces 15,696"),
        ("header only", "truncated: it holds 10 bytes"),
        ("empty", "starts with nothing, expected 00000803"),
        ("one bit", "not the published file: MD5"),
        ("labels for images", "starts with 00000801, expected 00000803"),
        ("broken gzip", "cannot be read"),
    ],
)
def test_a_file_that_differs_is_refused_by_name(raw, kind, says):
    damage(raw / "train-images-idx3-ubyte", kind)
    with pytest.raises(DataError, match="train-images-idx3-ubyte") as refused:
        load("mnist")
    assert says in str(refused.value) and "Replace it" in str(refused.value)


def test_a_gzip_bomb_is_not_unpacked(raw, monkeypatch):
    monkeypatch.setattr("ganzoo.data.idx.LARGEST", 10_000)
    with pytest.raises(DataError, match="unpacks to more than 10,000 bytes"):
        load("mnist")


def test_missing_files_name_every_place_and_every_way(data_root, tmp_path):
    with pytest.raises(DataError) as refused:
        load("mnist")
    message = str(refused.value)
    for part in (
        data_root / "MNIST" / "raw",
        tmp_path / "cache" / "data" / "MNIST" / "raw",
        "GANZOO_DATA",
        "GANZOO_DOWNLOAD=1",
        "t10k-labels-idx1-ubyte",
    ):
        assert str(part) in message
    assert describe("mnist")["available"] is False


def test_without_ganzoo_data_the_current_folder_is_searched(raw, tmp_path, monkeypatch):
    monkeypatch.delenv("GANZOO_DATA")
    assert raw == tmp_path / "data" / "MNIST" / "raw"
    assert len(load("mnist")) == 20
    assert describe("mnist")["available"] is True


class FakeDownload:
    """Stands for torchvision.datasets.MNIST, which writes root/MNIST/raw."""

    calls = 0
    fails = False

    def __init__(self, root, download):
        FakeDownload.calls += 1
        folder = Path(root) / "MNIST" / "raw"
        folder.mkdir(parents=True)
        for name, content in small_files().items():
            (folder / name).write_bytes(content)
            if self.fails:
                raise RuntimeError("no connection")


@pytest.fixture
def download(monkeypatch):
    monkeypatch.setattr("torchvision.datasets.MNIST", FakeDownload)
    monkeypatch.setattr(FakeDownload, "calls", 0)
    for name, content in small_files().items():
        monkeypatch.setitem(mnist.MD5, name, hashlib.md5(content).hexdigest())
    return FakeDownload


@pytest.mark.parametrize("asked", [None, "", "0"])
def test_nothing_is_downloaded_unasked(download, monkeypatch, asked):
    if asked is not None:
        monkeypatch.setenv("GANZOO_DOWNLOAD", asked)
    with pytest.raises(DataError):
        load("mnist")
    assert download.calls == 0


def test_a_download_goes_into_the_cache_once(download, data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_DOWNLOAD", "1")
    first = load("mnist")
    monkeypatch.delenv("GANZOO_DOWNLOAD")
    assert load("mnist").digest == first.digest and download.calls == 1
    assert list(data_root.iterdir()) == []
    assert [path.name for path in (tmp_path / "cache" / "data").iterdir()] == ["MNIST"]


def test_a_failed_download_leaves_nothing_half_done(download, tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_DOWNLOAD", "1")
    monkeypatch.setattr(download, "fails", True)
    with pytest.raises(DataError, match="could not be downloaded.*no connection"):
        load("mnist")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_the_real_files(users_data):
    if not (users_data / mnist.FOLDER).is_dir():
        pytest.skip(f"no {mnist.FOLDER} below GANZOO_DATA")
    train, test = load("mnist"), load("mnist", "test")
    assert train.images.shape == (60000, 1, 28, 28) and test.images.shape == (10000, 1, 28, 28)
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert train.labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert train.images.double().mean().item() == pytest.approx(0.1306604762738429 * 255, rel=1e-12)  # the mean everyone normalises by
    assert train.digest == "c3f45cbf39be1a82462d7cc11d0b0f7e7ecb5843263651944c605d98e61f260c"
    assert test.digest == "292c74ea4043db48dc609fd949c5348331e6fe24887b72a7901efeef87a11e05"
