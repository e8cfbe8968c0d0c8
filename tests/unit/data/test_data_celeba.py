"""CelebA and CelebA-HQ: a handful of images stand for the published number, and their partition for the published file."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.data import celeba, describe, load
from ganzoo.errors import DataError

FACES = [f"{i:06d}.jpg" for i in range(1, 7)]
PARTITION = "000001.jpg 0\n000002.jpg 0\n000003.jpg 1\n000004.jpg 0\n000005.jpg 2\n000006.jpg 2\n"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(celeba, "COUNT", len(FACES))
    monkeypatch.setattr(celeba, "COUNT_HQ", 3)
    monkeypatch.setattr(celeba, "PARTITION_MD5", hashlib.md5(PARTITION.encode()).hexdigest())


@pytest.fixture
def faces(data_root, write_image) -> Path:
    """data/celeba/img_align_celeba with six faces of 178x218."""
    for seed, name in enumerate(FACES):
        write_image(data_root / "celeba" / "img_align_celeba" / name, seed, (178, 218))
    return data_root / "celeba" / "img_align_celeba"


@pytest.fixture
def partition(faces) -> Path:
    path = faces.parent / "list_eval_partition.txt"
    path.write_text(PARTITION)
    return path


def firsts(found) -> list[list[int]]:
    return found.images[:, :, 0, 0].tolist()


def pixels(faces: Path, *numbers: int) -> list[list[int]]:
    return [list(Image.open(faces / f"{i:06d}.jpg").getpixel((0, 0))) for i in numbers]


def test_the_partition_decides_the_split_and_names_the_order(faces, partition):
    assert firsts(load("celeba")) == pixels(faces, 1, 2, 4)
    assert firsts(load("celeba", "valid")) == pixels(faces, 3)
    assert firsts(load("celeba", "test")) == pixels(faces, 5, 6)
    assert firsts(load("celeba", "all")) == pixels(faces, *range(1, 7))
    found = load("celeba")
    assert found.images.shape == (3, 3, 218, 178) and found.labels.tolist() == [0, 0, 0]
    assert tuple(describe("celeba")["shape"]) == found.shape


def test_without_a_partition_all_of_it_is_train(faces):
    assert load("celeba").digest == load("celeba", "all").digest and len(load("celeba")) == 6
    with pytest.raises(DataError, match=r"no split 'valid' without list_eval_partition\.txt"):
        load("celeba", "valid")


def test_a_partition_put_there_later_counts(faces):
    before = load("celeba")
    (faces.parent / "list_eval_partition.txt").write_text(PARTITION)
    assert (len(before), len(load("celeba"))) == (6, 3)


@pytest.mark.parametrize("below", ["img_align_celeba/", ""])
def test_the_zip_holds_what_the_folder_holds(faces, partition, below):
    expected = {split: load("celeba", split, resize=16).digest for split in celeba.SPLITS}
    with zipfile.ZipFile(faces.parent / "img_align_celeba.zip", "w") as archive:
        for name in FACES:
            archive.write(faces / name, below + name)
            (faces / name).unlink()
    faces.rmdir()
    assert {split: load("celeba", split, resize=16).digest for split in celeba.SPLITS} == expected


def test_resize_squeezes_to_squares_and_crops_nothing(data_root, faces):
    left_half = np.zeros((218, 178, 3), np.uint8)
    left_half[:, :89] = 255
    Image.fromarray(left_half).save(faces / "000001.jpg", quality=95)
    found = load("celeba", resize=64).images
    assert found.shape == (6, 3, 64, 64)
    assert found[0, :, :, 4:28].min() > 250 and found[0, :, :, 36:60].max() < 5  # half of the width, over all of the height


def spoil(faces: Path, write_image, kind: str) -> None:
    if kind == "missing":
        (faces / "000003.jpg").unlink()
    elif kind == "one more":
        write_image(faces / "000007.jpg", 7, (178, 218))
    elif kind == "size":
        write_image(faces / "000004.jpg", 4, (64, 64))
    elif kind == "all of another size":
        for name in FACES:
            write_image(faces / name, 0, (64, 64))
    elif kind == "cut short":
        (faces / "000004.jpg").write_bytes((faces / "000004.jpg").read_bytes()[:-3000])
    elif kind == "huge":
        Image.new("L", (9000, 9000)).save(faces / "000004.jpg")
    elif kind == "text":
        (faces / "000004.jpg").write_text("no image")
    elif kind == "notes":
        (faces / "notes.txt").write_text("no image")
    elif kind == "link":
        write_image(faces.parents[1] / "outside.jpg", 9, (178, 218))
        (faces / "000004.jpg").unlink()
        (faces / "000004.jpg").symlink_to(faces.parents[1] / "outside.jpg")
    elif kind == "renamed":
        (faces / "000004.jpg").rename(faces / "face4.jpg")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing", "holds 5 images, expected the published 6. For a part, use data set 'folder'"),
        ("one more", "holds 7 images"),
        ("size", "'000004.jpg' is 64x64, every image of this data set is 178x218"),
        ("all of another size", "'000001.jpg' is 64x64"),
        ("cut short", "'000004.jpg' is corrupt"),
        ("huge", "'000004.jpg' has 9000x9000 pixels; at most"),
        ("text", "'000004.jpg' is corrupt or not an image"),
        ("notes", "'notes.txt' is not an image file"),
        ("link", "is a link that leaves the folder"),
        ("renamed", "'face4.jpg' is not in list_eval_partition.txt"),
    ],
)
def test_images_that_are_not_the_published_ones_are_refused(faces, partition, write_image, kind, says):
    spoil(faces, write_image, kind)
    with pytest.raises(DataError) as refused:
        load("celeba", resize=16)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (PARTITION.replace("000003.jpg 1", "000003.jpg 3"), "line 3: '000003.jpg 3', expected"),
        (PARTITION.replace("000003.jpg 1", "000003.jpg"), "line 3"),
        (PARTITION.replace("000003.jpg 1", "000002.jpg 1"), "line 3: '000002.jpg 1', expected an image's name, once"),
        (PARTITION.replace("000003.jpg 1", "000003.jpg 2"), "is not the published file: MD5"),
        (PARTITION[:-13], "is not the published file"),
        ("", "is not the published file"),
        ("é", "cannot be read"),
    ],
    ids=["number", "no number", "twice", "another split", "cut short", "empty", "no text"],
)
def test_a_partition_that_differs_is_refused(partition, content, says):
    partition.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"list_eval_partition\.txt") as refused:
        load("celeba")
    assert says in str(refused.value) and "Replace it" in str(refused.value)


def test_a_partition_linked_from_outside_is_refused(partition, data_root):
    partition.rename(data_root / "elsewhere.txt")
    partition.symlink_to(data_root / "elsewhere.txt")
    with pytest.raises(DataError, match="is a link that leaves"):
        load("celeba")


def test_a_set_linked_from_outside_the_data_folder_is_refused(faces, data_root, tmp_path):
    (data_root / "celeba").rename(tmp_path / "faces")
    (data_root / "celeba").symlink_to(tmp_path / "faces")
    with pytest.raises(DataError, match="leaves the data folder .* GANZOO_DATA"):
        load("celeba")


@pytest.mark.parametrize("folder", ["celeba-hq", "celeba_hq", "celeba-hq/celeba-hq"])
def test_celeba_hq_is_one_folder_of_images(data_root, write_image, folder):
    for seed, name in enumerate(("00002.png", "00000.png", "00001.png")):
        write_image(data_root / folder / name, seed, (32, 32))
    found = load("celeba-hq", resize=16)
    assert found.images.shape == (3, 3, 16, 16) and describe("celeba-hq")["available"] is True
    (data_root / folder / "00001.png").unlink()
    with pytest.raises(DataError, match="holds 2 images, expected the published 3"):
        load("celeba-hq", resize=16)


@pytest.mark.parametrize("name", ["celeba", "celeba-hq"])
def test_what_is_missing_names_the_places_and_the_source(data_root, tmp_path, name):
    with pytest.raises(DataError) as refused:
        load(name)
    for part in (data_root / name, tmp_path / "cache" / "data" / name, "https://", "GANZOO_DATA"):
        assert str(part) in str(refused.value)
    assert describe(name)["available"] is False


def test_splits_and_classes_that_they_do_not_have(faces):
    with pytest.raises(DataError, match=r"'celeba' has no split 'val'\. Did you mean 'valid'\?"):
        load("celeba", "val")
    with pytest.raises(DataError, match="'celeba-hq' has no split 'test'"):
        load("celeba-hq", "test")
    with pytest.raises(DataError, match="'celeba' has no classes, got classes"):
        load("celeba", classes=["images"])
