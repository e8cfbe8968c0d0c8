"""Data sets 'pairs' and 'domains': layouts, sides, what is held out, and everything that is refused before a training."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data import describe, load, load_pairs
from ganzoo.data.pairs import enlarged
from ganzoo.errors import DataError


def picture(seed: int, size: tuple[int, int] = (8, 8), channels: int = 3) -> np.ndarray:
    """Random pixels (H, W, C) of a (width, height); grey ones are (H, W)."""
    pixels = np.random.RandomState(seed).randint(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    return pixels if channels == 3 else pixels[:, :, 0]


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def planes(pixels: np.ndarray) -> np.ndarray:
    return pixels.transpose(2, 0, 1)


def write_pairs(folder: Path, count: int = 3, first: int = 0) -> None:
    """Pair i has the pictures 2i on the left and 2i + 1 on the right, 8x8 each."""
    for i in range(first, first + count):
        save(folder / f"{i:03d}.png", np.hstack([picture(2 * i), picture(2 * i + 1)]))


def write_side(folder: Path, count: int, seed: int, **image) -> None:
    for i in range(count):
        save(folder / f"{i:03d}.png", picture(seed + i, **image))


def zipped(folder: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))


def keys(images: torch.Tensor) -> list[bytes]:
    return [image.numpy().tobytes() for image in images]


def test_a_pair_is_the_two_halves_of_a_file(data_root):
    write_pairs(data_root / "set" / "train")
    found = load_pairs("pairs", path="set", source="left")
    assert found.paired and len(found) == 3 and found.shape == (3, 8, 8) and (found.name, found.split) == ("pairs", "train")
    for i in range(3):
        assert np.array_equal(found.a[i].numpy(), planes(picture(2 * i)))
        assert np.array_equal(found.b[i].numpy(), planes(picture(2 * i + 1)))
    assert found.a.is_contiguous() and found.b.is_contiguous() and found.a.dtype == torch.uint8


def test_the_source_is_the_input_side(data_root):
    write_pairs(data_root / "set" / "train")
    unsaid, left, right = (load_pairs("pairs", path="set", source=source) for source in (None, "left", "right"))
    assert torch.equal(left.a, right.b) and torch.equal(left.b, right.a) and not torch.equal(left.a, right.a)
    assert unsaid.digest == left.digest != right.digest


@pytest.mark.parametrize("layout", ["set/train", "set/train/pair", "set/pair", "set"])
def test_pairs_lie_alike_in_folders_and_zips(data_root, layout):
    write_pairs(data_root / "plain" / "train")
    expected = load_pairs("pairs", path="plain")
    write_pairs(data_root / layout)
    zipped(data_root / "set", data_root / "set.zip")
    zipped(data_root / "set", data_root / "zips" / "train.zip")
    for path in ("set", "set.zip", "zips"):
        assert load_pairs("pairs", path=path).digest == expected.digest


def test_each_split_holds_its_own(data_root):
    write_pairs(data_root / "set" / "train")
    write_pairs(data_root / "set" / "val", 2, first=10)
    assert np.array_equal(load_pairs("pairs", "val", path="set").a[0].numpy(), planes(picture(20)))
    assert len(load_pairs("pairs", path="set")) == 3
    with pytest.raises(DataError, match="no split 'test'. It holds: train, val"):
        load_pairs("pairs", "test", path="set")
    (data_root / "set" / "train").rename(data_root / "train")
    with pytest.raises(DataError, match="no split 'train'. It holds: val"):  # the validation pairs are not handed out under another name
        load_pairs("pairs", path="set")


def test_halves_are_resized_each_for_itself(data_root):
    save(data_root / "set" / "1.png", np.hstack([np.zeros((9, 9), np.uint8), np.full((9, 9), 255, np.uint8)]))
    found = load_pairs("pairs", path="set", resize=4)
    assert found.a.shape == (1, 1, 4, 4) and found.a.unique().tolist() == [0] and found.b.unique().tolist() == [255]


@pytest.mark.parametrize(
    ("a", "b", "domains"),
    [("train/cat", "train/dog", ["cat", "dog"]), ("trainA", "trainB", ["A", "B"]), ("cat", "dog", ["cat", "dog"])],
    ids=["class folders", "CycleGAN", "no splits"],
)
def test_domains_lie_alike_in_folders_and_zips(data_root, a, b, domains):
    write_side(data_root / "set" / a, 2, 100)
    write_side(data_root / "set" / b, 3, 200)
    zipped(data_root / "set", data_root / "set.zip")
    zipped(data_root / "set", data_root / "zips" / "train.zip")
    found = load_pairs("domains", path="set", domains=domains)
    assert not found.paired and len(found.a) == 2 and len(found) == len(found.b) == 3 and found.shape == (3, 8, 8)
    assert np.array_equal(found.a[1].numpy(), planes(picture(101))) and np.array_equal(found.b[2].numpy(), planes(picture(202)))
    for path in ("set.zip", "zips"):
        assert load_pairs("domains", path=path, domains=domains).digest == found.digest
    turned = load_pairs("domains", path="set", domains=domains[::-1])
    assert torch.equal(turned.a, found.b) and torch.equal(turned.b, found.a) and turned.digest != found.digest


def test_other_folders_do_not_matter_to_two_domains(data_root):
    for seed, side in enumerate(("trainA", "trainB", "testA", "testB")):
        write_side(data_root / "set" / side, 1, seed)
    (data_root / "set" / "valA").mkdir()
    (data_root / "set" / "README.md").write_text("not an image")
    found = load_pairs("domains", "test", path="set", domains=["A", "B"])
    assert np.array_equal(found.a[0].numpy(), planes(picture(2))) and np.array_equal(found.b[0].numpy(), planes(picture(3)))


def test_other_domains_of_a_zip_are_other_images(data_root):
    """One file, so one key of its content; as many images on every side."""
    for seed, side in enumerate(("cat", "dog", "frog", "toad")):
        write_side(data_root / "set" / side, 2, 10 * seed)
    zipped(data_root / "set", data_root / "set.zip")
    found = [load_pairs("domains", path="set.zip", domains=sides) for sides in (["cat", "dog"], ["frog", "toad"])]
    assert np.array_equal(found[1].a[0].numpy(), planes(picture(20))) and not torch.equal(found[0].a, found[1].a)


def test_one_coloured_side_makes_both_coloured(data_root):
    write_side(data_root / "grey" / "a", 2, 1, channels=1)
    write_side(data_root / "grey" / "b", 2, 5, channels=1)
    assert load_pairs("domains", path="grey", domains=["a", "b"]).shape == (1, 8, 8)
    write_side(data_root / "mixed" / "a", 2, 1, channels=1)
    write_side(data_root / "mixed" / "b", 2, 5)
    found = load_pairs("domains", path="mixed", domains=["a", "b"])
    assert found.a.shape == found.b.shape == (2, 3, 8, 8)
    assert all(np.array_equal(channel, picture(1, channels=1)) for channel in found.a[0].numpy())


def test_files_are_decoded_once(data_root, tmp_path):
    write_pairs(data_root / "set" / "train", 6)
    calls = []
    for source in ("left", "right"):
        for part in ("train", "held-out"):
            load_pairs("pairs", path="set", source=source, part=part, holdout=2, progress=lambda *done: calls.append(done))
    assert calls == [(6, 6)] and len(list((tmp_path / "cache").rglob("pixels.npy"))) == 1
    assert load("folder", path="set").shape == (3, 8, 16)  # the same files as whole images are another entry


def test_pairs_and_domains_of_the_same_pixels_are_two_sets(data_root):
    write_pairs(data_root / "pairs" / "train")
    for i in range(3):
        save(data_root / "sides" / "trainA" / f"{i}.png", picture(2 * i))
        save(data_root / "sides" / "trainB" / f"{i}.png", picture(2 * i + 1))
    paired, unpaired = load_pairs("pairs", path="pairs"), load_pairs("domains", path="sides", domains=["A", "B"])
    assert torch.equal(paired.a, unpaired.a) and torch.equal(paired.b, unpaired.b) and paired.digest != unpaired.digest


@pytest.mark.parametrize("half", [0, 8])
def test_the_digest_is_over_both_sides(data_root, half):
    write_pairs(data_root / "set")
    first = load_pairs("pairs", path="set").digest
    pixels = np.hstack([picture(2), picture(3)])
    pixels[0, half, 0] ^= 1
    save(data_root / "set" / "001.png", pixels)
    assert load_pairs("pairs", path="set").digest != first


def test_what_is_held_out_is_the_end_of_the_fixed_shuffle(data_root):
    write_pairs(data_root / "set", 10)
    whole = load_pairs("pairs", path="set")
    train, held = (load_pairs("pairs", path="set", holdout=3, part=part) for part in ("train", "held-out"))
    shuffled = np.random.RandomState(0).permutation(10)
    assert torch.equal(train.a, whole.a[np.sort(shuffled[:7])]) and torch.equal(train.b, whole.b[np.sort(shuffled[:7])])
    assert torch.equal(held.a, whole.a[np.sort(shuffled[7:])]) and torch.equal(held.b, whole.b[np.sort(shuffled[7:])])
    assert sorted(keys(train.a) + keys(held.a)) == sorted(keys(whole.a))
    assert len({whole.digest, train.digest, held.digest}) == 3


def test_a_limit_moves_nothing_that_is_held_out(data_root):
    write_pairs(data_root / "set", 10)
    some, more, all_of_it = (load_pairs("pairs", path="set", holdout=3, limit=limit) for limit in (2, 5, 7))
    assert set(keys(some.a)) < set(keys(more.a)) < set(keys(all_of_it.a)) and len(some) == 2
    assert all_of_it.digest == load_pairs("pairs", path="set", holdout=3).digest
    limited = load_pairs("pairs", path="set", holdout=3, limit=2, part="held-out")
    assert limited.digest == load_pairs("pairs", path="set", holdout=3, part="held-out").digest
    assert set(keys(limited.a)).isdisjoint(keys(all_of_it.a))


def test_of_domains_so_many_of_each_side_are_held_out(data_root):
    write_side(data_root / "set" / "cat", 4, 100)
    write_side(data_root / "set" / "dog", 6, 200)
    train, held = (load_pairs("domains", path="set", domains=["cat", "dog"], holdout=2, part=part) for part in ("train", "held-out"))
    assert (len(train.a), len(train.b), len(held.a), len(held.b)) == (2, 4, 2, 2)
    assert set(keys(train.a)).isdisjoint(keys(held.a)) and set(keys(train.b)).isdisjoint(keys(held.b))
    assert not held.paired


@pytest.mark.parametrize(
    ("resize", "enlarge", "side"), [(128, 1.12, 143), (128, 1.0, 128), (100, 1.15, 115), (None, 1.0, None), (256, 286 / 256, 286)]
)
def test_the_enlarged_side(resize, enlarge, side):
    """Whole pixels, rounded down, of the product and not of its binary error: 100 · 1.15 is 114.99… to a computer."""
    assert enlarged(resize, enlarge) == side


def test_images_are_held_at_the_enlarged_side(data_root):
    write_pairs(data_root / "set")
    assert load_pairs("pairs", path="set", resize=4, enlarge=1.5).shape == (3, 6, 6)
    write_side(data_root / "sides" / "a", 1, 1, size=(8, 8))
    write_side(data_root / "sides" / "b", 1, 1, size=(12, 9))
    assert load_pairs("domains", path="sides", domains=["a", "b"], resize=4, enlarge=1.5).shape == (3, 6, 6)


PAIRS, DOMAINS = {"name": "pairs", "path": "set"}, {"name": "domains", "path": "sides", "domains": ["cat", "dog"]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"name": "pears", "path": "set"}, "unknown data set 'pears' of two sides. Did you mean 'pairs'?"),
        ({"name": "folder", "path": "set"}, "data set 'folder' has one side, expected one of two sides, for translation: pairs or domains"),
        ({"name": "pairs"}, "data set 'pairs' needs a path"),
        (PAIRS | {"path": "nowhere"}, "'nowhere' not found. Looked in: "),
        (PAIRS | {"path": "../set"}, "leaves the data folder"),
        (PAIRS | {"path": "link"}, "leaves the data folder"),
        (PAIRS | {"split": "../train"}, "split '../train' is not the name of a folder"),
        (PAIRS | {"split": "tset"}, "no split 'tset'"),
        (PAIRS | {"part": "heldout"}, "no part 'heldout' of data set 'pairs'. Did you mean 'held-out'?"),
        (PAIRS | {"source": "lift"}, "source is 'lift', expected the half that is the input. Did you mean 'left'?"),
        (PAIRS | {"domains": ["a", "b"]}, "takes no domains, got ['a', 'b']. Remove data.domains"),
        (PAIRS | {"holdout": 3}, "holdout is 3, expected a whole number from 0 to 2: there are 3 pairs"),
        (PAIRS | {"holdout": -1}, "holdout is -1"),
        (PAIRS | {"part": "held-out"}, "nothing is held out of 3 pairs. Set data.holdout"),
        (
            PAIRS | {"limit": 3, "holdout": 1},
            "limit is 3, expected a whole number from 1 to 2 pairs, which is all that there are, besides the 1",
        ),
        (PAIRS | {"limit": 0}, "limit is 0"),
        (PAIRS | {"resize": 0}, "resize is 0"),
        (PAIRS | {"enlarge": 1.1}, "enlarge is 1.1 without a resize. Set data.resize"),
        (PAIRS | {"enlarge": 0.9, "resize": 4}, "enlarge is 0.9, expected a factor from 1 on"),
        (PAIRS | {"enlarge": float("nan"), "resize": 4}, "enlarge is nan, expected"),
        (PAIRS | {"enlarge": 2.0, "resize": 2000}, "resize 2000 enlarged by 2.0 is 4000, expected at most 2,048"),
        (DOMAINS | {"source": "left"}, "data set 'domains' takes no source, got 'left'. Remove data.source"),
        (DOMAINS | {"domains": None}, "domains is None, expected the names of two different folders. Set data.domains"),
        (DOMAINS | {"domains": ["cat", "cat"]}, "domains is ['cat', 'cat'], expected the names of two different folders"),
        (DOMAINS | {"domains": ["cat", "../dog"]}, "domains is ['cat', '../dog'], expected"),
        (DOMAINS | {"domains": "ab"}, "domains is 'ab', expected"),
        (DOMAINS | {"domains": ["cat", "dgo"]}, "no side 'dgo' of data.domains: expected images in 'train/dgo'. Did you mean 'dog'?"),
        (
            DOMAINS | {"domains": ["A", "B"]},
            "no side 'A' or 'B' of split 'train'. It holds: cat, dog, none. Expected train/A/* and train/B/*, or",
        ),
        (DOMAINS | {"domains": ["cat", "none"]}, "side 'none' is empty: 'train/none' holds no image. Fill it"),
        (DOMAINS | {"holdout": 2}, "holdout is 2, expected a whole number from 0 to 1: there are 2 images of side 'cat'"),
        (DOMAINS | {"limit": 3}, "limit is 3, expected a whole number from 1 to 2 images of side 'cat'"),
        (PAIRS | {"path": "sides"}, "'train/cat', 'train/dog', expected one folder"),
    ],
)
def test_what_cannot_be_meant_is_refused(data_root, tmp_path, arguments, says):
    write_pairs(data_root / "set" / "train")
    write_side(data_root / "sides" / "train" / "cat", 2, 1)
    write_side(data_root / "sides" / "train" / "dog", 3, 5)
    if arguments["name"] == "domains":
        (data_root / "sides" / "train" / "none").mkdir()
    write_pairs(tmp_path / "outside")
    (data_root / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(DataError) as refused:
        load_pairs(**arguments)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ((15, 8), "is 15x8: a width of 15 pixels cannot be halved"),
        ((8, 8), "is 8x8: its halves would be 4x8, not square"),
        ((24, 8), "is 24x8: its halves would be 12x8, not square"),
    ],
)
@pytest.mark.parametrize("resize", [None, 4])
def test_a_file_that_is_no_pair_is_named(data_root, tmp_path, size, says, resize):
    for i in range(2):
        save(data_root / "set" / f"{i}.png", picture(i, size=size))
    with pytest.raises(DataError, match="'0.png'") as refused:
        load_pairs("pairs", path="set", resize=resize)
    assert says in str(refused.value) and "use data set 'domains'" in str(refused.value)
    assert not list((tmp_path / "cache").rglob("*.npy"))


SIDES_AS_PAIRS = {  # folders → the names of domains that the message offers
    ("trainA", "trainB"): "[A, B]",
    ("trainA", "trainB", "testA", "testB"): "[A, B]",
    ("trainA",): "",
    ("valA", "testA", "cat"): "",
    ("train/A", "train/B"): "[A, B]",
    ("train/cat", "train/dog", "train/frog"): "[..], the names of both",
    ("cat", "dog"): "[cat, dog]",
}


@pytest.mark.parametrize("path", ["set", "set.zip", "zips"])
@pytest.mark.parametrize("folders", SIDES_AS_PAIRS, ids=" ".join)
def test_sides_are_no_pairs_though_every_image_halves_into_squares(data_root, tmp_path, folders, path):
    for seed, folder in enumerate(folders):
        write_side(data_root / "set" / folder, 2, 10 * seed, size=(16, 8))
    zipped(data_root / "set", data_root / "set.zip")
    zipped(data_root / "set", data_root / "zips" / "train.zip")
    with pytest.raises(DataError, match="use data set 'domains'") as refused:
        load_pairs("pairs", path=path)
    told = str(refused.value)
    assert ", ".join(map(repr, sorted(folders))) + ", expected one folder" in told and "pairs move into one folder" in told
    assert "\n" not in told and f"data.domains: {SIDES_AS_PAIRS[folders]}" in told
    assert not list((tmp_path / "cache").rglob("*.npy"))


def test_sides_of_another_split_are_no_pairs_either(data_root):
    for side in ("trainA", "trainB", "testA", "testB"):
        write_side(data_root / "set" / side, 1, 1, size=(16, 8))
    with pytest.raises(DataError, match=r"'testA', 'testB'.*use data set 'domains' with data.domains: \[A, B\]"):
        load_pairs("pairs", "test", path="set")


def test_pairs_beside_a_folder_of_pairs_are_refused_and_an_empty_folder_is_not(data_root):
    write_pairs(data_root / "set" / "train" / "pair")
    (data_root / "set" / "train" / "other").mkdir()
    write_pairs(data_root / "set" / "trainA", 1)  # beside a folder of the split's own name it does not matter
    assert len(load_pairs("pairs", path="set")) == 3
    write_pairs(data_root / "set" / "train", 1, first=10)
    with pytest.raises(DataError, match="pairs lie in 'train/' and in 'train/pair', expected one folder. Move them into one"):
        load_pairs("pairs", path="set")


def test_one_odd_file_among_pairs_is_named_before_anything_is_decoded(data_root, tmp_path):
    write_pairs(data_root / "set")
    save(data_root / "set" / "002.png", picture(0, size=(11, 8)))
    with pytest.raises(DataError, match="'002.png' is 11x8"):
        load_pairs("pairs", path="set", resize=4)
    assert not list((tmp_path / "cache").rglob("*.npy"))


def test_sizes_may_differ_only_where_they_are_resized(data_root):
    save(data_root / "set" / "1.png", picture(0, size=(16, 8)))
    save(data_root / "set" / "2.png", picture(1, size=(12, 6)))
    with pytest.raises(DataError, match=r"'1.png' is 16x8, '2.png' is 12x6.*data.resize"):
        load_pairs("pairs", path="set")
    assert load_pairs("pairs", path="set", resize=5).shape == (3, 5, 5)
    write_side(data_root / "sides" / "a", 2, 1)
    write_side(data_root / "sides" / "b", 2, 1, size=(9, 9))
    with pytest.raises(DataError, match=r"'a/000.png' is 8x8, 'b/000.png' is 9x9.*data.resize"):
        load_pairs("domains", path="sides", domains=["a", "b"])


@pytest.mark.parametrize(
    ("name", "stray", "says"),
    [
        ("pairs", "train/notes.txt", "'train/notes.txt' is not an image file"),
        ("pairs", "train/a/y/1.png", "'train/a/y/' lies deeper than images may below 'train/'"),
        ("domains", "train/a/notes.txt", "'train/a/notes.txt' is not an image file"),
        ("domains", "train/a/more/1.png", "'train/a/more/' lies deeper than images may below 'train/a/'"),
    ],
)
def test_stray_files_are_refused_and_not_passed_over(data_root, name, stray, says):
    for folder in ("a",) if name == "pairs" else ("a", "b"):
        write_pairs(data_root / "set" / "train" / folder)
    (data_root / "set" / stray).parent.mkdir(parents=True, exist_ok=True)
    (data_root / "set" / stray).write_text("stray")
    with pytest.raises(DataError) as refused:
        load_pairs(name, path="set", domains=["a", "b"] if name == "domains" else None)
    assert says in str(refused.value)


def test_an_empty_set_and_a_missing_zip_are_named(data_root):
    (data_root / "set" / "train").mkdir(parents=True)
    with pytest.raises(DataError, match="no pairs for split 'train'. Expected SPLIT/image or SPLIT/FOLDER/image"):
        load_pairs("pairs", path="set")
    write_pairs(data_root / "other")
    zipped(data_root / "other", data_root / "zips" / "train.zip")
    with pytest.raises(DataError, match=r"no split 'test'. It holds: train.zip. Expected test.zip or the folder test"):
        load_pairs("pairs", "test", path="zips")


def test_links_out_of_the_set_are_refused(data_root):
    write_pairs(data_root / "other")
    (data_root / "set").mkdir()
    (data_root / "set" / "train").symlink_to(data_root / "other")
    with pytest.raises(DataError, match="is a link that leaves the folder"):
        load_pairs("pairs", path="set")


@pytest.mark.parametrize("name", ["pairs", "domains"])
def test_a_set_of_two_sides_is_described_and_not_loaded_as_one(name):
    told = describe(name)
    assert told["needs_path"] and told["shape"] is told["splits"] is None and "data.path" in told["how_to_get"]
    with pytest.raises(DataError, match=f"data set '{name}' has two sides, expected one side. Use a model that translates"):
        load(name, path="set")


def test_the_facades_pack(users_data):
    if not (users_data / "facades").is_dir():
        pytest.skip("no facades below GANZOO_DATA")
    train, held = (load_pairs("pairs", path="facades", resize=16, source="right", holdout=50, part=part) for part in ("train", "held-out"))
    assert train.a.shape == train.b.shape == (350, 3, 16, 16) and len(held) == 50
    bluer = [(side[:, 2].float().mean() - side[:, 0].float().mean()).item() for side in (train.a, train.b)]
    assert bluer[0] > 30 > bluer[1]  # label maps are mostly blue, photographs are not


def test_the_cats_and_dogs_pack(users_data):
    if not (users_data / "cats-dogs64").is_dir():
        pytest.skip("no cats-dogs64 below GANZOO_DATA")
    found = load_pairs("domains", "test", path="cats-dogs64", domains=["dog", "cat"], resize=16, limit=100)
    one_side = load("zip", "test", path="cats-dogs64", classes=["dog"], resize=16, limit=100)
    assert found.shape == (3, 16, 16) and torch.equal(found.a, one_side.images) and len(found.b) == 100
    with pytest.raises(DataError, match=r"'train/cat', 'train/dog', expected one folder.*data.domains: \[cat, dog\]"):
        load_pairs("pairs", path="cats-dogs64")
