"""Some classes of a labelled set, of every kind: built in, a folder, a zip."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from ganzoo.data import load
from ganzoo.errors import DataError


@pytest.fixture
def three(data_root, write_image):
    """data/three: cat (2 images), dog (3), frog (2), once as a folder and once as a zip."""
    seed = 0
    for name, count in (("cat", 2), ("dog", 3), ("frog", 2)):
        for i in range(count):
            seed += 1
            write_image(data_root / "three" / name / f"{i}.png", seed)
    with zipfile.ZipFile(data_root / "three.zip", "w") as archive:
        for path in sorted((data_root / "three").rglob("*.png")):
            archive.write(path, path.relative_to(data_root / "three"))
    return data_root / "three"


@pytest.mark.parametrize("arguments", [{"name": "folder", "path": "three"}, {"name": "zip", "path": "three.zip"}], ids=["folder", "zip"])
def test_only_their_images_labelled_anew_in_the_sets_order(three, arguments):
    whole, some = load(**arguments), load(**arguments, classes=["frog", "cat"])
    assert some.classes == ("cat", "frog") and some.labels.tolist() == [0, 0, 1, 1]
    assert np.array_equal(some.images.numpy(), whole.images.numpy()[[0, 1, 5, 6]])
    assert some.digest != whole.digest
    assert load(**arguments, classes=["cat", "frog"]).digest == some.digest
    assert load(**arguments, classes=["frog", "dog", "cat"]).digest == whole.digest


@pytest.mark.parametrize("arguments", [{"name": "folder", "path": "three"}, {"name": "zip", "path": "three.zip"}], ids=["folder", "zip"])
def test_classes_of_equal_number_are_cached_apart(three, arguments):
    for _ in range(2):
        cats, frogs = load(**arguments, classes=["cat"]), load(**arguments, classes=["frog"])
        assert cats.images.shape == frogs.images.shape and cats.labels.tolist() == frogs.labels.tolist()
        assert not np.array_equal(cats.images.numpy(), frogs.images.numpy())


def test_the_other_classes_are_not_read(three):
    whole = load("folder", path="three", classes=["cat"]).digest
    (three / "dog" / "0.png").write_text("no image")
    (three / "frog" / "0.png").unlink()
    assert load("folder", path="three", classes=["cat"]).digest == whole
    assert len(list((three.parents[1] / "cache").rglob("pixels.npy"))) == 1  # nor do they make the cache stale


def test_a_built_in_set(monkeypatch):
    whole, some = load("digits"), load("digits", classes=["7", "3"])
    kept = np.isin(whole.labels.numpy(), [3, 7])
    assert some.classes == ("3", "7") and np.array_equal(some.images.numpy(), whole.images.numpy()[kept])
    assert np.array_equal(some.labels.numpy(), (whole.labels.numpy()[kept] == 7).astype(np.int64))
    assert load("digits", classes=list("0123456789")).digest == whole.digest


def test_they_are_chosen_before_the_limit_is_and_before_the_size():
    some = load("digits", classes=["3", "7"])
    few = load("digits", classes=["3", "7"], limit=40)
    kept = np.sort(np.random.RandomState(0).permutation(len(some))[:40])
    assert np.array_equal(few.images.numpy(), some.images.numpy()[kept]) and set(few.labels.tolist()) == {0, 1}
    with pytest.raises(DataError, match=f"limit is 1437, expected a whole number from 1 to {len(some)}"):
        load("digits", classes=["3", "7"], limit=1437)
    assert load("digits", classes=["3"], resize=4).shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        (["cta"], "1 of the 1 classes asked for are not there: cta. Did you mean 'cat'? It has 3: cat, dog, frog."),
        (["dog", "wolf", "bear"], "2 of the 3 classes asked for are not there: wolf, bear."),
        (["dog", "cat", "dog"], "classes names dog more than once"),
        ([], "classes is [], expected a list of class names"),
        ("dog", "classes is 'dog', expected a list of class names"),
        ([3], "classes is [3], expected a list of class names"),
        (["DOG"], "not there: DOG"),
        (["../three/dog"], "not there: ../three/dog"),
    ],
    ids=["misspelt", "two", "twice", "none", "a word", "a number", "case", "a path"],
)
@pytest.mark.parametrize("name", ["folder", "zip"])
def test_classes_that_cannot_be_meant_are_refused(three, name, classes, says):
    with pytest.raises(DataError) as refused:
        load(name, path="three" if name == "folder" else "three.zip", classes=classes)
    assert says in str(refused.value)


def test_a_built_in_set_refuses_them_alike():
    with pytest.raises(DataError, match="data set 'digits': 1 of the 2 classes asked for are not there: ten"):
        load("digits", classes=["1", "ten"])
    with pytest.raises(DataError, match="names 1 more than once"):
        load("digits", classes=["1", "1"])
