"""Statistics of reals on disk: built once, checked, rebuilt where damaged."""

from __future__ import annotations

import multiprocessing
import time

import pytest
import torch

from ganzoo.metrics.statistics_cache import cached_statistics

KEY = "0" * 64


def tensors() -> dict[str, torch.Tensor]:
    return {"mean": torch.arange(4, dtype=torch.float64), "features": torch.arange(6.0).view(2, 3), "count": torch.tensor(7)}


def refuse() -> dict[str, torch.Tensor]:
    raise AssertionError("built although it was there")


def same(one, two) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) and one[name].dtype == two[name].dtype for name in one)


def test_built_once_then_read(tmp_path):
    assert same(cached_statistics(tmp_path, KEY, tensors), tensors())
    assert same(cached_statistics(tmp_path, KEY, refuse), tensors())
    assert sorted(path.name for path in (tmp_path / "statistics").iterdir()) == [f"{KEY}.lock", f"{KEY}.safetensors"]


def test_another_key_is_another_entry(tmp_path):
    cached_statistics(tmp_path, KEY, tensors)
    other = cached_statistics(tmp_path, "1" * 64, lambda: {"mean": torch.zeros(1)})
    assert other.keys() == {"mean"} and same(cached_statistics(tmp_path, KEY, refuse), tensors())


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "other header"])
def test_a_damaged_entry_is_built_again(tmp_path, damage):
    cached_statistics(tmp_path, KEY, tensors)
    path = tmp_path / "statistics" / f"{KEY}.safetensors"
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[:-5]
    elif damage == "flipped":
        content[-1] ^= 1
    elif damage == "emptied":
        content = bytearray()
    else:
        content = bytearray(bytes(content).replace(b"sha256", b"sha257"))
    path.write_bytes(content)
    built = []
    assert same(cached_statistics(tmp_path, KEY, lambda: built.append(1) or tensors()), tensors())
    assert built == [1] and same(cached_statistics(tmp_path, KEY, refuse), tensors())


def test_a_failed_build_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError):
        cached_statistics(tmp_path, KEY, lambda: (_ for _ in ()).throw(RuntimeError("stopped")))
    assert [path.suffix for path in (tmp_path / "statistics").iterdir()] == [".lock"]
    assert same(cached_statistics(tmp_path, KEY, tensors), tensors())


def test_leftovers_of_a_killed_writer_are_cleared(tmp_path):
    (tmp_path / "statistics").mkdir()
    left = tmp_path / "statistics" / f".{KEY}.4242.part"
    left.write_bytes(b"half")
    cached_statistics(tmp_path, KEY, tensors)
    assert not left.exists()


def test_a_cache_that_is_a_file(tmp_path):
    (tmp_path / "cache").write_text("no folder")
    assert same(cached_statistics(tmp_path / "cache", KEY, tensors), tensors())


def _ask(folder, log) -> None:
    def build():
        with log.open("a") as handle:
            handle.write("built\n")
        time.sleep(0.3)
        return tensors()

    assert same(cached_statistics(folder, KEY, build), tensors())


def test_two_processes_build_it_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_ask, args=(tmp_path, tmp_path / "log")) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    assert (tmp_path / "log").read_text() == "built\n"
