"""The layout of class folders, decided on names alone."""

from __future__ import annotations

import pytest

from ganzoo.data.class_folders import arrange
from ganzoo.errors import DataError


def test_classes_are_sorted_folders_and_files_follow_their_class():
    found = arrange(
        ["train/toad/a.png", "train/frog/2.JPG", "train/frog/10.png", "test/frog/1.png", "labels.txt", "train/notes.md"], "train", "pack"
    )
    assert found.classes == ("frog", "toad")
    assert found.files == ("train/frog/10.png", "train/frog/2.JPG", "train/toad/a.png")
    assert found.labels == (0, 0, 1)


def test_without_split_folders_everything_is_train():
    found = arrange(["frog/", "frog/1.png", "train/1.png", "README"], "train", "pack")
    assert found.classes == ("frog", "train")  # a folder of files is a class, whatever it is called
    assert found.files == ("frog/1.png", "train/1.png")


def test_what_desktops_leave_behind_is_skipped():
    found = arrange(["__MACOSX/frog/1.png", ".git/", "frog/1.png", "frog/.DS_Store", "frog/Thumbs.db"], "train", "pack")
    assert found.files == ("frog/1.png",)


@pytest.mark.parametrize(
    ("names", "split", "says"),
    [
        ([], "train", "no images for split 'train'"),
        (["1.png", "2.png"], "train", "no images for split 'train'"),
        (["frog/1.png"], "test", "no split 'test'. It has no split folders"),
        (["train/frog/1.png", "valid/frog/1.png"], "test", "no split 'test'. It holds: train, valid"),
        (["train/frog/1.png", "train/toad/"], "train", "class folder 'train/toad' holds no image"),
        (["train/frog/1.png", "train/frog/young/2.png"], "train", "'train/frog/young/2.png' lies deeper than a class folder"),
        (["frog/1.png", "frog/list.csv"], "train", "'frog/list.csv' is not an image file"),
    ],
)
def test_a_layout_that_means_nothing_is_refused(names, split, says):
    with pytest.raises(DataError) as refused:
        arrange(names, split, "pack")
    assert str(refused.value).startswith("pack: ") and says in str(refused.value)
