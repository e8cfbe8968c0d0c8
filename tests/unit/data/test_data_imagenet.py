"""ImageNet's layout: a few tiny class folders, in either place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganzoo.data import describe, load
from ganzoo.errors import DataError

DOG, CAT, FISH = "n02085620", "n02123045", "n01440764"


@pytest.fixture(params=["imagenet", "ILSVRC/Data/CLS-LOC"])
def imagenet(request, data_root, write_image) -> Path:
    """Three training classes (1, 2 and 3 images of several sizes), two in val; a flat folder of test images beside them."""
    root = data_root / request.param
    seed = 0
    for split, counts in (("train", {DOG: 2, CAT: 3, FISH: 1}), ("val", {DOG: 1, FISH: 1})):
        for wnid, count in counts.items():
            for i in range(count):
                seed += 1
                write_image(root / split / wnid / f"{wnid}_{i}.JPEG", seed, (10 + seed, 12), "L" if seed == 2 else "RGB")
    write_image(root / "test" / "ILSVRC2012_test_00000001.JPEG")
    return root


def test_class_folders_are_classes_in_the_order_of_their_ids(imagenet):
    found = load("imagenet", resize=8)
    assert found.classes == (FISH, DOG, CAT) and found.labels.tolist() == [0, 1, 1, 2, 2, 2]
    assert found.images.shape == (6, 3, 8, 8)
    assert load("imagenet", "val", resize=8).labels.tolist() == [0, 1]
    assert describe("imagenet")["available"] is True


def test_sizes_differ_so_that_a_side_is_asked_for(imagenet):
    with pytest.raises(DataError, match="images of different sizes.*data.resize"):
        load("imagenet")


def test_only_the_classes_asked_for_are_read(imagenet):
    (imagenet / "train" / FISH / f"{FISH}_0.JPEG").write_text("no image")
    found = load("imagenet", resize=8, classes=[CAT, DOG])
    assert found.classes == (DOG, CAT) and found.labels.tolist() == [0, 0, 1, 1, 1]
    with pytest.raises(DataError, match="is corrupt or not an image"):
        load("imagenet", resize=8)


def test_missing_classes_are_counted_and_the_first_named(imagenet):
    asked = [DOG, *(f"n0999999{i}" for i in range(7))]
    with pytest.raises(DataError) as refused:
        load("imagenet", resize=8, classes=asked)
    assert "7 of the 8 classes asked for are not there: n09999990, n09999991, n09999992, n09999993, n09999994 and 2 more." in str(
        refused.value
    )
    assert f"It has 3: {FISH}, {DOG}, {CAT}." in str(refused.value)


@pytest.mark.parametrize("name", ["dogs", "n0208562", "n020856200"])
def test_folders_that_are_no_wordnet_ids_are_refused(imagenet, write_image, name):
    write_image(imagenet / "train" / name / "1.JPEG")
    with pytest.raises(DataError, match=f"the folder '{name}' is no class of ImageNet"):
        load("imagenet", resize=8)


def test_what_is_missing(data_root, imagenet):
    (imagenet / "val").rename(imagenet / "validation")
    with pytest.raises(DataError, match=r"no split 'val' here: .*val is no folder"):
        load("imagenet", "val", resize=8)
    with pytest.raises(DataError, match=r"no split 'valid'\. Did you mean 'val'\?"):
        load("imagenet", "valid", resize=8)
    (imagenet / "train").rename(imagenet / "training")
    with pytest.raises(DataError) as refused:
        load("imagenet", resize=8)
    for part in (data_root / "imagenet" / "train", data_root / "ILSVRC/Data/CLS-LOC/train", "https://image-net.org", "data.classes"):
        assert str(part) in str(refused.value)


def test_a_class_still_packed_is_an_empty_set(data_root):
    (data_root / "imagenet" / "train").mkdir(parents=True)
    (data_root / "imagenet" / "train" / f"{DOG}.tar").write_bytes(b"tar")
    with pytest.raises(DataError, match="no images for split 'train'"):
        load("imagenet", resize=8)


@pytest.mark.parametrize(
    ("what", "says"),
    [("file", "leaves the folder"), ("class", "leaves the folder"), ("val", "leaves the folder"), ("train", "leaves the data folder")],
)
def test_links_that_leave_are_refused(data_root, imagenet, write_image, tmp_path, what, says):
    outside = tmp_path / "outside"
    write_image(outside / DOG / f"{DOG}_9.JPEG")
    if what == "file":
        (imagenet / "train" / DOG / f"{DOG}_9.JPEG").symlink_to(outside / DOG / f"{DOG}_9.JPEG")
    elif what == "class":
        (imagenet / "train" / "n09999999").symlink_to(outside / DOG)
    else:
        (imagenet / what).rename(imagenet / "moved")
        (imagenet / what).symlink_to(outside)
    with pytest.raises(DataError, match=says):
        load("imagenet", "val" if what == "val" else "train", resize=8)
