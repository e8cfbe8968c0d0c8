"""CIFAR-10's binary version: small files of the same format with their own digests, unpacked and inside an archive."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from ganzoo.data import cifar10, describe, load
from ganzoo.errors import DataError

ROWS = 20
NAMES = [*cifar10.FILES["train"], *cifar10.FILES["test"]]


def small_files() -> dict[str, bytes]:
    draw = np.random.RandomState(0)
    files = {}
    for name in NAMES:
        rows = draw.randint(0, 256, (ROWS, 3073), dtype=np.uint8)
        rows[:, 0] = np.arange(ROWS) % 10
        files[name] = rows.tobytes()
    return files


def published(monkeypatch, files: dict[str, bytes]) -> None:
    """Lets the digests of these files stand for the published ones."""
    for name, content in files.items():
        monkeypatch.setitem(cifar10.MD5, name, hashlib.md5(content).hexdigest())


@pytest.fixture(autouse=True)
def small(monkeypatch) -> dict[str, bytes]:
    monkeypatch.setattr(cifar10, "ROWS", ROWS)
    files = small_files()
    published(monkeypatch, files)
    return files


@pytest.fixture
def folder(data_root, small) -> Path:
    made = data_root / cifar10.FOLDER
    made.mkdir()
    for name, content in small.items():
        (made / name).write_bytes(content)
    (made / "batches.meta.txt").write_text("airplane\n")
    return made


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
    made.size, made.type, made.linkname = size, kind, to
    return made


def packed(root: Path, files: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    with tarfile.open(root / cifar10.ARCHIVE, "w:gz") as archive:
        archive.addfile(member("", kind=tarfile.DIRTYPE))
        for entry, content in files:
            archive.addfile(entry, io.BytesIO(content))
    return (root / cifar10.ARCHIVE).read_bytes()


@pytest.fixture
def archive(data_root, small, monkeypatch) -> Path:
    content = packed(data_root, [(member(name, len(small[name])), small[name]) for name in reversed(NAMES)])
    published(monkeypatch, {cifar10.ARCHIVE: content})
    return data_root / cifar10.ARCHIVE


def test_rows_become_labels_and_planes_in_the_order_of_the_files(folder, small):
    train, test = load("cifar10"), load("cifar10", "test")
    assert train.images.shape == (5 * ROWS, 3, 32, 32) and test.images.shape == (ROWS, 3, 32, 32)
    assert train.images.is_contiguous() and train.classes[5] == "dog"
    row = small["data_batch_3.bin"][7 * 3073 : 8 * 3073]
    found = train.images[2 * ROWS + 7]
    assert train.labels[2 * ROWS + 7] == row[0] == 7
    red, green, blue = (row[1 + 1024 * plane + 5 * 32 + 9] for plane in range(3))
    assert found[:, 5, 9].tolist() == [red, green, blue]  # row 5, column 9
    assert test.images.numpy().tobytes() == b"".join(small["test_batch.bin"][i * 3073 + 1 : (i + 1) * 3073] for i in range(ROWS))


def test_the_archive_is_read_in_place_and_gives_the_same_set(archive, data_root, small):
    packed_digests = [load("cifar10", split).digest for split in ("train", "test")]
    assert [path.name for path in data_root.iterdir()] == [cifar10.ARCHIVE]
    made = data_root / cifar10.FOLDER
    made.mkdir()
    for name, content in small.items():
        (made / name).write_bytes(content)
    archive.unlink()
    assert [load("cifar10", split).digest for split in ("train", "test")] == packed_digests


def spoil(path: Path, kind: str) -> None:
    content = bytearray(path.read_bytes())
    if kind == "cut short":
        content = content[:-1]
    elif kind == "too long":
        content += b"\0"
    elif kind == "empty":
        content = b""
    elif kind == "label":
        content[3 * 3073] = 10
    elif kind == "one bit":
        content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("cut short", "truncated or padded: it holds 61,459 bytes, expected 61,460: 20 rows of 3,073"),
        ("too long", "it holds 61,461 bytes"),
        ("empty", "it holds 0 bytes"),
        ("label", "row 3 has label 10, expected 0 to 9"),
        ("one bit", "not the published file: MD5"),
    ],
)
def test_a_file_that_differs_is_refused_by_name(folder, kind, says):
    spoil(folder / "data_batch_2.bin", kind)
    with pytest.raises(DataError, match=r"data_batch_2\.bin") as refused:
        load("cifar10")
    assert says in str(refused.value) and "Replace it" in str(refused.value)
    assert len(load("cifar10", "test")) == ROWS


def test_batches_that_changed_places_are_refused(folder):
    first, second = folder / "data_batch_1.bin", folder / "data_batch_2.bin"
    swapped = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(swapped)
    with pytest.raises(DataError, match=r"data_batch_1\.bin .* is not the published file"):
        load("cifar10")


def test_a_named_pipe_is_not_waited_for(folder):
    (folder / "test_batch.bin").unlink()
    os.mkfifo(folder / "test_batch.bin")
    with pytest.raises(DataError, match="is not a regular file"):
        load("cifar10", "test")


def test_an_archive_that_is_not_the_published_one_is_never_unpacked(archive, monkeypatch):
    monkeypatch.setattr("ganzoo.data.cifar10.tarfile.open", lambda *_, **__: pytest.fail("opened"))
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(DataError, match="is not the published archive: .* bytes, MD5 .*, expected MD5"):
        load("cifar10")


def test_an_archive_cut_short_is_named_even_if_its_digest_were_known(archive, monkeypatch):
    content = archive.read_bytes()[:-2000]
    archive.write_bytes(content)
    published(monkeypatch, {cifar10.ARCHIVE: content})
    with pytest.raises(DataError, match="is not a readable archive"):
        load("cifar10")


SIZE = ROWS * 3073
BAD_MEMBERS = {
    "link": ([member("test_batch.bin", kind=tarfile.SYMTYPE, to="/etc/hostname")], "is no plain file"),
    "hard link": ([member("test_batch.bin", kind=tarfile.LNKTYPE, to="../../outside")], "is no plain file"),
    "device": ([member("test_batch.bin", kind=tarfile.CHRTYPE)], "is no plain file"),
    "size": ([member("test_batch.bin", SIZE + 1)], "unpacks to 61,461 bytes, expected 61,460"),
    "twice": ([member("test_batch.bin", SIZE)] * 2, "occurs twice"),
    "missing": ([member("data_batch_1.bin", SIZE)], "has no cifar-10-batches-bin/test_batch.bin"),
    "elsewhere": ([member("../test_batch.bin", SIZE), member("sub/test_batch.bin", SIZE)], "has no cifar-10-batches-bin/test_batch.bin"),
}


@pytest.mark.parametrize("kind", BAD_MEMBERS)
def test_members_that_no_honest_archive_has_are_refused(data_root, small, monkeypatch, kind):
    entries, says = BAD_MEMBERS[kind]
    content = packed(data_root, [(entry, small["test_batch.bin"] + b"\0") for entry in entries])
    published(monkeypatch, {cifar10.ARCHIVE: content})
    with pytest.raises(DataError, match=says):
        load("cifar10", "test")


@pytest.mark.parametrize("what", cifar10.PICKLES)
def test_the_python_version_is_not_read_and_the_right_one_is_named(data_root, what):
    (data_root / what).mkdir()
    with pytest.raises(DataError) as refused:
        load("cifar10")
    message = str(refused.value)
    assert f"{data_root / what} is the python version" in message and "pickles" in message
    assert "cifar-10-binary.tar.gz" in message and "c32a1d4ab5d03f1284b67883e8d87530" in message


def test_missing_files_name_every_place_and_what_lacks(folder, data_root, tmp_path):
    (folder / "data_batch_4.bin").unlink()
    with pytest.raises(DataError) as refused:
        load("cifar10", "test")
    for part in (
        folder,
        data_root / cifar10.ARCHIVE,
        tmp_path / "cache" / "data" / cifar10.FOLDER,
        "lacks data_batch_4.bin.",
        "GANZOO_DOWNLOAD=1",
    ):
        assert str(part) in str(refused.value)
    assert describe("cifar10")["available"] is False


def test_a_download_goes_into_the_cache_once_and_only_if_allowed(archive, tmp_path, monkeypatch):
    content, calls = archive.read_bytes(), []
    archive.unlink()

    def download(url, root, filename, md5):
        calls.append((url, md5))
        (Path(root) / filename).write_bytes(content)

    monkeypatch.setattr("torchvision.datasets.utils.download_url", download)
    with pytest.raises(DataError):
        load("cifar10")
    assert calls == []
    monkeypatch.setenv("GANZOO_DOWNLOAD", "1")
    assert load("cifar10").digest == load("cifar10").digest
    assert calls == [(cifar10.URL, cifar10.MD5[cifar10.ARCHIVE])]
    assert [path.name for path in (tmp_path / "cache" / "data").iterdir()] == [cifar10.ARCHIVE]


def test_a_failed_download_leaves_nothing_half_done(tmp_path, monkeypatch):
    def download(url, root, filename, md5):
        (Path(root) / filename).write_bytes(b"half")
        raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr("torchvision.datasets.utils.download_url", download)
    monkeypatch.setenv("GANZOO_DOWNLOAD", "1")
    with pytest.raises(DataError, match=r"could not be downloaded.*corrupted"):
        load("cifar10")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_original_pixels_survive_the_format(users_data, data_root, monkeypatch):
    """Real images of the lossless pack, written as rows, come back as the pack decodes them."""
    if not (users_data / "cifar10-lossless-subset" / "test.zip").is_file():
        pytest.skip("no cifar10-lossless-subset below GANZOO_DATA")
    real = load("zip", "test", path="cifar10-lossless-subset")
    rows = np.concatenate([real.labels.numpy()[:, None].astype(np.uint8), real.images.numpy().reshape(len(real), -1)], axis=1)
    monkeypatch.setattr(cifar10, "ROWS", len(real))
    monkeypatch.setenv("GANZOO_DATA", str(data_root))
    published(monkeypatch, {"test_batch.bin": rows.tobytes()})
    (data_root / cifar10.FOLDER).mkdir()
    for name in NAMES:
        (data_root / cifar10.FOLDER / name).write_bytes(rows.tobytes())
    found = load("cifar10", "test")
    assert found.classes == real.classes and found.digest == real.digest
