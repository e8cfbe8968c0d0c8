"""Data sets 'folder' and 'zip' from files to tensors, and everything that can be wrong with the files."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ganzoo.data import load
from ganzoo.errors import DataError


def zipped(folder: Path, target: Path, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(target, "w", compression) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return target


def test_folder_gives_pixels_labels_and_classes_in_order(pack):
    found = load("folder", path="pack")
    assert found.classes == ("frog", "toad") and found.labels.tolist() == [0, 0, 1, 1, 1]
    assert found.images.shape == (5, 3, 8, 8) and found.images.is_contiguous()
    expected = np.asarray(Image.open(pack / "train" / "toad" / "a.png")).transpose(2, 0, 1)
    assert np.array_equal(found.images[2].numpy(), expected)
    assert len(load("folder", "test", path=str(pack))) == 2


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_holds_what_its_folder_holds(pack, data_root, compression):
    zipped(pack, data_root / "pack.zip", compression)
    for split in ("train", "test"):
        assert load("zip", split, path="pack.zip").digest == load("folder", split, path="pack").digest


def test_a_folder_of_zips_has_one_per_split(pack, data_root):
    zips = data_root / "zips"
    zips.mkdir()
    for split in ("train", "test"):
        (data_root / split).mkdir()
        (pack / split).rename(data_root / split / split)
        zipped(data_root / split, zips / f"{split}.zip")
    assert len(load("zip", "train", path="zips")) == 5 and len(load("zip", "test", path="zips")) == 2
    with pytest.raises(DataError, match="valid.zip not found.*holds: test.zip, train.zip"):
        load("zip", "valid", path="zips")


def test_grey_stays_grey_and_mixed_becomes_colour(data_root, write_image):
    grey = write_image(data_root / "mixed" / "a" / "1.png", 1, mode="L")
    write_image(data_root / "mixed" / "a" / "2.png", 2, mode="LA")
    assert load("folder", path="mixed").images.shape == (2, 1, 8, 8)
    write_image(data_root / "mixed" / "a" / "3.png", 3, mode="P")
    found = load("folder", path="mixed").images
    assert found.shape == (3, 3, 8, 8)
    assert all(np.array_equal(channel, np.asarray(grey)) for channel in found[0].numpy())


def test_sizes_may_differ_only_where_they_are_resized(data_root, write_image):
    write_image(data_root / "sizes" / "a" / "1.png", size=(8, 8))
    write_image(data_root / "sizes" / "a" / "2.png", size=(12, 9))
    with pytest.raises(DataError, match=r"'a/1.png' is 8x8, 'a/2.png' is 12x9.*data.resize"):
        load("folder", path="sizes")
    assert load("folder", path="sizes", resize=6).images.shape == (2, 3, 6, 6)


@pytest.mark.filterwarnings("error")
def test_transparency_is_dropped_in_silence(data_root, write_image):
    image = write_image(data_root / "clear" / "a" / "1.png", mode="P")
    image.save(data_root / "clear" / "a" / "1.png", transparency=bytes(range(20)))
    found = load("folder", path="clear").images[0]
    assert np.array_equal(found.numpy(), np.asarray(image.convert("RGB")).transpose(2, 0, 1))


def test_each_split_and_side_is_cached_for_itself(pack, data_root, tmp_path):
    zipped(pack, data_root / "pack.zip")
    wanted = [("train", None), ("test", None), ("train", 6), ("train", 4)]
    for _ in range(2):
        shapes = [tuple(load("zip", split, path="pack.zip", resize=side).images.shape) for split, side in wanted]
        assert shapes == [(5, 3, 8, 8), (2, 3, 8, 8), (5, 3, 6, 6), (5, 3, 4, 4)]
        assert len(list((tmp_path / "cache").rglob("pixels.npy"))) == 4


def test_height_and_width_are_not_exchanged(data_root, write_image):
    image = write_image(data_root / "wide" / "a" / "1.png", size=(12, 5))
    found = load("folder", path="wide").images
    assert found.shape == (1, 3, 5, 12)
    assert found[0, :, 4, 11].tolist() == list(image.getpixel((11, 4)))


def test_resize_is_antialiased(data_root):
    checks = (np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8)
    (data_root / "checks" / "a").mkdir(parents=True)
    Image.fromarray(checks).save(data_root / "checks" / "a" / "1.png")
    inner = load("folder", path="checks", resize=8).images[0, 0, 1:-1, 1:-1].int()
    assert (inner - 127).abs().max() <= 2  # without a widened filter these would be 0 or 255


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds no pixels."""

    def block(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    return (
        b"\x89PNG\r\n\x1a\n"
        + block(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + block(b"IDAT", b"")
        + block(b"IEND", b"")
    )


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


BAD_IMAGES = {
    "cut short": (cut, "corrupt"),
    "text": (lambda path: path.write_text("hello"), "it is none of JPEG PNG"),
    "empty file": (lambda path: path.write_bytes(b""), "corrupt"),
    "PostScript": (lambda path: path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n"), "it is none of JPEG PNG"),
    "16 bit": (lambda path: Image.fromarray(np.zeros((8, 8), dtype=np.uint16)).save(path), "pixels of kind I;16"),
    "large": (lambda path: path.write_bytes(png_header(9000, 9000)), "at most 67,108,864"),
    "larger": (lambda path: path.write_bytes(png_header(11000, 11000)), "too large"),
    "bomb": (lambda path: path.write_bytes(png_header(60000, 60000)), "too large"),
    "named pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "not a regular file"),
}


@pytest.mark.parametrize("kind", BAD_IMAGES)
def test_a_bad_image_is_named(data_root, write_image, kind):
    spoil, says = BAD_IMAGES[kind]
    for name in ("good.png", "bad.png"):
        write_image(data_root / "set" / "a" / name)
    spoil(data_root / "set" / "a" / "bad.png")
    with pytest.raises(DataError, match=r"a/bad\.png") as refused:
        load("folder", path="set")
    assert says in str(refused.value)
    assert not list((data_root.parent / "cache").rglob("*.npy"))


def test_a_mended_image_is_read_again(pack, write_image):
    first = load("folder", path="pack").digest
    name = pack / "train" / "toad" / "a.png"
    before = name.stat()
    pixels = np.asarray(Image.open(name)).copy()
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(name, compress_level=0)
    os.utime(name, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load("folder", path="pack").digest != first


def test_folders_alike_in_names_sizes_and_times_are_kept_apart(data_root, write_image):
    for seed, pack in enumerate(("one", "two")):
        write_image(data_root / pack / "a" / "1.bmp", seed)
        os.utime(data_root / pack / "a" / "1.bmp", (0, 0))
    assert load("folder", path="one").digest != load("folder", path="two").digest


@pytest.mark.parametrize("path", ["../outside", "pack/../../outside", "link", "", None, "a\0b"])
def test_a_path_that_leaves_the_data_folder_is_refused(data_root, write_image, path):
    write_image(data_root.parent / "outside" / "a" / "1.png")
    write_image(data_root / "pack" / "a" / "1.png")
    (data_root / "link").symlink_to(data_root.parent / "outside")
    with pytest.raises(DataError, match="leaves the data folder|needs a path"):
        load("folder", path=path)
    assert len(load("folder", path=data_root.parent / "outside")) == 1  # said outright, it may lie anywhere


@pytest.mark.parametrize("what", ["file", "class", "split"])
def test_links_out_of_the_set_are_refused(data_root, write_image, what):
    write_image(data_root / "pack" / "train" / "a" / "1.png")
    write_image(data_root / "other" / "b" / "2.png")
    if what == "file":
        (data_root / "pack" / "train" / "a" / "2.png").symlink_to(data_root / "other" / "b" / "2.png")
    elif what == "class":
        (data_root / "pack" / "train" / "b").symlink_to(data_root / "other" / "b")
    else:
        (data_root / "pack" / "test").symlink_to(data_root / "other")
    with pytest.raises(DataError, match="is a link that leaves the folder"):
        load("folder", "test" if what == "split" else "train", path="pack")


def test_links_within_the_set_are_followed(data_root, write_image):
    write_image(data_root / "pack" / "a" / "1.png")
    (data_root / "pack" / "a" / "2.png").symlink_to(data_root / "pack" / "a" / "1.png")
    assert len(load("folder", path="pack")) == 2


def test_a_zip_linked_from_outside_is_refused(pack, data_root):
    zipped(pack, data_root / "pack.zip")
    (data_root / "zips").mkdir()
    (data_root / "zips" / "train.zip").symlink_to(data_root / "pack.zip")
    with pytest.raises(DataError, match="is a link that leaves"):
        load("zip", path="zips")


@pytest.mark.parametrize("name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:/evil.png", "a\\evil.png"])
def test_zip_entries_that_leave_the_folder_are_refused(data_root, name):
    with zipfile.ZipFile(data_root / "set.zip", "w") as archive:
        archive.writestr(name, b"")
    with pytest.raises(DataError, match="leaves the folder"):
        load("zip", path="set.zip")


def test_a_zip_bomb_is_not_unpacked(data_root):
    with zipfile.ZipFile(data_root / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/1.png", bytes(2 * 2**20))
    with pytest.raises(DataError, match="'a/1.png' unpacks to more than 200 times"):
        load("zip", path="set.zip")


def test_an_entry_larger_than_any_image_is_not_unpacked(data_root, monkeypatch):
    monkeypatch.setattr("ganzoo.data.zip_file.LARGEST_FILE", 1000)
    with zipfile.ZipFile(data_root / "set.zip", "w") as archive:
        archive.writestr("a/1.png", bytes(1001))
    with pytest.raises(DataError, match="'a/1.png' unpacks to 1,001 bytes"):
        load("zip", path="set.zip")


def test_zip_links_and_locked_entries_are_refused(data_root):
    entry = zipfile.ZipInfo("a/1.png")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(data_root / "link.zip", "w") as archive:
        archive.writestr(entry, "/etc/hostname")
    with pytest.raises(DataError, match="is a link"):
        load("zip", path="link.zip")

    with zipfile.ZipFile(data_root / "locked.zip", "w") as archive:
        archive.writestr("a/1.png", b"x")
    content = bytearray((data_root / "locked.zip").read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flags in the central directory
    (data_root / "locked.zip").write_bytes(content)
    with pytest.raises(DataError, match="is encrypted"):
        load("zip", path="locked.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_in_a_zip_is_refused(data_root):
    with zipfile.ZipFile(data_root / "set.zip", "w") as archive:
        archive.writestr("a/1.png", b"1")
        archive.writestr("a/1.png", b"2")
    with pytest.raises(DataError, match="'a/1.png' occurs twice"):
        load("zip", path="set.zip")


def test_damaged_zips_are_named(pack, data_root):
    path = zipped(pack, data_root / "pack.zip")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"pack\.zip is not a readable zip file"):
        load("zip", path="pack.zip")
    at = content.index(b"IDAT") + 20
    path.write_bytes(content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :])
    with pytest.raises(DataError, match=r"'test/frog/1\.png' is corrupt.*CRC"):
        load("zip", "test", path="pack.zip")


@pytest.mark.parametrize(("name", "says"), [("folder", "use data set 'zip'"), ("zip", "use data set 'folder'")])
def test_folder_and_zip_taken_for_each_other(pack, data_root, name, says):
    zipped(pack, data_root / "pack.zip")
    with pytest.raises(DataError, match=says):
        load(name, path="pack.zip" if name == "folder" else "pack")


def test_a_set_that_does_not_fit_the_disk_is_refused_before_it_is_written(pack, monkeypatch):
    monkeypatch.setattr("ganzoo.data.decode.shutil.disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(DataError, match="5 images.*960 bytes.*10 free"):
        load("folder", path="pack")


def test_progress_counts_up_to_all_images_and_only_while_decoding(pack, monkeypatch):
    monkeypatch.setattr("ganzoo.data.decode.CHUNK", 2)
    calls = []
    for _ in range(2):
        load("folder", path="pack", progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (5, 5) and len(calls) == 3 and calls == sorted(calls)
