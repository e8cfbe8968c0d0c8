"""The cache of decoded images: whole or absent, checked, built once."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ganzoo
from ganzoo.data import load
from ganzoo.data.cache import cached
from ganzoo.errors import DataError

MAPS = Path("/proc/self/maps")  # Linux: the files this process has mapped
PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 1, 3, 4)


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


class Builder:
    """Writes PIXELS and counts how often it was asked to."""

    def __init__(self):
        self.calls = 0

    def __call__(self, path: Path) -> None:
        self.calls += 1
        np.save(path, PIXELS)


@pytest.fixture
def builder() -> Builder:
    return Builder()


def test_built_once_then_read(tmp_path, builder):
    for _ in range(2):
        pixels, digest = cached(tmp_path, "key", builder, sha256)
        assert np.array_equal(pixels, PIXELS) and digest == sha256(PIXELS)
    assert builder.calls == 1
    cached(tmp_path, "another key", builder, sha256)
    assert builder.calls == 2


def test_writing_into_the_array_leaves_the_entry_whole(tmp_path, builder):
    pixels, _ = cached(tmp_path, "key", builder, sha256)
    pixels[:] = 0
    assert np.array_equal(cached(tmp_path, "key", builder, sha256)[0], PIXELS)
    assert builder.calls == 1


def pickled(path: Path) -> None:
    np.save(path, np.array([print], dtype=object), allow_pickle=True)


DAMAGE = {
    "one bit": lambda entry: flip_last(entry / "pixels.npy"),
    "cut short": lambda entry: (entry / "pixels.npy").write_bytes((entry / "pixels.npy").read_bytes()[:-5]),
    "empty": lambda entry: (entry / "pixels.npy").write_bytes(b""),
    "a zip instead": lambda entry: (entry / "pixels.npy").write_bytes(b"PK\x03\x04" + bytes(100)),
    "a pickle instead": lambda entry: pickled(entry / "pixels.npy"),
    "another shape": lambda entry: np.save(entry / "pixels.npy", PIXELS[:2]),
    "no digest": lambda entry: (entry / "digest.json").unlink(),
    "digest cut short": lambda entry: (entry / "digest.json").write_text('{"sha'),
    "digest of another kind": lambda entry: (entry / "digest.json").write_text(json.dumps(["x"])),
}


def flip_last(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_entry_is_built_again(tmp_path, builder, kind):
    cached(tmp_path, "key", builder, sha256)
    DAMAGE[kind](tmp_path / "images" / "key")
    for _ in range(2):
        assert np.array_equal(cached(tmp_path, "key", builder, sha256)[0], PIXELS)
    assert builder.calls == 2


def test_a_build_that_fails_leaves_no_entry(tmp_path, builder):
    def fails(path: Path) -> None:
        np.save(path, PIXELS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path, "key", fails, sha256)
    assert not list(tmp_path.rglob("*.npy"))
    cached(tmp_path, "key", builder, sha256)
    assert builder.calls == 1


def test_what_a_killed_build_left_is_swept_away(tmp_path, builder):
    leftover = tmp_path / "images" / "key.partial"
    leftover.mkdir(parents=True)
    (leftover / "pixels.npy").write_bytes(b"half")
    assert np.array_equal(cached(tmp_path, "key", builder, sha256)[0], PIXELS)
    assert not leftover.exists()


def test_processes_side_by_side_build_once_and_agree(tmp_path):
    script = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(ganzoo.__file__).parents[1])!r})
import hashlib
import numpy as np
from ganzoo.data.cache import cached
def build(path):
    with open({str(tmp_path / "builds")!r}, "a") as file:
        file.write("built\\n")
    time.sleep(0.5)
    np.save(path, np.full((4, 1, 8, 8), 7, dtype=np.uint8))
print(cached(Path({str(tmp_path)!r}), "key", build, lambda a: hashlib.sha256(a.tobytes()).hexdigest())[1])
"""
    processes = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    digests = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert digests == [hashlib.sha256(bytes([7]) * 256).hexdigest()] * 3
    assert (tmp_path / "builds").read_text() == "built\n"


def test_a_cache_that_cannot_be_written_is_named(tmp_path, builder):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cannot be written.*GANZOO_CACHE"):
        cached(tmp_path / "cache", "key", builder, sha256)


def test_a_loaded_set_is_a_map_of_the_cache_and_its_digest_covers_labels(pack, tmp_path):
    found = load("folder", path="pack", cache=tmp_path / "elsewhere")
    (entry,) = (tmp_path / "elsewhere" / "images").glob("*/pixels.npy")
    assert np.array_equal(np.load(entry), found.images.numpy())
    if MAPS.exists():
        assert str(entry) in MAPS.read_text()
    (pack / "train" / "frog" / "2.png").rename(pack / "train" / "toad" / "0.png")  # the same pixels in the same order
    moved = load("folder", path="pack")
    assert np.array_equal(moved.images.numpy(), found.images.numpy())
    assert moved.digest != found.digest
